"""
The plain ways: the official client as its documentation shows it, one order at a time, the answer kept by the ORM.

They are kind to themselves: a client is made once for an account and kept while its orders are asked about in turn,
only `/status` is asked, and what is written is one UPDATE.
"""

import threading
from datetime import timedelta

import ovh
import ovh.client
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bench import world
from orders.models import Order, OrderEvent

_kept = threading.local()
# When a plain poller would come back; nothing here depends on it.
_AGAIN = timedelta(minutes=10)


def client_for(account: int) -> ovh.Client:
    """The client that this thread made for the account it asked about last, or a new one."""
    if getattr(_kept, "account", None) != account:
        ovh.client.ENDPOINTS["bench"] = settings.OVH_BASE_URL
        _kept.client = ovh.Client("bench", world.APPLICATION_KEY, world.APPLICATION_SECRET, world.consumer_key(account))
        _kept.account = account
    return _kept.client


def check(pk: int) -> None:
    """Ask for one order's status and keep it, with an event where it changed."""
    order = Order.objects.only("order_id", "status", "nichandle_id").get(pk=pk)
    status = client_for(order.nichandle_id).get(f"/me/order/{order.order_id}/status")
    now = timezone.now()
    kept = {"status_checked_at": now, "next_poll_at": now + _AGAIN}
    if status == order.status:
        Order.objects.filter(pk=pk).update(**kept)
        return
    with transaction.atomic():
        Order.objects.filter(pk=pk).update(status=status, status_since=now, **kept)
        OrderEvent.objects.create(order_id=pk, kind=OrderEvent.Kind.STATUS, before=order.status, after=status)
