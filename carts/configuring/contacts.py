"""People and organisations that names are registered to: those OVHcloud has, a new one, a changed one."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Q
from django.db.models.query import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.http import CustomerRequest
from accounts.models import Nichandle
from accounts.ringing import ring
from carts import tasks
from carts.configuring.checks import plain_text
from carts.models import Contact, ContactReading
from orders import formats

# How old what we know of an account's contacts may be before a page has them read again.
FRESH = timedelta(minutes=5)
# What one account may keep here; OVHcloud names no limit.
CONTACTS_AT_MOST = 200

_PHONE = re.compile(r"\+?[0-9][0-9 .()/-]{4,28}")
_LEGAL_FORMS = (
    ("individual", gettext_lazy("private individual")),
    ("corporation", gettext_lazy("company")),
    ("personalcorporation", gettext_lazy("sole trader")),
    ("association", gettext_lazy("association")),
    ("administration", gettext_lazy("public body")),
    ("other", gettext_lazy("other")),
)
_GENDERS = (("", gettext_lazy("not said")), ("female", gettext_lazy("female")), ("male", gettext_lazy("male")))
# nichandle.LanguageEnum, the languages OVHcloud writes in.
_LANGUAGES = (
    *("cs_CZ", "de_DE", "en_AU", "en_CA", "en_GB", "en_IE", "en_US", "es_ES", "fi_FI", "fr_CA", "fr_FR", "fr_MA"),
    *("fr_SN", "fr_TN", "it_IT", "lt_LT", "nl_NL", "pl_PL", "pt_PT"),
)
_ADDRESS_WORDS = {
    "line1": gettext_lazy("Address"),
    "line2": gettext_lazy("Address, second line"),
    "zip": gettext_lazy("Postcode"),
    "city": gettext_lazy("Town"),
    "province": gettext_lazy("State or province"),
    "country": gettext_lazy("Country"),
}
_ADDRESS = tuple(_ADDRESS_WORDS)


class ContactFull(Exception):
    """The account has as many contacts as it may keep here."""


# --- Reading ----------------------------------------------------------------------------------------------------------
def contacts_of(nichandle: Nichandle) -> QuerySet[Contact]:
    """The account's, by name as far as OVHcloud's order has one: oldest first."""
    return nichandle.contacts.order_by("pk")


def want_contacts(nichandle: Nichandle) -> ContactReading:
    """Somebody looks at them: have them read where they never were, or lately not. Writes only then."""
    now = timezone.now()
    reading, made = ContactReading.objects.get_or_create(nichandle=nichandle)
    stale = made or (reading.next_read_at is None and (reading.read_at is None or reading.read_at < now - FRESH))
    if stale:
        with transaction.atomic():
            ContactReading.objects.filter(pk=reading.pk).update(next_read_at=now)
            reading.next_read_at = now
            ring(tasks.carry_contacts)
    return reading


def person(contact: Contact) -> str:
    """Who it is: the organisation, else the person."""
    facts = contact.facts
    name = f"{_text(facts, 'firstName')} {_text(facts, 'lastName')}".strip()
    return ", ".join(part for part in (_text(facts, "organisationName"), name) if part) or _("without a name")


def place(contact: Contact) -> str:
    """Where they live, in one line."""
    address = contact.facts.get("address") or {}
    country = _text(address, "country")
    parts = (
        _text(address, "line1"),
        f"{_text(address, 'zip')} {_text(address, 'city')}".strip(),
        formats.locale().territories.get(country, country),
    )
    return ", ".join(part for part in parts if part)


def shown(contact: Contact) -> dict[str, Any]:
    """One contact as pages list it. is_sent: OVHcloud has it as it stands here."""
    return {
        "pk": contact.pk,
        "path": contact.path,
        "name": person(contact),
        "place": place(contact),
        "email": _text(contact.facts, "email"),
        "is_sent": bool(contact.path) and contact.next_attempt_at is None,
        "problem": contact.problem,
    }


def _text(facts: Mapping[str, Any], name: str) -> str:
    return str(facts.get(name) or "").strip()


# --- The form ---------------------------------------------------------------------------------------------------------
class Words(forms.CharField):
    def __init__(self, label: Any, *, autocomplete: str = "off", required: bool = False, longest: int = 255) -> None:
        widget = forms.TextInput(attrs={"autocomplete": autocomplete})
        super().__init__(label=label, required=required, max_length=longest, widget=widget)

    def clean(self, value: Any) -> str:
        return plain_text(super().clean(value))


class Phone(Words):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and not _PHONE.fullmatch(text):
            raise ValidationError(_("A phone number looks like +33.612345678."))
        return text


class Email(Words):
    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text:
            validate_email(text)
        return text


class ContactForm(forms.Form):
    """Fields by the API's names; those of the address begin with `address-`."""

    legalForm = forms.ChoiceField(label=gettext_lazy("Kind"), choices=_LEGAL_FORMS)
    firstName = Words(gettext_lazy("First name"), autocomplete="given-name", required=True)
    lastName = Words(gettext_lazy("Last name"), autocomplete="family-name", required=True)
    organisationName = Words(gettext_lazy("Organisation"), autocomplete="organization")
    email = Email(gettext_lazy("E-mail"), autocomplete="email", required=True, longest=254)
    phone = Phone(gettext_lazy("Phone"), autocomplete="tel", required=True, longest=30)
    language = forms.ChoiceField(label=gettext_lazy("Language"))
    # What registries of some countries ask for.
    vat = Words(gettext_lazy("VAT number"))
    companyNationalIdentificationNumber = Words(gettext_lazy("Company registration number"))
    nationalIdentificationNumber = Words(gettext_lazy("National identification number"))
    gender = forms.ChoiceField(label=gettext_lazy("Gender"), choices=_GENDERS, required=False)
    nationality = forms.ChoiceField(label=gettext_lazy("Nationality"), required=False)
    birthDay = forms.DateField(
        label=gettext_lazy("Day of birth"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"}),
    )
    birthCity = Words(gettext_lazy("Town of birth"))
    birthZip = Words(gettext_lazy("Postcode of the town of birth"))
    birthCountry = forms.ChoiceField(label=gettext_lazy("Country of birth"), required=False)

    _COUNTRIES = ("address-country", "nationality", "birthCountry")

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(data, initial=initial)
        words = _ADDRESS_WORDS
        self.fields["address-line1"] = Words(words["line1"], autocomplete="address-line1", required=True)
        self.fields["address-line2"] = Words(words["line2"], autocomplete="address-line2")
        self.fields["address-zip"] = Words(words["zip"], autocomplete="postal-code", longest=20)
        self.fields["address-city"] = Words(words["city"], autocomplete="address-level2", required=True)
        self.fields["address-province"] = Words(words["province"], autocomplete="address-level1")
        self.fields["address-country"] = forms.ChoiceField(label=words["country"])
        countries = _countries()
        for name in self._COUNTRIES:
            field: Any = self.fields[name]
            field.choices = countries if field.required else [("", _("not said")), *countries]
        languages: Any = self.fields["language"]
        languages.choices = _languages()

    @property
    def main(self) -> list[Any]:
        """What is always asked for, in the order of an address."""
        names = ("legalForm", "organisationName", "firstName", "lastName", "email", "phone")
        return [self[name] for name in (*names, *(f"address-{name}" for name in _ADDRESS), "language")]

    @property
    def besides(self) -> list[Any]:
        """What some registries ask for."""
        main = {field.name for field in self.main}
        return [self[name] for name in self.fields if name not in main]

    @property
    def besides_is_open(self) -> bool:
        return any(field.errors or field.value() for field in self.besides)

    def facts(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """By the API's names. What was there before and is not asked for here stays; what was emptied is null."""
        flat, address = {}, dict(before.get("address") or {})
        for name, value in self.cleaned_data.items():
            value = value.isoformat() if hasattr(value, "isoformat") else value
            if name.startswith("address-"):
                _put(address, name.removeprefix("address-"), value)
            else:
                flat[name] = value
        facts = dict(before)
        for name, value in flat.items():
            _put(facts, name, value)
        return facts | {"address": address}


def field_words(name: str) -> str:
    """A contact's field in words, by the API's name: "lastName", "address.city"; one we do not ask for as it is."""
    if name.startswith("address."):
        return str(_ADDRESS_WORDS.get(name.removeprefix("address."), name))
    field = ContactForm.base_fields.get(name)
    return str(field.label) if field is not None else name


def value_in_words(name: str, value: str) -> str:
    """What such a field holds, in words, where the API has a word of its own for it."""
    if name.rpartition(".")[2] in ("country", "nationality", "birthCountry"):
        return str(formats.locale().territories.get(value, value))
    if name == "legalForm":
        return str(dict(_LEGAL_FORMS).get(value, value))
    if name == "gender":
        return str(dict(_GENDERS).get(value, value))
    return _language_words(value) if name == "language" and value in _LANGUAGES else value


def _put(facts: dict[str, Any], name: str, value: str) -> None:
    if value or name in facts:
        facts[name] = value or None


def _countries() -> list[tuple[str, str]]:
    named = formats.locale().territories
    return sorted(
        ((code, name) for code, name in named.items() if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRY),
        key=lambda pair: pair[1],
    )


# CLDR's territories of two letters that nobody lives in.
_NO_COUNTRY = ("EU", "EZ", "UN", "QO", "XA", "XB", "ZZ")


def _languages() -> list[tuple[str, str]]:
    return sorted(((code, _language_words(code)) for code in _LANGUAGES), key=lambda pair: pair[1])


def _language_words(code: str) -> str:
    language, country = code.split("_")
    reader = formats.locale()
    name = str(reader.languages.get(language, language))
    return f"{name[:1].upper()}{name[1:]} ({reader.territories.get(country, country)})"


def initial_of(contact: Contact | None, nichandle: Nichandle) -> dict[str, Any]:
    """What the form shows at first: the contact, or for a new one what the account says of its holder."""
    if contact is not None:
        address = contact.facts.get("address") or {}
        return dict(contact.facts) | {f"address-{name}": address.get(name) for name in _ADDRESS}
    billing = nichandle.billing or {}
    return {
        "legalForm": nichandle.legalform,
        "firstName": nichandle.firstname,
        "lastName": nichandle.name,
        "organisationName": nichandle.organisation,
        "email": nichandle.email,
        "phone": billing.get("phone"),
        "language": nichandle.language,
        "address-line1": billing.get("address"),
        "address-zip": billing.get("zip"),
        "address-city": billing.get("city"),
        "address-country": nichandle.country,
    }


# --- Writing ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def save_contact(request: CustomerRequest, contact: Contact | None, form: ContactForm) -> Contact:
    """
    Keep a contact as it is to be at OVHcloud, and have it sent there. form: valid.

    Raises:
        ContactFull: see there.
    """
    nichandle = request.nichandle
    if contact is None:
        if nichandle.contacts.count() >= CONTACTS_AT_MOST:
            raise ContactFull
        contact = Contact(nichandle=nichandle)
    else:
        contact = Contact.objects.select_for_update().get(pk=contact.pk)
    contact.facts, contact.problem = form.facts(contact.facts), ""
    contact.next_attempt_at, contact.leased_until = timezone.now(), None
    contact.save()
    audit.record(request, "save_contact", subject=nichandle.nichandle, target=contact.path or "a new contact")
    ring(tasks.carry_contacts)
    return contact


def under_way(nichandle: Nichandle) -> QuerySet[Contact]:
    """Contacts that OVHcloud does not have as they stand here, and that it did not refuse."""
    return nichandle.contacts.filter(Q(path="") | Q(next_attempt_at__isnull=False), problem="")
