"""Judging a cart as the dry run does, and making an order of it."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

from .. import life, making, rules, world
from ..models import Cart, Customer, Detail, Order
from ..money import price
from . import Refusal, catalogue, domains, items, totals
from .catalogue import Setting
from .items import Item
from .totals import Line

# Settings whose value has to be yes.
_YES = ("OWNER_LEGAL_AGE", "ACCEPT_CONDITIONS")


def judge(cart: Cart, customer: Customer) -> None:
    """
    Look at a whole cart as checking out does.

    Raises:
        Refusal: what would keep it from becoming an order.
    """
    if not cart.items:
        raise Refusal("This cart is empty")
    for item in cart.items:
        _judge_settings(item)
        if item["domain"]:
            _judge_domain(item, customer)
        else:
            _judge_options(cart, item)
    if any(items.quote(cart, item).wrong for item in cart.items):
        # Not a 400: so it was seen.
        raise Refusal("Service is temporarily unavailable", 503)


def _values(item: Item) -> dict[str, str]:
    return {one["label"]: one["value"] for one in item["configurations"]}


def _judge_settings(item: Item) -> None:
    name = item["domain"] or item["planCode"]
    counted = Counter(one["label"] for one in item["configurations"])
    for label, count in counted.items():
        if count > 1:
            raise Refusal(f"Custom field {label} is duplicated for product {name}")
    values = _values(item)
    known = {setting.label: setting for setting in items.settings_of(item)}
    for setting in known.values():
        if setting.needed and setting.label not in values:
            raise Refusal(f"in customFields there must be a field with name '{setting.label}'")
    for label, value in values.items():
        if label not in known:
            raise Refusal(f"Custom field {label[:100]} is not allowed for product {name}")
        if not _is_fit(known[label], value):
            raise Refusal(f"Custom field {label} has an invalid value for product {name}")
        if label in _YES and value not in ("true", "1"):
            raise Refusal(f"Custom field {label} must be accepted for product {name}")


def _is_fit(setting: Setting, value: str) -> bool:
    if setting.needed and not value.strip():
        return False
    if setting.values:
        return value in setting.values
    if setting.label == "DNS":
        return re.search(r"\s", value) is None
    # A registrant's word on a trademark notice is text; nobody has published which. A plain no is none.
    if setting.label == "CLAIMS_NOTICE":
        return value not in ("false", "0")
    if setting.label == "DOMAIN_CONFIG":
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return False
    return True


def _judge_options(cart: Cart, item: Item) -> None:
    taken = Counter(
        catalogue.PLANS[one["planCode"]].family for one in cart.items if one["parentItemId"] == item["itemId"]
    )
    for option in catalogue.options_of(item["planCode"]):
        if option.mandatory and not taken[option.family]:
            raise Refusal(f"An option of family {option.family} is mandatory for product {item['planCode']}")
        if option.exclusive and taken[option.family] > 1:
            raise Refusal(f"Options of family {option.family} are exclusive for product {item['planCode']}")


def _judge_domain(item: Item, customer: Customer) -> None:
    offer, values = domains.find(item["domain"], item["pricingMode"]), _values(item)
    if offer is None or not offer.orderable:
        raise Refusal(f"The domain {item['domain']} cannot be ordered")
    if offer.action == "transfer" and not values.get("AUTH_INFO"):
        raise Refusal("in customFields there must be a field with name 'AUTH_INFO'")
    for label in ("ADMIN_ACCOUNT", "TECH_ACCOUNT"):
        if label in values and not Customer.objects.filter(pk=values[label]).exists():
            raise Refusal(f"Custom field {label} has an invalid value for product {item['domain']}")
    admin = Customer.objects.filter(pk=values.get("ADMIN_ACCOUNT", customer.pk)).values_list("profile", flat=True)
    try:
        rules.check_place(item["domain"], _owner_address(values.get("OWNER_CONTACT"), customer), admin[0])
    except rules.Unfit as unfit:
        raise Refusal(str(unfit)) from None


def _owner_address(path: str | None, customer: Customer) -> dict[str, Any]:
    """Return the address of OWNER_CONTACT, a path of either kind of contact; without one the account's own."""
    if path is None:
        return {name: customer.profile[name] for name in ("city", "country")}
    for kind, prefix in (("contact", "/me/contact/"), ("domainContact", "/domain/contact/")):
        number = path.removeprefix(prefix)
        if path.startswith(prefix) and number.isdecimal() and len(number) < 18:
            found = customer.belongings.filter(kind=kind, number=int(number)).first()
            if found is not None:
                return dict(found.answer.get("address") or {})
    raise Refusal("Custom field OWNER_CONTACT has an invalid value")


def waives(cart: Cart) -> bool:
    """Whether the right of withdrawal must be given up for something in this cart."""
    plans = [items.plan_of(item) for item in cart.items]
    return any(item["domain"] for item in cart.items) or any(plan.waives for plan in plans if plan)


def contracts(cart: Cart) -> list[dict[str, str]]:
    french = catalogue.language_of(cart.subsidiary) == "fr"
    names = ["Conditions générales de service" if french else "Terms of service"]
    if waives(cart):
        # A tab at the end, as live answers have had it.
        names.append("Conditions d'enregistrement de noms de domaine\t" if french else "Domain registration terms\t")
    return [
        {
            "name": name,
            "url": f"https://contracts.example.invalid/{cart.subsidiary}/{number}.pdf",
            "content": f"{name.strip()} ({cart.subsidiary})",
        }
        for number, name in enumerate(names, 1)
    ]


def make_order(cart: Cart, customer: Customer, *, waived: bool) -> Order:
    """Make the purchase order of a cart that was judged, and close the cart. Inside a transaction."""
    found = totals.lines(cart)
    prices = totals.order_answer(cart, found, [])["prices"]
    now = world.now().replace(microsecond=0)
    order = Order.objects.create(
        order_id=making.new_order_id(),
        customer=customer,
        date=now,
        expiration_date=now + making.UNPAID_FOR,
        password=making.order_password(),
        price_without_tax=prices["withoutTax"],
        tax=prices["tax"],
        price_with_tax=prices["withTax"],
        waived=waived,
        follow_up=making.tracking_for("notPaid", now - timedelta(seconds=1), customer.language),
    )
    Detail.objects.bulk_create(_details(cart, order, found))
    life.note(order.order_id, "created", by="checkout", cart=str(cart.cart_id))
    cart.read_only, cart.order_id = True, order.order_id
    return order


def _details(cart: Cart, order: Order, found: list[Line]) -> list[Detail]:
    currency = catalogue.currency_of(cart.subsidiary)
    numbers = making.new_detail_ids(len(found))
    return [
        Detail(
            order_detail_id=number,
            order=order,
            description=line.description,
            domain=line.domain,
            service=_service(cart, line.item),
            detail_type=line.detail_type,
            quantity=str(line.quantity),
            unit_price=price(line.unit, currency),
            total_price=price(line.total, currency),
            extension=_extension(line) if line.detail_type == "DURATION" else None,
        )
        for number, line in zip(numbers, found, strict=True)
    ]


def _service(cart: Cart, item: Item) -> str:
    """Return the service name that an item gets at delivery; an option has its product's."""
    above = item["parentItemId"] or item["zoneOf"]
    if above is not None:
        return _service(cart, items.find(cart, above))
    if item["domain"]:
        return str(item["domain"])
    return f"{item['planCode'].split('-')[0]}-{item['itemId']:x}.example.net"


def _extension(line: Line) -> dict[str, Any]:
    item = line.item
    return {
        "order": {
            "action": "installation",
            "type": "plan",
            "plan": {
                "code": item["planCode"],
                "duration": item["duration"],
                "pricingMode": item["pricingMode"],
                "product": {"name": item["planCode"]},
                "quantity": line.quantity,
            },
            "configurations": [{"label": one["label"], "value": one["value"]} for one in item["configurations"]],
        }
    }
