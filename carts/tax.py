"""
Standard rates of value added tax, to show a price as it will be paid while somebody is still choosing.

Source: European Commission, Taxes in Europe Database, standard rates of the Member States; for the other countries
their own laws. As in force on 1 January 2026. Only a forecast: which tax applies (a company's number, overseas
territories, a province's) is settled by OVHcloud on the summary, whose amounts are shown instead once they are there.
"""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from babel.numbers import get_currency_precision

AS_OF = date(2026, 1, 1)
SOURCE = "European Commission, Taxes in Europe Database"

# Per cent, by country.
STANDARD_RATES: dict[str, Decimal] = {
    code: Decimal(rate)
    for code, rate in {
        "AT": "20",
        "BE": "21",
        "BG": "20",
        "CY": "19",
        "CZ": "21",
        "DE": "19",
        "DK": "25",
        "EE": "24",
        "ES": "21",
        "FI": "25.5",
        "FR": "20",
        "GR": "24",
        "HR": "25",
        "HU": "27",
        "IE": "23",
        "IT": "22",
        "LT": "21",
        "LU": "17",
        "LV": "21",
        "MT": "18",
        "NL": "21",
        "PL": "23",
        "PT": "23",
        "RO": "21",
        "SE": "25",
        "SI": "22",
        "SK": "23",
        # Not of the Union.
        "CH": "8.1",
        "GB": "20",
        "MA": "20",
        "MC": "20",
        "NO": "25",
        "SN": "18",
        "TN": "19",
    }.items()
}


def rate_for(country: str) -> Decimal | None:
    """Per cent; None where one country has several (Canada, the United States) or none is known here."""
    return STANDARD_RATES.get(country.upper())


def with_tax(amount: Decimal, currency_code: str, rate: Decimal | None) -> Decimal:
    """The amount with that tax, to the currency's smallest coin; as it is without a rate, and for points."""
    if rate is None or len(currency_code) != 3 or not currency_code.isalpha():
        return amount
    coin = Decimal(1).scaleb(-get_currency_precision(currency_code))
    return (amount * (100 + rate) / 100).quantize(coin, ROUND_HALF_UP)
