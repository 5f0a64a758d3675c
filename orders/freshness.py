"""How fresh a page is, in words: a pure function of when OVHcloud answered, when it did not, and whether we live."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

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
    query_id: str = "",
    live: bool = False,
) -> Freshness:
    """
    Say how old what the page shows is.

    checked_at: the oldest check among what can still change; None: nothing was checked yet. due_at: when the most
    overdue row should have been asked. sang_at: the last sign of life of our workers. live: the page updates itself.
    """
    if sang_at is None or now - sang_at > Canary.SILENT_AFTER:
        return Freshness("away", _stopped(sang_at, zone, now), query_id)
    if unreachable_since is not None:
        return Freshness("away", _unreachable(unreachable_why, formats.since(unreachable_since, zone, now)), query_id)
    if checked_at is None:
        return Freshness("stale", _("Not checked yet"), query_id)
    ago = formats.ago(now - checked_at)
    if due_at is not None and now - due_at > _LATE:
        return Freshness("stale", _("Checked %(ago)s, the next check is late") % {"ago": ago}, query_id)
    text = _("Live, checked %(ago)s") if live else _("Checked %(ago)s")
    return Freshness("fresh", text % {"ago": ago}, query_id)


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
