"""For whom prices are shown: whose price list, and with which country's tax."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import format_decimal
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from carts import subsidiaries, tax
from carts.prices import Kept, amount
from orders import formats

_ZONE = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class Buyer:
    """nichandle: None for a visitor. rate: per cent of tax to show prices with; None: they are shown without."""

    nichandle: Nichandle | None
    subsidiary: str
    country: str
    rate: Decimal | None

    @property
    def zone(self) -> ZoneInfo:
        return self.nichandle.zone if self.nichandle else _ZONE

    def price(self, kept: Kept, times: int = 1) -> str:
        """A kept price with tax, in the reader's writing."""
        value, currency = amount(kept)
        return formats.money(tax.with_tax(value * times, currency, self.rate), currency)

    def money(self, value: Decimal, currency_code: str) -> str:
        """The same for an amount without tax."""
        return formats.money(tax.with_tax(value, currency_code, self.rate), currency_code)

    @property
    def tax_words(self) -> str:
        """Which tax the prices of this page are with."""
        name = formats.locale().territories.get(self.country, self.country)
        if self.rate is None:
            return _("Prices are without tax: which one is added is settled on the summary, before you order.")
        number = format_decimal(self.rate, locale=formats.locale())
        said = {"rate": number, "country": name}
        return (
            _("Prices include %(rate)s %% VAT (%(country)s). Your tax is settled on the summary, before you order.")
            % said
        )


def buyer_of(request: HttpRequest) -> Buyer:
    nichandle: Any = getattr(request, "nichandle", None)
    subsidiary = subsidiaries.of(request)
    country = (nichandle.country if nichandle else "") or subsidiaries.country_of(subsidiary)
    return Buyer(nichandle, subsidiary, country.upper(), tax.rate_for(country))


def subsidiary_choices(buyer: Buyer) -> list[dict[str, Any]]:
    """The countries a visitor chooses from; none for an account, whose price list is its own."""
    if buyer.nichandle is not None:
        return []
    names = [(subsidiaries.name(code, formats.locale()), code) for code in subsidiaries.choices()]
    return [{"code": code, "name": name, "chosen": code == buyer.subsidiary} for name, code in sorted(names)]
