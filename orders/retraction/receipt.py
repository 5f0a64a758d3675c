"""
A receipt's way to the customer by mail.

The mail carries the PDF. Where that cannot be made the mail goes without, at once, for its words are the receipt; the
PDF follows by itself in a second mail.
"""

import logging
import smtplib
from datetime import timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from orders.models import Receipt, ReceiptDocument
from orders.retraction import words
from orders.retraction.document import document_of, file_name
from orders.retraction.facts import facts as facts
from orders.retraction.facts import fingerprint as fingerprint
from orders.retraction.pdf import PdfFailed

log = logging.getLogger(__name__)

# A worker that dies with a mail in hand leaves it to the next one after this long; its server answers within 10 s.
CLAIM = timedelta(seconds=60)
# After the first failure; doubled at each, for ever: a receipt is owed until a server has taken it.
FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(hours=6)


def mail(receipt: Receipt, document: ReceiptDocument | None) -> EmailMessage:
    """
    The mail as it is sent. The same receipt always has the same Message-ID.

    document: None where it could not be made; a later mail that brings it is another message.
    """
    retraction = receipt.retraction
    if receipt.kind != Receipt.Kind.RECEIPT:
        return _notice(receipt)
    follows = receipt.sent_at is not None
    with override(retraction.language):
        told = facts(retraction) | {"support_email": settings.SUPPORT_EMAIL, "has_document": document is not None}
        text = render_to_string("mail/receipt.txt", told)
        message = _message(receipt, _subject(told, follows), text, "pdf" if follows else "")
    if document:
        message.attach(file_name(retraction), bytes(document.pdf), "application/pdf")
    return message


def _subject(told: dict[str, Any], follows: bool) -> str:
    number = {"number": told["number"]}
    if told["public"]:
        # What was typed may be anything, and a subject is read before a mail is opened.
        return _("Receipt of your withdrawal, as PDF") if follows else _("Receipt of your withdrawal")
    if follows:
        return _("Receipt of your withdrawal from order %(number)s, as PDF") % number
    return _("Receipt of your withdrawal from order %(number)s") % number


def _notice(receipt: Receipt) -> EmailMessage:
    """
    To the address kept with an account, in its language: that somebody declared, or that this was another's order.
    Nothing of what was typed.
    """
    order = receipt.order
    assert order is not None  # noqa: S101  (for the type checker: a notice is of an order)
    account = order.nichandle
    with override("fr" if account.language.startswith("fr") else "en"):
        told = {
            "number": order.order_id,
            "account": account.nichandle,
            "declared_at": words.long_moment(receipt.retraction.declared_at.astimezone(account.zone)),
            "order_url": settings.BASE_URL + reverse("orders:retraction_show", args=[order.order_id]),
            "support_email": settings.SUPPORT_EMAIL,
        }
        if receipt.kind == Receipt.Kind.AMENDS:
            subject = _("Order %(number)s: that withdrawal was not yours") % told
            return _message(receipt, subject, render_to_string("mail/matched_by_mistake.txt", told), "")
        subject = _("A withdrawal from your order %(number)s was declared") % told
        return _message(receipt, subject, render_to_string("mail/declared_for_account.txt", told), "")


def _message(receipt: Receipt, subject: str, text: str, suffix: str) -> EmailMessage:
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    name = ".".join(filter(None, [receipt.retraction.reference.lower(), str(receipt.pk), suffix]))
    return EmailMessage(
        subject,
        text,
        to=[receipt.address],
        reply_to=[settings.SUPPORT_EMAIL] if settings.SUPPORT_EMAIL else None,
        headers={
            "Message-ID": f"<{name}@{host}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": get_language() or settings.LANGUAGE_CODE,
        },
    )


def send_due(limit: int = 20) -> int:
    """
    Send the receipts that are due, and keep the mail server's words where it refuses. Returns how many it took.

    A receipt may be sent twice when a worker dies between the server's yes and our note of it; never not at all.
    """
    return sum(_send(receipt) for receipt in _claim(limit))


def _claim(limit: int) -> list[Receipt]:
    now = timezone.now()
    with transaction.atomic():
        due = Receipt.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at")
        due = due.select_related("retraction__order__nichandle", "order__nichandle")
        receipts = list(due.select_for_update(skip_locked=True, of=("self",))[:limit])
        for receipt in receipts:
            receipt.attempts += 1
            receipt.next_attempt_at = now + CLAIM
            receipt.save(update_fields=["attempts", "next_attempt_at"])
    return receipts


def _send(receipt: Receipt) -> bool:
    document, trouble = _document(receipt)
    if document is None and receipt.sent_at:
        # Its words are with the customer already; only the PDF is still owed.
        _note(receipt, trouble)
        return False
    try:
        mail(receipt, document).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        log.warning("a receipt was not taken by the mail server: %s", type(error).__name__)
        _note(receipt, _said(error))
        return False
    receipt.sent_at = receipt.sent_at or timezone.now()
    receipt.has_document = document is not None
    _note(receipt, trouble)
    return True


def _document(receipt: Receipt) -> tuple[ReceiptDocument | None, str]:
    """The PDF, or None and why there is none; a notice has none and needs none."""
    if receipt.kind != Receipt.Kind.RECEIPT:
        return None, ""
    try:
        return document_of(receipt.retraction), ""
    except Exception as error:
        # Whatever it is, it must not keep the mail: its words are the proof that the law asks for.
        log.exception("a receipt could not be typeset, its mail goes without")
        return None, str(error) if isinstance(error, PdfFailed) else f"{type(error).__name__}: {error}"


def _note(receipt: Receipt, trouble: str) -> None:
    """Write what came of this turn; what is still owed is due again after a pause."""
    receipt.last_error = trouble[:300]
    receipt.next_attempt_at = None if not trouble else timezone.now() + _pause(receipt.attempts)
    receipt.save(update_fields=["last_error", "sent_at", "has_document", "next_attempt_at"])


def _pause(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 12)
    return min(timedelta(seconds=FIRST_RETRY.total_seconds() * 2**doublings), LAST_RETRY)


def _said(error: Exception) -> str:
    """The transport's own words, without the address they were about."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        answer: tuple[int, bytes | str] = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        answer = (error.smtp_code, error.smtp_error)
    else:
        return f"{type(error).__name__}: {error}"[:300]
    code, text = answer
    reason = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {reason}".replace("\0", "")[:300]
