"""What a registry asks, in words beside the fields it asks it of; and which contacts it would surely not take."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Nichandle
from carts.configuring.contacts import field_words, value_in_words
from carts.configuring.labels import value_words
from carts.configuring.rules import Ask, Facts, Registry
from carts.models import CartItem, Configuration, RegistryRule

# A list longer than this tells a reader nothing; contacts are held to it all the same.
MOST_VALUES = 60
# What every field takes is not worth saying.
USUAL_LENGTH = 255
_PEOPLE = ("OWNER_CONTACT", "ADMIN_ACCOUNT", "TECH_ACCOUNT")


def rule_tree(item: CartItem) -> Mapping[str, Any] | None:
    """What is known of the item's registry; None for other products, and where nothing was told. One query."""
    if not item.action:
        return None
    found = RegistryRule.objects.filter(extension=item.extension, action=item.action)
    return found.values_list("tree", flat=True).first()


def own_facts(nichandle: Nichandle) -> dict[str, Any]:
    """The account's holder as a contact, as far as we know them; what we do not know is not there."""
    billing = nichandle.billing or {}
    address = {"line1": billing.get("address"), "zip": billing.get("zip"), "city": billing.get("city")}
    known = {
        "firstName": nichandle.firstname,
        "lastName": nichandle.name,
        "email": nichandle.email,
        "phone": billing.get("phone"),
        "legalForm": nichandle.legalform,
        "organisationName": nichandle.organisation,
        "language": nichandle.language,
        "address": {name: text for name, text in {**address, "country": nichandle.country}.items() if text},
    }
    return {name: value for name, value in known.items() if value}


def facts_of(
    rows: Mapping[str, Configuration], people: Mapping[str, Mapping[str, Any]], own: Mapping[str, Any], account: str
) -> dict[str, Any]:
    """
    What is filled in, by label, as rules see it. people: facts of contacts by their path. own: `own_facts`.

    Whom we know nothing of is left out: another account, a contact that is gone. So are codes.
    """
    facts: dict[str, Any] = {
        label: row.value
        for label, row in rows.items()
        if label not in _PEOPLE and label not in Configuration.SECRET_LABELS
    }
    for label in _PEOPLE:
        value = rows[label].value if label in rows else ""
        if not value or value == account:
            facts[label] = own
        elif value in people:
            facts[label] = people[value]
    return facts


def misfits(registry: Registry, contact: Mapping[str, Any], facts: Facts) -> str:
    """Names of what a registry would surely not take of this owner; "" where nothing speaks against them."""
    fields = registry.against("OWNER_CONTACT", {**facts, "OWNER_CONTACT": contact})
    return ", ".join(_name("OWNER_CONTACT", field) for field in fields if field)


def hints(registry: Registry, label: str, facts: Facts) -> list[str]:
    """What is asked of one label, a sentence for each of its fields."""
    by_field: dict[str, list[str]] = {}
    described: dict[str, str] = {}
    for ask in registry.about(label):
        counts = registry.counts(ask, facts)
        words = "" if counts is False else _words(ask)
        if words and counts is None:
            words = _("%(rule)s (in some cases)") % {"rule": words}
        elif words and ask.conditions:
            words = _("%(rule)s (as things stand now)") % {"rule": words}
        told = by_field.setdefault(ask.field, [])
        if words and words not in told:
            told.append(words)
        described[ask.field] = ask.description
    return [
        _sentence(_name(label, field, described[field]), "; ".join(words)) for field, words in by_field.items() if words
    ]


def suggestions(registry: Registry, label: str, facts: Facts) -> list[str]:
    """Values that a registry names for a label, to choose from or not."""
    asks = [ask for ask in registry.about(label) if not ask.field and ask.operator in ("eq", "contains")]
    named = [value for ask in asks if registry.counts(ask, facts) is not False for value in ask.values]
    return list(dict.fromkeys(named))[:MOST_VALUES]


def example(registry: Registry, label: str) -> str:
    return next((ask.example for ask in registry.about(label) if not ask.field and ask.example), "")


def _sentence(name: str, words: str) -> str:
    return _("%(field)s: %(rules)s.") % {"field": name, "rules": words} if name else f"{words[:1].upper()}{words[1:]}."


def _name(label: str, field: str, description: str = "") -> str:
    """A field of a contact in our words; another by its own name, with OVHcloud's words for it."""
    if not field:
        return ""
    if label in _PEOPLE:
        return field_words(field)
    return f"{field} ({description.rstrip('.')})" if description else field


def _words(ask: Ask) -> str:
    """A constraint, to stand after its field's name; "" for what goes without saying."""
    values = [_value(ask, one) for one in ask.values]
    if not values and ask.operator not in ("required", "notempty", "empty", "match"):
        return ""
    match ask.operator:
        case "required" | "notempty":
            return _("must be filled in") if ask.field and not _is_asked_anyway(ask) else ""
        case "empty":
            return _("must stay empty") if ask.field else ""
        case "eq" | "contains" if len(values) == 1:
            return values[0]
        case "eq" | "contains" if len(values) <= MOST_VALUES:
            return _("one of %(values)s") % {"values": ", ".join(sorted(values))}
        case "ne" | "notcontains" if len(values) <= MOST_VALUES:
            return _("not %(values)s") % {"values": ", ".join(sorted(values))}
        case "match":
            return _("in a certain form, as %(example)s") % {"example": ask.example} if ask.example else ""
        case "gt":
            return _("more than %(value)s") % {"value": values[0]}
        case "gte":
            return _("%(value)s or more") % {"value": values[0]}
        case "lt":
            return _("less than %(value)s") % {"value": values[0]}
        case "lte":
            return _("%(value)s or less") % {"value": values[0]}
        case "minlength" | "maxlength" | "between":
            return _length(ask)
        case _:
            return ""


def _length(ask: Ask) -> str:
    if not all(value.isascii() and value.isdigit() and len(value) < 7 for value in ask.values):
        return ""
    numbers = [int(value) for value in ask.values]
    match ask.operator, numbers:
        case "minlength", [n] if n > 1:
            return ngettext("at least %(n)d character", "at least %(n)d characters", n) % {"n": n}
        case "maxlength", [n] if n < USUAL_LENGTH:
            return ngettext("at most %(n)d character", "at most %(n)d characters", n) % {"n": n}
        case "between", [low, high]:
            return _("from %(low)d to %(high)d characters") % {"low": low, "high": high}
    return ""


def _value(ask: Ask, value: str) -> str:
    return value_in_words(ask.field, value) if ask.label in _PEOPLE and ask.field else value_words(value)


def _is_asked_anyway(ask: Ask) -> bool:
    """The panel's own form of a contact does not leave it out."""
    return ask.label in _PEOPLE and ask.field in (
        *("firstName", "lastName", "email", "phone", "language", "legalForm"),
        *("address.line1", "address.city", "address.country"),
    )
