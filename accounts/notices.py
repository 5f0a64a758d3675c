"""What an account's holders are told: a row each, shown on their account's page and mailed until a server took it."""

import logging
import smtplib
from datetime import timedelta

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import Link, Nichandle, Notice, User

log = logging.getLogger(__name__)

# A mail that no server took for so many tries is left to the page.
MOST_ATTEMPTS = 12
CLAIM = timedelta(seconds=60)


def tell_holders(nichandle: Nichandle, kind: str, by: User) -> None:
    """Tell the owner of this account and whoever else holds a link to it, but not the one who did it."""
    holders = Nichandle.objects.filter(user__links__nichandle=nichandle)
    told = {holder.pk: holder for holder in [nichandle, *holders]}
    told.pop(by.nichandle_id or 0, None)
    who = by.nichandle.nichandle if by.nichandle else ""
    Notice.objects.bulk_create(Notice(nichandle=nichandle, to=to, kind=kind, who=who) for to in told.values())


def tell_of_lapsing_keys() -> int:
    """Tell whose key runs out within days, once for each key. Returns how many were told."""
    now = timezone.now()
    told = Notice.objects.filter(
        nichandle=OuterRef("nichandle"),
        to=OuterRef("user__nichandle"),
        kind=Notice.Kind.KEY_LAPSES,
        at__gt=OuterRef("renewed_at"),
    )
    # Those the operator holds are renewed by the operator, whose page of accounts says when they run out.
    lapsing = Link.objects.usable().filter(expiration__lte=now + Link.SOON).exclude(user__nichandle=None)
    lapsing = lapsing.exclude(Exists(told))
    notices = [
        Notice(nichandle=link.nichandle, to=link.user.nichandle or link.nichandle, kind=Notice.Kind.KEY_LAPSES)
        for link in lapsing.select_related("nichandle", "user__nichandle")
    ]
    Notice.objects.bulk_create(notices)
    return len(notices)


def send_due(limit: int = 20) -> int:
    """Mail what is due. A notice may arrive twice when a worker dies between a server's yes and our note of it."""
    now = timezone.now()
    with transaction.atomic():
        due = Notice.objects.filter(next_attempt_at__lte=now).order_by("next_attempt_at")
        claimed = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle", "to")[:limit])
        Notice.objects.filter(pk__in=[notice.pk for notice in claimed]).update(next_attempt_at=now + CLAIM)
    for notice in claimed:
        _send(notice)
    return len(claimed)


def _send(notice: Notice) -> None:
    notice.attempts += 1
    try:
        if notice.to.email:
            mail(notice).send()
    except (smtplib.SMTPException, OSError, ValueError) as error:
        log.warning("a notice was not taken by the mail server: %s", type(error).__name__)
        pause = timedelta(minutes=min(2**notice.attempts, 360))
        notice.next_attempt_at = timezone.now() + pause if notice.attempts < MOST_ATTEMPTS else None
    else:
        notice.next_attempt_at = None
    notice.save(update_fields=["attempts", "next_attempt_at"])


def mail(notice: Notice) -> EmailMessage:
    """The mail in the language of the account it goes to; it holds no link that acts."""
    with translation.override("fr" if notice.to.language.startswith("fr") else "en"):
        context = {
            "notice": notice,
            "sentence": sentence(notice),
            "account_url": settings.BASE_URL + reverse("accounts:account"),
            "support_email": settings.SUPPORT_EMAIL,
        }
        subject = _("Your OVHcloud account %(account)s in this panel") % {"account": notice.nichandle.nichandle}
        return EmailMessage(subject, render_to_string("mail/notice.txt", context), to=[notice.to.email])


def sentence(notice: Notice) -> str:
    """What happened, for whoever reads the page or the mail."""
    names = {"account": notice.nichandle.nichandle, "who": notice.who or _("The operator of this panel")}
    match notice.kind:
        case Notice.Kind.LINKED:
            return (
                _("%(who)s linked the account %(account)s and can now see its orders and withdraw from them.") % names
            )
        case Notice.Kind.UNLINKED:
            return _("%(who)s ended a link to the account %(account)s.") % names
        case Notice.Kind.KEY_REVOKED:
            return _("OVHcloud no longer lets this panel act for the account %(account)s.") % names
        case _:
            return (
                _("The permission to act for %(account)s runs out within days. Renew it by signing in again.") % names
            )
