"""Amounts in our rows: {"value": "4.99", "currency_code": "EUR"}, a Decimal as text."""

from collections.abc import Mapping
from decimal import Decimal

from gateway import Price

Kept = Mapping[str, str]


def keep(price: Price) -> dict[str, str]:
    """The same amount is the same text, however OVHcloud spells it ("7.0", "7")."""
    return {"value": f"{price.value.normalize():f}", "currency_code": price.currency_code}


def amount(kept: Kept) -> tuple[Decimal, str]:
    """The amount in whole units and its currency's code."""
    return Decimal(kept["value"]), kept["currency_code"]
