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
    """As OVHcloud's guide "Managing Eligibility Rules" writes them: labels are those of configurations."""
    extension = extension_of(domain)
    city = _CITY_OF.get(extension)
    every = [_contact("OWNER_CONTACT", _owner_fields(extension), "Rule related to the domain owner")]
    if city:
        # Either lives there: each has to where the other does not.
        every[0]["fields"]["and"] += _lives_in(city, unless="ADMIN_ACCOUNT")
        every.append(_contact("ADMIN_ACCOUNT", _lives_in(city, unless="OWNER_CONTACT"), "Rule related to the admin"))
    every.append(rule(label="OWNER_LEGAL_AGE", type="bool", placeholder="true", constraints=[]))
    if action == "transfer":
        every.append(_field("AUTH_INFO", constraint("required")))
    reason = _field("REASON", constraint("required"), constraint("minlength", value="10"), placeholder="I am the mayor")
    every.append(reason | {"type": "text", "contexts": ["reason"]})
    return rule(**{"and": every}, constraints=[])


def _owner_fields(extension: str) -> list[dict[str, Any]]:
    company = constraint("required", conditions=_contact("OWNER_CONTACT", [_field("legalForm", _ne("individual"))]))
    fields = [_field(name, constraint("required"), constraint("maxlength", value="255")) for name in _ALWAYS]
    fields.append(_field("organisationName", company, constraint("maxlength", value="255")))
    countries = _COUNTRIES_OF.get(extension)
    if countries:
        fields.append(_field("address.country", constraint("contains", values=countries), constraint("required")))
    return fields


def _lives_in(city: str, *, unless: str) -> list[dict[str, Any]]:
    elsewhere = _contact(unless, [_field("address.city", _ne(city), constraint("required"))])
    return [_field("address.city", constraint("eq", value=city, conditions=elsewhere), constraint("required"))]


def _contact(label: str, fields: list[dict[str, Any]], description: str | None = None) -> dict[str, Any]:
    inner = rule(**{"and": fields}, constraints=[])
    asked = [constraint("required")]
    return rule(label=label, type="contact", fields=inner, constraints=asked, description=description)


def _field(label: str, *constraints: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    return rule(label=label, type="string", constraints=list(constraints), **given)


def _ne(value: str) -> dict[str, Any]:
    return constraint("ne", value=value)


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
