"""Items of a cart: one dictionary each in Cart.items, priced whenever somebody looks."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .. import world
from ..models import Cart
from ..money import Price, price
from . import Refusal, catalogue, domains
from .catalogue import Plan, Pricing, Setting

Item = dict[str, Any]
_ITEMS_FROM = 109_000_000
_CONFIGURATIONS_FROM = 68_000_000


@dataclass(frozen=True)
class Quote:
    """What one unit of an item costs, without tax. discount is positive, and comes off the first period."""

    unit: Decimal
    renew: Decimal
    fee: Decimal
    discount: Decimal
    # No price has this duration: checking out fails.
    wrong: bool = False


def new(code: str, product: str, duration: str, mode: str, quantity: int, **more: Any) -> Item:
    return {
        "itemId": _ITEMS_FROM + world.next_numbers(1)[0],
        "parentItemId": None,
        "zoneOf": None,
        "productId": product,
        "duration": duration,
        "offerId": None,
        "planCode": code,
        "pricingMode": mode,
        "quantity": quantity,
        "domain": None,
        "configurations": [],
        **more,
    }


def find(cart: Cart, item_id: int) -> Item:
    for item in cart.items:
        if item["itemId"] == item_id:
            found: Item = item
            return found
    raise Refusal(f"The requested object (itemId = {item_id}) does not exist", 404)


def children(cart: Cart, item: Item) -> list[Item]:
    return [one for one in cart.items if item["itemId"] in (one["parentItemId"], one["zoneOf"])]


# --- Adding ---


def plan_of(item: Item) -> Plan | None:
    return None if item["domain"] else catalogue.PLANS[item["planCode"]]


def add_plan(cart: Cart, plans: list[Plan], given: dict[str, Any], parent: Item | None = None) -> Item:
    """Add a product, or an option of one. A duration without a price is taken, and fails only at the end."""
    plan = next((one for one in plans if one.code == given["planCode"]), None)
    if plan is None:
        raise Refusal(f"planCode {given['planCode'][:100]} does not exist or cannot be ordered here")
    modes = [one for one in plan.orderable() if one.mode == given["pricingMode"]]
    if not modes:
        raise Refusal(f"pricingMode {given['pricingMode'][:100]} is not available for {plan.code}")
    if given["duration"].startswith("P0"):
        raise Refusal(f"duration {given['duration']} is not available for {plan.code}")
    _check_quantity(given["quantity"], modes)
    item = new(
        plan.code,
        plan.segment,
        given["duration"],
        given["pricingMode"],
        given["quantity"],
        parentItemId=parent["itemId"] if parent else None,
    )
    cart.items.append(item)
    return item


def _check_quantity(quantity: int, pricings: list[Pricing]) -> None:
    most = pricings[0].maximum or 10_000
    if not 1 <= quantity <= most:
        raise Refusal(f"quantity must be between 1 and {most}")


def add_domain(cart: Cart, given: dict[str, Any]) -> Item:
    domain = given["domain"].lower()
    offer = domains.find(domain, given.get("pricingMode"), given.get("offerId"))
    if offer is None or not offer.orderable:
        raise Refusal(f"The domain {domain[:100]} cannot be ordered")
    if given.get("planCode") not in (None, offer.extension):
        raise Refusal(f"planCode {given['planCode'][:100]} does not suit {domain}")
    if given.get("quantity") not in (None, 1):
        raise Refusal("quantity must be 1")
    if any(one["domain"] == domain for one in cart.items):
        raise Refusal(f"The domain {domain} is already in this cart")
    duration = given.get("duration") or offer.durations[0]
    item = new(offer.extension, "domain", duration, offer.mode, 1, domain=domain, offerId=given.get("offerId"))
    cart.items.append(item)
    # Nobody asks for it: the zone comes by itself, as a product of its own.
    cart.items.append(new("zone", "dns", "P1Y", "default", 1, zoneOf=item["itemId"]))
    return item


def change(item: Item, given: dict[str, Any]) -> None:
    if "quantity" in given:
        plan = plan_of(item)
        if plan is None and given["quantity"] != 1:
            raise Refusal("quantity must be 1")
        if plan is not None:
            modes = [one for one in plan.orderable() if one.mode == item["pricingMode"]]
            _check_quantity(given["quantity"], modes)
        item["quantity"] = given["quantity"]
    if "duration" in given:
        item["duration"] = given["duration"]


def remove(cart: Cart, item: Item) -> None:
    """Take an item out, with its options and its zone."""
    gone = {item["itemId"]}
    while more := {one["itemId"] for one in cart.items if {one["parentItemId"], one["zoneOf"]} & gone} - gone:
        gone |= more
    cart.items = [one for one in cart.items if one["itemId"] not in gone]


# --- Configuration: anything is stored, and judged at the end ---


def settings_of(item: Item) -> tuple[Setting, ...]:
    if item["domain"]:
        offer = domains.find(item["domain"], item["pricingMode"])
        return offer.settings if offer else ()
    return catalogue.PLANS[item["planCode"]].settings


def configure(item: Item, label: str, value: str) -> dict[str, Any]:
    made = {"id": _CONFIGURATIONS_FROM + world.next_numbers(1)[0], "label": label, "value": value}
    item["configurations"].append(made)
    return made


def configuration(item: Item, configuration_id: int) -> dict[str, Any]:
    for one in item["configurations"]:
        if one["id"] == configuration_id:
            found: dict[str, Any] = one
            return found
    raise Refusal(f"The requested object (configurationId = {configuration_id}) does not exist", 404)


# --- Prices ---


def quote(cart: Cart, item: Item) -> Quote:
    currency = catalogue.currency_of(cart.subsidiary)
    if item["domain"]:
        return _quote_domain(item, currency)
    plan = catalogue.PLANS[item["planCode"]]
    exact = plan.pricing(item["pricingMode"], item["duration"])
    taken = exact or next(one for one in plan.orderable() if one.mode == item["pricingMode"])
    unit = taken.amount.in_currency(currency)
    renewing = (one for one in plan.pricings if one.capacities == ("renew",) and one.duration == taken.duration)
    renew = next(renewing, taken).amount.in_currency(currency)
    discount = (unit * taken.promotion / 100).quantize(Decimal("0.01"))
    return Quote(unit, renew, taken.fee.in_currency(currency), discount, wrong=exact is None)


def _quote_domain(item: Item, currency: str) -> Quote:
    offer = domains.find(item["domain"], item["pricingMode"])
    if offer is None:
        raise Refusal(f"The domain {item['domain']} cannot be ordered")
    amounts = offer.amounts(currency)
    wrong = item["duration"] not in offer.durations
    years = 1 if wrong else int(item["duration"][1:-1])
    unit = amounts["PRICE"] + amounts["RENEW"] * (years - 1)
    return Quote(unit, amounts["RENEW"], amounts["FEE"], amounts["DISCOUNT"], wrong)


def prices(quoted: Quote, quantity: int, currency: str) -> list[dict[str, Any]]:
    """Return order.cart.Price: TOTAL is PRICE less DISCOUNT plus FEE, for the whole quantity."""

    def named(label: str, amount: Decimal) -> dict[str, Any]:
        shown: Price = price(amount, currency)
        return {"label": label, "price": shown, "promotions": None}

    total = (quoted.unit - quoted.discount + quoted.fee) * quantity
    found = [named("FEE", quoted.fee), named("PRICE", quoted.unit)]
    found += [named("DISCOUNT", quoted.discount)] if quoted.discount else []
    return [*found, named("TOTAL", total), named("RENEW", quoted.renew)]


def answer(cart: Cart, item: Item) -> dict[str, Any]:
    """Return order.cart.Item, with the two settings that live answers add for domain names."""
    settings = {name: item[name] for name in ("planCode", "pricingMode", "quantity")}
    if item["domain"]:
        settings |= {"domain": item["domain"], "catalogName": "dom-public"}
    return {
        "cartId": str(cart.cart_id),
        "itemId": item["itemId"],
        "parentItemId": item["parentItemId"],
        "productId": f"domain{item['planCode'].replace('.', '')}" if item["domain"] else item["productId"],
        "duration": item["duration"],
        "offerId": item["offerId"],
        "options": [one["itemId"] for one in cart.items if one["parentItemId"] == item["itemId"]],
        "configurations": [one["id"] for one in item["configurations"]],
        "settings": settings,
        "prices": prices(quote(cart, item), item["quantity"], catalogue.currency_of(cart.subsidiary)),
    }


# --- Offers ---


def pricing_answer(one: Pricing, plan: Plan, currency: str, language: str) -> dict[str, Any]:
    amount = price(one.amount.in_currency(currency), currency)
    words = {"P1M": ("Mensualité", "Monthly fees"), "P1Y": ("Annuité", "Yearly fees")}
    return {
        "capacities": list(one.capacities),
        "description": words.get(one.duration, ("Redevance", "Fees"))[language != "fr"],
        "duration": one.duration,
        "interval": int(one.duration[1:-1]) * (12 if one.duration.endswith("Y") else 1),
        "maximumQuantity": one.maximum,
        "maximumRepeat": None,
        "minimumQuantity": 1,
        "minimumRepeat": 1,
        "price": amount,
        "priceInUcents": amount["priceInUcents"],
        "pricingMode": one.mode,
        "pricingType": "rental",
    }


def product_answer(plan: Plan, subsidiary: str) -> dict[str, Any]:
    currency, language = catalogue.currency_of(subsidiary), catalogue.language_of(subsidiary)
    return {
        "planCode": plan.code,
        "productName": plan.code,
        "productType": plan.type,
        "prices": [pricing_answer(one, plan, currency, language) for one in plan.pricings],
    }


def option_answer(plan: Plan, subsidiary: str) -> dict[str, Any]:
    family = {"family": plan.family, "mandatory": plan.mandatory, "exclusive": plan.exclusive}
    return product_answer(plan, subsidiary) | family


def offer_answer(offer: domains.Offer, subsidiary: str) -> dict[str, Any]:
    """Return order.cart.ProductInformation."""
    currency = catalogue.currency_of(subsidiary)
    amounts = offer.amounts(currency)
    quoted = Quote(amounts["PRICE"], amounts["RENEW"], amounts["FEE"], amounts["DISCOUNT"])
    return {
        "action": offer.action,
        "configurations": [domains.requirement(one) for one in offer.settings],
        "currentNameservers": domains.nameservers(offer),
        "deliveryTime": "" if offer.action == "create" else "P5D",
        "duration": offer.durations,
        "isTransferLocked": offer.locked if offer.action == "transfer" else None,
        "offer": "gold" if offer.mode.endswith("premium") else None,
        "offerId": offer.id,
        "orderable": offer.orderable,
        "phase": "ga",
        "prices": prices(quoted, 1, currency),
        "pricingMode": offer.mode,
        "productId": "domain",
        "quantityMax": 1,
        "recommendedDuration": offer.durations[0],
    }
