"""What a check must know of an order that we have: a narrow row, for thousands of them are looked up at once."""

import json
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from psycopg.types.datetime import TimestamptzLoader

from gateway import OrderRecord
from orders import learning, policy
from orders.answers import Answer
from orders.learning import Unchanged
from orders.models import Due, Status
from orders.policy import Facts


class Seen(NamedTuple):
    """follow_up: JSON, "" where it was not looked up. is_held: an intent waits for what the next answer says."""

    pk: int
    order_id: int
    nichandle: int
    facts: Facts
    status_checked_at: datetime | None
    status_since: datetime
    check_asked_at: datetime | None
    object_read_at: datetime | None
    follow_up_read_at: datetime | None
    follow_up: str
    payment_date: datetime | None
    associated_id: str
    prices: tuple[Decimal, Decimal, Decimal, str]
    is_held: bool

    def unchanged(self, answer: Answer, now: datetime) -> Unchanged | None:
        """What to write when the answer tells nothing new, None when it does: then every fact is looked at."""
        if not self._tells_nothing_new(answer):
            return None
        assert answer.asked_at is not None  # noqa: S101  (said by every good answer)
        facts = self.facts._replace(behind_s=answer.behind_s)
        lapsed = _is_lapsed(facts, answer.asked_at)
        next_poll_at = now if lapsed else policy.next_check(facts, now)
        if next_poll_at is None:
            return None
        return Unchanged(
            self.pk,
            self.facts.status,
            answer.asked_at,
            next_poll_at,
            Due.Kind.LAPSED if lapsed else _kind(facts, next_poll_at, now),
            self.facts.watched_until,
            now if answer.follow_up is not None else None,
            now if answer.order is not None else None,
            answer.behind_s,
        )

    def _tells_nothing_new(self, answer: Answer) -> bool:
        facts = self.facts
        if answer.error is not None or answer.gone or answer.status != facts.status or self.is_held:
            return False
        if facts.gone_at or facts.expired_at or answer.payment is not None:
            return False
        if facts.status in learning.PAID and not facts.was_paid:
            return False
        if answer.associated is not None and (facts.associated_type, self.associated_id) != (
            answer.associated.type,
            answer.associated.id,
        ):
            return False
        return self._same_steps(answer) and (answer.order is None or self._same_object(answer.order))

    def _same_steps(self, answer: Answer) -> bool:
        if answer.follow_up is None:
            return True
        return bool(self.follow_up) and json.loads(self.follow_up) == learning.follow_up_as_json(answer.follow_up)

    def _same_object(self, record: OrderRecord) -> bool:
        facts = self.facts
        prices = (record.price_with_tax.value, record.price_without_tax.value, record.tax.value)
        return (
            record.date in (None, facts.date)
            and record.expiration_date == facts.expiration_date
            and record.retraction_date == facts.retraction_date
            and (*prices, record.price_with_tax.currency_code) == self.prices
        )


def _is_lapsed(facts: Facts, asked_at: datetime) -> bool:
    lapsed = facts.lapses_at is not None and facts.lapses_at <= asked_at
    return lapsed and facts.status == Status.NOT_PAID and not facts.was_paid


def _kind(facts: Facts, next_poll_at: datetime, now: datetime) -> int:
    """As the trigger on Order says it."""
    if facts.watched_until is not None and facts.watched_until > now:
        return Due.Kind.PEOPLE
    if facts.status in (Status.CANCELLING, Status.DELIVERING):
        return Due.Kind.SOON
    expires = facts.lapses_at if facts.status == Status.NOT_PAID else None
    soon = expires is not None and abs((expires - next_poll_at).total_seconds()) <= 600
    return Due.Kind.SOON if soon else Due.Kind.LATER


# Steps are compared only where they may be asked for; JSON comes as text.
_LOOK_UP = """
SELECT o.id, o.order_id, o.nichandle_id,
       o.status, o.date, o.expiration_date, o.retraction_date, o.watched_until, o.was_paid, o.associated_type,
       o.gone_at, o.expired_at, n.seen_at, o.behind_s,
       o.status_checked_at, o.status_since, o.check_asked_at, o.object_read_at, o.follow_up_read_at,
       CASE WHEN o.status NOT IN ('delivered', 'cancelled') OR o.watched_until IS NOT NULL
                 OR o.check_asked_at > o.status_checked_at THEN o.follow_up::text END,
       o.payment_date, o.associated_id, o.price_with_tax, o.price_without_tax, o.tax, o.currency_code,
       EXISTS (SELECT FROM orders_intent i WHERE i.order_id = o.id AND i.state = ANY (%s))
FROM orders_order o JOIN accounts_nichandle n ON n.id = o.nichandle_id
WHERE o.id = ANY (%s)
"""


def look_up(order_pks: Sequence[int]) -> dict[int, Seen]:
    """By our own key; orders deleted meanwhile are missing. One query."""
    if not order_pks:
        return {}
    with connection.cursor() as cursor:
        # Django's own way to read a moment is written in Python, and here are thousands of rows with ten each.
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(_LOOK_UP, [list(learning.WAITING_FOR_ANSWERS), list(order_pks)])
        return {row[0]: _seen(row) for row in cursor.fetchall()}


def _seen(row: tuple[Any, ...]) -> Seen:
    pk, order_id, nichandle, *rest = row
    facts, rest = Facts(*rest[:11]), rest[11:]
    checked_at, since, asked_at, object_at, steps_at, steps, paid_at, associated_id, *prices, is_held = rest
    return Seen(
        pk,
        order_id,
        nichandle,
        facts,
        checked_at,
        since,
        asked_at,
        object_at,
        steps_at,
        steps or "",
        paid_at,
        associated_id,
        (prices[0], prices[1], prices[2], prices[3]),
        is_held,
    )
