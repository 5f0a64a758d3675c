"""
When an order is asked about next: one table, read from top to bottom, the first line that fits decides.

docs/freshness.md shows the same table, and a test compares the two. `manage.py poll_plan` says what it costs.

Each wait is shortened at random by up to a tenth, so that orders imported together do not stay in step. An account
that nobody looked at for ten minutes waits five times as long, where a line does not name that wait itself. An unpaid
order is asked about one second after its expiration date, by OVHcloud's clock where that is behind ours, whatever its
line says.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from orders.models import Order, Status

WATCHED = timedelta(seconds=3)
LOOKED_AT = timedelta(minutes=10)
AWAY = 5
# A little after its expiration date OVHcloud has decided, too.
AFTER_EXPIRATION = timedelta(seconds=1)
# OVHcloud's clock is not ours: a payment may be in time there when we have marked the order.
AFTER_MARKING = timedelta(minutes=10)
# After a refusal or silence: doubled at each, so that a broken account costs little.
FIRST_RETRY = timedelta(seconds=10)
LAST_RETRY = timedelta(minutes=10)
# OVHcloud's staff verify orders on working days.
OFFICE = ZoneInfo("Europe/Paris")
OFFICE_HOURS = range(8, 19)


class Facts(NamedTuple):
    """What the table looks at: an order's own row, and when somebody last looked at its account."""

    status: str
    date: datetime
    expiration_date: datetime | None
    retraction_date: datetime | None
    watched_until: datetime | None
    was_paid: bool
    associated_type: str
    gone_at: datetime | None
    expired_at: datetime | None
    seen_at: datetime | None
    behind_s: int = 0

    @property
    def lapses_at(self) -> datetime | None:
        """The expiration date by OVHcloud's clock or ours, whichever comes later."""
        return self.expiration_date and self.expiration_date + timedelta(seconds=self.behind_s)

    def is_looked_at(self, now: datetime) -> bool:
        return self.seen_at is not None and self.seen_at > now - LOOKED_AT

    def is_younger(self, now: datetime, days: int) -> bool:
        return self.date > now - timedelta(days=days)

    def is_over(self, now: datetime) -> bool:
        """Expired, by date or because OVHcloud said so; or no longer listed."""
        lapsed = self.expiration_date is not None and self.expiration_date <= now and not self.was_paid
        return self.gone_at is not None or self.expired_at is not None or (lapsed and self.status == Status.NOT_PAID)


@dataclass(frozen=True)
class Line:
    """
    A line of the table.

    name: for `poll_plan --try`. what: in words. looked_at, away: the wait while somebody looks at the account, and
    else; None: never again.
    """

    name: str
    what: str
    fits: Callable[[Facts, datetime], bool]
    looked_at: timedelta | None
    away: timedelta | None


def _line(name: str, what: str, fits: Callable[[Facts, datetime], bool], wait: float | None, away: float = 0) -> Line:
    """wait, away: seconds; away left out: AWAY times as long."""
    if wait is None:
        return Line(name, what, fits, None, None)
    return Line(name, what, fits, timedelta(seconds=wait), timedelta(seconds=away or wait * AWAY))


def _is_watched(facts: Facts, now: datetime) -> bool:
    still_moves = facts.status not in (Status.DELIVERED, Status.CANCELLED) and not facts.is_over(now)
    return still_moves and facts.watched_until is not None and facts.watched_until > now


def _in_office_hours(now: datetime) -> bool:
    there = now.astimezone(OFFICE)
    return there.weekday() < 5 and there.hour in OFFICE_HOURS


def _near_expiration(facts: Facts, now: datetime) -> bool:
    return facts.lapses_at is not None and abs(facts.lapses_at - now) < timedelta(minutes=10)


def _marked_within(facts: Facts, now: datetime, span: timedelta) -> bool:
    return facts.status == Status.NOT_PAID and facts.expired_at is not None and now - facts.expired_at < span


MINUTE, HOUR = 60, 3600
TABLE: tuple[Line, ...] = (
    _line("gone", "no longer listed", lambda f, now: f.gone_at is not None, None),
    _line(
        "marked",
        "`notPaid`, marked expired within the last hour",
        lambda f, now: _marked_within(f, now, timedelta(hours=1)),
        AFTER_MARKING.total_seconds(),
        AFTER_MARKING.total_seconds(),
    ),
    _line(
        "marked-lately",
        "`notPaid`, marked expired within the last day",
        lambda f, now: _marked_within(f, now, timedelta(days=1)),
        HOUR,
        HOUR,
    ),
    _line(
        "expired",
        "`notPaid`, marked expired before that",
        lambda f, now: _marked_within(f, now, timedelta.max),
        None,
    ),
    Line("watched", "its tracking page is open and it still moves", _is_watched, WATCHED, WATCHED),
    _line("cancelling", "`cancelling`", lambda f, now: f.status == Status.CANCELLING, 10),
    _line("delivering", "`delivering`", lambda f, now: f.status == Status.DELIVERING, 20, MINUTE),
    _line(
        "expiring",
        "`notPaid`, within 10 minutes of its expiration date",
        lambda f, now: f.status == Status.NOT_PAID and _near_expiration(f, now),
        20,
        MINUTE,
    ),
    _line("unpaid", "`notPaid`", lambda f, now: f.status == Status.NOT_PAID, 2 * MINUTE),
    _line(
        "checking",
        "`checking`, on a working day from 8 to 19 h in Paris",
        lambda f, now: f.status == Status.CHECKING and _in_office_hours(now),
        2 * MINUTE,
    ),
    _line("checking-closed", "`checking`, else", lambda f, now: f.status == Status.CHECKING, 15 * MINUTE),
    _line("documents", "`documentsRequested`", lambda f, now: f.status == Status.DOCUMENTS_REQUESTED, 5 * MINUTE),
    _line(
        "withdrawable",
        "`delivered`, withdrawal still possible",
        lambda f, now: f.status == Status.DELIVERED and f.retraction_date is not None and f.retraction_date > now,
        5 * MINUTE,
        HOUR,
    ),
    _line(
        "delivered",
        "`delivered`, younger than 45 days",
        lambda f, now: f.status == Status.DELIVERED and f.is_younger(now, 45),
        HOUR,
        12 * HOUR,
    ),
    _line(
        "refund",
        "`cancelled` after it was paid, no refund seen, younger than 45 days",
        lambda f, now: (
            f.status == Status.CANCELLED and f.was_paid and f.associated_type != "Refund" and f.is_younger(now, 45)
        ),
        12 * HOUR,
        12 * HOUR,
    ),
    _line(
        "final",
        "`delivered` or `cancelled`, else",
        lambda f, now: f.status in (Status.DELIVERED, Status.CANCELLED),
        None,
    ),
    _line("unknown", "`unknown`, or a word we do not know", lambda f, now: True, 5 * MINUTE),
)


def facts_of(order: Order) -> Facts:
    """order: with its nichandle at hand."""
    fields: dict[str, Any] = {name: getattr(order, name) for name in Facts._fields if name != "seen_at"}
    return Facts(**fields, seen_at=order.nichandle.seen_at)


def line_of(facts: Facts, now: datetime, table: tuple[Line, ...] = TABLE) -> Line:
    return next(line for line in table if line.fits(facts, now))


def next_check(order: Order | Facts, now: datetime) -> datetime | None:
    """Return when to ask about this order again, or None when nothing about it can change any more."""
    facts = order if isinstance(order, Facts) else facts_of(order)
    wait = wait_of(facts, now)
    if wait is None:
        return None
    if wait <= WATCHED:
        return now + wait
    # S311: jitter, not a secret.
    moment = now + wait * (1 - random.random() / 10)  # noqa: S311
    if facts.status == Status.NOT_PAID and facts.lapses_at and facts.lapses_at > now:
        moment = min(moment, facts.lapses_at + AFTER_EXPIRATION)
    return moment


def wait_of(facts: Facts, now: datetime, table: tuple[Line, ...] = TABLE) -> timedelta | None:
    line = line_of(facts, now, table)
    return line.looked_at if facts.is_looked_at(now) else line.away


def retry(failures: int, now: datetime) -> datetime:
    """Return when to ask again after `failures` failures in a row (1 or more)."""
    return now + min(FIRST_RETRY * 2 ** min(failures - 1, 10), LAST_RETRY)


def changed(tries: Mapping[str, float]) -> tuple[Line, ...]:
    """
    The table with other waits, for trying.

    tries: seconds by a line's name while it is looked at; the wait of accounts nobody looks at grows in proportion.
    Raises:
        KeyError: no line is called so, or it is one that never waits.
    """
    by_name = {line.name: line for line in TABLE}
    for name, seconds in tries.items():
        line = by_name[name]
        if line.looked_at is None or line.away is None:
            raise KeyError(name)
        by_name[name] = replace(
            line, looked_at=timedelta(seconds=seconds), away=line.away * (seconds / line.looked_at.total_seconds())
        )
    return tuple(by_name[line.name] for line in TABLE)


def as_rows() -> list[tuple[str, str, str, str]]:
    """The table in words: name, what, and both waits."""
    return [(line.name, line.what, in_words(line.looked_at), in_words(line.away)) for line in TABLE]


def in_words(wait: timedelta | None) -> str:
    if wait is None:
        return "never"
    seconds = wait.total_seconds()
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"
