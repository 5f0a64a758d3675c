"""A small catalogue. Plans and prices are invented; prices are per unit and without tax."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import Refusal

# Where there is a price list. Other subsidiaries exist at OVHcloud and have none here.
_CURRENCIES = {"GB": "GBP", "CA": "CAD", "QC": "CAD"} | dict.fromkeys(
    ("FR", "DE", "ES", "EU", "FI", "IE", "IT", "LT", "NL", "PT"), "EUR"
)
# Canadian dollars for a euro, in this catalogue.
_DOLLARS = Decimal("1.60")
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Amount:
    """A price in each currency; Canadian ones follow from the euro."""

    eur: str
    gbp: str

    def in_currency(self, currency: str) -> Decimal:
        if currency == "CAD":
            return (Decimal(self.eur) * _DOLLARS).quantize(_CENT)
        return Decimal({"EUR": self.eur, "GBP": self.gbp}[currency])


FREE = Amount("0.00", "0.00")


@dataclass(frozen=True)
class Pricing:
    """One price of a plan. A plan is ordered by one that allows `installation`."""

    mode: str
    duration: str
    amount: Amount
    capacities: tuple[str, ...] = ("installation", "renew")
    fee: Amount = FREE
    # Per cent off the first period.
    promotion: int = 0
    maximum: int | None = None


@dataclass(frozen=True)
class Setting:
    """A label of requiredConfiguration. `required` is what the API says, `needed` what checking out demands."""

    label: str
    type: str = "String"
    values: tuple[str, ...] = ()
    required: bool = False
    needed: bool = False


@dataclass(frozen=True)
class Plan:
    code: str
    segment: str
    french: str
    english: str
    pricings: tuple[Pricing, ...]
    type: str = "saas_license"
    settings: tuple[Setting, ...] = ()
    # Codes of the options that can be added, by family.
    options: tuple[str, ...] = ()
    # For options: their family, whether one of it has to be taken, and whether no more than one may.
    family: str = ""
    mandatory: bool = False
    exclusive: bool = False
    # The right of withdrawal has to be waived for it.
    waives: bool = False

    def name(self, language: str) -> str:
        return self.french if language == "fr" else self.english

    def pricing(self, mode: str, duration: str) -> Pricing | None:
        return next((p for p in self.orderable() if (p.mode, p.duration) == (mode, duration)), None)

    def orderable(self) -> list[Pricing]:
        return [one for one in self.pricings if "installation" in one.capacities]


def _monthly(eur: str, gbp: str, **more: Any) -> Pricing:
    return Pricing("default", "P1M", Amount(eur, gbp), **more)


def _yearly(eur: str, gbp: str, mode: str = "default", **more: Any) -> Pricing:
    return Pricing(mode, "P1Y", Amount(eur, gbp), **more)


# As on the real API: `vps_datacenter` says it is optional and is demanded, `region` the other way round.
_VPS_SETTINGS = (
    Setting("vps_datacenter", values=("GRA", "SBG", "ERI"), needed=True),
    Setting("region", values=("europe",), required=True),
)
_VPS_OPTIONS = ("vps-os-debian", "vps-os-windows", "vps-backup")


def _vps(code: str, english: str, month: tuple[str, str], year: tuple[str, str]) -> Plan:
    french = english.replace("GB", "Go")
    pricings = (_monthly(*month), _yearly(*year, mode="upfront12"))
    return Plan(code, "vps", french, english, pricings, settings=_VPS_SETTINGS, options=_VPS_OPTIONS)


_PLANS = (
    _vps("vps-1-2026", "VPS-1 - 4 vCores, 8 GB", ("4.20", "3.60"), ("45.36", "38.88")),
    _vps("vps-2-2026", "VPS-2 - 6 vCores, 12 GB", ("8.49", "7.60"), ("91.69", "82.08")),
    Plan(
        "vps-os-debian",
        "vps",
        "Debian 13",
        "Debian 13",
        (_monthly("0.00", "0.00"), _yearly("0.00", "0.00", mode="upfront12")),
        family="os",
        mandatory=True,
        exclusive=True,
    ),
    Plan(
        "vps-os-windows",
        "vps",
        "Licence Windows Server 2025",
        "Windows Server 2025 licence",
        (_monthly("9.00", "7.80"), _yearly("108.00", "93.60", mode="upfront12")),
        family="os",
        mandatory=True,
        exclusive=True,
    ),
    Plan(
        "vps-backup",
        "vps",
        "Sauvegarde automatisée",
        "Automated backup",
        (_monthly("2.00", "1.75"), _yearly("24.00", "21.00", mode="upfront12")),
        family="backup",
    ),
    Plan(
        "perso2026",
        "webHosting",
        "Hébergement web Perso",
        "Web hosting Perso",
        (_yearly("29.88", "25.80"),),
        settings=(Setting("legacy_domain"),),
        options=("cdn-basic", "cdn-security"),
    ),
    Plan(
        "pro2026",
        "webHosting",
        "Hébergement web Pro",
        "Web hosting Pro",
        (
            _yearly("71.88", "62.40", promotion=10),
            _yearly("77.88", "67.20", capacities=("renew",)),
            Pricing("upfront24", "P2Y", Amount("129.38", "112.32")),
        ),
        settings=(Setting("legacy_domain"),),
        options=("cdn-basic", "cdn-security"),
    ),
    Plan(
        "cdn-basic", "webHosting", "CDN Basic", "CDN Basic", (_yearly("11.88", "10.20"),), family="cdn", exclusive=True
    ),
    Plan(
        "cdn-security",
        "webHosting",
        "CDN Security",
        "CDN Security",
        (_yearly("35.88", "31.20", fee=Amount("4.99", "4.49")),),
        family="cdn",
        exclusive=True,
    ),
    Plan(
        "emailpro2026",
        "emailpro",
        "Compte Email Pro",
        "Email Pro account",
        (_monthly("1.99", "1.79", maximum=200), _yearly("21.49", "19.33", mode="upfront12", maximum=200)),
        options=("emailpro-archive",),
    ),
    Plan(
        "emailpro-archive",
        "emailpro",
        "Archivage",
        "Archive",
        (_monthly("0.99", "0.89", maximum=200), _yearly("10.69", "9.61", mode="upfront12", maximum=200)),
        family="archive",
    ),
    Plan("ssl-gateway-free", "sslGateway", "SSL Gateway Free", "SSL Gateway Free", (_monthly("0.00", "0.00"),)),
    Plan(
        "ssl-gateway-advanced",
        "sslGateway",
        "SSL Gateway Advanced",
        "SSL Gateway Advanced",
        (_monthly("8.99", "7.79", fee=Amount("9.99", "8.99")),),
        waives=True,
        settings=(Setting("domain", needed=True),),
        options=("ssl-gateway-server",),
    ),
    Plan(
        "ssl-gateway-server",
        "sslGateway",
        "Serveur supplémentaire",
        "Additional server",
        (_monthly("2.99", "2.59", maximum=2),),
        family="server",
    ),
    Plan(
        "zone",
        "dns",
        "Zone DNS",
        "DNS zone",
        (_yearly("0.00", "0.00"),),
        type="domain",
        settings=(Setting("template", values=("basic", "minimized", "redirect")),),
        options=("dns-anycast",),
    ),
    Plan("dns-anycast", "dns", "DNS Anycast", "DNS Anycast", (_yearly("1.19", "1.05"),), family="anycast"),
    Plan(
        "domain-dnssec",
        "domain",
        "DNSSEC",
        "DNSSEC",
        (_yearly("0.00", "0.00"),),
        type="domain",
        family="dnssec",
    ),
    Plan(
        "domain-start10m",
        "domain",
        "Hébergement gratuit 100M",
        "Free hosting 100M",
        (_yearly("0.00", "0.00"),),
        family="hosting",
        exclusive=True,
    ),
)
PLANS = {plan.code: plan for plan in _PLANS}
SEGMENTS = ("vps", "webHosting", "emailpro", "sslGateway", "dns")
# Options of any domain name.
DOMAIN_OPTIONS = ("domain-dnssec", "domain-start10m")


def currency_of(subsidiary: str) -> str:
    """Return the currency a subsidiary sells in; raises Refusal where there is no price list."""
    if subsidiary not in _CURRENCIES:
        raise Refusal("invalid ovhSubsidiary")
    return _CURRENCIES[subsidiary]


def segment_of(code: str) -> str:
    """Return which kind of product a plan is of. A code that is not of this catalogue is an extension's, or unknown."""
    if code in PLANS:
        return PLANS[code].segment
    return "domain" if code.isalpha() or code in ("co.uk", "gov.uk") else ""


def products(segment: str) -> list[Plan]:
    return [plan for plan in _PLANS if plan.segment == segment and not plan.family]


def options_of(code: str) -> list[Plan]:
    """Return the options of a plan, in the catalogue's order."""
    plan = PLANS.get(code)
    return [PLANS[one] for one in plan.options] if plan else []


def language_of(subsidiary: str) -> str:
    return "fr" if subsidiary in ("FR", "QC") else "en"
