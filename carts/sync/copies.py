"""
The cart at OVHcloud: made once for each of ours, forgotten when it is gone there.

Whoever makes or changes a copy holds the cart's lease; what comes of it is written only while that stands.
"""

import random
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import Nichandle
from carts.models import Cart, CartItem, Configuration
from gateway import CartRecord, Gateway

# A turn ends after TURN_SECONDS and the call that is under way then; a worker that has not written by now is dead.
LEASE = timedelta(seconds=60)
# A copy that ends within so long is not begun with.
TOO_LATE = timedelta(minutes=2)
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=2)


class LeaseLost(Exception):
    """The cart is in other hands: what this worker still wanted to write or send is theirs now."""


def is_alive(cart: Cart, now: datetime) -> bool:
    """Whether OVHcloud has a copy, as far as we know."""
    return bool(cart.ovh_cart_id) and (cart.expires_at is None or cart.expires_at > now + TOO_LATE)


def free(now: datetime) -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=now)


def take(cart: Cart) -> bool:
    """Take the lease of an open cart; False: somebody has it."""
    now, lease = timezone.now(), uuid.uuid4()
    mine = Cart.objects.filter(free(now), pk=cart.pk, state=Cart.State.OPEN)
    if not mine.update(lease=lease, leased_until=now + LEASE):
        return False
    cart.refresh_from_db()
    return True


def held(cart: Cart) -> QuerySet[Cart]:
    """The cart's row, while this worker may do something with it."""
    return Cart.objects.filter(pk=cart.pk, lease=cart.lease, state=Cart.State.OPEN)


def write(cart: Cart, **values: Any) -> None:
    """
    Write something of a cart that this worker has. One that is being ordered is nobody's: its copy stays what was
    ordered, or a look for the order would look elsewhere.

    Raises:
        LeaseLost: see there; nothing was written.
    """
    if not held(cart).update(**values):
        raise LeaseLost
    for name, value in values.items():
        setattr(cart, name, value)


def give_back(cart: Cart) -> None:
    Cart.objects.filter(pk=cart.pk, lease=cart.lease).update(lease=None, leased_until=None)


def make(cart: Cart, gateway: Gateway) -> CartRecord:
    """
    Make the copy; an answer that is lost leaves an empty cart behind, which expires by itself. The lease is held.

    Raises:
        LeaseLost: see there. OvhError.
    """
    forget(cart)
    nichandle = cart.nichandle
    subsidiary = (nichandle.ovh_subsidiary if nichandle else "") or cart.subsidiary
    record = gateway.make_cart(subsidiary)
    write(cart, ovh_cart_id=record.cart_id[:64], expires_at=record.expire, subsidiary=subsidiary)
    return record


@transaction.atomic
def forget(cart: Cart) -> None:
    """
    The copy is gone: nothing of ours is at OVHcloud any more. Prices as they were chosen stay, so that the page can
    say what changed. The lease is held.

    Raises:
        LeaseLost: see there.
    """
    if held(cart).select_for_update().first() is None:
        raise LeaseLost
    was_there = cart.items.filter(ovh_item_id__isnull=False).exists()
    forget_items(cart.items.all())
    values: dict[str, Any] = {"ovh_cart_id": "", "expires_at": None, "assigned_at": None, "mirrored_revision": 0}
    values |= {"quoted_revision": 0, "expired_once": cart.expired_once or was_there}
    write(cart, **values)


def forget_items(items: Iterable[CartItem]) -> None:
    """These are not at OVHcloud, nor is what was filled in for them."""
    pks = [item.pk for item in items]
    CartItem.objects.filter(pk__in=pks).update(ovh_item_id=None, prices={})
    Configuration.objects.filter(item__in=pks).update(is_mirrored=False, ovh_configuration_id=None)


def copy_for(nichandle: Nichandle, gateway: Gateway) -> str | None:
    """
    The id of the account's cart at OVHcloud, made where there is none, so that something can be looked up in it. None:
    another worker makes it this moment.

    Raises:
        OvhError.
    """
    cart = open_cart(nichandle)
    if is_alive(cart, timezone.now()):
        return cart.ovh_cart_id
    if not take(cart):
        return None
    try:
        if not is_alive(cart, timezone.now()):
            make(cart, gateway)
        return cart.ovh_cart_id
    except LeaseLost:
        return None
    finally:
        give_back(cart)


def open_cart(nichandle: Nichandle) -> Cart:
    cart, _made = Cart.objects.get_or_create(
        nichandle=nichandle, state=Cart.State.OPEN, defaults={"subsidiary": nichandle.ovh_subsidiary}
    )
    return cart


def gone(nichandle: Nichandle, ovh_cart_id: str) -> None:
    """OVHcloud knows this copy no more. One that is in a worker's hands is left to that."""
    cart = Cart.objects.filter(nichandle=nichandle, state=Cart.State.OPEN, ovh_cart_id=ovh_cart_id).first()
    if cart is None or not take(cart):
        return
    try:
        if cart.ovh_cart_id == ovh_cart_id:
            forget(cart)
            write(cart, next_mirror_at=timezone.now())
    except LeaseLost:
        return
    finally:
        give_back(cart)


def back_off(failures: int) -> timedelta:
    """How long to wait after so many failures in a row, 1 or more."""
    pause: timedelta = min(SHORTEST_PAUSE * 2 ** min(failures - 1, 10), LONGEST_PAUSE)
    # S311: jitter, not a secret.
    return pause * (1 - random.random() / 10)  # noqa: S311
