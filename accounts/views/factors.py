"""
Second factors: an authenticator app, passkeys and recovery codes. allauth's views with our pages, each behind our own
question who is there; customers may have them, staff must.
"""

import json
from typing import Any, cast

from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.views import GenerateRecoveryCodesView, ViewRecoveryCodesView
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth as webauthn
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.assurance import asks_who_is_there, note_shown
from accounts.factors import name_of, passkeys
from accounts.forms import ShowByPasskeyForm

TOO_OFTEN = "too_many_login_attempts"


def _audited(request: HttpRequest, action: str) -> None:
    user: Any = request.user
    audit.record(request, action, subject=user.nichandle.nichandle if user.nichandle else "", target=user.username)


class Index(IndexView):
    """What is set up, and how to change it."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        user: Any = self.request.user
        keys = [{"name": name_of(key), "label": key.wrap().name, "row": key} for key in passkeys(user).order_by("pk")]
        return {**context, "passkeys": keys, "must": user.is_staff and not user.has_factor}


@method_decorator(asks_who_is_there, name="dispatch")
class AppAdd(ActivateTOTPView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        # The picture goes into the page itself: the policy lets no other kind of address in.
        # S308: paths that the library drew of an address of ours, no text of anybody's.
        context["picture"] = mark_safe(context["totp_svg"][context["totp_svg"].index("<svg") :])  # noqa: S308
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        _audited(self.request, "factor_added")
        return cast(HttpResponse, super().form_valid(form))


@method_decorator(asks_who_is_there, name="dispatch")
class AppRemove(DeactivateTOTPView):
    def form_valid(self, form: Any) -> HttpResponse:
        _audited(self.request, "factor_removed")
        return cast(HttpResponse, super().form_valid(form))


@method_decorator(asks_who_is_there, name="dispatch")
class PasskeyAdd(AddWebAuthnView):
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "options": json.dumps(context["js_data"]["creation_options"])}

    def form_valid(self, form: Any) -> HttpResponse:
        _audited(self.request, "factor_added")
        return cast(HttpResponse, super().form_valid(form))


@method_decorator(asks_who_is_there, name="dispatch")
class PasskeyRemove(RemoveWebAuthnView):
    success_url = reverse_lazy("mfa_index")

    def get_object(self, queryset: Any = None) -> Authenticator:
        for key in passkeys(self.request.user):
            if name_of(key) == self.kwargs["name"]:
                return key
        raise Http404

    def form_valid(self, form: Any) -> HttpResponse:
        _audited(self.request, "factor_removed")
        return cast(HttpResponse, super().form_valid(form))


@method_decorator(asks_who_is_there, name="dispatch")
class CodesMake(GenerateRecoveryCodesView):
    def form_valid(self, form: Any) -> HttpResponse:
        _audited(self.request, "recovery_codes_made")
        return cast(HttpResponse, super().form_valid(form))


@method_decorator(asks_who_is_there, name="dispatch")
class CodesShow(ViewRecoveryCodesView):
    """Shown once, right after they were made."""


def show_by_factor(request: HttpRequest, then: str) -> HttpResponse:
    """Show who is there by a code or a passkey. A wrong one leaves everything as it was, and counts against a limit."""
    by_key = "credential" in request.POST
    user: Any = request.user
    forms: dict[str, Any] = {
        "form": ReauthenticateForm(request.POST if "code" in request.POST else None, user=user),
        "passkey_form": ShowByPasskeyForm(request.POST if by_key else None, user=user),
    }
    sent = forms["passkey_form" if by_key else "form"]
    if request.method == "POST" and sent.is_valid():
        sent.save()
        _audited(request, "assurance")
        request.session.cycle_key()
        note_shown(request)
        return redirect(then or "mfa_index")
    context = forms | {"next": then, "has_passkey": passkeys(user).exists()}
    if context["has_passkey"]:
        context["options"] = json.dumps(webauthn.begin_authentication(user))
    limited = request.method == "POST" and sent.has_error("code", TOO_OFTEN)
    return render(request, "accounts/assurance_factor.html", context, status=429 if limited else 200)


_takes_forms = require_http_methods(["GET", "HEAD", "POST"])
index = require_safe(Index.as_view())
app_add = _takes_forms(AppAdd.as_view())
app_remove = _takes_forms(AppRemove.as_view())
passkey_add = _takes_forms(PasskeyAdd.as_view())
passkey_remove = _takes_forms(PasskeyRemove.as_view())
codes_make = _takes_forms(CodesMake.as_view())
codes_show = require_safe(CodesShow.as_view())
