"""
What somebody can do with a cart. Each writes our rows and rings; copying them to OVHcloud is a task's.

Every change locks the cart's row, so that two tabs, a sign-in and a worker take turns.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Nichandle
from accounts.ringing import ring
from carts import subsidiaries, tasks, words
from carts.models import Cart, CartItem, CatalogueReading, Configuration, DomainCheck, Plan

# What one cart may hold, options included; OVHcloud names no limit, and each item is a call or two.
ITEMS_AT_MOST = 100
COUPONS_AT_MOST = 10
# A price list that could not be read waits no longer than this once somebody looks; a name half as long.
RETRY = timedelta(minutes=1)
# Where the session keeps which cart is this visitor's.
VISITOR = "visitor"


class CartClosed(Exception):
    """The cart is being ordered, or was: what one adds goes into a new one."""


class CartMoved(Exception):
    """The item is no longer as the form showed it: another tab or device was quicker. Nothing was changed."""


class CartFull(Exception):
    """No more items fit (ITEMS_AT_MOST), or no more coupons."""


class AlreadyThere(Exception):
    """That domain name is in the cart already."""


@dataclass(frozen=True)
class Wanted:
    """Something to put into a cart, as an offer or a plan of ours says it. prices: {LABEL: kept price}, without tax."""

    product: str
    plan_code: str
    duration: str
    pricing_mode: str = "default"
    name: str = ""
    family: str = ""
    domain: str = ""
    offer_id: str = ""
    quantity: int = 1
    prices: Mapping[str, Any] = field(default_factory=dict)


# --- Whose cart -------------------------------------------------------------------------------------------------------
def cart_of(request: HttpRequest) -> Cart | None:
    """The open cart of this account, else of this visitor's browser. One query; none for a browser without one."""
    whose = _whose(request)
    return Cart.objects.filter(state=Cart.State.OPEN, **whose).first() if whose else None


def cart_for(request: HttpRequest) -> Cart:
    """The same, made where there is none. A visitor's session begins here."""
    if not _whose(request):
        request.session[VISITOR] = str(uuid.uuid4())
    cart, _made = Cart.objects.get_or_create(
        state=Cart.State.OPEN, **_whose(request), defaults={"subsidiary": subsidiaries.of(request)}
    )
    return cart


def _whose(request: HttpRequest) -> dict[str, Any]:
    nichandle: Nichandle | None = getattr(request, "nichandle", None)
    if nichandle is not None:
        return {"nichandle": nichandle}
    if request.user.is_authenticated or VISITOR not in request.session:
        return {}
    return {"visitor": uuid.UUID(request.session[VISITOR])}


def changed(cart: Cart) -> None:
    """
    Note that the cart holds something else now, and have it copied. For inside an action's transaction, with the cart's
    row locked (`locked`).
    """
    cart.revision += 1
    if cart.nichandle_id is not None:
        cart.next_mirror_at = timezone.now()
        ring(tasks.mirror_carts)
    cart.save(update_fields=["revision", "next_mirror_at", "updated_at"])


def locked(cart: Cart) -> Cart:
    """
    The cart's row, locked until the transaction ends.

    Raises:
        CartClosed: it can no longer be changed.
    """
    found = Cart.objects.select_for_update().filter(pk=cart.pk, state=Cart.State.OPEN).first()
    if found is None:
        raise CartClosed
    return found


# --- Items ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def add_item(cart: Cart, wanted: Wanted, options: Sequence[Wanted] = ()) -> CartItem:
    """
    Put something in, with its options.

    Raises:
        CartClosed, CartFull: see there.
        AlreadyThere: a domain name can be had once.
    """
    cart = locked(cart)
    if wanted.domain and cart.items.filter(product="domain", domain=wanted.domain, parent=None).exists():
        raise AlreadyThere
    if cart.items.count() + 1 + len(options) > ITEMS_AT_MOST:
        raise CartFull
    item = _make(cart, wanted)
    for option in options:
        _make(cart, option, item)
    changed(cart)
    return item


@transaction.atomic
def add_option(item: CartItem, wanted: Wanted) -> CartItem:
    """
    Add one option to what is in the cart already; the same one twice is one.

    Raises:
        CartClosed, CartFull, CartMoved: see there.
    """
    cart = locked(item.cart)
    item = _still_there(cart, item)
    found = item.options.filter(plan_code=wanted.plan_code).first()
    if found is not None:
        return found
    if cart.items.count() + 1 > ITEMS_AT_MOST:
        raise CartFull
    made = _make(cart, wanted, item)
    changed(cart)
    return made


def _make(cart: Cart, wanted: Wanted, parent: CartItem | None = None) -> CartItem:
    return CartItem.objects.create(
        cart=cart,
        parent=parent,
        product=wanted.product,
        plan_code=wanted.plan_code,
        name=wanted.name,
        family=wanted.family,
        domain=wanted.domain,
        pricing_mode=wanted.pricing_mode,
        offer_id=wanted.offer_id,
        duration=wanted.duration,
        quantity=wanted.quantity,
        chosen_at_prices=dict(wanted.prices),
    )


@transaction.atomic
def remove_item(item: CartItem) -> dict[str, Any]:
    """
    Take an item out, with its options, what was filled in, and the zone that came with a domain name. Returns what
    `put_back` needs, for a session: secrets in it stay encrypted.

    Raises:
        CartClosed, CartMoved: see there.
    """
    cart = locked(item.cart)
    item = _still_there(cart, item)
    taken = _facts(item)
    if item.domain:
        cart.items.filter(came_by_itself=True, domain=item.domain).exclude(pk=item.pk).delete()
    item.delete()
    changed(cart)
    return taken


@transaction.atomic
def leave_zone_out(item: CartItem) -> None:
    """
    Take out the DNS zone that came with a domain name, for good.

    Raises:
        CartClosed, CartMoved: see there.
    """
    cart = locked(item.cart)
    row = _still_there(cart, item)
    row.without_zone = True
    row.save(update_fields=["without_zone"])
    cart.items.filter(came_by_itself=True, product="dns", domain=row.domain).delete()
    changed(cart)


# What makes an item the same item again; the key, too, for codes are encrypted for it.
_FACTS = (
    *("product", "plan_code", "name", "family", "domain", "pricing_mode", "offer_id", "duration", "quantity"),
    *("chosen_at_prices", "without_zone"),
)


def _facts(item: CartItem) -> dict[str, Any]:
    filled_in = item.configurations.values("label", "value", "encrypted_value")
    return {name: getattr(item, name) for name in _FACTS} | {
        "key": str(item.key),
        "parent": str(item.parent.key) if item.parent else None,
        "configurations": list(filled_in),
        "options": [_facts(option) for option in item.options.filter(came_by_itself=False)],
    }


@transaction.atomic
def put_back(cart: Cart, taken: Mapping[str, Any]) -> CartItem:
    """
    Undo `remove_item`. Put back twice, or chosen anew meanwhile, it is there once.

    Raises:
        CartClosed, CartFull: see there.
        CartMoved: what it was an option of is gone.
    """
    cart = locked(cart)
    again, parent = Q(key=taken["key"]), None
    if taken.get("parent"):
        parent = cart.items.filter(key=taken["parent"]).first()
        if parent is None:
            raise CartMoved
        again |= Q(parent=parent, plan_code=taken["plan_code"])
    elif taken["domain"]:
        again |= Q(product="domain", domain=taken["domain"], parent=None)
    found = cart.items.filter(again).first()
    if found is not None:
        return found
    if cart.items.count() + 1 + len(taken["options"]) > ITEMS_AT_MOST:
        raise CartFull
    item = _put_back(cart, taken, parent)
    changed(cart)
    return item


def _put_back(cart: Cart, taken: Mapping[str, Any], parent: CartItem | None) -> CartItem:
    values = {name: taken[name] for name in _FACTS}
    item = CartItem.objects.create(cart=cart, parent=parent, key=uuid.UUID(taken["key"]), **values)
    Configuration.objects.bulk_create([Configuration(item=item, **one) for one in taken["configurations"]])
    for option in taken["options"]:
        _put_back(cart, option, item)
    return item


def set_quantity(item: CartItem, quantity: int, *, was: int | None = None) -> None:
    """
    Want another number of it; options that came along in the same number follow.

    was: the number the form showed. Raises: CartClosed, CartMoved.
    """
    change_item(item, quantity=quantity, was_quantity=was)


def set_duration(item: CartItem, duration: str, *, was: str | None = None) -> None:
    """
    Want it for another time; its options follow where they were for the same time.

    was: the duration the form showed. Raises: CartClosed, CartMoved.
    """
    change_item(item, duration=duration, was_duration=was)


@transaction.atomic
def change_item(
    item: CartItem,
    *,
    quantity: int | None = None,
    duration: str | None = None,
    pricing_mode: str | None = None,
    prices: Mapping[str, Any] | None = None,
    was_quantity: int | None = None,
    was_duration: str | None = None,
) -> None:
    """
    Change how many and for how long. None: as it is. prices: those of the new choice, as they stand now.

    Raises:
        CartClosed: see there.
        CartMoved: it is gone, or not what `was_…` says.
    """
    cart = locked(item.cart)
    row = _still_there(cart, item)
    if was_quantity not in (None, row.quantity) or was_duration not in (None, row.duration):
        raise CartMoved
    before = {"quantity": row.quantity, "duration": row.duration, "pricing_mode": row.pricing_mode}
    after = {
        "quantity": before["quantity"] if quantity is None else quantity,
        "duration": before["duration"] if duration is None else duration,
        "pricing_mode": before["pricing_mode"] if pricing_mode is None else pricing_mode,
    }
    if after == before:
        return
    for one in [row, *row.options.filter(came_by_itself=False)]:
        for name, value in after.items():
            if one.pk == row.pk or getattr(one, name) == before[name]:
                setattr(one, name, value)
        if one.pk == row.pk and prices is not None:
            one.chosen_at_prices = dict(prices)
        # What OVHcloud said was of the item as it had been.
        one.prices, one.problem = {}, ""
        one.save()
    changed(cart)


def _still_there(cart: Cart, item: CartItem) -> CartItem:
    row = cart.items.filter(pk=item.pk).first()
    if row is None:
        raise CartMoved
    return row


# --- Coupons ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def add_coupon(cart: Cart, coupon: str) -> None:
    """
    Have a coupon tried; whether it is good is OVHcloud's to say. One that was refused is tried again.

    Raises:
        CartClosed, CartFull: see there.
    """
    cart = locked(cart)
    others = [one for one in cart.coupons if one["coupon"] != coupon]
    if len(others) + 1 > COUPONS_AT_MOST:
        raise CartFull
    cart.coupons = [*others, {"coupon": coupon, "problem": ""}]
    cart.save(update_fields=["coupons"])
    changed(cart)


@transaction.atomic
def remove_coupon(cart: Cart, coupon: str) -> None:
    """
    Leave a coupon out.

    Raises:
        CartClosed: see there.
    """
    cart = locked(cart)
    left = [one for one in cart.coupons if one["coupon"] != coupon]
    if len(left) != len(cart.coupons):
        cart.coupons = left
        cart.save(update_fields=["coupons"])
        changed(cart)


# --- Prices that changed ----------------------------------------------------------------------------------------------
@transaction.atomic
def accept_prices(cart: Cart) -> None:
    """
    What the cart's items cost now is what was chosen: the page need not tell the difference any more.

    Raises:
        CartClosed: see there.
    """
    cart = locked(cart)
    for item in cart.items.all():
        if item.prices and item.prices != item.chosen_at_prices:
            item.chosen_at_prices = item.prices
            item.save(update_fields=["chosen_at_prices"])
    cart.expired_once = False
    cart.save(update_fields=["expired_once", "updated_at"])


@transaction.atomic
def try_again(cart: Cart) -> None:
    """
    Have the copy made, or the total asked for, now instead of when its turn comes.

    Raises:
        CartClosed: see there.
    """
    cart = locked(cart)
    if cart.nichandle_id is not None:
        cart.next_mirror_at = timezone.now()
        cart.save(update_fields=["next_mirror_at"])
        ring(tasks.mirror_carts)


# --- Sign-in ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def adopt(nichandle: Nichandle, visitor: uuid.UUID) -> Cart | None:
    """
    What was chosen before sign-in goes into the account's cart. Nothing is lost: only a name that the account's cart
    holds already is not put there twice. Returns the account's cart; None when this visitor had chosen nothing.
    """
    theirs = Cart.objects.select_for_update().filter(visitor=visitor, nichandle=None, state=Cart.State.OPEN).first()
    if theirs is None:
        return None
    subsidiary = nichandle.ovh_subsidiary or theirs.subsidiary
    own = _open_cart(nichandle, subsidiary)
    held = set(own.items.filter(product="domain", parent=None).values_list("domain", flat=True))
    moved = [item for item in theirs.items.filter(parent=None) if not (item.domain and item.domain in held)]
    kept = [item.pk for item in moved]
    theirs.items.filter(Q(pk__in=kept) | Q(parent__in=kept)).update(cart=own)
    known = {one["coupon"] for one in own.coupons}
    own.coupons = own.coupons + [one for one in theirs.coupons if one["coupon"] not in known]
    own.save(update_fields=["coupons"])
    theirs.delete()
    changed(own)
    # Asked anew with the account's own key: durations and prices are those of its price list.
    ask_about(nichandle, own.subsidiary, [item.domain for item in moved if item.domain])
    return own


def _open_cart(nichandle: Nichandle, subsidiary: str) -> Cart:
    """The account's open cart, locked. One that is ordered while its lock is waited for is no longer it."""
    while True:
        own, _made = Cart.objects.get_or_create(
            nichandle=nichandle, state=Cart.State.OPEN, defaults={"subsidiary": subsidiary}
        )
        try:
            return locked(own)
        except CartClosed:
            continue


# --- Searching --------------------------------------------------------------------------------------------------------
def search_domains(request: HttpRequest, names: Sequence[str]) -> list[DomainCheck]:
    """
    One row for each name (ASCII, lower case), in their order. What was answered within minutes stands; the rest is
    asked for by tasks.
    """
    nichandle: Nichandle | None = getattr(request, "nichandle", None)
    return ask_about(nichandle, subsidiaries.of(request), names)


@transaction.atomic
def ask_about(nichandle: Nichandle | None, subsidiary: str, names: Iterable[str]) -> list[DomainCheck]:
    """The same, for an account or, None, for visitors of that subsidiary. Three queries however many names."""
    now = timezone.now()
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    DomainCheck.objects.bulk_create(
        [DomainCheck(nichandle=nichandle, subsidiary=subsidiary, domain=name, asked_at=now) for name in wanted],
        ignore_conflicts=True,
    )
    checks = DomainCheck.objects.filter(nichandle=nichandle, subsidiary=subsidiary, domain__in=wanted)
    checks.filter(_stale(now)).update(
        state=DomainCheck.State.WAITING, message="", failures=0, asked_at=now, next_attempt_at=now
    )
    found = {check.domain: check for check in checks}
    if any(check.state == DomainCheck.State.WAITING for check in found.values()):
        ring(tasks.ask_domains)
    return [found[name] for name in wanted]


def _stale(now: datetime) -> Q:
    """Answered too long ago, or given up on: who asks again is answered again. What is under way is left alone."""
    old = Q(state=DomainCheck.State.ANSWERED, answered_at__lt=now - DomainCheck.FRESH)
    # Not at once: the page that asks without a script would never get to say why.
    return old | Q(state=DomainCheck.State.FAILED, next_attempt_at=None, asked_at__lt=now - RETRY / 2)


# --- The catalogue ----------------------------------------------------------------------------------------------------
def want_catalogue(subsidiary: str) -> None:
    """Somebody looks at this price list: have it read, where it was not within the hour. Three queries."""
    now = timezone.now()
    wanted = words.CATALOGUE + words.BESIDE
    CatalogueReading.objects.bulk_create(
        [CatalogueReading(subsidiary=subsidiary, product=product) for product in wanted], ignore_conflicts=True
    )
    old = Q(read_at=None) | Q(read_at__lt=now - Plan.FRESH)
    asleep = Q(next_read_at=None) | Q(next_read_at__gt=now + RETRY)
    due = CatalogueReading.objects.filter(old, subsidiary=subsidiary)
    due.filter(asleep).update(next_read_at=now)
    if due.exists():
        ring(tasks.read_catalogues)
