"""How the checking goes, for staff of every role: it names no customer."""

from datetime import datetime, timedelta
from typing import Any

from babel.numbers import format_decimal
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.http import StaffRequest, wants_fragment
from accounts.models import Breaker
from orders import formats
from orders.models import Intent
from orders.queries.status import Minute, SyncStatus, sync_status
from support import trail

# Of the chart, in its own units: one minute is a bar of 8 and a gap of 2.
_STEP, _BAR, _HEIGHT = 10, 8, 100


@require_safe
def sync(request: StaffRequest) -> HttpResponse:
    """Numbers about the whole panel; an open page asks for them again."""
    status = sync_status(timezone.now())
    if wants_fragment(request):
        response = render(request, "support/_sync.html", page(status))
    else:
        trail.looked(request, "staff_sync")
        response = render(request, "support/sync.html", page(status))
    patch_vary_headers(response, ["HX-Request", "HX-Boosted", "HX-History-Restore-Request"])
    return response


def page(status: SyncStatus) -> dict[str, Any]:
    """Everything the page shows, as words. No query."""
    return {
        "status": status,
        "alarms": _alarms(status),
        "facts": {
            "due": _count(status.due),
            "lapsed": _count(status.lapsed),
            "median": formats.length(timedelta(seconds=status.lag.median)),
            "p95": formats.length(timedelta(seconds=status.lag.p95)),
            "p99": formats.length(timedelta(seconds=status.lag.p99)),
            "checked": _count(status.checked),
            "calls": _count(status.calls),
            "per_minute": _count(status.minutes[-2].calls),
            "limited": _count(status.limited),
            "failed": _count(status.failed),
            "held_back": _count(status.held_back),
            "canary": _ago(status, status.sang_at) or _("never"),
            "breaker_since": _ago(status, status.breaker_since),
            "oldest_intent": _age(status, status.oldest_intent),
            "imported": _count(status.imports_done),
            "to_import": _count(status.imports_total),
        },
        "intents": [
            (state.label, _count(status.intents[state])) for state in Intent.State if status.intents.get(state)
        ],
        "queues": None if status.queues is None else [(name, _count(depth)) for name, depth in status.queues.items()],
        "chart": _chart(status.minutes),
    }


def _alarms(status: SyncStatus) -> list[dict[str, str]]:
    """What needs somebody now, the worst first, and where to go for it."""
    found: list[str] = []
    if status.sang_at is None:
        found.append(_("No worker has ever run: nothing is checked and nothing is sent."))
    elif status.is_silent:
        silent = {"span": _age(status, status.sang_at)}
        found.append(_("No worker has been heard for %(span)s: nothing is checked and nothing is sent.") % silent)
    if status.breaker != Breaker.State.CLOSED:
        found.append(_("OVHcloud does not answer; only a probe is sent now and then."))
    if status.queues is None:
        found.append(_("Redis cannot be asked: nothing is rung for, and what is due waits for the next sweep."))
    alarms = [{"text": text, "url": ""} for text in found]
    if status.dead:
        alarms.append({"text": _("Something was given up to a person."), "url": reverse("support:queues")})
    return alarms


def _chart(minutes: list[Minute]) -> dict[str, Any]:
    """Bars of calls, those answered 429 on top in another colour; all in whole units of the chart."""
    most = max([minute.calls for minute in minutes] + [1])
    bars = []
    for number, minute in enumerate(minutes):
        height = round(_HEIGHT * minute.calls / most)
        limited = min(height, max(3, round(_HEIGHT * minute.limited / most))) if minute.limited else 0
        bars.append({"x": number * _STEP, "y": _HEIGHT - height, "height": height, "limited": limited})
    return {
        "bars": [bar for bar in bars if bar["height"]],
        "width": len(minutes) * _STEP - (_STEP - _BAR),
        "bar": _BAR,
        "height": _HEIGHT,
        "most": _count(most),
    }


def _count(number: int) -> str:
    return format_decimal(number, locale=formats.locale())


def _ago(status: SyncStatus, moment: datetime | None) -> str:
    return formats.ago(status.at - moment) if moment else ""


def _age(status: SyncStatus, moment: datetime | None) -> str:
    return formats.length(max(status.at - moment, timedelta())) if moment else ""
