"""OVHcloud's labels in words. A label we never heard of is made readable and can be filled in all the same."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from carts.models import CartItem, Configuration
from orders.words import readable

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Words:
    """title: what the field is called. help: what it is for, and what happens without it."""

    title: Text
    help: Text = ""


LABELS: Mapping[str, Words] = {
    "OWNER_LEGAL_AGE": Words(
        _("The owner is of legal age"),
        _("Registries do not register names to minors."),
    ),
    "OWNER_CONTACT": Words(
        _("Owner of the name"),
        _("The name is registered to this person or organisation. They decide about it, and stand in its Whois entry."),
    ),
    "ADMIN_ACCOUNT": Words(
        _("Administrative contact"),
        _("The OVHcloud account that administrates the name, and stands so in its Whois entry."),
    ),
    "TECH_ACCOUNT": Words(
        _("Technical contact"),
        _("The OVHcloud account that looks after the name technically, and stands so in its Whois entry."),
    ),
    "DNS": Words(
        _("Name servers"),
        _("One in each line, from 2 to 13. Leave it empty to use OVHcloud’s."),
    ),
    "DOMAIN_CONFIG": Words(
        _("What this registry asks for besides"),
        _("As JSON, in the form that the registry’s rules describe."),
    ),
    "ACCEPT_CONDITIONS": Words(
        _("I accept the special conditions of this registry"),
        _("The registry has terms of its own. They stand among the contracts of the summary."),
    ),
    "REASON": Words(
        _("Why you order this name"),
        _("The name is reserved, as those of cities are. The registry reads your reason and decides."),
    ),
    "PROTECTED_CODE": Words(
        _("Code of the registry"),
        _("The name is protected: the registry gave this code to whoever may register it."),
    ),
    "CLAIMS_NOTICE": Words(
        _("A trademark stands against this name"),
        _(
            "Its holder is told of your order. If you are not the holder, you may lose the name at any time, without"
            " refund."
        ),
    ),
    "AUTH_INFO": Words(
        _("Transfer code"),
        _("Your present registrar gives it to you; it is also called authorisation code, auth-code or EPP code."),
    ),
    "KEEP_DNS": Words(
        _("Keep the present name servers"),
        _("The site and the e-mail of this name go on where they are now, if your present registrar leaves them be."),
    ),
    # Servers and hosting.
    "region": Words(_("Region"), _("The part of the world in which the service runs.")),
    "vps_datacenter": Words(_("Data centre"), _("Where the server stands. It cannot be moved later.")),
    "dedicated_datacenter": Words(_("Data centre"), _("Where the server stands. It cannot be moved later.")),
    "vps_os": Words(_("Operating system"), _("Installed when the server is delivered.")),
    "dedicated_os": Words(_("Operating system"), _("Installed when the server is delivered.")),
    "legacy_domain": Words(
        _("Domain name of the hosting"),
        _("The name the site is reached by, yours already or ordered here. It can be attached later."),
    ),
    "domain": Words(_("Domain name"), _("The name this product is for, as example.com.")),
    "dns_zone": Words(_("DNS zone"), _("The zone this product is for.")),
    "template": Words(_("First entries of the zone"), _("What stands in it at first; you change it at any time.")),
    "organization": Words(_("Organisation")),
    "infrastructure": Words(_("Infrastructure")),
    "country": Words(_("Country")),
    "IP": Words(_("IP address")),
    "destination": Words(_("Destination")),
}

# Values that say little by themselves.
VALUES: Mapping[str, Text] = {
    "europe": _("Europe"),
    "canada": _("Canada"),
    "usa": _("United States"),
    "apac": _("Asia and Pacific"),
    "GRA": _("Gravelines, France (GRA)"),
    "SBG": _("Strasbourg, France (SBG)"),
    "RBX": _("Roubaix, France (RBX)"),
    "PAR": _("Paris, France (PAR)"),
    "ERI": _("Erith near London, United Kingdom (ERI)"),
    "LIM": _("Limburg, Germany (LIM)"),
    "WAW": _("Warsaw, Poland (WAW)"),
    "MIL": _("Milan, Italy (MIL)"),
    "BHS": _("Beauharnois, Canada (BHS)"),
    "YYZ": _("Toronto, Canada (YYZ)"),
    "SGP": _("Singapore (SGP)"),
    "SYD": _("Sydney, Australia (SYD)"),
    "YNM": _("Mumbai, India (YNM)"),
    "basic": _("Usual entries: web and e-mail"),
    "minimized": _("As few entries as possible"),
    "redirect": _("Redirected to another address"),
    "linux": _("Linux"),
    "windows": _("Windows"),
}

# A box that has to be ticked, and stands on its own.
BOXES = ("OWNER_LEGAL_AGE", "ACCEPT_CONDITIONS", "CLAIMS_NOTICE")
# The API's `required` is wrong both ways: these are asked for in earnest wherever they come up.
EARNEST = (*BOXES, "REASON", "PROTECTED_CODE", "DOMAIN_CONFIG", "vps_datacenter", "dedicated_datacenter")
# And these are never, whatever it says.
OPTIONAL = ("OWNER_CONTACT", "ADMIN_ACCOUNT", "TECH_ACCOUNT", "DNS", "KEEP_DNS", "region", "template", "legacy_domain")

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def words_of(label: str) -> Words:
    """For any label; one we never heard of is readable: “Some new word” for SOME_NEW_WORD and someNewWord."""
    return LABELS.get(label) or Words(readable(_HUMPS.sub(" ", label)) or label)


def value_words(value: str) -> str:
    """A value that may be chosen, in words; one we do not know as it is."""
    return str(VALUES.get(value, value))


def is_earnest(item: CartItem, requirement: Mapping[str, Any]) -> bool:
    """
    Whether the order is expected to be refused without it. Only the dry run knows; this decides what a page says is
    still to be filled in.
    """
    label = requirement["label"]
    if label == "AUTH_INFO":
        return item.action == "transfer"
    if label in EARNEST:
        return True
    return bool(requirement.get("required")) and label not in OPTIONAL


def is_filled(configuration: Configuration) -> bool:
    return bool(configuration.value or configuration.encrypted_value)


def missing(item: CartItem, configurations: Iterable[Configuration]) -> list[str]:
    """
    Labels of this item that are still to be filled in, in its own order. configurations: the item's.

    With them those that the dry run asked for by name, also where no requirement announced them.
    """
    rows = list(configurations)
    filled = {row.label for row in rows if is_filled(row)}
    wanted = [one["label"] for one in item.requirements or () if is_earnest(item, one)]
    wanted += [row.label for row in rows if row.problem and row.label not in wanted]
    return [label for label in wanted if label not in filled]
