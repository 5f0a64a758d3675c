"""
How many calls OVHcloud may get from us, kept in PostgreSQL so that all workers on all machines share it.

A bucket for each consumer key: settings.OVH_CALLS_AT_ONCE tokens, refilled by OVH_CALLS_A_MINUTE to begin with. A 429
halves the refill, empties the bucket and keeps the key silent for Retry-After; ten minutes without one raise the refill
by a tenth, up to OVH_CALLS_A_MINUTE_AT_MOST. The last quarter of each bucket is for people who wait. A look for new
orders may take one token that is still to come, or an account's many checks would keep it waiting. One more bucket for
the whole installation, OVH_CALLS_A_MINUTE_IN_ALL, where the operator wants it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Budget, CallMinute
from gateway import RateLimited

# What part of a bucket only people may use.
FOR_PEOPLE = 4
# Calls a minute below which no 429 brings a key.
SLOWEST = 4.0
QUIET = timedelta(minutes=10)
# Signing in spends a few calls before there is a row to count them by.
SPENT_ON_SIGNING_IN = 5


class BudgetSpent(RateLimited):
    """Our own budget, not OVHcloud, lets no call through now; `retry_after` says when to ask again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    How many calls somebody would like to make with one key: for people who wait, and in the background.

    look: one call before all those, granted with people's even from an empty bucket, unless it is in debt already.
    """

    people: int = 0
    background: int = 0
    look: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What may be called now. again_at: when there will be another token, for people and for the background.

    refill_per_minute: at what pace tokens come.
    """

    people: int
    background: int
    again_at: datetime
    background_again_at: datetime
    refill_per_minute: float

    def seconds_to_wait(self, now: datetime, *, people: bool) -> float:
        moment = self.again_at if people else self.background_again_at
        return max((moment - now).total_seconds(), 0.1)


# One statement for however many keys. Rows are locked in their order, so that two workers wait and never deadlock.
_RESERVE = """
WITH asked AS (SELECT * FROM unnest(%(links)s::bigint[], %(people)s::int[], %(background)s::int[], %(look)s::bool[])
                   AS asked (link_id, people, background, look)),
locked AS MATERIALIZED (
    SELECT budget.id, asked.people, asked.background, asked.look, budget.refill_per_minute AS refill,
           coalesce(budget.silent_until > %(now)s, false) AS silent,
           least(%(capacity)s::float, budget.tokens + budget.refill_per_minute / 60
                 * greatest(0, extract(epoch FROM %(now)s - budget.filled_at)::float)) AS level,
           greatest(budget.changed_at, budget.limited_at) <= %(now)s - make_interval(secs => %(quiet)s)
               AND budget.refill_per_minute < %(most)s AS may_rise
    FROM accounts_budget budget JOIN asked USING (link_id) ORDER BY budget.id FOR UPDATE OF budget
),
for_people AS (
    SELECT *, looked + CASE WHEN silent THEN 0
                       ELSE least(people, greatest(floor(level - looked), 0))::int END AS granted
    FROM (SELECT *, (look AND level >= 0 AND NOT silent)::int AS looked FROM locked) AS locked
),
granted AS (
    SELECT *, CASE WHEN silent THEN 0
              ELSE least(background, greatest(floor(level - granted - %(reserve)s), 0))::int END AS in_background
    FROM for_people
)
UPDATE accounts_budget budget
SET tokens = granted.level - granted.granted - granted.in_background,
    filled_at = greatest(budget.filled_at, %(now)s),
    refill_per_minute = CASE WHEN may_rise THEN least(granted.refill * 1.1, %(most)s) ELSE granted.refill END,
    changed_at = CASE WHEN may_rise THEN %(now)s ELSE budget.changed_at END
FROM granted WHERE budget.id = granted.id
RETURNING budget.link_id, granted.granted, granted.in_background, budget.tokens, budget.refill_per_minute,
          budget.silent_until
"""


def reserve(wanted: Mapping[int, Wanted], now: datetime | None = None) -> dict[int, Grant]:
    """
    Take tokens for calls that are about to be made, for many keys at once: two statements, one more for new keys and
    two where there is a budget for the whole installation.

    wanted: by link. What is not used is given back by `give_back`.
    """
    if not wanted:
        return {}
    now = now or timezone.now()
    with transaction.atomic():
        if settings.OVH_CALLS_A_MINUTE_IN_ALL:
            wanted = _within_the_whole(wanted, now)
        grants = _reserve(wanted, now)
        if len(grants) < len(wanted):
            _make_rows([link for link in wanted if link not in grants], now)
            grants |= _reserve({link: want for link, want in wanted.items() if link not in grants}, now)
    return grants


def _reserve(wanted: Mapping[int, Wanted], now: datetime) -> dict[int, Grant]:
    reserved = settings.OVH_CALLS_AT_ONCE / FOR_PEOPLE
    with connection.cursor() as cursor:
        cursor.execute(
            _RESERVE,
            {
                "links": list(wanted),
                "people": [want.people for want in wanted.values()],
                "background": [want.background for want in wanted.values()],
                "look": [want.look for want in wanted.values()],
                "now": now,
                "capacity": settings.OVH_CALLS_AT_ONCE,
                "reserve": reserved,
                "quiet": QUIET.total_seconds(),
                "most": float(settings.OVH_CALLS_A_MINUTE_AT_MOST),
            },
        )
        return {row[0]: _grant(now, reserved, *row[1:]) for row in cursor.fetchall()}


def _grant(
    now: datetime,
    reserved: float,
    people: int,
    background: int,
    tokens: float,
    refill: float,
    silent_until: datetime | None,
) -> Grant:
    def at(level: float) -> datetime:
        moment = now + timedelta(seconds=max(0.0, level - tokens) * 60 / refill)
        return max(moment, silent_until) if silent_until else moment

    return Grant(people, background, at(1), at(1 + reserved), refill)


def _make_rows(links: list[int], now: datetime) -> None:
    Budget.objects.bulk_create(
        [
            Budget(
                link_id=link,
                tokens=max(settings.OVH_CALLS_AT_ONCE - SPENT_ON_SIGNING_IN, 0),
                filled_at=now,
                refill_per_minute=min(settings.OVH_CALLS_A_MINUTE, settings.OVH_CALLS_A_MINUTE_AT_MOST),
                changed_at=now,
            )
            for link in links
        ],
        ignore_conflicts=True,
    )


def _within_the_whole(wanted: Mapping[int, Wanted], now: datetime) -> dict[int, Wanted]:
    """Cut what is wanted to what the whole installation may call; people first. Its row stays locked until the end."""
    in_all: float = settings.OVH_CALLS_A_MINUTE_IN_ALL
    row = Budget.objects.select_for_update().filter(link=None).first()
    if row is None:
        Budget.objects.bulk_create([Budget(link=None, tokens=in_all, filled_at=now)], ignore_conflicts=True)
        row = Budget.objects.select_for_update().get(link=None)
    elapsed = max((now - row.filled_at).total_seconds(), 0)
    row.tokens = min(in_all, row.tokens + elapsed * in_all / 60)
    row.filled_at, row.refill_per_minute = max(row.filled_at, now), in_all
    cut = {}
    for link, want in wanted.items():
        look = want.look and row.tokens >= 0
        row.tokens -= look
        people = min(want.people, max(int(row.tokens), 0))
        row.tokens -= people
        cut[link] = Wanted(people, want.background, look)
    for link, want in cut.items():
        background = min(want.background, max(int(row.tokens - in_all / FOR_PEOPLE), 0))
        row.tokens -= background
        cut[link] = Wanted(want.people, background, want.look)
    row.save(update_fields=["tokens", "filled_at", "refill_per_minute"])
    return cut


def give_back(unused: Mapping[int, int]) -> None:
    """Return tokens that were reserved and not needed."""
    unused = {link: tokens for link, tokens in unused.items() if tokens > 0}
    if not unused:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH unused AS (SELECT * FROM unnest(%s::bigint[], %s::int[]) AS unused (link_id, tokens)),
            locked AS MATERIALIZED (
                SELECT budget.id, unused.tokens FROM accounts_budget budget JOIN unused USING (link_id)
                ORDER BY budget.id FOR UPDATE OF budget
            )
            UPDATE accounts_budget budget SET tokens = least(%s, budget.tokens + locked.tokens)
            FROM locked WHERE budget.id = locked.id
            """,
            [list(unused), list(unused.values()), settings.OVH_CALLS_AT_ONCE],
        )


def note_limited(limited: Mapping[int, tuple[float, datetime]], now: datetime | None = None) -> None:
    """
    OVHcloud answered 429 for these links: (Retry-After in seconds, when the call left).

    However many calls were under way together, the refill is halved once.
    """
    now = now or timezone.now()
    for link, (retry_after, asked_at) in sorted(limited.items()):
        with transaction.atomic():
            _make_rows([link], now)
            row = Budget.objects.select_for_update().get(link_id=link)
            if row.limited_at is None or row.limited_at < asked_at:
                row.refill_per_minute = max(row.refill_per_minute / 2, SLOWEST)
                row.changed_at = row.limited_at = now
            until = now + timedelta(seconds=retry_after)
            row.silent_until = max(row.silent_until or until, until)
            # Filling begins when the silence ends.
            row.tokens, row.filled_at = 0, row.silent_until
            row.save()


def book(links: Mapping[int, tuple[int, float]], now: datetime) -> dict[int, datetime]:
    """
    Promise later tokens to background checks that found none. Returns from when on, by link.

    links: (how many checks, calls a minute). Whoever is promised later comes later, so each waits once.
    """
    begins: dict[int, datetime] = {}
    if links:
        rows = list(Budget.objects.select_for_update().filter(link__in=list(links)).order_by("pk"))
        for row in rows:
            assert row.link_id is not None  # noqa: S101  (asked for by link)
            checks, pace = links[row.link_id]
            begins[row.link_id] = max(now, row.booked_until or now, row.silent_until or now)
            row.booked_until = begins[row.link_id] + timedelta(minutes=checks / pace)
        Budget.objects.bulk_update(rows, ["booked_until"])
    return begins


# --- What was called, for staff ---------------------------------------------------------------------------------------
def count(
    *,
    calls: int = 0,
    limited: int = 0,
    failed: int = 0,
    held_back: int = 0,
    checked: int = 0,
    now: datetime | None = None,
) -> None:
    """Add to this minute's figures; one statement. Minutes older than a day go."""
    minute = (now or timezone.now()).replace(second=0, microsecond=0)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO accounts_callminute AS old (minute, calls, limited, failed, held_back, checked)
            VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (minute) DO UPDATE SET calls = old.calls + excluded.calls,
                limited = old.limited + excluded.limited, failed = old.failed + excluded.failed,
                held_back = old.held_back + excluded.held_back, checked = old.checked + excluded.checked
            RETURNING (xmax = 0)
            """,
            [minute, calls, limited, failed, held_back, checked],
        )
        (is_new,) = cursor.fetchone()
    if is_new:
        CallMinute.objects.filter(minute__lt=minute - timedelta(days=1)).delete()
