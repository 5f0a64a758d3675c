"""
OVHcloud's clock behind ours and ahead of it: an unpaid order is marked when its date is over by both, and a payment
that OVHcloud took in time is never lost, in whichever gap it lands.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway import client as gateway_client
from orders import sync
from orders.models import Due, Order, OrderEvent, Status
from orders.queries.tracking import _event_words
from orders.sync import expiry
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

BEHIND = 400


@pytest.fixture(autouse=True)
def _no_clock_is_known(ovh: Any) -> Iterator[None]:
    gateway_client._time_deltas.clear()
    yield
    gateway_client._time_deltas.clear()


def unpaid(ovh: Any, *, lapsed_s: float) -> Order:
    """An order of the sandbox whose date was over so many seconds ago by our clock, as imported and now due."""
    nichandle = sign_up(ovh, 1)
    at = (timezone.now() - timedelta(seconds=lapsed_s)).replace(microsecond=0)
    number = ovh.make_order(ovh.customers[1], status="notPaid", expirationDate=at.isoformat())
    import_all(nichandle)
    order: Order = nichandle.orders.get(order_id=number)
    assert order.expiration_date == at
    return order


def check(order: Order) -> Order:
    """Ask about it as the clock's worker does when it is due."""
    Order.objects.filter(pk=order.pk).update(next_poll_at=timezone.now(), details_read_at=timezone.now())
    Due.objects.exclude(order=order).update(at=timezone.now() + timedelta(hours=1))
    sync.poll_orders()
    sync.mark_all_expired()
    order.refresh_from_db()
    return order


def long_ago(order: Order, seconds: float) -> None:
    """As if its checks, dates and mark were so much older."""
    earlier: dict[str, datetime] = {
        name: moment - timedelta(seconds=seconds)
        for name in ("expiration_date", "status_checked_at", "expired_at")
        if (moment := getattr(order, name)) is not None
    }
    Order.objects.filter(pk=order.pk).update(**earlier)
    order.refresh_from_db()


def kinds(order: Order) -> list[str]:
    return list(order.events.order_by("pk").values_list("kind", flat=True))


def test_with_ovhclouds_clock_behind_it_is_marked_when_its_date_is_over_there(ovh: Any):
    ovh.clock(-BEHIND)
    order = check(unpaid(ovh, lapsed_s=60))
    assert abs(order.behind_s - BEHIND) <= 2
    assert order.expired_at is None
    # Whoever looks at the page is told by the panel's own clock.
    assert order.is_expired(timezone.now())
    assert order.due.kind == Due.Kind.SOON
    # It is asked about at OVHcloud's date, well within ten minutes of it.
    assert order.next_poll_at <= order.expiration_date + timedelta(seconds=BEHIND + 3)
    assert sync.mark_expired([order.pk]) == 0

    ovh.change_order(order.order_id, expirationDate=(order.expiration_date - timedelta(seconds=BEHIND)).isoformat())
    order = check(order)
    assert order.expired_at is not None or order.gone_at is not None


def test_with_ovhclouds_clock_ahead_it_is_never_marked_before_its_date_here(ovh: Any):
    ovh.clock(BEHIND)
    order = check(unpaid(ovh, lapsed_s=-BEHIND - 60))
    assert (order.status, order.behind_s, order.expired_at) == (Status.NOT_PAID, 0, None)
    assert sync.mark_expired([order.pk]) == 0
    # Its date is over there: only OVHcloud's own word that it is gone ends it before its date here.
    long_ago(order, BEHIND)
    assert order.expiration_date > timezone.now()
    assert sync.mark_expired([order.pk]) == 0
    ovh.change_order(order.order_id, expirationDate=order.expiration_date.isoformat())
    order = check(order)
    assert order.gone_at is not None
    assert "404" in order.events.get(kind=OrderEvent.Kind.EXPIRED).source


@pytest.mark.parametrize(
    ("clock", "lapsed_s"),
    [(-BEHIND, 60), (-BEHIND, BEHIND - 30), (-BEHIND, -30), (0, -30), (BEHIND, -BEHIND - 30)],
    ids=["behind", "behind-at-the-last-moment", "behind-before-both", "together", "ahead"],
)
def test_a_payment_that_ovhcloud_takes_in_time_is_seen(ovh: Any, clock: int, lapsed_s: float):
    """The order was asked about once in this gap, then paid."""
    ovh.clock(clock)
    order = check(unpaid(ovh, lapsed_s=lapsed_s))
    assert order.expired_at is None
    ovh.change_order(order.order_id, pay=True)
    order = check(order)
    assert (order.was_paid, order.expired_at) == (True, None)
    assert order.status != Status.NOT_PAID
    assert not order.is_expired(timezone.now())
    assert OrderEvent.Kind.EXPIRED not in kinds(order)


def test_negative_control_going_by_our_clock_alone_marks_what_ovhcloud_still_takes_a_payment_for(ovh: Any):
    ovh.clock(-BEHIND)
    order = check(unpaid(ovh, lapsed_s=60))
    Order.objects.filter(pk=order.pk).update(behind_s=0)
    assert expiry.mark_expired([order.pk]) == 1
    ovh.change_order(order.order_id, pay=True)
    order.refresh_from_db()
    assert order.expired_at is not None


def marked_too_early(ovh: Any) -> Order:
    """Marked while the clocks agreed; then OVHcloud's was put back."""
    ovh.clock(-BEHIND)
    order = check(unpaid(ovh, lapsed_s=60))
    Order.objects.filter(pk=order.pk).update(behind_s=0)
    assert sync.mark_expired([order.pk]) == 1
    order.refresh_from_db()
    return order


def test_a_marked_order_is_asked_about_again_and_a_payment_takes_the_mark_back(ovh: Any):
    order = marked_too_early(ovh)
    assert order.next_poll_at <= order.expired_at + timedelta(minutes=10)
    since = ovh.last_request()
    order = check(order)
    assert order.expired_at is not None
    assert len([call for call in ovh.requests(since) if str(order.order_id) in call["path"]]) == 1

    ovh.change_order(order.order_id, pay=True)
    order = check(order)
    assert (order.was_paid, order.expired_at) == (True, None)
    assert kinds(order)[-2:] == [OrderEvent.Kind.STATUS, OrderEvent.Kind.NOT_EXPIRED]
    told = order.events.values().get(kind=OrderEvent.Kind.NOT_EXPIRED)
    assert (told["before"], told["after"]) == ("expired", order.status)
    assert _event_words(told) == "Not expired after all, says OVHcloud"
    assert not order.is_expired(timezone.now())


def test_more_time_takes_the_mark_back_and_the_end_of_an_unpaid_order_does_not(ovh: Any):
    order = marked_too_early(ovh)
    later = timezone.now() + timedelta(days=1)
    ovh.change_order(order.order_id, expirationDate=later.isoformat())
    Order.objects.filter(pk=order.pk).update(object_read_at=None)
    order = check(order)
    assert order.expired_at is None
    assert not order.is_expired(timezone.now())

    ovh.change_order(order.order_id, expirationDate=(timezone.now() - timedelta(seconds=60)).isoformat())
    Order.objects.filter(pk=order.pk).update(behind_s=0, expired_at=timezone.now(), object_read_at=None)
    order.refresh_from_db()
    order = check(order)
    assert order.expired_at is not None


def test_it_is_asked_about_every_hour_for_a_day_and_then_no_more(ovh: Any):
    order = marked_too_early(ovh)
    for hours, wait in ((2, timedelta(hours=1)), (20, timedelta(hours=1)), (3, None)):
        long_ago(order, hours * 3600)
        order = check(order)
        assert order.expired_at is not None
        if wait is None:
            assert order.is_final
            assert not Due.objects.filter(order=order).exists()
        else:
            assert wait * 0.9 - timedelta(seconds=5) <= order.next_poll_at - timezone.now() <= wait
