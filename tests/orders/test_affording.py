"""What a turn asks when a key has fewer tokens than its orders could use."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Budget, Nichandle
from orders import sync
from orders.models import Due, Order
from orders.sync import checks
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

# Of a bucket of 60, what the background leaves alone.
FOR_PEOPLE = 15
ORDERS = 12


@pytest.fixture
def moving(ovh: Any, settings: Any) -> Iterator[Nichandle]:
    """An account with a dozen orders in delivery, due, each worth a look at its steps beside its status."""
    nichandle = sign_up(ovh, 2)
    for _ in range(ORDERS):
        ovh.make_order(ovh.customers[2], status="delivering")
    import_all(nichandle)
    checks._batches[sync.gateway_for(nichandle).application.address] = (False, float("inf"))
    Order.objects.update(follow_up=None, follow_up_read_at=None, status_since=timezone.now() - timedelta(days=1))
    Due.objects.update(at=timezone.now())
    settings.OVH_CALLS_AT_ONCE = 4 * FOR_PEOPLE
    yield nichandle
    checks._batches.clear()


def tokens(number: int) -> None:
    Budget.objects.update(tokens=FOR_PEOPLE + number, filled_at=timezone.now(), refill_per_minute=4)


def asked(ovh: Any, since: int) -> Counter[str]:
    return Counter(call["path"].rpartition("/")[2] for call in ovh.requests(since))


def test_where_tokens_are_short_every_status_is_asked_and_few_steps(ovh: Any, moving: Nichandle):
    tokens(ORDERS + 2)
    since, began = ovh.last_request(), timezone.now()
    assert sync.poll_orders() == ORDERS
    assert asked(ovh, since) == {"status": ORDERS, "followUp": 2}
    assert moving.orders.filter(status_checked_at__gte=began).count() == ORDERS
    # Nothing was thrown away to be asked again in a moment.
    assert not Due.objects.filter(at__lt=began + timedelta(seconds=15)).exists()


def test_steps_that_were_spared_are_asked_with_the_next_check(ovh: Any, moving: Nichandle):
    tokens(ORDERS)
    sync.poll_orders()
    tokens(2 * ORDERS)
    Due.objects.update(at=timezone.now())
    since = ovh.last_request()
    sync.poll_orders()
    assert asked(ovh, since) == {"status": ORDERS, "followUp": ORDERS}
    assert not moving.orders.filter(follow_up=None).exists()


def test_a_change_that_cannot_be_followed_now_waits_for_tokens_for_all_of_it(ovh: Any, moving: Nichandle):
    changed = moving.orders.first()
    assert changed is not None
    ovh.change_order(changed.order_id, status="delivered")
    tokens(ORDERS)
    began = timezone.now()
    sync.poll_orders()
    assert Due.objects.get(order=changed).at > began + timedelta(seconds=checks.CALLS_OF_A_CHANGE)
    tokens(2 * ORDERS)
    Due.objects.filter(order=changed).update(at=timezone.now())
    sync.poll_orders()
    changed.refresh_from_db()
    assert changed.status == "delivered"


def test_of_many_whose_time_is_over_as_many_are_asked_as_can_be_asked_whole(ovh: Any, moving: Nichandle):
    for order in moving.orders.all():
        ovh.change_order(order.order_id, status="notPaid")
    over = timezone.now() - timedelta(minutes=1)
    moving.orders.update(status="notPaid", was_paid=False, payment_date=None, expiration_date=over)
    moving.orders.update(next_poll_at=over, status_checked_at=over - timedelta(minutes=1))
    tokens(ORDERS)
    since = ovh.last_request()
    sync.poll_orders()
    calls = asked(ovh, since)
    whole = calls["status"]
    assert 2 <= whole <= ORDERS // 3
    assert calls["payment"] == whole
    assert sum(calls.values()) <= ORDERS


def test_what_a_customer_asked_for_is_never_cut_to_its_status(ovh: Any, moving: Nichandle):
    wanted = moving.orders.first()
    assert wanted is not None
    Order.objects.filter(pk=wanted.pk).update(check_asked_at=timezone.now() + timedelta(seconds=1))
    tokens(2)
    since = ovh.last_request()
    sync.check_orders([wanted.pk])
    assert asked(ovh, since)["followUp"] == 1
