"""Rows of ordering. Prices in JSON are {"value": "4.99", "currency_code": "EUR"}: a Decimal as text, never a float."""

from carts.models.cart import Cart, CartItem, Configuration
from carts.models.checkout import Checkout, Contact, ContactReading
from carts.models.offers import CatalogueReading, DomainCheck, Plan, RegistryRule, SearchCart

__all__ = [
    "Cart",
    "CartItem",
    "CatalogueReading",
    "Checkout",
    "Configuration",
    "Contact",
    "ContactReading",
    "DomainCheck",
    "Plan",
    "RegistryRule",
    "SearchCart",
]
