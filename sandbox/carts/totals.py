"""What a cart comes to: its lines and their sum, as order.Order tells them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..models import Cart
from ..money import add_tax, price, tax_rate
from . import Refusal, catalogue, items
from .items import Item

_CENT = Decimal("0.01")
_NOUGHT = Decimal("0.00")
# Coupons: per cent, or an amount off the whole.
COUPONS: dict[str, tuple[str, Decimal]] = {
    "WELCOME10": ("percentage", Decimal(10)),
    "FIVE": ("fixed_amount", Decimal(5)),
}


@dataclass
class Line:
    """One line of an order to be. Amounts are without tax."""

    item: Item
    domain: str
    description: str
    detail_type: str
    quantity: int
    unit: Decimal
    reductions: list[tuple[str, str, Decimal]] = field(default_factory=list)

    @property
    def original(self) -> Decimal:
        return self.unit * self.quantity

    @property
    def reduction(self) -> Decimal:
        return sum((amount for _, _, amount in self.reductions), _NOUGHT)

    @property
    def total(self) -> Decimal:
        return self.original - self.reduction


def lines(cart: Cart) -> list[Line]:
    """Return the lines of a cart, each product's beside those of its options and its zone, coupons taken off."""
    found: list[Line] = []
    tops = [one for one in cart.items if one["parentItemId"] is None and one["zoneOf"] is None]
    for number, top in enumerate(tops, 1):
        for domain, item in _placed(cart, top, f"*{number:03}"):
            found += _of_item(cart, item, domain)
    _take_off(cart, found)
    return found


def _placed(cart: Cart, item: Item, domain: str) -> Iterator[tuple[str, Item]]:
    yield domain, item
    for number, child in enumerate(items.children(cart, item), 1):
        yield from _placed(cart, child, f"{domain}.{number:03}")


def _of_item(cart: Cart, item: Item, domain: str) -> list[Line]:
    quoted, words = items.quote(cart, item), describe(cart, item)
    french = catalogue.language_of(cart.subsidiary) == "fr"
    fee = f"{words} - {'frais de mise en service' if french else 'set-up fee'}"
    found = [
        Line(item, domain, f"{words} - {_period(item['duration'], french)}", "DURATION", item["quantity"], quoted.unit),
        Line(item, domain, fee, "INSTALLATION", item["quantity"], quoted.fee),
    ]
    if quoted.discount:
        gift = f"{words} - {'promotion' if french else 'promotional offer'}"
        found.append(Line(item, domain, gift, "GIFT", item["quantity"], -quoted.discount))
    return found


def describe(cart: Cart, item: Item) -> str:
    language = catalogue.language_of(cart.subsidiary)
    if not item["domain"]:
        return catalogue.PLANS[item["planCode"]].name(language)
    verb = "create" if item["pricingMode"].startswith("create") else "transfer"
    extension = item["planCode"]
    words = {
        ("fr", "create"): f"enregistrement .{extension}",
        ("en", "create"): f".{extension} registration",
        ("fr", "transfer"): f"transfert .{extension}",
        ("en", "transfer"): f".{extension} transfer",
    }
    return f"{item['domain']} - {words[language, verb]}"


def _period(duration: str, french: bool) -> str:
    months = int(duration[1:-1]) * (12 if duration.endswith("Y") else 1)
    if french:
        return f"{months} mois"
    return f"{months} month{'' if months == 1 else 's'}"


def check_coupon(code: str) -> None:
    if code not in COUPONS:
        raise Refusal(f"Coupon {code[:100]} is not valid")


def _take_off(cart: Cart, found: list[Line]) -> None:
    for code in cart.coupons:
        kind, size = COUPONS[code]
        left = size
        for line in found:
            if line.detail_type != "DURATION" or line.total <= 0:
                continue
            if kind == "percentage":
                off = (line.total * size / 100).quantize(_CENT, ROUND_HALF_UP)
            else:
                off = min(left, line.total)
                left -= off
            if off > 0:
                line.reductions.append((code, kind, off))


def order_answer(cart: Cart, found: list[Line], contracts: list[dict[str, str]]) -> dict[str, Any]:
    """Return order.Order without a number. A promotion is a line of its own; only coupons count as reductions."""
    currency = catalogue.currency_of(cart.subsidiary)
    net = sum((line.total for line in found), _NOUGHT)
    reduction = sum((line.reduction for line in found), _NOUGHT)
    without, tax, with_tax = add_tax(net, currency, tax_rate(cart.subsidiary))
    return {
        "contracts": contracts,
        "details": [_detail(line, currency) for line in found],
        "orderId": None,
        "url": None,
        "prices": {
            "originalWithoutTax": price(net + reduction, currency),
            "reduction": price(reduction, currency),
            "tax": tax,
            "withTax": with_tax,
            "withoutTax": without,
        },
    }


def _detail(line: Line, currency: str) -> dict[str, Any]:
    # As the guides' samples have it, the lines of a domain name do not say which item they are of.
    named = not line.item["domain"] and line.item["zoneOf"] is None
    return {
        "cartItemID": line.item["itemId"] if named else None,
        "description": line.description,
        "detailType": line.detail_type,
        "domain": line.domain,
        "quantity": line.quantity,
        "unitPrice": price(line.unit, currency),
        "totalPrice": price(line.total, currency),
        "originalTotalPrice": price(line.original, currency),
        "reductionTotalPrice": price(line.reduction, currency),
        "reductions": [
            {
                "context": "voucher",
                "type": kind,
                "description": code,
                "reductionDescription": code,
                "price": price(line.total, currency),
                "value": price(amount, currency),
            }
            for code, kind, amount in line.reductions
        ],
    }
