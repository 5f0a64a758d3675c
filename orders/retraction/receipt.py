"""The receipt of a declaration: its words, its fingerprint, and its way to the customer by mail."""

import hashlib
import json
import logging
import smtplib
from datetime import UTC, timedelta
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models import Receipt, Retraction
from orders.retraction import words

log = logging.getLogger(__name__)

# A worker that dies with a mail in hand leaves it to the next one after this long; its server answers within 10 s.
CLAIM = timedelta(seconds=60)
# After the first failure; doubled at each, for ever: a receipt is owed until a server has taken it.
FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(hours=6)


def fingerprint(retraction: Retraction) -> str:
    """
    SHA-256, in hex, of what was declared.

    Over UTF-8 JSON without spaces, keys sorted: whoever holds the receipt's facts can compute it again.
    """
    declared = {
        "reference": retraction.reference,
        "declared_at": retraction.declared_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "nichandle": retraction.nichandle,
        "order": retraction.order_number,
        "name": retraction.name,
        "email": retraction.email,
        "statement": retraction.statement,
        "statement_version": retraction.statement_version,
        "language": retraction.language,
    }
    text = json.dumps(declared, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def facts(retraction: Retraction) -> dict[str, Any]:
    """What a receipt states, for the page and for the mail, in the language in force."""
    nichandle = retraction.order.nichandle
    declared_at = retraction.declared_at.astimezone(nichandle.zone)
    return {
        "retraction": retraction,
        "declared_at": words.long_moment(declared_at),
        "fingerprint": fingerprint(retraction),
        "verify_url": settings.BASE_URL + reverse("orders:receipt_verify", args=[retraction.reference]),
        "order_url": settings.BASE_URL + reverse("orders:retraction_show", args=[retraction.order_number]),
        "refund_due": words.plain_day(words.refund_due(retraction, nichandle)),
        "held": retraction.snapshot.get("held", ""),
    }


def mail(receipt: Receipt) -> EmailMessage:
    """The mail as it is sent, in the declaration's language. The same receipt always has the same Message-ID."""
    retraction = receipt.retraction
    with override(retraction.language):
        subject = _("Receipt of your withdrawal from order %(number)s") % {"number": retraction.order_number}
        text = render_to_string("mail/receipt.txt", facts(retraction) | {"support_email": settings.SUPPORT_EMAIL})
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return EmailMessage(
        subject,
        text,
        to=[receipt.address],
        reply_to=[settings.SUPPORT_EMAIL] if settings.SUPPORT_EMAIL else None,
        headers={
            "Message-ID": f"<{retraction.reference.lower()}.{receipt.pk}@{host}>",
            "Auto-Submitted": "auto-generated",
            "Content-Language": retraction.language,
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
        receipts = list(
            due.select_for_update(skip_locked=True, of=("self",)).select_related("retraction__order__nichandle")[:limit]
        )
        for receipt in receipts:
            receipt.attempts += 1
            receipt.next_attempt_at = now + CLAIM
            receipt.save(update_fields=["attempts", "next_attempt_at"])
    return receipts


def _send(receipt: Receipt) -> bool:
    try:
        mail(receipt).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        receipt.last_error = _said(error)
        receipt.next_attempt_at = timezone.now() + _pause(receipt.attempts)
        log.warning("a receipt was not taken by the mail server: %s", type(error).__name__)
    else:
        receipt.last_error = ""
        receipt.sent_at, receipt.next_attempt_at = timezone.now(), None
    receipt.save(update_fields=["last_error", "sent_at", "next_attempt_at"])
    return receipt.sent_at is not None


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
