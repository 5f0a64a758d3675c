"""A form's field for each requirement, by its label where we know it, else by its type. Each cleans to text."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from carts.configuring import checks
from carts.configuring.labels import BOXES, value_words
from carts.models import Configuration, Contact

# More values than this are a list to open, not a row of buttons.
MOST_RADIOS = 8
_CONTACTS = ("/me/contact", "/domain/contact")

Clean = Callable[[str], str]


class Filled(forms.CharField):
    """
    Text that is checked. kind: how the page draws it. Nothing is required: what must be there, the dry run says.
    """

    kind = "text"

    def __init__(self, *, clean: Clean = checks.plain_text, kind: str = "text", **options: Any) -> None:
        options = {"required": False, "strip": False, "max_length": checks.LONGEST_VALUE} | options
        super().__init__(**options)
        self.kind, self._check = kind, clean

    def clean(self, value: Any) -> str:
        return self._check(super().clean(value))


class Ticked(forms.BooleanField):
    """A box: ticked is `true`, and not ticked is nothing at all."""

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.kind = kind

    def clean(self, value: Any) -> str:
        return "true" if super().clean(value) else ""


class Chosen(forms.ChoiceField):
    """One of several values, or none of them."""

    default_error_messages = {"invalid_choice": gettext_lazy("This can no longer be chosen. Choose another one.")}

    def __init__(self, choices: Iterable[tuple[str, str]], kind: str = "", **options: Any) -> None:
        choices = list(choices)
        self.kind = kind or ("radio" if len(choices) <= MOST_RADIOS else "select")
        super().__init__(required=False, choices=choices, **options)


def field_for(requirement: Mapping[str, Any], contacts: Iterable[Contact], own_account: str) -> Any:
    """
    Return the field of one requirement, with `kind` for the page.

    contacts: the account's. own_account: what OVHcloud takes where no other account is named.
    """
    label, kind = requirement["label"], str(requirement.get("type") or "").lower()
    widget: forms.Widget
    if label in BOXES:
        return Ticked("box")
    if label == "KEEP_DNS":
        return Ticked("check")
    if label in Configuration.SECRET_LABELS:
        widget = forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"})
        return Filled(kind="secret", widget=widget, max_length=500)
    if label == "DNS":
        return Filled(clean=checks.name_servers, kind="lines", widget=forms.Textarea(attrs={"rows": 3}))
    if label == "DOMAIN_CONFIG":
        return Filled(clean=checks.json_text, kind="lines", widget=forms.Textarea(attrs={"rows": 6}))
    if label == "REASON":
        return Filled(kind="lines", widget=forms.Textarea(attrs={"rows": 3}))
    if kind.startswith(_CONTACTS) or label == "OWNER_CONTACT":
        return Chosen(_contact_choices(contacts), kind="contact")
    if kind == "nichandle":
        widget = forms.TextInput(attrs={"autocomplete": "off", "placeholder": own_account})
        return Filled(clean=checks.account_name, kind="account", widget=widget)
    if requirement.get("allowed_values") and kind != "bool":
        return Chosen(
            [("", _("Not chosen")), *((value, value_words(value)) for value in requirement["allowed_values"])]
        )
    if kind in ("bool", "boolean"):
        return Chosen([("", _("Not said")), ("true", _("Yes")), ("false", _("No"))])
    if kind in ("long", "integer", "int"):
        return Filled(
            clean=_whole_number, widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        )
    return Filled(widget=forms.TextInput(attrs={"autocomplete": "off"}))


def _contact_choices(contacts: Iterable[Contact]) -> list[tuple[str, str]]:
    """By path, for that is what OVHcloud takes; one that is not there yet cannot be chosen yet."""
    return [("", _("The account’s own")), *((one.path, one.path) for one in contacts if one.path)]


def _whole_number(text: str) -> str:
    text = text.strip()
    if text and not (text.isascii() and text.lstrip("-").isdigit()):
        raise ValidationError(_("Enter a whole number."))
    return text
