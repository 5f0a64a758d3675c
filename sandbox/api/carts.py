"""/order/cart: from an empty cart to a purchase order."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from .. import life, world
from ..carts import Refusal, catalogue, checkout, domains, items, totals
from ..models import Cart, Customer, Order
from . import fields, schema
from .errors import no_such
from .fields import Field
from .orders import LEGACY, PAID_BY, document_url
from .payment import note_transaction
from .routes import Call, route

_AT = "/order/cart/{cartId}"
_LIFE = timedelta(days=1)
_NO_CART = "Invalid Cart ID"


def _cart(cart_id: str, *, lock: bool = False) -> Cart:
    """Return a cart by its id, which is all one needs. One that has expired is gone."""
    try:
        key = uuid.UUID(cart_id)
    except ValueError:
        raise Refusal(_NO_CART, 404) from None
    carts = Cart.objects.select_for_update() if lock else Cart.objects.all()
    found = carts.filter(pk=key, expire__gt=world.now()).first()
    if found is None:
        raise Refusal(_NO_CART, 404)
    return found


def _own(call: Call, cart: Cart) -> Cart:
    """Let nobody else act on a cart that is assigned."""
    if cart.customer_id not in (None, call.customer.pk):
        raise Refusal("You are not allowed", 403)
    return cart


@contextmanager
def _changing(cart_id: str, call: Call | None = None, *, again: bool = False) -> Iterator[Cart]:
    """Change a cart, alone and not after it was checked out, unless it may be changed again."""
    with transaction.atomic():
        cart = _cart(cart_id, lock=True)
        if call is not None:
            _own(call, cart)
        if cart.read_only and not again:
            raise Refusal("This cart is read-only: it has already been validated")
        yield cart
        cart.save()


def _answer(cart: Cart) -> dict[str, Any]:
    return {
        "cartId": str(cart.cart_id),
        "description": cart.description,
        "expire": cart.expire.isoformat(timespec="seconds"),
        "items": [item["itemId"] for item in cart.items],
        "readOnly": cart.read_only,
    }


# --- The cart ---


@route("GET /order/cart", query=schema.query("GET /order/cart"))
def carts(call: Call) -> list[str]:
    wanted = {"description": call.query["description"]} if "description" in call.query else {}
    found = call.customer.carts.filter(expire__gt=world.now(), **wanted).order_by("expire", "pk")
    return [str(cart.cart_id) for cart in found]


# The schema's list of subsidiaries is the European one; the accounts here are of two regions.
_NEW = schema.body("POST /order/cart") | {
    "ovhSubsidiary": Field("nichandle.OvhSubsidiaryEnum", fields.text, required=True)
}


@route("POST /order/cart", needs="nothing", body=_NEW)
def new_cart(call: Call) -> dict[str, Any]:
    subsidiary = call.body["ovhSubsidiary"]
    catalogue.currency_of(subsidiary)
    return _answer(
        Cart.objects.create(
            cart_id=uuid.uuid4(),
            subsidiary=subsidiary,
            description=call.body.get("description", ""),
            expire=_expiry(call.body.get("expire")),
        )
    )


def _expiry(wanted: datetime | None) -> datetime:
    now = world.now().replace(microsecond=0)
    if wanted is not None and wanted <= now:
        raise Refusal("expire must be in the future")
    return wanted or now + _LIFE


@route(f"GET {_AT}", needs="nothing")
def show_cart(call: Call, cart_id: str) -> dict[str, Any]:
    return _answer(_cart(cart_id))


@route(f"PUT {_AT}", needs="nothing", body=schema.body(f"PUT {_AT}"))
def change_cart(call: Call, cart_id: str) -> dict[str, Any]:
    with _changing(cart_id) as cart:
        cart.description = call.body.get("description", cart.description)
        if "expire" in call.body:
            cart.expire = _expiry(call.body["expire"])
    return _answer(cart)


@route(f"DELETE {_AT}")
def delete_cart(call: Call, cart_id: str) -> None:
    with transaction.atomic():
        _own(call, _cart(cart_id, lock=True)).delete()


@route(f"POST {_AT}/assign")
def assign(call: Call, cart_id: str) -> None:
    with _changing(cart_id, call) as cart:
        if cart.subsidiary != call.customer.profile["ovhSubsidiary"]:
            raise Refusal(_NO_CART, 404)
        cart.customer = call.customer


# --- Domain names ---


@route(f"GET {_AT}/domain", query=schema.query(f"GET {_AT}/domain"))
def domain_offers(call: Call, cart_id: str) -> list[dict[str, Any]]:
    cart = _own(call, _cart(cart_id))
    return [items.offer_answer(offer, cart.subsidiary) for offer in domains.offers(call.query["domain"].lower())]


@route(f"POST {_AT}/domain", body=schema.body(f"POST {_AT}/domain"))
def add_domain(call: Call, cart_id: str) -> dict[str, Any]:
    with _changing(cart_id, call) as cart:
        item = items.add_domain(cart, call.body)
    return items.answer(cart, item)


@route(f"GET {_AT}/domain/options", needs="nothing", query=schema.query(f"GET {_AT}/domain/options"))
def domain_options(call: Call, cart_id: str) -> list[dict[str, Any]]:
    cart = _cart(cart_id)
    if not domains.offers(call.query["domain"].lower()):
        return []
    return [items.option_answer(catalogue.PLANS[code], cart.subsidiary) for code in catalogue.DOMAIN_OPTIONS]


@route(f"POST {_AT}/domain/options", needs="nothing", body=schema.body(f"POST {_AT}/domain/options"))
def add_domain_option(call: Call, cart_id: str) -> dict[str, Any]:
    with _changing(cart_id) as cart:
        parent = items.find(cart, call.body["itemId"])
        plans = [catalogue.PLANS[code] for code in catalogue.DOMAIN_OPTIONS] if parent["domain"] else []
        item = items.add_plan(cart, plans, call.body, parent)
    return items.answer(cart, item)


# --- Every other product, by the same four routes ---


def _register(segment: str) -> None:
    at = f"{_AT}/{segment}"

    @route(f"GET {at}", needs="nothing")
    def offers(call: Call, cart_id: str) -> list[dict[str, Any]]:
        cart = _cart(cart_id)
        return [items.product_answer(plan, cart.subsidiary) for plan in catalogue.products(segment)]

    @route(f"POST {at}", needs="nothing", body=schema.body(f"POST {at}"))
    def add(call: Call, cart_id: str) -> dict[str, Any]:
        with _changing(cart_id) as cart:
            item = items.add_plan(cart, catalogue.products(segment), call.body)
        return items.answer(cart, item)

    @route(f"GET {at}/options", needs="nothing", query=schema.query(f"GET {at}/options"))
    def options(call: Call, cart_id: str) -> list[dict[str, Any]]:
        cart = _cart(cart_id)
        if call.query["planCode"] not in {plan.code for plan in catalogue.products(segment)}:
            raise no_such("planCode", call.query["planCode"][:100])
        return [items.option_answer(plan, cart.subsidiary) for plan in catalogue.options_of(call.query["planCode"])]

    @route(f"POST {at}/options", needs="nothing", body=schema.body(f"POST {at}/options"))
    def add_option(call: Call, cart_id: str) -> dict[str, Any]:
        with _changing(cart_id) as cart:
            parent = items.find(cart, call.body["itemId"])
            plans = catalogue.options_of(parent["planCode"]) if parent["productId"] == segment else []
            item = items.add_plan(cart, plans, call.body, parent)
        return items.answer(cart, item)


for _segment in catalogue.SEGMENTS:
    _register(_segment)


# --- Items and their configuration ---


@route(f"GET {_AT}/item", needs="nothing")
def list_items(call: Call, cart_id: str) -> list[int]:
    return [item["itemId"] for item in _cart(cart_id).items]


@route(f"GET {_AT}/item/{{itemId}}", needs="nothing")
def show_item(call: Call, cart_id: str, item_id: int) -> dict[str, Any]:
    cart = _cart(cart_id)
    return items.answer(cart, items.find(cart, item_id))


@route(f"PUT {_AT}/item/{{itemId}}", needs="nothing", body=schema.body(f"PUT {_AT}/item/{{itemId}}"))
def change_item(call: Call, cart_id: str, item_id: int) -> dict[str, Any]:
    with _changing(cart_id) as cart:
        item = items.find(cart, item_id)
        items.change(item, call.body)
    return items.answer(cart, item)


@route(f"DELETE {_AT}/item/{{itemId}}", needs="nothing")
def delete_item(call: Call, cart_id: str, item_id: int) -> None:
    with _changing(cart_id) as cart:
        items.remove(cart, items.find(cart, item_id))


@route(f"GET {_AT}/item/{{itemId}}/requiredConfiguration", needs="nothing")
def required_configuration(call: Call, cart_id: str, item_id: int) -> list[dict[str, Any]]:
    item = items.find(_cart(cart_id), item_id)
    return [domains.requirement(setting) for setting in items.settings_of(item)]


_CONFIGURATION = f"{_AT}/item/{{itemId}}/configuration"


@route(f"GET {_CONFIGURATION}", needs="nothing", query=schema.query(f"GET {_CONFIGURATION}"))
def configurations(call: Call, cart_id: str, item_id: int) -> list[int]:
    item, label = items.find(_cart(cart_id), item_id), call.query.get("label")
    return [one["id"] for one in item["configurations"] if label in (None, one["label"])]


@route(f"POST {_CONFIGURATION}", needs="nothing", body=schema.body(f"POST {_CONFIGURATION}"))
def configure(call: Call, cart_id: str, item_id: int) -> dict[str, Any]:
    with _changing(cart_id) as cart:
        return items.configure(items.find(cart, item_id), call.body["label"], call.body["value"])


@route(f"GET {_CONFIGURATION}/{{configurationId}}", needs="nothing")
def configuration(call: Call, cart_id: str, item_id: int, configuration_id: int) -> dict[str, Any]:
    return items.configuration(items.find(_cart(cart_id), item_id), configuration_id)


@route(f"DELETE {_CONFIGURATION}/{{configurationId}}", needs="nothing")
def delete_configuration(call: Call, cart_id: str, item_id: int, configuration_id: int) -> None:
    with _changing(cart_id) as cart:
        item = items.find(cart, item_id)
        item["configurations"].remove(items.configuration(item, configuration_id))


# --- Coupons ---


@route(f"GET {_AT}/coupon", needs="nothing")
def coupons(call: Call, cart_id: str) -> list[str]:
    return list(_cart(cart_id).coupons)


@route(f"POST {_AT}/coupon", needs="nothing", body=schema.body(f"POST {_AT}/coupon"))
def add_coupon(call: Call, cart_id: str) -> list[str]:
    with _changing(cart_id) as cart:
        totals.check_coupon(call.body["coupon"])
        if call.body["coupon"] not in cart.coupons:
            cart.coupons.append(call.body["coupon"])
    return list(cart.coupons)


@route(f"DELETE {_AT}/coupon", needs="nothing", query=schema.query(f"DELETE {_AT}/coupon"))
def delete_coupon(call: Call, cart_id: str) -> None:
    with _changing(cart_id) as cart:
        if call.query["coupon"] not in cart.coupons:
            raise no_such("coupon", call.query["coupon"][:100])
        cart.coupons.remove(call.query["coupon"])


# --- The end ---


@route(f"GET {_AT}/summary", needs="nothing")
def summary(call: Call, cart_id: str) -> dict[str, Any]:
    cart = _cart(cart_id)
    return totals.order_answer(cart, totals.lines(cart), [])


def _assigned(call: Call, cart: Cart) -> Customer:
    _own(call, cart)
    if cart.customer_id is None:
        raise Refusal("This cart hasn't been assigned yet")
    return call.customer


@route(f"GET {_AT}/checkout")
def dry_run(call: Call, cart_id: str) -> dict[str, Any]:
    cart = _cart(cart_id)
    checkout.judge(cart, _assigned(call, cart))
    return totals.order_answer(cart, totals.lines(cart), checkout.contracts(cart))


@route(f"POST {_AT}/checkout", body=schema.body(f"POST {_AT}/checkout"))
def check_out(call: Call, cart_id: str) -> dict[str, Any]:
    waived = call.body.get("waiveRetractationPeriod", False)
    with _changing(cart_id, call, again=world.switch("checkout_repeats")) as cart:
        customer = _assigned(call, cart)
        checkout.judge(cart, customer)
        if checkout.waives(cart) and not waived:
            raise Refusal("waiveRetractationPeriod must be true for the products of this cart")
        order = checkout.make_order(cart, customer, waived=waived)
        if call.body.get("autoPayWithPreferredPaymentMethod"):
            _pay_by_default(order)
    answer = totals.order_answer(cart, totals.lines(cart), checkout.contracts(cart))
    return answer | {"orderId": order.order_id, "url": document_url(call.base, order)}


def _pay_by_default(order: Order) -> None:
    """Pay by the default method. Without a valid one the order waits, unpaid; a refused payment is noted."""
    methods = order.customer.payment_methods.filter(answer__default=True, answer__status="VALID")
    method = methods.first()
    if method is None:
        return
    mean = LEGACY.get(method.answer["paymentType"], "creditCard")
    kind = PAID_BY.get(mean, "creditCard")
    if method.refuses:
        life.refuse_payment(order, kind)
    else:
        life.pay(order, kind, method.answer["label"])
    note_transaction(method, order.price_with_tax, "FAILED" if method.refuses else "SUCCESS")
