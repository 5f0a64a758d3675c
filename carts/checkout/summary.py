"""What the summary shows: all that is ordered, at which price, under which terms; or what keeps it from being said."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.http import CustomerRequest
from carts import words
from carts.checkout import quotes
from carts.checkout.ordering import default_method
from carts.checkout.waiver import waiver
from carts.configuring.labels import missing, words_of
from carts.models import Cart, CartItem
from carts.prices import amount
from carts.queries.buyer import Buyer, buyer_of
from carts.words import item_title
from orders import formats
from orders.words import payment_method


def summary_for_page(request: CustomerRequest, cart: Cart, now: datetime) -> dict[str, Any]:
    """Everything on the page but its form. Four queries however many items the cart holds."""
    items = list(cart.items.prefetch_related("configurations"))
    context: dict[str, Any] = {
        "cart": cart,
        "items": items,
        "count": len([item for item in items if item.parent_id is None and not item.came_by_itself]),
        "to_do": to_do(items),
        "coupons": [one for one in cart.coupons if one["problem"]],
        "is_ready": quotes.is_ready(cart, now),
        "zone": formats.zone_words(request.nichandle.zone),
    }
    context["waits_for_us"] = not (context["is_ready"] or context["to_do"] or cart.trouble)
    if cart.is_quoted and cart.quote:
        context |= _quoted(request, cart, items)
    return context


def to_do(items: Iterable[CartItem]) -> list[dict[str, Any]]:
    """What the customer has to do first, item by item. items: with their configurations."""
    found = []
    for item in items:
        rows = list(item.configurations.all())
        refused = [
            {"label": words_of(row.label).title, "words": row.problem} for row in rows if row.problem and row.value
        ]
        lacking = [words_of(label).title for label in missing(item, rows)]
        if lacking or refused or item.problem:
            found.append(
                {
                    "item": item,
                    "title": item_title(item),
                    "missing": lacking,
                    "refused": refused,
                    "problem": item.problem,
                }
            )
    return found


def _quoted(request: CustomerRequest, cart: Cart, items: list[CartItem]) -> dict[str, Any]:
    quote: Any = cart.quote
    buyer = buyer_of(request)
    method = default_method(request.nichandle)
    return {
        "groups": quotes.groups(quote, items),
        "totals": quotes.totals(quote),
        "adds_up": quotes.adds_up(quote),
        "is_free": quotes.is_free(quote),
        "quoted_at": formats.clock(cart.quoted_at, request.nichandle.zone) if cart.quoted_at else "",
        "renewals": renewals(items, buyer),
        "renewals_are_with_tax": buyer.rate is not None,
        "changes": price_changes(items),
        "contracts": [_contract(one) for one in quote["contracts"]],
        "waiver": waiver(cart, items),
        "is_consumer": request.nichandle.is_private_individual,
        "default_method": payment_method(method) if method else "",
    }


def renewals(items: Iterable[CartItem], buyer: Buyer) -> list[dict[str, str]]:
    """What each product costs once its first period is over; what costs nothing, or is not told, is left out."""
    return [
        {
            "name": item_title(item),
            "price": buyer.price(item.prices["RENEW"], item.quantity),
            # A name renews by the year, however long it is first registered for.
            "per": words.per_words("P1Y" if item.product == "domain" else item.duration),
        }
        for item in items
        if "RENEW" in item.prices and amount(item.prices["RENEW"])[0]
    ]


def price_changes(items: Iterable[CartItem]) -> list[str]:
    """What costs something else than when it was chosen, in sentences."""
    said = []
    for item in items:
        label = next((one for one in ("TOTAL", "PRICE") if one in item.prices and one in item.chosen_at_prices), "")
        if label and item.prices[label] != item.chosen_at_prices[label]:
            before, after = (quotes.money(prices[label]) for prices in (item.chosen_at_prices, item.prices))
            said.append(
                _("%(name)s cost %(before)s when you chose it, and costs %(after)s now (without tax).")
                % {"name": item_title(item), "before": before, "after": after}
            )
    return said


def _contract(contract: dict[str, str]) -> dict[str, str]:
    return {"name": contract["name"].strip(), "content": contract["content"], "url": _linked(contract["url"])}


def _linked(url: str) -> str:
    """An address that a browser may be sent to; OVHcloud's answer alone is no reason."""
    try:
        parts = urlsplit(url)
    except ValueError:  # "https://[": no address at all
        return ""
    return url if parts.scheme == "https" and parts.netloc in settings.OVH_WEB_HOSTS else ""
