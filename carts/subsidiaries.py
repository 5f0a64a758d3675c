"""
OVHcloud's subsidiaries: whose price list somebody sees.

An account's is its own, by GET /me. A visitor chooses a country, kept in the session.
"""

from typing import Any

from babel import Locale
from django.conf import settings
from django.http import HttpRequest

# nichandle.OvhSubsidiaryEnum by endpoint, the first one is shown to whoever has not chosen.
BY_ENDPOINT = {
    "ovh-eu": ("FR", "CZ", "DE", "ES", "FI", "GB", "IE", "IT", "LT", "MA", "NL", "PL", "PT", "SN", "TN"),
    "ovh-ca": ("CA", "QC", "ASIA", "AU", "IN", "SG", "WE", "WS"),
    "ovh-us": ("US",),
}
# The same without a territory of that code.
_NAMES = {"ASIA": "Asia", "WE": "World (English)", "WS": "World (Spanish)", "QC": "Québec"}
COUNTRY = "subsidiary"


def choices() -> tuple[str, ...]:
    return BY_ENDPOINT.get(settings.OVH_ENDPOINT, BY_ENDPOINT["ovh-eu"])


def of(request: HttpRequest) -> str:
    """The account's, else the one this browser chose, else the first."""
    nichandle: Any = getattr(request, "nichandle", None)
    if nichandle is not None and nichandle.ovh_subsidiary:
        return str(nichandle.ovh_subsidiary)
    chosen = request.session.get(COUNTRY)
    return chosen if chosen in choices() else choices()[0]


def choose(request: HttpRequest, subsidiary: str) -> None:
    """Remember a visitor's country; one that is not sold in is not."""
    if subsidiary in choices():
        request.session[COUNTRY] = subsidiary


def country_of(subsidiary: str) -> str:
    """The country whose tax it shows: its own, where it is of one."""
    return {"QC": "CA", "ASIA": "SG", "WE": "", "WS": ""}.get(subsidiary, subsidiary)


def name(subsidiary: str, locale: Locale) -> str:
    return _NAMES.get(subsidiary) or locale.territories.get(subsidiary, subsidiary)
