"""allauth's forms for passkeys, made to bear whatever a stranger may post."""

from typing import Any

from allauth.mfa.webauthn import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _


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
