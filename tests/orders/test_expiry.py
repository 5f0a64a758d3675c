"""Marking unpaid orders whose time is over: never early, never over a payment, in chunks, with an event each."""

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import learning, policy, sync
from orders.answers import Answer
from orders.models import Due, Order, OrderEvent, Status
from orders.sync import expiry
from tests.factories import make_customer, make_order
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

# Interleaved races of a payment against the marking: a sample, and all of them in `make prove`.
RACES = 500 if "PROVE" in os.environ else 25


def lapsed(nichandle: Any = None, **fields: Any) -> Order:
    """An unpaid order that OVHcloud was asked about after its date."""
    now = timezone.now()
    values = {
        "status": Status.NOT_PAID,
        "expiration_date": now - timedelta(seconds=20),
        "status_checked_at": now - timedelta(seconds=5),
        "next_poll_at": now,
    }
    return make_order(nichandle or make_customer().nichandle, **(values | fields))


def pay(order: Order) -> None:
    learning.learn(order.pk, Answer(order.order_id, status=Status.CHECKING), timezone.now())


def test_a_lapsed_order_is_marked_once_with_its_event_and_asked_about_again_later():
    order = lapsed()
    assert order.due.kind == Due.Kind.LAPSED
    assert sync.mark_expired() == 1
    order.refresh_from_db()
    assert order.expired_at is not None
    assert timedelta(minutes=9) <= order.next_poll_at - order.expired_at <= policy.AFTER_MARKING
    event = order.events.get()
    assert (event.kind, event.before, event.after) == (
        OrderEvent.Kind.EXPIRED,
        "notPaid",
        order.expiration_date.isoformat(timespec="seconds"),
    )
    assert (order.due.kind, order.due.at) == (Due.Kind.LATER, order.next_poll_at)
    assert sync.mark_expired() == sync.mark_expired([order.pk]) == 0
    assert OrderEvent.objects.count() == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"expiration_date": timezone.now() + timedelta(days=1)},
        {"status_checked_at": timezone.now() - timedelta(hours=1)},
        {"status_checked_at": None},
        {"was_paid": True},
        {"status": Status.CHECKING},
        {"gone_at": timezone.now()},
        {"expiration_date": None},
        # By OVHcloud's clock its date is not over, or was not when it was asked.
        {"behind_s": 30},
        {"behind_s": 18},
    ],
    ids=lambda fields: " ".join(fields),
)
def test_nothing_else_is_ever_marked(fields: dict[str, Any]):
    order = lapsed(**fields)
    # Even where the queue says so.
    Due.objects.update(kind=Due.Kind.LAPSED)
    assert sync.mark_expired() == 0
    assert sync.mark_expired([order.pk]) == 0
    order.refresh_from_db()
    assert order.expired_at is None


def test_it_is_asked_about_right_after_its_date_and_marked_by_the_answer(ovh: Any):
    nichandle = sign_up(ovh, 1)
    import_all(nichandle)
    soon = (timezone.now() + timedelta(seconds=3)).replace(microsecond=0)
    number = ovh.make_order(nichandle=nichandle.nichandle, expirationDate=soon.isoformat())
    # Its own end at OVHcloud comes later, so that the answer after our date is still notPaid.
    order = lapsed(
        nichandle,
        order_id=number,
        expiration_date=soon,
        status_checked_at=timezone.now(),
        object_read_at=timezone.now(),
    )
    assert policy.next_check(order, timezone.now()) == soon + policy.AFTER_EXPIRATION
    Order.objects.filter(pk=order.pk).update(next_poll_at=timezone.now())
    sync.poll_orders()
    order.refresh_from_db()
    assert order.expired_at is None
    time.sleep(max(0.0, (order.next_poll_at - timezone.now()).total_seconds()) + 0.1)
    sync.poll_orders()
    order.refresh_from_db()
    assert order.expired_at is not None
    assert soon <= order.expired_at < soon + timedelta(minutes=10)


def test_a_chunk_is_one_statement_however_many_orders_it_marks():
    nichandle = make_customer().nichandle
    for _ in range(30):
        lapsed(nichandle)
    with CaptureQueriesContext(connection) as queries:
        assert sync.mark_expired() == 30
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 4
    assert OrderEvent.objects.count() == 30
    assert sync.mark_all_expired() == 0


@pytest.mark.parametrize("looks_again", [True, False])
@pytest.mark.django_db(transaction=True)
def test_a_payment_that_is_being_learned_is_never_overtaken(looks_again: bool):
    """The negative control marks what was lapsed when it looked, without looking again: over the payment."""
    order = lapsed()

    def mark() -> None:
        try:
            if looks_again:
                sync.mark_expired([order.pk])
            else:
                Order.objects.filter(pk=order.pk).update(expired_at=timezone.now(), next_poll_at=None)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as marker:
        with transaction.atomic():
            pay(order)
            marking = marker.submit(mark)
            time.sleep(0.2)
        marking.result(5)
    order.refresh_from_db()
    assert order.was_paid
    assert (order.expired_at is None) is looks_again


@pytest.mark.django_db(transaction=True)
def test_a_payment_at_the_last_moment_wins_however_the_two_interleave():
    chance = random.Random(4)
    nichandle = make_customer().nichandle

    def later(seconds: float, do: Any, *args: Any) -> None:
        try:
            time.sleep(seconds)
            do(*args)
        finally:
            connection.close()

    marked_first = 0
    with ThreadPoolExecutor(2) as workers:
        for _ in range(RACES):
            order = lapsed(nichandle)
            delays = [chance.uniform(0, 0.004), chance.uniform(0, 0.004)]
            running = [
                workers.submit(later, delays[0], pay, order),
                workers.submit(later, delays[1], expiry.mark_expired, [order.pk]),
            ]
            for future in running:
                future.result(10)
            order.refresh_from_db()
            assert (order.status, order.was_paid, order.expired_at) == (Status.CHECKING, True, None)
            assert not order.is_expired(timezone.now())
            assert order.due.at == order.next_poll_at
            marked_first += order.events.filter(kind=OrderEvent.Kind.EXPIRED).exists()
    # Both orders of events were met, else nothing was raced.
    assert 0 < marked_first < RACES
