"""Writes what came of an intent's turn: in one transaction, with its event, and only while the turn's lease stands."""

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from gateway import OvhError
from orders.models import Intent, Order, OrderEvent
from orders.relay.kinds import kind_of

log = logging.getLogger(__name__)

State = Intent.State
Event = OrderEvent.Kind

# What came to nothing is tried again after this, doubled at each failure, and shortened at random by up to a tenth.
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=2)
# Failures in a row, nearly three days of them, after which a person is asked.
MOST_FAILURES = 2_000
# OVHcloud took it; its order is asked about until it shows that, for so long.
SHOWS_WITHIN = timedelta(days=1)


@transaction.atomic
def settle(
    intent: Intent,
    event: Event | None = None,
    error: OvhError | None = None,
    *,
    keep_lease: bool = False,
    query_id: str = "",
    outcome: Any = None,
    **values: Any,
) -> bool:
    """
    Write an outcome, if the lease still stands. The order's row is taken first, as everybody does.

    query_id: of a success; a refusal brings its own. outcome: what the kind said came of it, for its own rows.
    Returns whether it was written.
    """
    if intent.order_id is not None:
        Order.objects.select_for_update(of=("self",)).get(pk=intent.order_id)
    now = timezone.now()
    defaults: dict[str, Any] = {"failures": 0}
    if not keep_lease:
        defaults |= {"lease": None, "leased_until": None, "next_attempt_at": None}
    values = defaults | values
    if error is not None:
        values |= {"message": error.message.replace("\0", "")[:2000], "query_id": error.query_id[:120]}
    elif query_id:
        values |= {"message": "", "query_id": query_id[:120]}
    if event in (Event.ACCEPTED, Event.REFUSED, Event.NEEDLESS):
        values["settled_at"] = now
    if event in (Event.ACCEPTED, Event.NEEDLESS) and intent.order_id is not None:
        Order.objects.filter(pk=intent.order_id).update(next_poll_at=now)
    if event == Event.ACCEPTED and intent.order_id is not None:
        # OVHcloud shows what it took some moments later.
        values["next_attempt_at"] = now + SHORTEST_PAUSE
    if not Intent.objects.filter(pk=intent.pk, lease=intent.lease).update(**values):
        log.warning("an outcome came after its lease had ended; whoever holds the intent now looks it up")
        return False
    was_sent = intent.state == State.SENDING and event in (Event.ACCEPTED, Event.REFUSED, Event.DOUBTFUL)
    copy(intent, values)
    if was_sent:
        # Told only now: what was noted and then not called, while OVHcloud was away, was not sent.
        tell(intent, Event.SENT, at=intent.attempted_at, note="")
    if event is not None:
        tell(intent, event)
    if event == Event.ACCEPTED:
        kind_of(intent).accepted(intent, outcome)
    elif event in (Event.REFUSED, Event.NEEDLESS):
        kind_of(intent).refused(intent)
    return True


def hold(intent: Intent, why: str, error: OvhError | None = None, *, attempts: int | None = None) -> None:
    """Wait for a person who can change something outside: a key, a right, a date."""
    attempts = intent.attempts if attempts is None else attempts
    settle(intent, Event.HELD, error, state=State.HELD, why=why, attempts=attempts)


def give_up(intent: Intent, why: str, error: OvhError | None = None, **values: Any) -> None:
    """The dead letter: we did what we can. Staff see it with its reason, and ring it again or close it."""
    values |= {"state": State.DEAD, "why": why, "failures": intent.failures}
    settle(intent, Event.GIVEN_UP, error, **values)


def try_again(intent: Intent, error: OvhError, *, wait: timedelta | None = None, **values: Any) -> None:
    """This turn came to nothing; `wait` where OVHcloud said how long."""
    failures = intent.failures + 1
    if failures >= MOST_FAILURES:
        give_up(intent, "too-long", error, **values)
        return
    next_attempt_at = timezone.now() + (wait or back_off(failures))
    settle(intent, None, error, failures=failures, next_attempt_at=next_attempt_at, **values)


def did_not_happen(intent: Intent, error: OvhError, *, wait: timedelta | None = None) -> None:
    """The call was not made, or nobody judged it: the attempt does not count. An earlier doubt stays one."""
    attempts = intent.attempts - 1
    try_again(intent, error, wait=wait, state=State.DOUBTFUL if attempts else State.WAITING, attempts=attempts)


def ask_until_it_shows(intent: Intent) -> None:
    """OVHcloud took it, and its status may follow later than any answer: have the order asked about meanwhile."""
    now = timezone.now()
    age = now - (intent.settled_at or now)
    if intent.order is None:
        settle(intent)
        return
    kind, order = kind_of(intent), intent.order
    over = kind.shows(order) or order.gone_at is not None or kind.is_over(intent, order, now)
    if not over:
        Order.objects.filter(pk=order.pk).update(next_poll_at=now)
    pause = min(max(age / 4, SHORTEST_PAUSE), LONGEST_PAUSE)
    settle(intent, next_attempt_at=None if over or age > SHOWS_WITHIN else now + pause)


def back_off(failures: int) -> timedelta:
    """How long to wait after so many failures in a row, 1 or more."""
    pause = min(SHORTEST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    # S311: jitter, not a secret.
    return pause * (1 - random.random() / 10)  # noqa: S311


def tell(intent: Intent, event: Event, at: datetime | None = None, note: str | None = None) -> None:
    """Write the event, where there is an order to write it about. note: somebody's words in place of OVHcloud's."""
    if intent.order_id is None:
        return
    waits = event in (Event.HELD, Event.GIVEN_UP, Event.NEEDLESS)
    OrderEvent.objects.create(
        order_id=intent.order_id,
        kind=event,
        at=at or timezone.now(),
        after=intent.why if waits else "",
        source=kind_of(intent).route_of(intent),
        note=note if note is not None else "" if intent.why == "key" and waits else intent.message,
        query_id="" if note is not None else intent.query_id,
    )


def copy(intent: Intent, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(intent, name, value)
