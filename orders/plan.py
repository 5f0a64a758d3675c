"""What the policy costs for the present population, and how old it lets rows become: the figures of `poll_plan`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Link
from orders import policy
from orders.policy import Facts, Line

# Orders that the policy sees the same way are counted together, so a million make a few hundred groups.
_GROUPS = """
SELECT o.status, o.was_paid, o.associated_type = 'Refund', o.gone_at IS NOT NULL,
       CASE WHEN o.expired_at > %(now)s - interval '1 hour' THEN 0 WHEN o.expired_at > %(now)s - interval '1 day' THEN 2
            WHEN o.expired_at IS NOT NULL THEN 48 END,
       o.watched_until > %(now)s, n.seen_at > %(looked_at)s, o.date > %(now)s - interval '45 days',
       o.retraction_date > %(now)s,
       CASE WHEN o.expiration_date IS NULL THEN NULL
            WHEN o.expiration_date <= %(now)s - interval '10 minutes' THEN 'past'
            WHEN o.expiration_date <= %(now)s + interval '10 minutes' THEN 'near' ELSE 'ahead' END,
       count(*)
FROM orders_order o JOIN accounts_nichandle n ON n.id = o.nichandle_id
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""


@dataclass(frozen=True)
class Share:
    """
    A line of the policy and what falls on it now.

    calls_per_hour: status calls. median, worst: how old a row becomes before it is asked about again; None: for ever.
    """

    line: Line
    orders: int
    calls_per_hour: float
    median: timedelta | None
    worst: timedelta | None


@dataclass(frozen=True)
class Plan:
    """budget_per_hour: what all keys' budgets allow together, at the pace they begin with."""

    shares: tuple[Share, ...]
    keys: int
    budget_per_hour: float

    @property
    def calls_per_hour(self) -> float:
        return sum(share.calls_per_hour for share in self.shares)

    @property
    def orders(self) -> int:
        return sum(share.orders for share in self.shares)


def plan(table: Sequence[Line] = policy.TABLE, now: datetime | None = None) -> Plan:
    """One query for the orders, one for the keys."""
    now = now or timezone.now()
    counted: dict[str, dict[timedelta | None, int]] = {line.name: {} for line in table}
    for facts, orders in _groups(now):
        line = policy.line_of(facts, now, tuple(table))
        wait = policy.wait_of(facts, now, tuple(table))
        counted[line.name][wait] = counted[line.name].get(wait, 0) + orders
    keys = Link.objects.usable().values("nichandle").distinct().count()
    pace = settings.OVH_CALLS_A_MINUTE * keys
    in_all = settings.OVH_CALLS_A_MINUTE_IN_ALL
    return Plan(
        tuple(_share(line, counted[line.name]) for line in table),
        keys,
        60.0 * (min(pace, in_all) if in_all else pace),
    )


def _groups(now: datetime) -> list[tuple[Facts, int]]:
    near = {"past": -timedelta(hours=1), "near": timedelta(minutes=1), "ahead": timedelta(days=1)}
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"now": now, "looked_at": now - policy.LOOKED_AT})
        rows = cursor.fetchall()
    found = []
    for status, paid, refunded, gone, marked, watched, seen, young, withdrawable, expires, orders in rows:
        facts = Facts(
            status=status,
            date=now if young else now - timedelta(days=400),
            expiration_date=now + near[expires] if expires else None,
            retraction_date=now + timedelta(days=1) if withdrawable else None,
            watched_until=now + timedelta(minutes=1) if watched else None,
            was_paid=paid,
            associated_type="Refund" if refunded else "",
            gone_at=now if gone else None,
            expired_at=None if marked is None else now - timedelta(hours=marked),
            seen_at=now if seen else None,
        )
        found.append((facts, orders))
    return found


def _share(line: Line, waits: dict[timedelta | None, int]) -> Share:
    orders = sum(waits.values())
    calls = sum(count * 3600 / wait.total_seconds() for wait, count in waits.items() if wait is not None)
    timed = sorted((wait, count) for wait, count in waits.items() if wait is not None)
    if not timed:
        return Share(line, orders, 0.0, None, None)
    half, passed = sum(count for _wait, count in timed) / 2, 0
    median = timed[-1][0]
    for wait, count in timed:
        passed += count
        if passed >= half:
            median = wait
            break
    # At a random moment a row is half its wait old.
    return Share(line, orders, calls, median / 2, timed[-1][0])
