"""Reading a quote, OVHcloud's dry run of a cart: its lines by product, whether they add up, and how two differ."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from carts.models import Cart, CartItem
from carts.prices import Kept, amount
from carts.words import item_title
from orders import formats

# An older dry run is made again before anything is ordered by it.
FRESH = timedelta(minutes=30)
# How long a page may lie open before its button is worth nothing.
SHOWN_FOR = timedelta(hours=12)
_SALT = "carts.summary"


def is_ready(cart: Cart, now: datetime) -> bool:
    """Whether the cart may be ordered by its quote: of what it holds now, judged by OVHcloud, and not long ago."""
    return (
        cart.is_quoted
        and bool((cart.quote or {}).get("is_dry_run"))
        and not cart.trouble
        and cart.quoted_at is not None
        and cart.quoted_at > now - FRESH
    )


def money(kept: Kept) -> str:
    """An amount as a reader writes it."""
    return formats.money(*amount(kept))


# --- Lines ------------------------------------------------------------------------------------------------------------
def groups(quote: Mapping[str, Any], items: Iterable[CartItem]) -> list[dict[str, Any]]:
    """Lines by product, in the quote's order; what takes off the price is marked."""
    by_key = {str(item.key): item for item in items}
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in quote["lines"]:
        found.setdefault(_product_of(line, by_key), []).append(line)
    return [_group(lines, by_key) for lines in found.values()]


def _product_of(line: Mapping[str, Any], by_key: Mapping[str, CartItem]) -> str:
    """`*001.001` is a child of `*001`; where OVHcloud numbers nothing, the item it names, or its parent."""
    domain = line.get("domain") or ""
    if domain not in ("", "*"):
        return domain.split(".")[0] if domain.startswith("*") else domain
    item = by_key.get(line.get("item") or "")
    if item is None:
        return f"#{id(line)}"
    return f"item {item.parent_id or item.pk}"


def _group(lines: Sequence[Mapping[str, Any]], by_key: Mapping[str, CartItem]) -> dict[str, Any]:
    named = next((by_key[line["item"]] for line in lines if line.get("item") in by_key), None)
    title = item_title(named) if named is not None and named.parent_id is None and not named.came_by_itself else ""
    return {
        "title": title or lines[0]["description"].split(" - ")[0] if len(lines) > 1 else "",
        "lines": [_line(line) for line in lines],
    }


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    total = amount(line["total_price"])[0]
    return {
        "description": line["description"],
        "quantity": line["quantity"],
        "unit": money(line["unit_price"]),
        "total": money(line["total_price"]),
        "reduces": total < 0 or line.get("detail_type") in ("GIFT", "VOUCHER"),
        "reductions": [
            {"description": one["description"], "price": taken_off(one["price"])}
            for one in line.get("reductions") or ()
        ],
    }


def taken_off(kept: Kept) -> str:
    """A reduction, told as what it takes off, whatever sign it came with."""
    value, code = amount(kept)
    return formats.money(-abs(value), code)


def totals(quote: Mapping[str, Any]) -> dict[str, str]:
    """The sums as text; "" for those that OVHcloud does not tell, or that say nothing."""
    prices = quote["prices"]
    reduction = prices.get("reduction")
    reduced = reduction is not None and amount(reduction)[0] != 0
    original = prices.get("original_without_tax")
    return {
        "original": money(original) if reduced and original else "",
        "reduction": taken_off(reduction) if reduced else "",
        "without_tax": money(prices["without_tax"]),
        "tax": money(prices["tax"]),
        "with_tax": money(prices["with_tax"]),
    }


def adds_up(quote: Mapping[str, Any]) -> bool:
    """Whether lines and tax come to the total, to the last digit, in one currency. OVHcloud's total counts if not."""
    prices = quote["prices"]
    codes = {amount(line["total_price"])[1] for line in quote["lines"]}
    codes |= {amount(prices[name])[1] for name in ("without_tax", "tax", "with_tax")}
    lines = sum((amount(line["total_price"])[0] for line in quote["lines"]), Decimal(0))
    without, tax, with_tax = (amount(prices[name])[0] for name in ("without_tax", "tax", "with_tax"))
    return len(codes) == 1 and lines == without and without + tax == with_tax


def is_free(quote: Mapping[str, Any]) -> bool:
    return amount(quote["prices"]["with_tax"])[0] == 0


# --- What was shown ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shown:
    """
    What a summary page showed, as its form brings it back.

    method: the default payment method, as `shown_method` has it. renewals: as `renewals_in`.
    """

    revision: int
    digest: str
    total: Kept
    lines: list[tuple[str, Kept]]
    method: list[str]
    renewals: list[Any]


def digest(quote: Mapping[str, Any]) -> str:
    """Of all that somebody agrees to: each line, each sum, each contract's text."""
    agreed = {
        "lines": quote["lines"],
        "prices": quote["prices"],
        "contracts": [(one["name"], one["sha256"]) for one in quote["contracts"]],
    }
    return hashlib.sha256(json.dumps(agreed, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def renewals_in(items: Iterable[CartItem]) -> list[Any]:
    """What each item renews at. It is no part of a quote, and is agreed to like one."""
    return [[str(item.key), item.prices["RENEW"]] for item in items if "RENEW" in item.prices]


def shown_method(method: Mapping[str, Any] | None) -> list[str]:
    """What a page says of a payment method; nothing of none."""
    return [str(method.get(name) or "") for name in ("type", "sub_type", "label")] if method else []


def sign(cart: Cart, items: Iterable[CartItem], method: Mapping[str, Any] | None) -> str:
    """What the page shows, for its form; nobody can write another one. method: the default payment method."""
    quote: Any = cart.quote
    told = {
        "cart": cart.pk,
        "revision": cart.revision,
        "digest": digest(quote),
        "total": quote["prices"]["with_tax"],
        "lines": [(line["description"], line["total_price"]) for line in quote["lines"]],
        "method": shown_method(method),
        "renewals": renewals_in(items),
    }
    return signing.dumps(told, salt=_SALT, compress=True)


def read(signed: str, cart: Cart) -> Shown | None:
    """What a form brought back; None where it is not ours, of another cart, or too old."""
    try:
        told = signing.loads(signed, salt=_SALT, max_age=SHOWN_FOR)
    except signing.BadSignature:
        return None
    if told["cart"] != cart.pk:
        return None
    lines = [(text, kept) for text, kept in told["lines"]]
    beside = told.get("method", []), told.get("renewals", [])
    return Shown(told["revision"], told["digest"], told["total"], lines, *beside)


def is_as_shown(shown: Shown, cart: Cart) -> bool:
    """Whether the cart and its quote are still those that the page showed."""
    return cart.quote is not None and shown.revision == cart.revision and shown.digest == digest(cart.quote)


def differences(shown: Shown, quote: Mapping[str, Any] | None) -> list[str]:
    """What is different now, in sentences; never empty: at least that something else is."""
    if quote is None:
        return [_("OVHcloud is being asked for the total once more.")]
    before, after = (
        _by_words(shown.lines),
        _by_words((one["description"], one["total_price"]) for one in quote["lines"]),
    )
    said = []
    for text, now in after.items():
        if text not in before:
            said.append(_("%(what)s is new: %(price)s.") % {"what": text, "price": now})
        elif before[text] != now:
            said.append(
                _("%(what)s cost %(before)s and costs %(now)s now.")
                % {"what": text, "before": before[text], "now": now}
            )
    said += [_("%(what)s is no longer there.") % {"what": text} for text in before if text not in after]
    total = quote["prices"]["with_tax"]
    if shown.total != total:
        said.append(
            _("The total with tax was %(before)s and is %(now)s.") % {"before": money(shown.total), "now": money(total)}
        )
    return said or [_("The contracts, or what you filled in, are not the same any more.")]


def _by_words(lines: Iterable[tuple[str, Kept]]) -> dict[str, str]:
    """Line by its description; several of one are told together."""
    found: dict[str, list[str]] = {}
    for text, kept in lines:
        found.setdefault(text, []).append(money(kept))
    return {text: ", ".join(prices) for text, prices in found.items()}
