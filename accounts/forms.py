"""Forms of a person's own account; allauth's for passkeys, made to bear whatever a stranger may post."""

from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from allauth.mfa.webauthn import forms
from django import forms as django_forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


@lru_cache(maxsize=1)
def time_zones() -> list[str]:
    """The zones people live in: by region and town, and UTC; not the hundred old names of the same ones."""
    regions = (
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    )
    return ["UTC", *sorted(zone for zone in available_timezones() if zone.split("/")[0] in regions and "/" in zone)]


def _zone_choices() -> list[tuple[str, str]]:
    return [(zone, zone.replace("_", " ")) for zone in time_zones()]


def _language_choices() -> list[tuple[str, str]]:
    return list(settings.LANGUAGES)


class SettingsForm(django_forms.Form):
    language = django_forms.ChoiceField(label=gettext_lazy("Language"), choices=_language_choices)
    time_zone = django_forms.ChoiceField(label=gettext_lazy("Time zone"), choices=_zone_choices)


def _no_passkey() -> ValidationError:
    return ValidationError(_("That is no passkey's answer."), code="incorrect_code")


class AddPasskeyForm(forms.AddWebAuthnForm):
    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except (KeyError, TypeError, ValueError, AttributeError):
            # The library takes for granted that a browser wrote this.
            raise _no_passkey() from None


class AuthenticateByPasskeyForm(forms.AuthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _no_passkey() from None


class ShowByPasskeyForm(forms.ReauthenticateWebAuthnForm):
    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()
        except (KeyError, TypeError, ValueError, AttributeError):
            raise _no_passkey() from None
