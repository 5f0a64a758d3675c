"""
Domain names: which offers a name brings up.

What the first label of a name contains decides, so that a test gets the case it wants by choosing a name:
docs/sandbox.md lists the words.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..rules import extension_of
from .catalogue import FREE, Amount, Setting

# Extension: price of a year, renewal, discount on the first year, longest registration in years.
EXTENSIONS: dict[str, tuple[Amount, Amount, Amount, int]] = {
    "fr": (Amount("6.99", "6.49"), Amount("6.99", "6.49"), Amount("2.00", "1.80"), 1),
    "com": (Amount("9.99", "8.99"), Amount("11.99", "10.49"), FREE, 10),
    "net": (Amount("12.99", "11.49"), Amount("13.99", "12.49"), FREE, 10),
    "org": (Amount("9.49", "8.49"), Amount("12.49", "10.99"), FREE, 10),
    "eu": (Amount("5.99", "5.49"), Amount("7.99", "6.99"), FREE, 10),
    "bzh": (Amount("39.00", "34.00"), Amount("39.00", "34.00"), FREE, 1),
    "blog": (Amount("6.99", "5.99"), Amount("26.99", "23.99"), FREE, 10),
    "shop": (Amount("31.99", "27.99"), Amount("31.99", "27.99"), Amount("29.00", "25.00"), 10),
    "berlin": (Amount("34.99", "30.49"), Amount("34.99", "30.49"), FREE, 10),
    "paris": (Amount("37.99", "32.99"), Amount("37.99", "32.99"), FREE, 10),
    "de": (Amount("4.99", "4.49"), Amount("6.99", "6.29"), FREE, 1),
    "uk": (Amount("7.99", "6.99"), Amount("7.99", "6.99"), FREE, 10),
    "co.uk": (Amount("7.99", "6.99"), Amount("7.99", "6.99"), FREE, 10),
    "gov.uk": (Amount("99.00", "85.00"), Amount("99.00", "85.00"), FREE, 2),
}
_MODES_OF_WORD = (
    ("several", ("transfer-default", "transfer-aftermarket1", "transfer-aftermarket2")),
    ("aftermarket2", ("transfer-aftermarket2",)),
    ("aftermarket", ("transfer-aftermarket1",)),
    ("premium-taken", ("transfer-premium",)),
    ("premium", ("create-premium",)),
    ("locked", ("transfer-default",)),
    ("taken", ("transfer-default",)),
)
_TAKEN = ("ovh", "ovhcloud", "google", "example", "exemple", "wikipedia")
_SPECIAL = {
    "create-premium": Amount("149.00", "129.00"),
    "transfer-premium": Amount("99.00", "86.00"),
    "transfer-aftermarket1": Amount("2490.00", "2190.00"),
    "transfer-aftermarket2": Amount("890.00", "779.00"),
}

_BASIC = (
    Setting("OWNER_LEGAL_AGE", "bool", ("true", "false"), required=True, needed=True),
    Setting("OWNER_CONTACT", "/me/contact"),
    Setting("ADMIN_ACCOUNT", "Nichandle"),
    Setting("TECH_ACCOUNT", "Nichandle"),
    Setting("DNS"),
)
# Labels that a word in the name brings up, all of them needed then.
_EXTRA = (
    ("config", Setting("DOMAIN_CONFIG", required=True, needed=True)),
    ("conditions", Setting("ACCEPT_CONDITIONS", "bool", ("true", "false"), required=True, needed=True)),
    ("reserved", Setting("REASON", required=True, needed=True)),
    ("code", Setting("PROTECTED_CODE", required=True, needed=True)),
    ("brand", Setting("CLAIMS_NOTICE", required=True, needed=True)),
)
_TRANSFER = (Setting("AUTH_INFO"), Setting("KEEP_DNS", "bool", ("true", "false")))


@dataclass(frozen=True)
class Offer:
    """One way to have a name."""

    domain: str
    mode: str
    orderable: bool
    locked: bool

    @property
    def action(self) -> str:
        return "create" if self.mode.startswith("create") else "transfer"

    @property
    def extension(self) -> str:
        return extension_of(self.domain)

    @property
    def id(self) -> str:
        return f"{self.extension}-{self.mode.replace('-default', '')}"

    @property
    def durations(self) -> list[str]:
        longest = EXTENSIONS[self.extension][3] if self.action == "create" else 1
        return [f"P{years}Y" for years in range(1, longest + 1)]

    @property
    def settings(self) -> tuple[Setting, ...]:
        label = self.domain.partition(".")[0]
        extra = [setting for word, setting in _EXTRA if word in label]
        if self.extension == "gov.uk" and extra[:1] != [_EXTRA[0][1]]:
            extra.insert(0, _EXTRA[0][1])
        return (*_BASIC, *extra, *(_TRANSFER if self.action == "transfer" else ()))

    def amounts(self, currency: str) -> dict[str, Decimal]:
        """Return PRICE, RENEW, DISCOUNT and FEE of a year, without tax."""
        first, renewal, discount, _ = EXTENSIONS[self.extension]
        special = _SPECIAL.get(self.mode)
        return {
            "PRICE": first.in_currency(currency),
            "RENEW": renewal.in_currency(currency),
            "DISCOUNT": discount.in_currency(currency) if self.mode == "create-default" else Decimal("0.00"),
            "FEE": special.in_currency(currency) if special else Decimal("0.00"),
        }


def offers(domain: str) -> list[Offer]:
    """Return the offers of a name; none for a name that no registry here could hold."""
    label, _, extension = domain.partition(".")
    if extension not in EXTENSIONS or not _is_label(label):
        return []
    modes: tuple[str, ...] = ("transfer-default",) if label in _TAKEN else ("create-default",)
    modes = next((found for word, found in _MODES_OF_WORD if word in label), modes)
    locked = "locked" in label
    orderable = not locked and "unavailable" not in label
    return [Offer(domain, mode, orderable, locked) for mode in modes]


def find(domain: str, mode: str | None, offer_id: str | None = None) -> Offer | None:
    """Return the offer meant: by its mode, by the deprecated offerId, else the first that can be ordered."""
    for offer in offers(domain):
        if offer_id is not None and offer.id != offer_id:
            continue
        if mode in (None, offer.mode) or (mode == "default" and offer_id is not None):
            return offer
    return None


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label[0] != "-" != label[-1] and all(c.isalnum() or c == "-" for c in label)


def nameservers(offer: Offer) -> list[str] | None:
    return ["ns1.other-registrar.example", "ns2.other-registrar.example"] if offer.action == "transfer" else None


def requirement(setting: Setting) -> dict[str, Any]:
    """Return order.cart.ConfigurationRequirements, with the allowed values that live answers add."""
    told: dict[str, Any] = {
        "label": setting.label,
        "type": setting.type,
        "required": setting.required,
        "fields": None,
    }
    return told | ({"allowedValues": list(setting.values)} if setting.values else {})
