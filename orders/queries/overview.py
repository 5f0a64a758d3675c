"""The account at a glance, for every page with data: exact counts, freshness, how far the import is. One query."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.db.models.query import QuerySet

from accounts.models import Nichandle
from orders.freshness import Freshness, freshness, signs
from orders.models import Canary, Order, OrderImport, Status, awaiting_payment_q, expired_q, in_progress_q


@dataclass(frozen=True)
class Overview:
    """
    Counts are over all orders of the account; `shown`, `progress`, `complete` leave expired ones out unless asked.

    row: the account's import without its long columns; None before the first import was asked for.
    """

    row: OrderImport | None
    sang_at: datetime | None
    shown: int = 0
    expired: int = 0
    progress: int = 0
    unpaid: int = 0
    complete: int = 0
    checked_at: datetime | None = None
    due_at: datetime | None = None
    breaker_since: datetime | None = None
    wait_until: datetime | None = None

    @property
    def is_importing(self) -> bool:
        return self.row is None or self.row.is_running

    @property
    def trouble(self) -> str:
        """Why OVHcloud cannot be asked about this account: revoked, unavailable, limited; "" while it can."""
        why = self.row.unreachable_why if self.row and self.row.unreachable_since else ""
        return "unavailable" if self.breaker_since and why != "revoked" else why

    def freshness(self, nichandle: Nichandle, now: datetime) -> Freshness:
        """Of a page about the whole account: the oldest check among rows that can still change."""
        row = self.row
        return freshness(
            now=now,
            zone=nichandle.zone,
            # Where nothing can change any more, the last look for new orders is what we know.
            checked_at=self.checked_at or (row.found_at if row else None),
            due_at=self.due_at,
            sang_at=self.sang_at,
            unreachable_since=row.unreachable_since if row else None,
            unreachable_why=row.unreachable_why if row else "",
            breaker_since=self.breaker_since,
            wait_until=self.wait_until,
        )


def overview(nichandle: Nichandle, now: datetime, *, with_expired: bool = False) -> Overview:
    """Read it. One query, however many orders."""
    rows = (
        import_with_canary()
        .filter(nichandle=nichandle)
        .annotate(counts=Subquery(_counts(now, with_expired=with_expired)))
    )
    row = rows.first()
    if row is None:
        return Overview(None, Canary.objects.values_list("sang_at", flat=True).first())
    counts: dict[str, Any] = row.counts or {}
    for name in ("checked_at", "due_at"):
        counts[name] = datetime.fromisoformat(counts[name]) if counts.get(name) else None
    found: Any = row
    return Overview(row, found.sang_at, **counts, breaker_since=found.breaker_since, wait_until=found.wait_until)


def import_with_canary() -> QuerySet[OrderImport]:
    """An account's import as pages need it, with the signs that decide its freshness beside it."""
    return OrderImport.objects.defer("remaining", "to_read", "payment_methods").annotate(**signs("nichandle_id"))


def _counts(now: datetime, *, with_expired: bool) -> QuerySet[Any]:
    expired, everything = expired_q(now), Q(pk__isnull=False)
    shown = everything if with_expired else ~expired
    alive = Q(next_poll_at__isnull=False) & ~expired
    return (
        Order.objects.filter(nichandle=OuterRef("nichandle"))
        .order_by()
        .values("nichandle")
        .annotate(
            json=JSONObject(
                shown=Count("pk", filter=shown),
                expired=Count("pk", filter=expired),
                progress=Count("pk", filter=shown & in_progress_q()),
                unpaid=Count("pk", filter=awaiting_payment_q(now)),
                complete=Count("pk", filter=shown & Q(status=Status.DELIVERED)),
                checked_at=Min(F("status_checked_at"), filter=alive),
                due_at=Min(F("next_poll_at"), filter=alive),
            )
        )
        .values("json")
    )
