"""
Who is asked about in this turn: rows of the queue, claimed so that no other worker takes them, as many of each account
as its key's budget lets through.

A claim moves the row's `at` ahead, so a worker killed in the middle loses nothing but the length of its claim. What the
budget does not let through waits for tokens that are promised to it, in order, so that it waits once and never stands
in front of others.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts import budget, ovh
from accounts.budget import Grant, Wanted
from accounts.ovh import Key
from orders.models import Due
from orders.sync import reach

# Longer than a turn that meets a silent OVHcloud, and what R3 promises of a killed worker is longer still.
CLAIM = timedelta(seconds=90)
# Without a key nothing can be asked until its owner comes back, which makes all of it due.
NO_KEY = timedelta(hours=1)
# Calls that a check of somebody who waits will take; the others mostly take one, and ask for more where they do not.
CALLS_FOR_PEOPLE = 2
# Orders whose marking did not happen are asked about like any other.
FORGOTTEN = timedelta(minutes=5)
# Of the refill, what is promised to the background; the rest is for what comes in between.
PROMISED = 0.8

_DUE = """
SELECT * FROM (
    SELECT order_id, nichandle_id, %s::smallint FROM orders_due
    WHERE kind = %s AND at <= %s AND nichandle_id <> ALL (%s)
    ORDER BY at LIMIT %s FOR UPDATE SKIP LOCKED
) AS due
"""

KINDS = (Due.Kind.PEOPLE, Due.Kind.SOON, Due.Kind.LATER)


@dataclass(slots=True)
class Account:
    """One account's part of a turn."""

    link: Key
    tokens: int
    orders: list[int]


@dataclass(slots=True)
class _Row:
    order: int
    nichandle: int
    kind: int
    place: int = 0


def claim(limit: int, kinds: Sequence[int] = KINDS, orders_a_call: int = 1) -> list[Account]:
    """
    Claim due orders, those that somebody waits for first, and reserve their tokens.

    orders_a_call: how many one call may ask about, where OVHcloud takes batches.
    """
    now = timezone.now()
    with transaction.atomic():
        rows = _lock(limit, kinds, now)
        links = ovh.usable_keys(list({row.nichandle for row in rows})) if rows else {}
        chosen = _choose([row for row in rows if row.nichandle in links], limit)
        accounts: dict[int, list[_Row]] = defaultdict(list)
        for row in chosen:
            accounts[row.nichandle].append(row)
        grants = _reserve(accounts, links, now, orders_a_call)
        claimed: list[Account] = []
        late: dict[int, list[_Row]] = {}
        for nichandle, its_rows in accounts.items():
            grant = grants.get(links[nichandle].pk)
            now_rows, late_rows = _split(its_rows, grant, orders_a_call)
            if now_rows and grant:
                claimed.append(
                    Account(links[nichandle], grant.people + grant.background, [row.order for row in now_rows])
                )
            if late_rows:
                late[nichandle] = late_rows
        moved = {order: now + CLAIM for account in claimed for order in account.orders}
        moved |= _promise(late, links, grants, now)
        moved |= {row.order: now + NO_KEY for row in rows if row.nichandle not in links}
        move(moved)
    if any(row.nichandle not in links for row in rows):
        reach.no_key({row.nichandle for row in rows} - set(links))
    if late:
        budget.count(held_back=sum(map(len, late.values())))
    return claimed


def _lock(limit: int, kinds: Sequence[int], now: datetime) -> list[_Row]:
    """Due rows of each kind; more than will be chosen, and past the accounts whose many would hide the others'."""
    parts: list[tuple[int, int, datetime, list[int], int]] = [(kind, kind, now, [], 2 * limit) for kind in kinds]
    if Due.Kind.LATER in kinds:
        parts.append((Due.Kind.LATER, Due.Kind.LAPSED, now - FORGOTTEN, [], limit))
    rows = _due(parts)
    beyond = []
    for kind in kinds:
        shares = Counter(row.nichandle for row in rows if row.kind == kind)
        large = [nichandle for nichandle, orders in shares.items() if orders > limit // 4]
        if large and shares.total() >= 2 * limit:
            beyond.append((kind, kind, now, large, limit))
    # What we hold already is not skipped: nobody is asked about twice in one turn.
    held = {row.order for row in rows}
    return rows + [row for row in (_due(beyond) if beyond else []) if row.order not in held]


def _due(parts: Sequence[tuple[int, int, datetime, list[int], int]]) -> list[_Row]:
    """parts: the kind to count as, the kind in the queue, due until when, of which accounts none, how many at most."""
    values: list[Any] = []
    for counts_as, kind, until, without, most in parts:
        values += [int(counts_as), int(kind), until, without, most]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_DUE] * len(parts)), values)
        return [_Row(*row) for row in cursor.fetchall()]


def _choose(rows: list[_Row], limit: int) -> list[_Row]:
    """
    Those who wait first, then what is about to change, and a quarter at least for the rest; within a kind every
    account's first before anybody's second.
    """
    places: dict[tuple[int, int], int] = defaultdict(int)
    for row in rows:
        row.place = places[row.kind, row.nichandle]
        places[row.kind, row.nichandle] += 1
    by_kind = {kind: sorted((row for row in rows if row.kind == kind), key=lambda row: row.place) for kind in KINDS}
    people = by_kind[Due.Kind.PEOPLE][:limit]
    soon = by_kind[Due.Kind.SOON][: max(limit - len(people) - limit // 4, 0) or limit // 4]
    later = by_kind[Due.Kind.LATER][: max(limit - len(people) - len(soon), limit // 4, 1)]
    return (people + soon + later) if limit > 1 else (people + soon + later)[:1]


def _reserve(
    accounts: dict[int, list[_Row]], links: dict[int, Key], now: datetime, orders_a_call: int
) -> dict[int, Grant]:
    wanted = {}
    for nichandle, rows in accounts.items():
        people = sum(row.kind == Due.Kind.PEOPLE for row in rows)
        others = len(rows) - people
        wanted[links[nichandle].pk] = Wanted(people * CALLS_FOR_PEOPLE, -(-others // orders_a_call))
    return budget.reserve(wanted, now)


def _split(rows: list[_Row], grant: Grant | None, orders_a_call: int) -> tuple[list[_Row], list[_Row]]:
    """Which rows of an account go now, and which must wait."""
    if grant is None:
        return [], rows
    people = [row for row in rows if row.kind == Due.Kind.PEOPLE]
    others = [row for row in rows if row.kind != Due.Kind.PEOPLE]
    # One token is enough to begin with; what else it takes is asked for on the way.
    people_now = min(len(people), grant.people)
    others_now = min(len(others), grant.background * orders_a_call)
    return people[:people_now] + others[:others_now], people[people_now:] + others[others_now:]


def _promise(
    late: dict[int, list[_Row]], links: dict[int, Key], grants: dict[int, Grant], now: datetime
) -> dict[int, datetime]:
    """When those who must wait are asked about: people and the urgent with the next tokens, the others in order."""
    moved: dict[int, datetime] = {}
    booked: dict[int, list[_Row]] = {}
    for nichandle, rows in late.items():
        link = links[nichandle].pk
        grant = grants.get(link)
        if grant is None:
            # Another worker has the key's row this moment.
            moved |= {row.order: now + timedelta(seconds=2) for row in rows}
            continue
        for number, row in enumerate(row for row in rows if row.kind != Due.Kind.LATER):
            people = row.kind == Due.Kind.PEOPLE
            wait = grant.seconds_to_wait(now, people=people) + number * 60 / grant.refill_per_minute
            moved[row.order] = now + timedelta(seconds=wait)
        if later := [row for row in rows if row.kind == Due.Kind.LATER]:
            booked[link] = later
    begins = budget.book({link: (len(rows), _pace(grants[link])) for link, rows in booked.items()}, now)
    for link, rows in booked.items():
        gap = timedelta(minutes=1 / _pace(grants[link]))
        # A token must have come by then, so the first of them waits for one, too.
        moved |= {row.order: begins[link] + gap * (number + 1) for number, row in enumerate(rows)}
    return moved


def _pace(grant: Grant) -> float:
    return grant.refill_per_minute * PROMISED


def move(moments: dict[int, datetime]) -> None:
    """
    Set when these orders come due again, and nothing else; one statement. A row that somebody else holds this moment
    is left to them.
    """
    if not moments:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH moved AS (SELECT * FROM unnest(%s::bigint[], %s::timestamptz[]) AS moved (id, at)),
            free AS MATERIALIZED (
                SELECT due.order_id, moved.at FROM orders_due due JOIN moved ON moved.id = due.order_id
                FOR UPDATE OF due SKIP LOCKED
            )
            UPDATE orders_due due SET at = free.at FROM free WHERE due.order_id = free.order_id
            """,
            [list(moments), list(moments.values())],
        )
