"""
Ordering the same again: what an expired or cancelled order held goes into the cart, as far as we can tell what it was.

Nothing is ordered by that. Boxes and codes are for the customer to tick and fill in anew, and prices are those of now.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from carts import actions, names
from carts.actions import AlreadyThere, CartFull, Wanted
from carts.configuring import saving
from carts.configuring.labels import BOXES
from carts.models import Cart, CartItem, Configuration, Plan
from carts.prices import Kept, amount
from orders import formats
from orders.models import EXPIRED, Order, OrderDetail, Status

AGAIN = (EXPIRED, Status.CANCELLED)
# Details that come beside a product, and the plan of what comes with a name.
BESIDE = ("INSTALLATION", "GIFT", "VOUCHER")
ZONE = "zone"
# What an extension tells of its plan, and what the columns of an item hold.
_TOLD, _MOST = ("plan_code", "duration", "pricing_mode"), 10_000
_ROOM = {field.name: field.max_length or 0 for field in CartItem._meta.fields if field.name in _TOLD}
_LABEL = next(field.max_length or 0 for field in Configuration._meta.fields if field.name == "label")


@dataclass
class Carried:
    """
    What came of it, in the words of a page. items: what is in the cart now. search: names to look up, where the order
    does not say how they were ordered. left_out: sentences.
    """

    items: list[CartItem] = field(default_factory=list)
    search: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Part:
    """What one detail of an order was: the API's words, as its extension says."""

    detail: OrderDetail
    plan_code: str
    duration: str
    pricing_mode: str
    quantity: int
    filled_in: dict[str, str]

    @property
    def price(self) -> Kept:
        return {"value": str(self.detail.unit_price.normalize()), "currency_code": self.detail.currency_code}


@transaction.atomic
def order_again(cart: Cart, order: Order) -> Carried:
    """
    Put what this order held into the cart. order: with its details read.

    Raises:
        CartClosed: see carts.actions.
    """
    actions.locked(cart)
    carried = Carried()
    plans = {plan.plan_code: plan for plan in Plan.objects.filter(subsidiary=cart.subsidiary)}
    for service, details in _by_service(order.details.all()).items():
        parts = [part for part in map(_part, details) if part is not None]
        if parts and all(part.plan_code == ZONE for part in parts):
            # It comes by itself, with its name.
            continue
        if not parts:
            _unknown(carried, service, details)
        elif any(_is_name(service, part) for part in parts):
            _carry_name(cart, carried, service, parts)
        else:
            _carry_plan(cart, carried, plans, parts)
    if carried.search or any(item.product == "domain" for item in carried.items):
        wanted = [*carried.search, *(item.domain for item in carried.items if item.product == "domain")]
        actions.ask_about(cart.nichandle, cart.subsidiary, wanted)
    return carried


def _by_service(details: Iterable[OrderDetail]) -> dict[str, list[OrderDetail]]:
    """Details of one service together; one without a name, or with a placeholder for it, is a service by itself."""
    found: dict[str, list[OrderDetail]] = {}
    for detail in details:
        named = detail.domain and not detail.domain.startswith("*")
        found.setdefault(detail.domain if named else f"*{detail.pk}", []).append(detail)
    return found


def _part(detail: OrderDetail) -> Part | None:
    """None for a set-up fee, a gift, and whatever OVHcloud does not describe in words that a cart can hold."""
    told: Mapping[str, Any] = detail.extension or {}
    if not told.get("plan_code") or detail.detail_type in BESIDE or detail.cancelled:
        return None
    if any(len(told.get(name) or "") > room for name, room in _ROOM.items()):
        return None
    told_then = {str(label): str(value) for label, value in told.get("configurations") or ()}
    filled_in = {label: value for label, value in told_then.items() if len(label) <= _LABEL}
    return Part(
        detail=detail,
        plan_code=told["plan_code"],
        duration=told.get("duration") or "P1Y",
        pricing_mode=told.get("pricing_mode") or "default",
        quantity=min(max(1, int(told.get("quantity") or 1)), _MOST),
        filled_in=filled_in,
    )


def _unknown(carried: Carried, service: str, details: Sequence[OrderDetail]) -> None:
    """A domain name can be looked up all the same; of anything else, only its name is known."""
    details = [detail for detail in details if detail.detail_type not in BESIDE]
    if not details:
        return
    try:
        name = names.encode(service)
    except ValueError:
        name = ""
    # Servers have names of their own below OVHcloud's.
    if "." in name and any(service in detail.description for detail in details):
        carried.search.append(name)
    else:
        carried.left_out.append(
            _("OVHcloud does not say how %(what)s was ordered.") % {"what": details[0].description or service}
        )


# --- Domain names -----------------------------------------------------------------------------------------------------
def _is_name(service: str, part: Part) -> bool:
    return service.partition(".")[2] == part.plan_code


def _carry_name(cart: Cart, carried: Carried, name: str, parts: Sequence[Part]) -> None:
    main = next(part for part in parts if _is_name(name, part))
    wanted = Wanted(
        product="domain",
        plan_code=main.plan_code,
        domain=name,
        pricing_mode=main.pricing_mode if "-" in main.pricing_mode else "create-default",
        duration=main.duration,
        prices={"PRICE": main.price},
    )
    if _put(cart, carried, wanted, (), main):
        # The zone comes by itself; its options are of it, and it is not there yet.
        others = [part for part in parts if part is not main and part.plan_code != ZONE]
        carried.left_out += [_chosen_again(part) for part in others]


# --- Everything else --------------------------------------------------------------------------------------------------
def _carry_plan(cart: Cart, carried: Carried, plans: Mapping[str, Plan], parts: Sequence[Part]) -> None:
    """A plan with its options, as the catalogue has them now."""
    main = next((part for part in parts if part.plan_code in plans), None)
    if main is None:
        carried.left_out += [
            _("%(what)s is not in the catalogue.") % {"what": part.detail.description} for part in parts
        ]
        return
    plan, options = plans[main.plan_code], []
    price = _price_now(plan.prices, main)
    if price is None:
        carried.left_out.append(
            _("%(what)s is no longer sold for that long, or that way.") % {"what": main.detail.description}
        )
        return
    for part in parts:
        if part is main:
            continue
        option = next((one for one in plan.options or () if one["plan_code"] == part.plan_code), None)
        now = _price_now(option["prices"], part) if option else None
        if option is None or now is None:
            carried.left_out.append(_chosen_again(part))
            continue
        _note_change(carried, part, now)
        options.append(_wanted(plan.product, part, name=option["name"], family=option["family"]))
    if _put(cart, carried, _wanted(plan.product, main, name=plan.name), options, main):
        _note_change(carried, main, price)


def _wanted(product: str, part: Part, *, name: str, family: str = "") -> Wanted:
    return Wanted(
        product=product,
        plan_code=part.plan_code,
        name=name,
        family=family,
        pricing_mode=part.pricing_mode,
        duration=part.duration,
        quantity=part.quantity,
        # What it cost then: the cart tells what is different now.
        prices={"PRICE": part.price},
    )


def _price_now(prices: Iterable[Mapping[str, Any]], part: Part) -> Kept | None:
    """What one costs now, for the same time and paid the same way; None where it is not sold so, or not so many."""
    for price in prices:
        most = price.get("maximum_quantity")
        fits = part.quantity >= (price.get("minimum_quantity") or 1) and (most is None or part.quantity <= most)
        if (price["pricing_mode"], price["duration"]) == (part.pricing_mode, part.duration) and fits:
            found: Kept = price["price"]
            return found
    return None


def _note_change(carried: Carried, part: Part, now: Kept) -> None:
    then = part.price
    if formats.money(*amount(then)) != formats.money(*amount(now)):
        carried.changes.append(
            _("%(what)s cost %(then)s then, and costs %(now)s now (without tax).")
            % {
                "what": part.detail.description,
                "then": formats.money(*amount(then)),
                "now": formats.money(*amount(now)),
            }
        )


def _chosen_again(part: Part) -> str:
    return _("%(what)s could not be taken over: choose it again, if you want it.") % {"what": part.detail.description}


def _put(cart: Cart, carried: Carried, wanted: Wanted, options: Sequence[Wanted], main: Part) -> bool:
    try:
        item = actions.add_item(cart, wanted, options)
    except AlreadyThere:
        carried.left_out.append(_("%(name)s is in your cart already.") % {"name": names.shown(wanted.domain)})
        return False
    except CartFull:
        carried.left_out.append(_("Your cart is full: %(what)s did not fit.") % {"what": main.detail.description})
        return False
    kept = {label: value for label, value in main.filled_in.items() if label not in _NOT_KEPT and value}
    if kept:
        saving.configure(item, kept)
    carried.items.append(item)
    return True


# Boxes are ticked by the customer, each time; codes are used up.
_NOT_KEPT = (*BOXES, *Configuration.SECRET_LABELS, "KEEP_DNS")
