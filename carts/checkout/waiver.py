"""
The right of withdrawal, before ordering: kept, or given up where a product is only sold so.

A domain name is made to its customer's wish and supplied at once, and so is a certificate; the law lets the right be
given up for these, in so many words, by an act of its own. OVHcloud is told for the whole order by one word
(`waiveRetractationPeriod`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from carts.models import Cart, CartItem, Checkout
from carts.prices import amount
from carts.words import item_title

# The API's segments that sell certificates. A free one is given, and may be given back.
CERTIFICATES = ("sslComodo", "sslGateway")
_DEMANDED = re.compile("waiveRetract", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Waiver:
    """names: what the right is given up for. others: what it is kept for. words: the sentence beside the box."""

    names: list[str]
    others: list[str]
    words: str

    @property
    def names_told(self) -> str:
        return get_text_list(self.names, _("and"))

    @property
    def others_told(self) -> str:
        return get_text_list(self.others, _("and"))


def waiver(cart: Cart, items: Iterable[CartItem]) -> Waiver | None:
    """What must be given up to order this cart; None: nothing, the right is kept. items: the cart's."""
    tops = [item for item in items if item.parent_id is None and not item.came_by_itself]
    concerned = tops if _demanded_for_all(cart) else [item for item in tops if _is_concerned(item)]
    if not concerned:
        return None
    names = list(dict.fromkeys(item_title(item) for item in concerned))
    others = list(dict.fromkeys(item_title(item) for item in tops if item not in concerned))
    return Waiver(names, others, _words(names))


def _is_concerned(item: CartItem) -> bool:
    if item.product == "domain":
        return True
    prices = item.prices or item.chosen_at_prices
    is_paid = any(amount(price)[0] > 0 for price in prices.values())
    return item.product in CERTIFICATES and is_paid


def _demanded_for_all(cart: Cart) -> bool:
    """OVHcloud refused this very cart because the right was not given up: there is something in it we do not know."""
    refused = Checkout.objects.filter(cart=cart, waived=False, intent__state="refused")
    message = refused.values_list("intent__message", flat=True).first()
    return bool(message and _DEMANDED.search(message))


def _words(names: list[str]) -> str:
    return _(
        "I ask for %(names)s to be supplied at once, before the 14 days for withdrawing are over, and I expressly give"
        " up my right of withdrawal for this: I know that I cannot withdraw from it any more (Directive 2011/83/EU,"
        " Article 16, points (a), (c) and (m); in France, Article L221-28, 1°, 3° and 13°, of the Consumer Code)."
    ) % {"names": get_text_list(names, _("and"))}
