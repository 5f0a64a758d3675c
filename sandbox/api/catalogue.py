"""/order/catalog/public: the same plans and prices as a cart offers, for those who only look."""

from decimal import Decimal
from typing import Any

from ..carts import catalogue, domains
from ..carts.catalogue import Plan, Pricing, Setting
from ..money import UCENTS, tax_rate
from . import fields
from .fields import Field
from .routes import Call, route

_QUERY = {"ovhSubsidiary": Field("nichandle.OvhSubsidiaryEnum", fields.text, required=True)}


def _pricing(
    mode: str, months: int, amount: Decimal, rate: Decimal, capacities: list[str], description: str
) -> dict[str, Any]:
    return {
        "capacities": capacities,
        "commitment": 0,
        "description": description,
        "engagementConfiguration": None,
        "interval": months,
        "intervalUnit": "month",
        "mode": mode,
        "mustBeCompleted": False,
        "phase": 1 if capacities == ["renew"] else 0,
        "price": int(amount * UCENTS),
        "promotions": None,
        "quantity": {"min": 1, "max": None},
        "repeat": {"min": 1, "max": None},
        "strategy": "volume",
        "tax": int((amount * rate).quantize(Decimal("0.01")) * UCENTS),
        "type": "rental",
    }


def _of_pricing(one: Pricing, currency: str, rate: Decimal) -> list[dict[str, Any]]:
    months = int(one.duration[1:-1]) * (12 if one.duration.endswith("Y") else 1)
    found = [
        _pricing(one.mode, months, one.amount.in_currency(currency), rate, list(one.capacities), f"{one.duration} fees")
    ]
    fee = one.fee.in_currency(currency)
    return [*found, _pricing(one.mode, 0, fee, rate, ["installation"], "Set-up fee")] if fee else found


def _plan(code: str, name: str, product: str, pricings: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "planCode": code,
        "invoiceName": name,
        "product": product,
        "family": None,
        "pricingType": "rental",
        "pricings": pricings,
        "addonFamilies": [],
        "configurations": [],
        "blobs": None,
        "consumptionConfiguration": None,
        **more,
    }


def _configurations(settings: tuple[Setting, ...]) -> list[dict[str, Any]]:
    return [
        {"name": one.label, "isCustom": not one.values, "isMandatory": one.needed, "values": list(one.values) or None}
        for one in settings
    ]


def _families(plan: Plan) -> list[dict[str, Any]]:
    options = catalogue.options_of(plan.code)
    found = []
    for name in dict.fromkeys(option.family for option in options):
        of_it = [option for option in options if option.family == name]
        found.append(
            {
                "name": name,
                "addons": [option.code for option in of_it],
                "default": of_it[0].code if of_it[0].mandatory else None,
                "exclusive": of_it[0].exclusive,
                "mandatory": of_it[0].mandatory,
            }
        )
    return found


def _of_plan(plan: Plan, subsidiary: str) -> dict[str, Any]:
    currency, rate = catalogue.currency_of(subsidiary), tax_rate(subsidiary)
    return _plan(
        plan.code,
        plan.name(catalogue.language_of(subsidiary)),
        plan.code,
        [told for one in plan.pricings for told in _of_pricing(one, currency, rate)],
        family=plan.family or None,
        addonFamilies=_families(plan),
        configurations=_configurations(plan.settings),
    )


def _of_extension(extension: str, subsidiary: str) -> dict[str, Any]:
    currency, rate = catalogue.currency_of(subsidiary), tax_rate(subsidiary)
    amounts = domains.Offer(f"name.{extension}", "create-default", True, False).amounts(currency)
    pricings = []
    for mode in ("create-default", "transfer-default"):
        pricings.append(_pricing(mode, 12, amounts["PRICE"], rate, ["installation"], "First year"))
        pricings.append(_pricing(mode, 12, amounts["RENEW"], rate, ["renew"], "Renewal"))
    return _plan(extension, f".{extension}", extension, pricings, family="domain")


def _catalog(segment: str, subsidiary: str) -> dict[str, Any]:
    if segment == "domain":
        plans = [_of_extension(extension, subsidiary) for extension in domains.EXTENSIONS]
        addons = [_of_plan(catalogue.PLANS[code], subsidiary) for code in catalogue.DOMAIN_OPTIONS]
    else:
        plans = [_of_plan(plan, subsidiary) for plan in catalogue.products(segment)]
        codes = dict.fromkeys(option for plan in catalogue.products(segment) for option in plan.options)
        addons = [_of_plan(catalogue.PLANS[code], subsidiary) for code in codes]
    return {
        "catalogId": 1 + _SEGMENTS.index(segment),
        "locale": {
            "currencyCode": catalogue.currency_of(subsidiary),
            "subsidiary": subsidiary,
            "taxRate": float(tax_rate(subsidiary) * 100),
        },
        "planFamilies": [{"name": segment}],
        "plans": plans,
        "addons": addons,
        "products": [
            {"name": one["product"], "description": one["invoiceName"], "blobs": None, "configurations": None}
            for one in [*plans, *addons]
        ],
    }


_SEGMENTS = ("domain", *catalogue.SEGMENTS)


def _register(segment: str) -> None:
    @route(f"GET /order/catalog/public/{segment}", needs="nothing", query=_QUERY)
    def public(call: Call) -> dict[str, Any]:
        return _catalog(segment, call.query["ovhSubsidiary"])


for _segment in _SEGMENTS:
    _register(_segment)
