"""The catalogue and one plan of it: what it costs a month, and what is due today."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from carts import words
from carts.models import CatalogueReading, Plan
from carts.prices import amount
from carts.queries.buyer import Buyer, subsidiary_choices
from orders import formats


def plans_of(buyer: Buyer) -> QuerySet[Plan]:
    return Plan.objects.filter(subsidiary=buyer.subsidiary)


def catalogue(buyer: Buyer) -> dict[str, Any]:
    """All plans of a price list by product, and how far it is read. Two queries."""
    readings = {one.product: one for one in CatalogueReading.objects.filter(subsidiary=buyer.subsidiary)}
    plans: dict[str, list[dict[str, Any]]] = {product: [] for product in words.CATALOGUE}
    for plan in plans_of(buyer).filter(product__in=words.CATALOGUE):
        row = _plan_row(plan, buyer)
        if row is not None:
            plans[plan.product].append(row)
    sections = [
        {
            "product": product,
            "title": words.product_words(product),
            "about": words.ABOUT[product],
            "plans": plans[product],
            "is_read": bool(plans[product]) or bool(product in readings and readings[product].read_at),
            "message": readings[product].message if product in readings else "",
        }
        for product in words.CATALOGUE
    ]
    read = [one.read_at for product, one in readings.items() if one.read_at and product in plans]
    return {
        "sections": sections,
        "is_reading": any(not section["is_read"] and not section["message"] for section in sections),
        "read_at": formats.clock(min(read), buyer.zone) if read else "",
        "tax_words": buyer.tax_words,
        "subsidiaries": subsidiary_choices(buyer),
    }


def _plan_row(plan: Plan, buyer: Buyer) -> dict[str, Any] | None:
    """None for a plan that has no price it can be ordered by."""
    priced = [(_a_month(price), price) for price in plan.prices if words.months_of(price["duration"])]
    if not priced:
        return None
    least, price = min(priced, key=lambda one: one[0])
    return {
        "name": plan.name,
        "plan_code": plan.plan_code,
        "url": reverse("carts:plan", args=[plan.product, plan.plan_code]),
        "a_month": buyer.money(_cents(least), amount(price["price"])[1]),
        "several": len(priced) > 1,
        "how": _how(price),
    }


def _a_month(price: Mapping[str, Any]) -> Decimal:
    return amount(price["price"])[0] / (words.months_of(price["duration"]) or 1)


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _how(price: Mapping[str, Any]) -> str:
    """“1 year, paid in advance”; a month that goes on by itself is just “1 month”."""
    duration = words.duration_words(price["duration"])
    return f"{duration}, {words.mode_words(price['pricing_mode'])}"


# --- One plan ---------------------------------------------------------------------------------------------------------
def choice_of(price: Mapping[str, Any]) -> str:
    """What a form says to mean this price: “default|P1M”."""
    return f"{price['pricing_mode']}|{price['duration']}"


def price_for(prices: Sequence[Mapping[str, Any]], choice: str) -> Mapping[str, Any] | None:
    """
    The price of that mode and duration. An option may have none of the mode its plan is chosen by: then one of the same
    duration, whatever its mode.
    """
    exact = next((one for one in prices if choice_of(one) == choice), None)
    if exact is not None:
        return exact
    duration = choice.partition("|")[2]
    return next((one for one in prices if one["duration"] == duration), None)


def plan_for_page(plan: Plan, buyer: Buyer, form: Any) -> dict[str, Any]:
    """The choices of a plan in words, and the total of those made so far. No query: the form holds the plan."""
    chosen = form.chosen()
    return {
        "plan": plan,
        "product_title": words.product_words(plan.product),
        "form": form,
        "prices": [_price_choice(price, buyer, chosen) for price in form.prices],
        "families": [_family(family, buyer, chosen) for family in form.families],
        "quantity": chosen["quantity"],
        "limits": form.limits,
        "total": total(form, buyer),
        "tax_words": buyer.tax_words,
        "here": reverse("carts:plan", args=[plan.product, plan.plan_code]),
    }


def _price_choice(price: Mapping[str, Any], buyer: Buyer, chosen: Mapping[str, Any]) -> dict[str, Any]:
    value, currency = amount(price["price"])
    months = words.months_of(price["duration"])
    return {
        "value": choice_of(price),
        "duration": words.duration_words(price["duration"]),
        "mode": words.mode_words(price["pricing_mode"]),
        "a_month": buyer.money(_cents(_a_month(price)), currency) if months else "",
        "today": buyer.money(value, currency),
        "is_month": months == 1,
        "chosen": choice_of(price) == chosen["price"],
    }


def _family(family: Mapping[str, Any], buyer: Buyer, chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": family["key"],
        "field": family["field"],
        "title": words.family_words(family["key"]) if family["key"] else "",
        "mandatory": family["mandatory"],
        "exclusive": family["exclusive"],
        "error": family["error"],
        "none_chosen": not set(chosen["options"]) & {option["plan_code"] for option in family["options"]},
        "options": [_option(option, buyer, chosen) for option in family["options"]],
    }


def _option(option: Mapping[str, Any], buyer: Buyer, chosen: Mapping[str, Any]) -> dict[str, Any]:
    price = price_for(option["prices"], chosen["price"]) or next(iter(option["prices"]), None)
    free = price is not None and not amount(price["price"])[0]
    return {
        "value": option["plan_code"],
        "name": option["name"],
        "free": free,
        "price": buyer.price(price["price"]) if price else "",
        "per": words.per_words(price["duration"]) if price else "",
        "offered": price_for(option["prices"], chosen["price"]) is not None or not chosen["price"],
        "chosen": option["plan_code"] in chosen["options"],
    }


def total(form: Any, buyer: Buyer) -> dict[str, Any] | None:
    """What the choices come to: due today, and a month. None until a duration is chosen."""
    chosen = form.chosen()
    main = price_for(form.prices, chosen["price"]) if chosen["price"] else None
    if main is None:
        return None
    taken = [main]
    for family in form.families:
        for option in family["options"]:
            if option["plan_code"] in chosen["options"]:
                price = price_for(option["prices"], chosen["price"])
                taken += [price] if price else []
    currency = amount(main["price"])[1]
    due = sum((amount(price["price"])[0] for price in taken), Decimal()) * chosen["quantity"]
    months = words.months_of(main["duration"])
    a_month = sum((_a_month(price) for price in taken), Decimal()) * chosen["quantity"]
    return {
        "today": buyer.money(due, currency),
        "a_month": buyer.money(_cents(a_month), currency) if months else "",
        "duration": words.duration_words(main["duration"]),
        "is_month": months == 1,
        "quantity": chosen["quantity"],
    }
