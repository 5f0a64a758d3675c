"""Customers of the sandbox's world, signed up here without walking the journey."""

from typing import Any

from django.conf import settings

from accounts import breaker
from accounts.models import Budget, Link, Nichandle
from orders import sync
from tests.factories import make_customer, make_nichandle


def sign_up(ovh: Any, index: int = 0, **fields: Any) -> Nichandle:
    """One of the sandbox's customers, holding the key that the sandbox has validated; nothing is imported yet."""
    who = ovh.customers[index]
    user = make_customer(make_nichandle(who["nichandle"], imported=False, **fields))
    link = Link.objects.get(user=user)
    link.keep_key(who["consumer_key"])
    link.save()
    assert user.nichandle is not None
    return user.nichandle


def import_all(nichandle: Nichandle) -> None:
    """Import as the worker does, batch by batch."""
    sync.begin_import(nichandle)
    while sync.import_orders():
        pass


def forget_trouble() -> None:
    """As if the time had passed that breaker and budgets wait after trouble."""
    breaker.close()
    Budget.objects.update(silent_until=None, tokens=settings.OVH_CALLS_AT_ONCE)
