"""
Orders that OVHcloud was told to pay as they were made, with the account's default method.

OVHcloud answers before that payment shows, or fails. Until it does the order looks unpaid, and whoever pays it from
here would pay twice; so the wish is kept as a payment that OVHcloud took, and stands in the way of another for a while.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from orders.models import Intent, Order

TYPE = "AT_CHECKOUT"
# In Intent.why while it stands, for whoever reads no arguments; and once another payment took its place.
WITH_ORDER, UNSEEN = "with-order", "unseen"
# A saved method is charged within seconds. What does not show by then was refused, or waits for the bank's customer.
SHOWS_WITHIN = timedelta(minutes=5)
# From OVHcloud's answer to the row of the order it made.
FOUND_WITHIN = timedelta(minutes=1)
LATELY = timedelta(days=1)
_NOT_KNOWN = (*Intent.UNDER_WAY, Intent.State.HELD, Intent.State.DEAD)


def pay_with_the_order(order: Order, asked: Intent) -> None:
    """
    Keep that OVHcloud was told to pay this order as it made it, unless something stands already. Within a transaction.

    asked: the intent that made the order.
    """
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order.pk)
    standing = Intent.objects.filter(order=order, kind=Intent.Kind.PAYMENT).exclude(state__in=Intent.OVER)
    if order.is_free or standing.exists():
        return
    now = timezone.now()
    wanted: dict[str, Any] = {"key": "", "mean": "", "mean_id": None, "method_id": None, "type": TYPE}
    Intent.objects.create(
        kind=Intent.Kind.PAYMENT,
        nichandle=order.nichandle,
        order=order,
        arguments=wanted | {"sub_type": "", "label": "", "default": True, "available": False},
        state=Intent.State.ACCEPTED,
        why=WITH_ORDER,
        attempts=1,
        attempted_at=asked.attempted_at,
        settled_at=now,
        # The relay has the order asked about until the payment shows.
        next_attempt_at=now,
    )


def came_with_the_order(payment: Intent) -> bool:
    return payment.arguments.get("type") == TYPE


def is_unseen(payment: Intent, now: datetime) -> bool:
    """Whether it should have shown by now, so that it stands in the way no longer. Of an order that is still unpaid."""
    if payment.state != Intent.State.ACCEPTED or payment.settled_at is None:
        return False
    return came_with_the_order(payment) and now - payment.settled_at > SHOWS_WITHIN


def may_be_one(order: Order, now: datetime) -> bool:
    """
    Whether this may be the order that was just made to be paid at once: it came after OVHcloud was asked for one, and
    which one that made is not known, or not told to its row. At most one query.
    """
    if order.is_free:
        return False
    unknown = Q(state__in=_NOT_KNOWN, attempted_at__gt=now - SHOWS_WITHIN)
    just_told = Q(state=Intent.State.ACCEPTED, settled_at__gt=now - FOUND_WITHIN)
    return _asked_for(order).filter(unknown | just_told).exists()


def was_asked_for_lately(order: Order, now: datetime) -> bool:
    """Whether its account had OVHcloud pay as it ordered: a payment may be there before its status. One query."""
    return _asked_for(order).filter(attempted_at__gt=now - LATELY).exists()


def _asked_for(order: Order) -> QuerySet[Intent]:
    return Intent.objects.filter(
        nichandle=order.nichandle_id,
        kind=Intent.Kind.CHECKOUT,
        arguments__pay_at_once=True,
        attempts__gt=0,
        created_at__lt=order.created_at,
    )
