"""The cart: what it holds, what it cost when chosen and costs now, what is missing, and the total once it is known."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from carts import words
from carts.configuring.labels import missing
from carts.models import Cart, CartItem, DomainCheck, Plan
from carts.prices import amount
from carts.queries.buyer import Buyer
from carts.queries.catalogue import choice_of
from orders import formats

# Labels of prices by which a change is told; TOTAL and DISCOUNT follow from the number and from coupons.
_TOLD: dict[str, Any] = {
    "PRICE": gettext_lazy("Price"),
    "RENEW": gettext_lazy("Renewal"),
    "FEE": gettext_lazy("Set-up"),
}
# Milliseconds between two looks while OVHcloud's copy is being made.
LOOK_EVERY, LOOK_LATER = 1500, 8000


def items_of(cart: Cart) -> list[CartItem]:
    """Every item with what was filled in. Two queries."""
    return list(cart.items.prefetch_related("configurations"))


def cart_for_page(cart: Cart | None, buyer: Buyer, *, typed: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """
    The cart as its page shows it. Four queries at most, however much is in it.

    typed: {"key", "form"} of a change that was refused, to show as it was typed.
    """
    now = timezone.now()
    items = items_of(cart) if cart else []
    if cart is None or not items:
        empty: dict[str, Any] = {"cart": cart, "items": [], "count": 0, "tax_words": buyer.tax_words}
        return empty | {"is_visitors": buyer.nichandle is None}
    choices = _choices(cart, items)
    chosen = [item for item in items if item.parent_id is None and not _is_zone(item)]
    rows = [_row(item, items, buyer, choices, typed) for item in chosen]
    changes = sum(len(row["changes"]) for row in rows)
    return {
        "cart": cart,
        "items": rows,
        "count": len(rows),
        "has_domain": any(item.product == "domain" for item in chosen),
        "tax_words": buyer.tax_words,
        "coupons": cart.coupons,
        "changes": changes,
        "missing": sum(1 for row in rows if row["missing"]),
        "expiry": _expiry(cart, buyer, now),
        "total": _total(cart),
        "estimate": _estimate(items, buyer) if not cart.is_quoted else None,
        **_standing(cart),
    }


# --- One item ---------------------------------------------------------------------------------------------------------
def _is_zone(item: CartItem) -> bool:
    return item.came_by_itself and item.product == "dns"


def _row(
    item: CartItem,
    items: Sequence[CartItem],
    buyer: Buyer,
    choices: Mapping[tuple[str, str], Mapping[str, Any]],
    typed: Mapping[str, Any] | None,
) -> dict[str, Any]:
    options = [one for one in items if one.parent_id == item.pk and not _is_zone(one)]
    zone = next((one for one in items if _is_zone(one) and _is_of(one, item)), None)
    offered = choices.get((item.product, item.domain or item.plan_code), {})
    family = [item, *options, *([zone] if zone else [])]
    mine = typed and typed["key"] == item.key
    addable = _addable(offered.get("options", ()), options, item, buyer)
    durations = _durations(item, offered)
    return {
        "item": item,
        "key": item.key,
        "title": words.item_title(item),
        "ascii": item.domain if item.domain and item.domain != words.item_title(item) else "",
        "what": _what(item),
        "url": reverse("carts:item", args=[item.key]),
        "options": [_part(one, buyer, items) for one in options],
        "zone": _zone(zone, items, buyer, choices) if zone else None,
        "durations": durations,
        # Then its button stands alone, with nothing to unfold.
        "only_remove": bool(item.domain) and not durations and not addable,
        "duration": words.duration_words(item.duration),
        "least": offered.get("least", 1),
        "most": offered.get("most", 1 if item.domain else None),
        "one_only": bool(item.domain),
        "price": _price(item, buyer),
        "renewal": _renewal(item, buyer),
        "changes": [change for one in family for change in _changes(one, buyer, with_name=one is not item)],
        "missing": [label for one in family for label in missing(one, one.configurations.all())],
        "configure_url": reverse("carts:configure", args=[item.key]),
        "to_fill_in": any(one.requirements for one in family),
        "problems": [one.problem for one in family if one.problem],
        "addable": addable,
        "form": typed["form"] if mine and typed else None,
    }


def _is_of(zone: CartItem, item: CartItem) -> bool:
    return zone.parent_id == item.pk or bool(item.domain and zone.domain == item.domain)


def _what(item: CartItem) -> str:
    if item.product == "domain":
        return words.action_words(item.pricing_mode)
    return words.product_words(item.product)


def _part(item: CartItem, buyer: Buyer, items: Sequence[CartItem]) -> dict[str, Any]:
    """An option, as a line below what it belongs to."""
    return {
        "key": item.key,
        "url": reverse("carts:item", args=[item.key]),
        "title": words.item_title(item),
        "family": words.family_words(item.family) if item.family else "",
        "price": _price(item, buyer),
        "problem": item.problem,
    }


def _zone(
    zone: CartItem, items: Sequence[CartItem], buyer: Buyer, choices: Mapping[tuple[str, str], Mapping[str, Any]]
) -> dict[str, Any]:
    options = [one for one in items if one.parent_id == zone.pk]
    offered = choices.get((zone.product, zone.plan_code), {}).get("options", ())
    return _part(zone, buyer, items) | {
        "options": [_part(one, buyer, items) for one in options],
        "addable": _addable(offered, options, zone, buyer),
    }


def _price(item: CartItem, buyer: Buyer) -> dict[str, str] | None:
    """What it costs for the first period, and, where it is another sum, without its reduction; None: not known yet."""
    shown = item.prices or item.chosen_at_prices
    known = shown.get("TOTAL") or shown.get("PRICE")
    if known is None:
        return None
    # TOTAL is of all of it; PRICE, which a plan of the catalogue has alone, of one.
    times = 1 if "TOTAL" in shown else item.quantity
    said = {"now": buyer.price(known, times), "before": "", "is_free": "" if amount(known)[0] else "yes"}
    if "DISCOUNT" in shown and "TOTAL" in shown and amount(shown["DISCOUNT"])[0] > 0:
        value, currency = amount(shown["TOTAL"])
        said["before"] = buyer.money(value + amount(shown["DISCOUNT"])[0] * item.quantity, currency)
    return said


def _renewal(item: CartItem, buyer: Buyer) -> str:
    """What it renews at, for all of it, where that is told."""
    shown = item.prices or item.chosen_at_prices
    if "RENEW" not in shown or not amount(shown["RENEW"])[0]:
        return ""
    price = buyer.price(shown["RENEW"], item.quantity)
    per = words.per_words("P1Y" if item.product == "domain" else item.duration)
    return _("then %(price)s %(per)s") % {"price": price, "per": per}


def _changes(item: CartItem, buyer: Buyer, *, with_name: bool) -> list[dict[str, str]]:
    """What costs another sum now than when it was chosen. Nothing is told before OVHcloud's own item is there."""
    then, now = item.chosen_at_prices, item.prices
    if not then or not now:
        return []
    found = []
    for label, said in _TOLD.items():
        if label in then and label in now and amount(then[label]) != amount(now[label]):
            name = f"{words.item_title(item)}: {said}" if with_name else str(said)
            found.append({"what": name, "then": buyer.price(then[label]), "now": buyer.price(now[label])})
    if not found and item.quantity == 1 and "TOTAL" in then and "TOTAL" in now and then["TOTAL"] != now["TOTAL"]:
        found.append({"what": _("Price"), "then": buyer.price(then["TOTAL"]), "now": buyer.price(now["TOTAL"])})
    return found


# --- What else could be chosen ----------------------------------------------------------------------------------------
def _choices(cart: Cart, items: Sequence[CartItem]) -> dict[tuple[str, str], dict[str, Any]]:
    """Durations, limits and options by product and plan, or by name, from what we read of OVHcloud. Two queries."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    codes = {item.plan_code for item in items if item.product != "domain" and item.parent_id is None}
    plans = Plan.objects.filter(subsidiary=cart.subsidiary, plan_code__in=codes) if codes else ()
    for plan in plans:
        found[plan.product, plan.plan_code] = _of_plan(plan, items)
    domains = {item.domain for item in items if item.product == "domain" and item.domain}
    checks: Iterable[DomainCheck] = ()
    if domains:
        checks = DomainCheck.objects.filter(nichandle=cart.nichandle_id, subsidiary=cart.subsidiary, domain__in=domains)
    for check in checks:
        modes = {item.pricing_mode for item in items if item.product == "domain" and item.domain == check.domain}
        offer = next((one for one in check.offers if one["pricing_mode"] in modes), None)
        if offer is not None:
            choices = [{"value": f"{offer['pricing_mode']}|{one}", "duration": one} for one in offer["durations"]]
            found["domain", check.domain] = {"durations": choices, "least": 1, "most": 1}
    return found


def _of_plan(plan: Plan, items: Sequence[CartItem]) -> dict[str, Any]:
    prices = [one for one in plan.prices if words.months_of(one["duration"])]
    modes = {item.pricing_mode for item in items if item.plan_code == plan.plan_code}
    limits = [one for one in prices if one["pricing_mode"] in modes] or prices
    return {
        "durations": [{"value": choice_of(one), "duration": one["duration"], "price": one["price"]} for one in prices],
        "least": max((one["minimum_quantity"] for one in limits), default=1),
        "most": min((one["maximum_quantity"] for one in limits if one["maximum_quantity"]), default=None),
        "options": plan.options or [],
    }


def _durations(item: CartItem, offered: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The other durations it can be had for, with the present one; empty where there is no choice."""
    choices = offered.get("durations", [])
    here = f"{item.pricing_mode}|{item.duration}"
    shown = [
        {
            "value": choice["value"],
            "text": _choice_words(choice["value"], choice["duration"], choices),
            "chosen": choice["value"] == here,
        }
        for choice in choices
    ]
    return shown if len(shown) > 1 else []


def _choice_words(value: str, duration: str, choices: Sequence[Mapping[str, Any]]) -> str:
    """The duration; how it is paid, too, where that tells two choices apart."""
    text = words.duration_words(duration)
    modes = {choice["value"].partition("|")[0] for choice in choices}
    return f"{text}, {words.mode_words(value.partition('|')[0])}" if len(modes) > 1 else text


def _addable(
    offered: Sequence[Mapping[str, Any]], held: Sequence[CartItem], item: CartItem, buyer: Buyer
) -> list[dict[str, str]]:
    """Options that could still be added: none of a family of which only one may be, and one is."""
    taken = {one.plan_code for one in held}
    closed = {option["family"] for option in offered if option["exclusive"] and option["plan_code"] in taken}
    here = f"{item.pricing_mode}|{item.duration}"
    found = []
    for option in offered:
        price = next((one for one in option["prices"] if choice_of(one) == here), None)
        if price is None or option["plan_code"] in taken or (option["exclusive"] and option["family"] in closed):
            continue
        said = buyer.price(price["price"]) if amount(price["price"])[0] else _("free")
        found.append(
            {
                "plan_code": option["plan_code"],
                "name": option["name"],
                "price": said,
                "per": words.per_words(price["duration"]) if amount(price["price"])[0] else "",
            }
        )
    return found


# --- The whole --------------------------------------------------------------------------------------------------------
def _total(cart: Cart) -> dict[str, str] | None:
    """OVHcloud's own total of what the cart holds now; None while it is not known."""
    if not cart.is_quoted or cart.quote is None:
        return None
    prices = cart.quote["prices"]

    def said(name: str) -> str:
        return formats.money(*amount(prices[name])) if prices.get(name) else ""

    reduced = bool(prices.get("reduction")) and amount(prices["reduction"])[0] > 0
    return {
        "with_tax": said("with_tax"),
        "without_tax": said("without_tax"),
        "tax": said("tax"),
        "reduction": said("reduction") if reduced else "",
        "original": said("original_without_tax") if reduced else "",
    }


def _estimate(items: Sequence[CartItem], buyer: Buyer) -> str:
    """The sum of what each costs as far as we know; "" while one of them is not known or currencies differ."""
    total, currencies = Decimal(), set()
    for item in items:
        shown = item.prices or item.chosen_at_prices
        known = shown.get("TOTAL") or shown.get("PRICE")
        if known is None:
            if item.came_by_itself:
                continue
            return ""
        value, currency = amount(known)
        total += value * (1 if "TOTAL" in shown else item.quantity)
        currencies.add(currency)
    return buyer.money(total, currencies.pop()) if len(currencies) == 1 else ""


def _expiry(cart: Cart, buyer: Buyer, now: datetime) -> str:
    """Until when OVHcloud keeps its copy; "" where it has none."""
    if cart.expires_at is None or cart.expires_at <= now:
        return ""
    return formats.short_moment(cart.expires_at, buyer.zone, now)


def _standing(cart: Cart) -> dict[str, Any]:
    """Where the copy and the total stand: what the page says, and whether it asks again by itself."""
    is_visitors = cart.nichandle_id is None
    is_moving = not is_visitors and not cart.trouble and not cart.is_quoted
    waits = cart.trouble == Cart.Trouble.AWAY
    return {
        "is_visitors": is_visitors,
        "is_moving": is_moving,
        "trouble": cart.trouble,
        "message": cart.message,
        "query_id": cart.query_id,
        "look_every": (LOOK_EVERY if is_moving else LOOK_LATER) if is_moving or waits else 0,
        "may_continue": not is_visitors,
    }
