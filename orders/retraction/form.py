"""What is filled in to declare, signed in or not, and what may be said afterwards."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

_EMAIL_ERRORS = {
    "required": _("Say where the receipt is to go."),
    "invalid": _("This is not an e-mail address. Check it: the receipt goes there."),
}


class RetractionForm(forms.Form):
    """
    Name, order and statement are ours to fill in and are not fields.

    language: of the page that was read, so that the words stored are the words shown. after: the declaration that
    OVHcloud refused and that this one is to follow.
    """

    email = forms.EmailField(
        max_length=254,
        label=_("E-mail for the receipt"),
        error_messages=_EMAIL_ERRORS,
    )
    confirm = forms.BooleanField(
        label=_("Yes, I want to cancel this order"),
        error_messages={"required": _("Tick the box to say that you want to cancel this order.")},
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    after = forms.CharField(max_length=40, required=False)

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or get_language() or settings.LANGUAGE_CODE

    def for_action(self) -> dict[str, Any]:
        """What `retract_order` takes; only for a valid form."""
        return {name: self.cleaned_data[name] for name in ("email", "language", "after")}


class DeclarationForm(forms.Form):
    """The first step without signing in. Whatever is typed as the number is taken: a person finds the order then."""

    order_number = forms.CharField(
        max_length=100,
        label=_("Order number"),
        help_text=_("It stands in OVHcloud’s e-mails and on its bills. If you do not have it, describe the order."),
        error_messages={"required": _("Say which order: its number, or what you know of it.")},
    )
    name = forms.CharField(
        max_length=200,
        label=_("Your name"),
        error_messages={"required": _("Give your name: the declaration is made in it.")},
    )
    email = forms.EmailField(
        max_length=254,
        label=_("E-mail for the receipt"),
        help_text=_("Best the one of your OVHcloud account: then we find the order by ourselves."),
        error_messages=_EMAIL_ERRORS,
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)

    def clean_order_number(self) -> str:
        return _on_one_line(self.cleaned_data["order_number"])

    def clean_name(self) -> str:
        return _on_one_line(self.cleaned_data["name"])

    def clean_language(self) -> str:
        return self.cleaned_data["language"] or get_language() or settings.LANGUAGE_CODE


class ConfirmedDeclarationForm(DeclarationForm):
    """The second step: what was typed comes back with the box. key: of the page, so that sending it twice is one."""

    confirm = forms.BooleanField(
        label=_("Yes, I want to cancel this order"),
        error_messages={"required": _("Tick the box to say that you want to cancel this order.")},
    )
    key = forms.UUIDField(required=False)

    @property
    def lacks_only_the_box(self) -> bool:
        return set(self.errors) <= {"confirm", "key"}

    def for_action(self) -> dict[str, Any]:
        """What `declare_without_sign_in` takes; only for a valid form."""
        return {name: self.cleaned_data[name] for name in ("order_number", "name", "email", "language", "key")}


def _on_one_line(text: str) -> str:
    """Without line breaks and other control characters: it stands in a sentence, in a mail, in a document."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def new_key() -> str:
    """For one page of the second step."""
    return str(uuid4())


class AddressForm(forms.Form):
    """Where a receipt is to go as well."""

    email = forms.EmailField(max_length=254, label=_("E-mail for the receipt"), error_messages=_EMAIL_ERRORS)


class RefundForm(forms.Form):
    """The customer says that the money came another way."""

    day = forms.DateField(
        label=_("When did the money come?"),
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": _("Say the day."), "invalid": _("This is not a day. Write it as 2026-11-30.")},
    )
    words = forms.CharField(max_length=500, required=False, label=_("How did it come? (if you like)"))

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        if day > timezone.now().date() + timedelta(days=1):
            raise forms.ValidationError(_("This day is yet to come."))
        return day
