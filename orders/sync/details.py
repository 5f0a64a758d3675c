"""The parts of orders: read when somebody opens one, else while there is nothing better to do."""

from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts import ovh
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent
from gateway import Gateway, OvhError
from orders import learning
from orders.answers import Details, ask_details
from orders.models import Order
from orders.sync.claims import CLAIM
from orders.sync.turn import Turn

# Few at a time, for their calls are not reserved: an order takes three or more.
IDLE_BATCH = 12
# A claimed order is left alone so long, whether its details were read or not.
LEFT_ALONE = timedelta(minutes=5)


def read_details(order_pk: int) -> None:
    """Read the parts of one order and write them in one go. Running it again rewrites the same rows."""
    order = Order.objects.select_related("nichandle").get(pk=order_pk)
    try:
        details = ask_details(ovh.gateway_for(order.nichandle), order.order_id)
    except ovh.NoKey:
        return
    except (BudgetSpent, BreakerOpen):
        return
    except OvhError as error:
        learning.note_error(order.pk, error)
        return
    learning.keep_details(order.pk, details)


def read_idle_details(limit: int = IDLE_BATCH) -> bool:
    """
    Read details of a few newest orders that nobody opened yet. Returns whether more wait and may be asked for.

    In the background: people's part of the budget is not touched, and what it refuses waits.
    """
    try:
        with Turn(tries=2) as turn:
            if turn.is_probe:
                return False
            orders = _claim(limit)
            links = ovh.usable_keys([order.nichandle_id for order in orders])
            orders = [order for order in orders if order.nichandle_id in links]
            gateways = {pk: turn.gateway(link) for pk, link in links.items()}
            found = turn.run([partial(_ask, gateways[order.nichandle_id], order.order_id) for order in orders])
    except BreakerOpen:
        return False
    held_back = False
    for order, details in zip(orders, found, strict=True):
        if isinstance(details, Details):
            learning.keep_details(order.pk, details)
        elif isinstance(details, BudgetSpent | BreakerOpen):
            held_back = True
        elif isinstance(details, OvhError):
            learning.note_error(order.pk, details)
    return len(orders) == limit and not held_back


def _ask(gateway: Gateway, order_id: int) -> Details | OvhError:
    try:
        return ask_details(gateway, order_id)
    except OvhError as error:
        return error


def _claim(limit: int) -> list[Order]:
    now = timezone.now()
    with transaction.atomic():
        unread = (
            Order.objects.filter(details_read_at=None, gone_at=None)
            .exclude(details_asked_at__gt=now - max(CLAIM, LEFT_ALONE))
            .exclude(nichandle__order_import__unreachable_since__isnull=False)
            .order_by("-date")
            .select_for_update(skip_locked=True, of=("self",))
        )
        orders = list(unread.only("pk", "order_id", "nichandle_id")[:limit])
        Order.objects.filter(pk__in=[order.pk for order in orders]).update(details_asked_at=now)
    return orders
