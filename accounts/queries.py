"""What the account's page reads, shaped for it: six queries, however many links and sessions there are."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.db.models.query import QuerySet
from django.utils import timezone
from django.utils.translation import get_language

from accounts import notices, words
from accounts.http import CustomerRequest
from accounts.models import AuditEvent, Link, Nichandle, Notice, Session, User
from accounts.ovh import ORDERING_RULES, covers
from gateway import AccessRule

# How many lines of the trail a page shows, newest first.
LOOKS_SHOWN = 20
# What staff did that an account's owner is told.
LOOKS = ("staff_order",)


def links_i_may_end(user: User) -> QuerySet[Link]:
    """My links to other accounts, and other people's to mine; never my own to my own, which is given back instead."""
    mine = Q(user=user) & ~Q(nichandle=user.nichandle)
    on_mine = Q(nichandle=user.nichandle) & ~Q(user=user)
    return Link.objects.filter(mine | on_mine).select_related("nichandle", "user__nichandle")


def account_for_page(request: CustomerRequest) -> dict[str, Any]:
    """
    Everything `/account/` shows of the signed-in person. Always about their own account and what they hold, whichever
    account the browser is switched to.
    """
    user, own = request.user, request.user.nichandle
    assert own is not None  # noqa: S101  (a customer has one)
    now = timezone.now()
    links = list(user.links.select_related("nichandle").order_by("created_at"))
    return {
        "own": own,
        "country": words.country(own.country),
        "link": next((link for link in links if link.nichandle_id == own.pk), None),
        "may": rights_in_words(next((link for link in links if link.nichandle_id == own.pk), None)),
        "language": dict(settings.LANGUAGES).get(user.language or get_language() or "", ""),
        "linked": [(link, rights_in_words(link)) for link in links if link.nichandle_id != own.pk],
        "holders": [
            (link, rights_in_words(link))
            for link in own.links.exclude(user=user).select_related("user__nichandle").order_by("created_at")
        ],
        "sessions": _sessions(request, now),
        "notices": [
            {"at": notice.at, "sentence": notices.sentence(notice)}
            for notice in Notice.objects.filter(to=own).select_related("nichandle").order_by("-at")[:10]
        ],
        "looks": _looks(own),
    }


def _sessions(request: CustomerRequest, now: datetime) -> list[dict[str, Any]]:
    alive = Session.objects.filter(user=request.user, idle_until__gt=now, expire_date__gt=now)
    return [
        {
            "name": session.name,
            "device": session.device,
            "began_at": session.began_at,
            "used_at": session.used_at,
            "is_this": session.session_key == request.session.session_key,
        }
        for session in alive.order_by("-used_at")
    ]


def _looks(own: Nichandle) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(subject=own.nichandle, action__in=LOOKS).order_by("-at")[:LOOKS_SHOWN]


def rights_in_words(link: Link | None) -> dict[str, bool]:
    """Which of the rights that a page explains this key really has."""
    rules = link.rules if link else []
    return {
        "read": covers(rules, [AccessRule("GET", "/me/order/*")]),
        "withdraw": covers(rules, [AccessRule("POST", "/me/order/*/retraction")]),
        "pay": covers(rules, ORDERING_RULES),
    }
