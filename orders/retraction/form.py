"""What a customer fills in to declare: where the receipt goes, and the box."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class RetractionForm(forms.Form):
    """
    Name, order and statement are ours to fill in and are not fields.

    language: of the page that was read, so that the words stored are the words shown. after: the declaration that
    OVHcloud refused and that this one is to follow.
    """

    email = forms.EmailField(
        max_length=254,
        label=_("E-mail for the receipt"),
        error_messages={
            "required": _("Say where the receipt is to go."),
            "invalid": _("This is not an e-mail address. Check it: the receipt goes there."),
        },
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
