"""What registries ask of those who want a domain name: told as a tree, tried against data."""

from collections.abc import Mapping
from typing import Any

_RULE = ("and", "conditions", "constraints", "contexts", "description", "fields", "label", "or", "placeholder", "type")
_CONSTRAINT = ("conditions", "contexts", "operator", "value", "values")
# An address has to be in this city, of the owner or of who administrates.
_CITY_OF = {"berlin": "Berlin", "paris": "Paris"}
# The owner has to live in one of these countries.
_EUROPE = "AT BE BG CH CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK".split()
_COUNTRIES_OF = {"fr": _EUROPE, "eu": _EUROPE, "bzh": _EUROPE, "co.uk": [], "com": []}
_ALWAYS = ("lastName", "firstName", "email", "phone")


class Unfit(Exception):
    """The data does not do for this name. The text is OVHcloud's answer."""


def extension_of(domain: str) -> str:
    return domain.lower().partition(".")[2]


def rule(**given: Any) -> dict[str, Any]:
    """Return domain.configuration.rules.Rule with what is given, everything else null."""
    return dict.fromkeys(_RULE) | given


def constraint(operator: str, **given: Any) -> dict[str, Any]:
    return dict.fromkeys(_CONSTRAINT) | {"operator": operator} | given


def tree_for(domain: str, action: str) -> dict[str, Any]:
    extension = extension_of(domain)
    every = [
        rule(
            label="owner",
            type="contact",
            fields=rule(
                **{"and": [rule(label=name, type="string", constraints=[constraint("required")]) for name in _ALWAYS]}
            ),
        )
    ]
    countries = _COUNTRIES_OF.get(extension)
    if countries:
        every.append(_on("owner.address.country", constraint("contains", values=countries)))
    if action == "transfer":
        every.append(_on("domain.authInfo", constraint("required")))
    city = _CITY_OF.get(extension)
    if city:
        either = [_on(f"{who}.city", constraint("eq", value=city)) for who in ("owner.address", "adminAccount")]
        every.append(rule(description=f"The owner or the administrator lives in {city}", **{"or": either}))
    return rule(description=f"Rules of .{extension}", contexts=[action], **{"and": every})


def _on(label: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    return rule(label=label, type="string", constraints=[asked])


def check(domain: str, action: str, data: Mapping[str, Any]) -> None:
    """
    Try data (domain.configuration.rules.RuleData) against the rules.

    Raises:
        Unfit: something is missing or against them.
    """
    owner = data.get("owner") or {}
    missing = [name for name in _ALWAYS if not owner.get(name)]
    if missing:
        raise Unfit(f"Missing field(s) for owner: {', '.join(missing)}")
    check_place(domain, owner.get("address") or {}, data.get("adminAccount") or {})
    info = (data.get("domain") or {}).get("authInfo") or (data.get("extras") or {}).get("authInfo")
    if action == "transfer" and not info:
        raise Unfit("Missing field(s) for domain: authInfo")


def check_place(domain: str, owner_address: Mapping[str, Any], admin: Mapping[str, Any]) -> None:
    """Raise Unfit unless the owner, or where it counts who administrates, lives where the registry wants."""
    extension = extension_of(domain)
    city = _CITY_OF.get(extension)
    lived_in = {str(place.get("city") or "").strip().lower() for place in (owner_address, admin)}
    if city and city.lower() not in lived_in:
        raise Unfit(f"The owner or the administrator of a .{extension} must have an address in {city}")
    countries = _COUNTRIES_OF.get(extension)
    if countries and owner_address.get("country") not in countries:
        raise Unfit(f"The owner of a .{extension} must have an address in the European Economic Area or Switzerland")
