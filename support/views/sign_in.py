"""How staff come in: e-mail and password, then a code where a second factor is set; and the link of an invitation."""

import json
from typing import Any, cast

from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.core.internal import ratelimit
from allauth.mfa.base.views import AuthenticateView
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.factors import passkeys
from accounts.scope import finds_by_secret
from support import invitations, trail
from support.forms import LOCKED, CodeForm, StaffSignInForm, WelcomeForm
from support.models import Invitation

# Seconds: the longest of ACCOUNT_RATE_LIMITS["login_failed"], so that whoever waits that long is let in.
LOCKED_FOR = 300
# Guessing a token of 256 bits is hopeless; the limit keeps the trying from costing us anything.
WRONG_LINKS = {"staff_welcome": "20/m/ip"}


class SignIn(LoginView):
    """allauth's own, with our form, our trail and a plain answer to whoever tries too often."""

    form_class = StaffSignInForm
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # One transaction: a sign-in that cannot be written down does not happen.
        with transaction.atomic():
            return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return {**context, "next": get_next_redirect_url(self.request)}

    def form_invalid(self, form: StaffSignInForm) -> HttpResponse:
        if form.is_locked:
            return _locked_out(self.request, form.data.get("login", ""))
        return cast(HttpResponse, super().form_invalid(form))


class SignInCode(AuthenticateView):
    """The stage after the password, reached only within a sign-in that has begun."""

    form_class = CodeForm
    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            return cast(HttpResponseBase, super().dispatch(request, *args, **kwargs))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "code" not in request.POST and "credential" not in request.POST:
            return redirect("mfa_authenticate")
        return cast(HttpResponse, super().post(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        has_passkey = passkeys(self.stage.login.user).exists()
        return {**context, "has_passkey": has_passkey, "options": json.dumps(context["js_data"]["request_options"])}

    def form_invalid(self, form: Form) -> HttpResponse:
        if any(form.has_error(field, LOCKED) for field in form.fields):
            return _locked_out(self.request, self.stage.login.user.username)
        return cast(HttpResponse, super().form_invalid(form))


sign_in = login_not_required(SignIn.as_view())
sign_in_code = login_not_required(SignInCode.as_view())


def _locked_out(request: HttpRequest, login: str) -> HttpResponse:
    trail.refused(request, login, "limit")
    return _wait(request, LOCKED_FOR)


def _wait(request: HttpRequest, seconds: int) -> HttpResponse:
    response = render(request, "account/locked_out.html", {"minutes": seconds // 60}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


@login_not_required
@finds_by_secret
@require_safe
def welcome_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link itself: the token is exchanged for a place in this session, and leaves the address bar."""
    invitation = invitations.by_token(token)
    if invitation is None:
        return _no_such_link(request)
    request.session["invitation"] = invitation.pk
    return redirect("staff_welcome")


@login_not_required
@finds_by_secret
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    """Choose a password. Opening the page uses nothing up, for mail scanners and curious neighbours open links."""
    came_by = request.session.get("invitation") or 0
    invitation = Invitation.objects.open().filter(pk=came_by).select_related("user").first()
    if invitation is None:
        return _no_such_link(request)
    form = WelcomeForm(request.POST or None, user=invitation.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            done = invitations.use(invitation, form.cleaned_data["password1"])
            name = invitation.user.username
            audit.record(request, "staff_welcome", actor=name, target=name, result="done" if done else "refused")
        if not done:
            return _no_such_link(request)
        request.session.flush()
        return render(request, "support/welcome_done.html")
    return render(request, "support/welcome.html", {"form": form, "email": invitation.user.username})


def _no_such_link(request: HttpRequest) -> HttpResponse:
    """Used, out of time, replaced or invented: one answer, so that nobody learns which."""
    allowed = ratelimit.consume(
        request, app="allauth.account", action="staff_welcome", config=WRONG_LINKS, limit_get=True
    )
    if not allowed:
        return _wait(request, 60)
    return render(request, "support/welcome_gone.html", status=404)
