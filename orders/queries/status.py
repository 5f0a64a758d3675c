"""How our own checking goes, for whoever runs the panel: numbers without a customer's name. Eight queries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, DateTimeField, F, FloatField, Func, Min, Q, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import Breaker, Budget, CallMinute
from accounts.ovh import application
from orders import broker
from orders.models import Canary, Due, Intent, OrderImport, Receipt

HOUR = timedelta(hours=1)
State = Intent.State


@dataclass(frozen=True)
class Lag:
    """Seconds by which orders that are due are late: of the half, of 5 % and of 1 % of them at least so many."""

    median: float = 0.0
    p95: float = 0.0
    p99: float = 0.0


@dataclass(frozen=True)
class Minute:
    """Calls of one minute that lies `ago` minutes back."""

    ago: int
    calls: int = 0
    limited: int = 0
    failed: int = 0


@dataclass(frozen=True)
class SyncStatus:
    """
    due, lag: orders that should have been asked by now. lapsed: asked for the last time, to be marked expired.
    minutes: the last hour, oldest first. silenced: accounts that OVHcloud wants no call of just now; slowed: those
    that get less than at the beginning. breaker: closed, open or half-open; breaker_since: of the first failure.
    queues: None: Redis cannot be asked. intents: how many stand in each state; oldest_intent: of those on their way.
    sang_at: None: no worker ever sang.
    """

    at: datetime
    due: int
    lapsed: int
    lag: Lag
    minutes: list[Minute]
    checked: int
    held_back: int
    silenced: int
    slowed: int
    breaker: str
    breaker_since: datetime | None
    breaker_why: str
    probe_at: datetime | None
    queues: Mapping[str, int] | None
    intents: Mapping[str, int]
    oldest_intent: datetime | None
    imports: int
    imports_done: int
    imports_total: int
    unreachable: int
    receipts: int
    sang_at: datetime | None

    @property
    def calls(self) -> int:
        return sum(minute.calls for minute in self.minutes)

    @property
    def limited(self) -> int:
        return sum(minute.limited for minute in self.minutes)

    @property
    def failed(self) -> int:
        return sum(minute.failed for minute in self.minutes)

    @property
    def dead(self) -> int:
        return self.intents.get(State.DEAD, 0)

    @property
    def is_silent(self) -> bool:
        """No worker has sung lately: nothing is being checked, whatever the other numbers say."""
        return self.sang_at is None or self.at - self.sang_at > Canary.SILENT_AFTER


def sync_status(now: datetime) -> SyncStatus:
    due, lapsed, lag = _due(now)
    minutes, checked, held_back = _minutes(now)
    breaker = Breaker.objects.filter(address=application().address).first() or Breaker()
    intents, oldest = _intents()
    return SyncStatus(
        at=now,
        due=due,
        lapsed=lapsed,
        lag=lag,
        minutes=minutes,
        checked=checked,
        held_back=held_back,
        **_budgets(now),
        breaker=breaker.state,
        breaker_since=(breaker.failing_since or breaker.opened_at) if breaker.state != Breaker.State.CLOSED else None,
        breaker_why=breaker.why if breaker.state != Breaker.State.CLOSED else "",
        probe_at=breaker.probe_at,
        queues=broker.queue_depths(),
        intents=intents,
        oldest_intent=oldest,
        **_imports(),
        receipts=Receipt.objects.filter(sent_at=None, next_attempt_at__isnull=False).count(),
        sang_at=Canary.objects.values_list("sang_at", flat=True).first(),
    )


class _Percentiles(Aggregate):
    template = "percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())


class _Seconds(Func):
    function = "EXTRACT"
    template = "%(function)s(EPOCH FROM %(expressions)s)::float8"
    output_field = FloatField()


def _due(now: datetime) -> tuple[int, int, Lag]:
    # Due.at moves with every claim and every wait for the budget; the policy's wish stands still.
    late = _Seconds(Value(now, DateTimeField()) - F("order__next_poll_at"))
    asked = ~Q(kind=Due.Kind.LAPSED)
    found = Due.objects.filter(at__lte=now).aggregate(
        count=Count("pk", filter=asked), lapsed=Count("pk", filter=~asked), lag=_Percentiles(late, filter=asked)
    )
    return found["count"], found["lapsed"], Lag(*(max(0.0, seconds) for seconds in found["lag"] or ()))


def _minutes(now: datetime) -> tuple[list[Minute], int, int]:
    this = now.replace(second=0, microsecond=0)
    rows = {row.minute: row for row in CallMinute.objects.filter(minute__gt=this - HOUR)}
    minutes = []
    for ago in range(59, -1, -1):
        row = rows.get(this - timedelta(minutes=ago))
        minutes.append(Minute(ago, row.calls, row.limited, row.failed) if row else Minute(ago))
    return minutes, sum(row.checked for row in rows.values()), sum(row.held_back for row in rows.values())


def _budgets(now: datetime) -> dict[str, int]:
    begun_with = Budget._meta.get_field("refill_per_minute").default
    return Budget.objects.aggregate(
        silenced=Count("pk", filter=Q(silent_until__gt=now)),
        slowed=Count("pk", filter=Q(refill_per_minute__lt=begun_with)),
    )


def _intents() -> tuple[dict[str, int], datetime | None]:
    rows: list[Any] = list(Intent.objects.order_by().values("state").annotate(n=Count("pk"), oldest=Min("created_at")))
    on_its_way = (State.WAITING, State.SENDING, State.DOUBTFUL)
    oldest = [row["oldest"] for row in rows if row["state"] in on_its_way]
    return {row["state"]: row["n"] for row in rows}, min(oldest, default=None)


def _imports() -> dict[str, int]:
    running = Q(finished_at=None)
    return OrderImport.objects.aggregate(
        imports=Count("pk", filter=running),
        imports_done=Coalesce(Sum("done", filter=running), 0),
        imports_total=Coalesce(Sum("total", filter=running), 0),
        unreachable=Count("pk", filter=Q(unreachable_since__isnull=False)),
    )
