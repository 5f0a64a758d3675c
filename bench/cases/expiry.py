"""Marking unpaid orders whose time is over: our chunks, and the loops of the ORM beside them."""

import time

from django.db import connection, transaction
from django.utils import timezone

from bench import engine
from bench.cases.meter import Meter
from bench.cases.polling import make_plain
from bench.cases.population import take_your_time
from bench.machine import Figures
from orders.models import Order, OrderEvent


def expire_loop(sample: int) -> Figures:
    """As one would write it first: each order loaded, saved whole, with its event, in a transaction of its own."""
    make_plain()
    now = timezone.now()
    meter, longest = Meter(), 0.0
    for order in _lapsed(sample):
        began = time.perf_counter()
        with transaction.atomic():
            order.expired_at, order.next_poll_at = now, None
            order.save()
            _event(order).save()
        longest = max(longest, time.perf_counter() - began)
    return _figures(meter, longest)


def expire_loop_of_fields(sample: int) -> Figures:
    """The same with update_fields and all in one transaction, which holds every lock to its end."""
    make_plain()
    now = timezone.now()
    meter = Meter()
    with transaction.atomic():
        for order in _lapsed(sample):
            order.expired_at, order.next_poll_at = now, None
            order.save(update_fields=["expired_at", "next_poll_at"])
            _event(order).save()
    return _figures(meter, meter.seconds())


def expire_bulk(sample: int) -> Figures:
    """bulk_update and bulk_create by a thousand."""
    make_plain()
    now = timezone.now()
    meter, longest = Meter(), 0.0
    orders = list(_lapsed(sample))
    for start in range(0, len(orders), 1000):
        chunk, began = orders[start : start + 1000], time.perf_counter()
        for order in chunk:
            order.expired_at, order.next_poll_at = now, None
        with transaction.atomic():
            Order.objects.bulk_update(chunk, ["expired_at", "next_poll_at"])
            OrderEvent.objects.bulk_create(map(_event, chunk))
        longest = max(longest, time.perf_counter() - began)
    return _figures(meter, longest)


def expire_ours() -> Figures:
    """The marking alone, of orders that OVHcloud was asked about after their time was over."""
    meter, held = Meter(), [0.0]
    while True:
        began = time.perf_counter()
        if not engine.mark_expired():
            break
        held.append(time.perf_counter() - began)
    held.sort()
    return _figures(meter, held[-1]) | {"lock_p99_ms": held[int(len(held) * 0.99)] * 1e3}


def expire_asking(seconds: float) -> Figures:
    """The whole way of orders that just lapsed, beginning with asking once more, for so many seconds."""
    take_your_time()
    with connection.cursor() as cursor:
        # As the policy has it: the last answer is from before, and the next check a second after.
        cursor.execute(
            "UPDATE orders_order SET status_checked_at = expiration_date - interval '5 minutes',"
            " next_poll_at = expiration_date + interval '1 second'"
        )
    began = timezone.now()
    meter = Meter()
    while meter.seconds() < seconds and engine.ask_once_more():
        pass
    figures = _figures(meter, 0.0)
    return figures | {"asked": Order.objects.filter(status_checked_at__gte=began).count()}


def _lapsed(limit: int) -> list[Order]:
    return list(Order.objects.filter(status="notPaid", expired_at=None).order_by("expiration_date")[:limit])


def _event(order: Order) -> OrderEvent:
    return OrderEvent(order=order, kind=OrderEvent.Kind.EXPIRED, before=order.status, source="GET /me/order")


def _figures(meter: Meter, longest: float) -> Figures:
    seconds = meter.seconds()
    marked = Order.objects.filter(expired_at__isnull=False).count()
    events = OrderEvent.objects.filter(kind=OrderEvent.Kind.EXPIRED).count()
    figures = meter.figures(marked)
    return {
        "us_each": seconds / max(marked, 1) * 1e6,
        **figures,
        "seconds": seconds,
        "longest_ms": longest * 1e3,
        "marked": marked,
        "events": events,
    }
