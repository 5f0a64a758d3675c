"""Forms of signing in at the desk. The desk itself has none but its search field: staff change nothing there."""

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User

LOCKED = "too_many_login_attempts"


class StaffSignInForm(LoginForm):
    """E-mail and password; allauth judges them, and says the same of every pair that is wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("E-mail")
        self.fields["login"].widget = forms.EmailInput(
            attrs={"autocomplete": "username", "autofocus": True, "maxlength": 254}
        )
        self.fields["password"].label = _("Password")
        self.fields["password"].widget = forms.PasswordInput(attrs={"autocomplete": "current-password"})
        self.fields["password"].help_text = ""

    def clean_login(self) -> str:
        """Staff's names are stored in small letters."""
        return str(self.cleaned_data["login"]).strip().lower()

    @property
    def is_locked(self) -> bool:
        """True when a limit refused the attempt, and the password was not even looked at."""
        return self.has_error("__all__", LOCKED)


class CodeForm(AuthenticateForm):
    """The second factor: a code of the authenticator, or one of the recovery codes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code")
        self.fields["code"].widget = forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "maxlength": 32}
        )


class WelcomeForm(forms.Form):
    """A new password, twice, held against Django's validators."""

    password1 = forms.CharField(
        label=_("Password"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label=_("The same once more"),
        max_length=200,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password1(self) -> str:
        password: str = self.cleaned_data["password1"]
        validate_password(password, self.user)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", ValidationError(gettext("These are two different passwords.")))
        return cleaned


class InviteForm(forms.Form):
    """Whom to mail a link to, and what they may do."""

    email = forms.EmailField(
        label=_("E-mail"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off", "maxlength": 254})
    )
    role = forms.ChoiceField(label=_("Role"), choices=[(role.value, role.label) for role in User.STAFF])

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).strip().lower()


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=[(role.value, role.label) for role in User.STAFF])


class AccountKeyForm(forms.Form):
    """A consumer key as OVHcloud gave it. What was typed is never written into a page, also not when it is wrong."""

    consumer_key = forms.RegexField(
        label=_("Consumer key"),
        regex="^[A-Za-z0-9]{16,64}$",
        error_messages={"invalid": _("A consumer key is letters and digits, 32 of them as a rule.")},
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false", "maxlength": 64}),
    )
