"""Amounts as the API quotes them (schema order.Price)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

# priceInUcents counts millionths of a cent.
UCENTS = 100_000_000
VAT = Decimal("0.20")
# Where it is another rate; Québec's is both of its taxes.
_RATES = {
    "CA": "0.05",
    "CZ": "0.21",
    "DE": "0.19",
    "ES": "0.21",
    "FI": "0.255",
    "IE": "0.23",
    "IT": "0.22",
    "LT": "0.21",
    "NL": "0.21",
    "PL": "0.23",
    "PT": "0.23",
    "QC": "0.14975",
}
_CENT = Decimal("0.01")

Price = dict[str, Any]


def price(value: Decimal | str | int, currency: str) -> Price:
    """Return an amount in whole currency units as order.Price, rounded to cents."""
    amount = Decimal(value).quantize(_CENT, ROUND_HALF_UP)
    return {
        "currencyCode": currency,
        "priceInUcents": int(amount * UCENTS),
        "text": _text(amount, currency),
        "value": float(amount),
    }


def tax_rate(subsidiary: str) -> Decimal:
    return Decimal(_RATES[subsidiary]) if subsidiary in _RATES else VAT


def amount_of(quoted: Price) -> Decimal:
    return Decimal(str(quoted["value"]))


def split_tax(with_tax: Decimal, currency: str, rate: Decimal = VAT) -> tuple[Price, Price, Price]:
    """Return (without tax, tax, with tax), adding up to the cent."""
    without = (with_tax / (1 + rate)).quantize(_CENT, ROUND_HALF_UP)
    return price(without, currency), price(with_tax - without, currency), price(with_tax, currency)


def add_tax(without: Decimal, currency: str, rate: Decimal = VAT) -> tuple[Price, Price, Price]:
    """Return (without tax, tax, with tax), adding up to the cent."""
    tax = (without * rate).quantize(_CENT, ROUND_HALF_UP)
    return price(without, currency), price(tax, currency), price(without + tax, currency)


def _text(amount: Decimal, currency: str) -> str:
    if currency == "points":
        return f"{amount.normalize():f} PTS"
    if currency in ("GBP", "USD", "CAD"):
        symbol = {"GBP": "£", "USD": "$", "CAD": "$"}[currency]
        return f"{'-' if amount < 0 else ''}{symbol}{abs(amount)}"
    return f"{amount} {'€' if currency == 'EUR' else currency}"
