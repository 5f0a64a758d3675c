"""The panel's own engine, by the names that the bench drives it with. Whatever changes there is followed here alone."""

from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Nichandle
from orders import policy, sync
from orders.models import Due, Order
from orders.sync.claims import KINDS

# How many orders one ring claims at most.
CLAIMED_AT_MOST = sync.POLL_BATCH


def poll() -> int:
    """Do what one ring of the poll task does. Returns how many orders were claimed."""
    return sync.poll_orders()


def is_idle() -> bool:
    """Whether nothing is due just now."""
    return not Due.objects.filter(kind__in=KINDS, at__lte=timezone.now()).exists()


def waits(now: datetime) -> dict[str, timedelta]:
    """How long the policy waits, by status, for the orders of this population."""
    found = {}
    for status in Order.objects.values_list("status", flat=True).distinct().order_by("status"):
        order = Order.objects.select_related("nichandle").filter(status=status).first()
        moment = policy.next_check(order, now) if order else None
        if moment is not None:
            found[status] = moment - now
    return found


def mark_expired() -> int:
    """Mark one chunk of orders that lapsed. Returns how many."""
    return sync.mark_expired()


def ask_once_more() -> int:
    """Do what one ring of the expiry task does. Returns how many orders were asked about or marked."""
    return sync.expire_orders()


def begin_import(nichandle: Nichandle) -> None:
    sync.begin_import(nichandle)


def import_some() -> bool:
    """Do what one ring of the import task does. Returns whether there is more to do at once."""
    return sync.import_orders()
