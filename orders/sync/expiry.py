"""
Unpaid orders whose time is over. The pages hide them from the very second; marking is for lists, counts and events.

Each is asked about once more after its expiration date (orders.policy has it due a second after). An answer that still
says notPaid makes its row in the queue LAPSED; only such rows are marked, in chunks, by one statement that looks at
every row again under its lock. So a payment that is learned at the last moment wins.

OVHcloud goes by its own clock. Where that is behind ours, the date is over when it is over there; where it is ahead,
when it is over here. What is marked is asked about for a day more, and a payment takes the mark back.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from orders import policy
from orders.models import Due

# Rows of one statement: none of them is locked longer than 50 ms.
CHUNK = 500
# A task's turn.
TURN_SECONDS = 25

# An order is locked before its row in the queue, as its trigger does it; who waits for a lock would hold others.
# Lapsed: OVHcloud was asked after the date that it names itself, and saw no payment. PostgreSQL reads a row again once
# its lock is ours, so what was learned in between counts.
_MARK = """
WITH free AS MATERIALIZED (
    SELECT o.id FROM orders_order o
    WHERE o.id = ANY (%(orders)s) AND o.status = 'notPaid' AND NOT o.was_paid AND o.expired_at IS NULL
        AND o.gone_at IS NULL
        AND o.expiration_date + make_interval(secs => o.behind_s) <= %(now)s
        AND o.expiration_date + make_interval(secs => o.behind_s) <= o.status_checked_at
    FOR NO KEY UPDATE OF o SKIP LOCKED
),
marked AS (
    UPDATE orders_order o SET expired_at = %(now)s, next_poll_at = %(now)s + %(wait)s * (1 - random() / 10)
    FROM free WHERE o.id = free.id
    RETURNING o.id, o.nichandle_id, o.status, o.expiration_date, o.next_poll_at
),
queued AS (
    INSERT INTO orders_due (order_id, nichandle_id, kind, at)
    SELECT id, nichandle_id, %(later)s, next_poll_at FROM marked
    ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, at = excluded.at
)
INSERT INTO orders_orderevent (order_id, at, kind, before, after, source, note, query_id)
SELECT id, %(now)s, 'expired', status, to_char(expiration_date AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS+00:00'),
       'GET /me/order/{orderId}/status', '', ''
FROM marked
"""


def mark_all_expired() -> int:
    """Mark chunk after chunk for a task's turn. Returns how many."""
    marked, began = 0, time.monotonic()
    while time.monotonic() - began < TURN_SECONDS:
        chunk = mark_expired()
        marked += chunk
        if chunk < CHUNK:
            break
    return marked


def mark_expired(orders: Sequence[int] | None = None) -> int:
    """
    Mark one chunk of lapsed orders, or these of them, with an event each. Returns how many.

    Whatever is paid, marked or locked by now is left alone.
    """
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        if orders is None:
            waiting = Due.objects.filter(kind=Due.Kind.LAPSED, at__lte=now).order_by("at")
            orders = list(waiting.values_list("order_id", flat=True)[:CHUNK])
        if not orders:
            return 0
        # The statement keeps the queue itself.
        cursor.execute("SELECT set_config('orders.queue', 'kept', true)")
        wait, later = policy.AFTER_MARKING, Due.Kind.LATER.value
        values: dict[str, Any] = {"orders": list(orders)[:CHUNK], "now": now, "wait": wait, "later": later}
        cursor.execute(_MARK, values)
        marked = int(cursor.rowcount)
        cursor.execute("SELECT set_config('orders.queue', '', true)")
    return marked
