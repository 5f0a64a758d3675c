"""How fresh a page is, in words: a pure function of when OVHcloud answered, when it did not, and whether we live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, Subquery
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext as _

from accounts.models import Breaker, Budget
from accounts.ovh import application
from orders import formats
from orders.models import Canary

# A row may be late by this much before the page says so: workers claim in batches.
_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class Freshness:
    """tone: fresh, stale or away. text: the sentence of `#freshness`. query_id: OVHcloud's, of a failed check."""

    tone: str
    text: str
    query_id: str = ""


def freshness(
    *,
    now: datetime,
    zone: ZoneInfo,
    checked_at: datetime | None,
    due_at: datetime | None,
    sang_at: datetime | None,
    unreachable_since: datetime | None,
    unreachable_why: str = "",
    breaker_since: datetime | None = None,
    wait_until: datetime | None = None,
    query_id: str = "",
    live: bool = False,
) -> Freshness:
    """
    Say how old what the page shows is. What is worse is said first: nothing pretends.

    checked_at: the oldest check among what can still change; None: nothing was checked yet. due_at: when the most
    overdue row should have been asked. sang_at: the last sign of life of our workers. unreachable_*: of this account;
    breaker_since: of OVHcloud altogether, None while it answers. wait_until: OVHcloud wants no call of this account
    before; None or past: it does not mind. live: the page updates itself.
    """
    if sang_at is None or now - sang_at > Canary.SILENT_AFTER:
        return Freshness("away", _stopped(sang_at, zone, now), query_id)
    if unreachable_why == "revoked" and unreachable_since is not None:
        return Freshness("away", _unreachable("revoked", formats.since(unreachable_since, zone, now)), query_id)
    if breaker_since is not None:
        since = min(moment for moment in (breaker_since, unreachable_since) if moment)
        return Freshness("away", _unreachable("", formats.since(since, zone, now)), query_id)
    if wait_until is not None and wait_until > now and _matters(wait_until, due_at, unreachable_since):
        return Freshness("stale", _asked_to_wait(wait_until, checked_at, zone, now), query_id)
    if unreachable_since is not None:
        return Freshness("away", _unreachable(unreachable_why, formats.since(unreachable_since, zone, now)), query_id)
    if checked_at is None:
        return Freshness("stale", _("Not checked yet"), query_id)
    ago = formats.ago(now - checked_at)
    if due_at is not None and now - due_at > _LATE:
        return Freshness("stale", _("Checked %(ago)s, the next check is late") % {"ago": ago}, query_id)
    text = _("Live, checked %(ago)s") if live else _("Checked %(ago)s")
    return Freshness("fresh", text % {"ago": ago}, query_id)


def _matters(wait_until: datetime, due_at: datetime | None, unreachable_since: datetime | None) -> bool:
    """Whether the wait keeps us from asking something that is due before it ends."""
    return unreachable_since is not None or (due_at is not None and due_at <= wait_until)


def _asked_to_wait(until: datetime, checked_at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    # The minute it ends in, so that the time named is never too early.
    ends = formats.since(until + timedelta(seconds=59), zone, now)
    if checked_at is None:
        return _("OVHcloud asks us to wait until %(time)s") % {"time": ends}
    said = {"time": ends, "ago": formats.ago(now - checked_at)}
    return _("OVHcloud asks us to wait until %(time)s, last checked %(ago)s") % said


def _stopped(sang_at: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    if sang_at is None:
        return _("Our own checking has not started yet")
    return _("Our own checking has stopped since %(time)s") % {"time": formats.since(sang_at, zone, now)}


def _unreachable(why: str, time: str) -> str:
    if why == "revoked":
        return _("OVHcloud no longer lets us look since %(time)s, showing what we knew then") % {"time": time}
    if why == "limited":
        return _("OVHcloud asks us to wait since %(time)s, showing what we knew then") % {"time": time}
    return _("OVHcloud unreachable since %(time)s, showing what we knew then") % {"time": time}


# --- Where it is read from --------------------------------------------------------------------------------------------
def breaker_since() -> Any:
    """Since when OVHcloud as a whole does not answer, for annotate(); null while it does."""
    failing = Breaker.objects.filter(address=application().address).exclude(state=Breaker.State.CLOSED)
    return Subquery(failing.values(since=Coalesce("failing_since", "opened_at"))[:1])


def signs(nichandle: str) -> dict[str, Any]:
    """
    What decides freshness beside the rows of an order and its import, for annotate(): `sang_at`, `breaker_since` and
    `wait_until`.

    nichandle: how the annotated rows name their account's key, such as "nichandle_id".
    """
    silent = Budget.objects.filter(Q(link__nichandle=OuterRef(nichandle)) | Q(link=None), silent_until__gt=Now())
    return {
        "sang_at": Subquery(Canary.objects.values("sang_at")[:1]),
        "breaker_since": breaker_since(),
        "wait_until": Subquery(silent.order_by("-silent_until").values("silent_until")[:1]),
    }
