"""The ways through OVHcloud: to sign in, to link a further account, to show who is there; and signing out."""

from typing import Any, cast

from allauth.account.utils import perform_login
from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, audit
from accounts.actions import AnotherAccount, KeyNotGranted, SignInRefused
from accounts.assurance import note_shown
from accounts.http import remember_language
from accounts.models import Nichandle, SignIn
from accounts.scope import finds_by_secret
from gateway import OvhError, OvhUnavailable


@login_not_required
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Begin: OVHcloud is asked for a key, then a page says what it will allow and links there."""
    limited = ratelimit.consume_or_429(request, app="allauth.account", action="sign_in")
    if limited:
        return cast(HttpResponse, limited)
    return begin(request, SignIn.Purpose.SIGN_IN, request.POST.get("next", ""))


def begin(request: HttpRequest, purpose: str, then: str = "", nichandle: Nichandle | None = None) -> HttpResponse:
    """Ask OVHcloud for a key of this purpose; the next page links there. nichandle: as begin_sign_in."""
    try:
        actions.begin_sign_in(request, purpose, then, nichandle)
    except OvhUnavailable:
        return _trouble(request, "unavailable", status=503)
    except OvhError as error:
        return _trouble(request, "refused", status=502, error=error)
    return redirect("accounts:sign_in_continue")


@login_not_required
@require_safe
def sign_in_continue(request: HttpRequest) -> HttpResponse:
    """Which rights are asked, in words, and the one link to OVHcloud's page."""
    begun = actions.current_sign_in(request)
    if begun is None or begun.returned_at:
        return redirect("home")
    context = {"validation_url": begun.validation_url, "purpose": begun.purpose, "wider": begun.wider}
    return render(request, "accounts/sign_in_continue.html", context)


@login_not_required
@finds_by_secret
@require_safe
def sign_in_return(request: HttpRequest, nonce: str) -> HttpResponse:
    """Where OVHcloud sends the browser back to. Nobody is signed in here: the next page asks."""
    # Each refusal writes a line that nobody can delete, so nobody may cause any number of them.
    limited = ratelimit.consume_or_429(request, app="allauth.account", action="sign_in_return", limit_get=True)
    if limited:
        return cast(HttpResponse, limited)
    try:
        actions.return_from_ovh(request, nonce)
    except KeyNotGranted:
        return _trouble(request, "not_granted", status=400)
    except SignInRefused:
        return _trouble(request, "start_again", status=400)
    except OvhUnavailable:
        return _trouble(request, "unavailable", status=503, retry=True)
    except OvhError as error:
        return _trouble(request, "refused", status=502, error=error)
    # The nonce leaves the address bar before anything else is shown.
    return redirect("accounts:sign_in_confirm")


@login_not_required
@finds_by_secret
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_confirm(request: HttpRequest) -> HttpResponse:
    """ "You are …, continue?" A yes does what the journey was begun for."""
    begun = actions.current_sign_in(request)
    if begun is None or begun.returned_at is None:
        return _trouble(request, "start_again", status=400) if request.method == "POST" else redirect("home")
    if request.method != "POST":
        who = Nichandle(**{field: begun.me[field] for field in ("nichandle", "name", "firstname", "organisation")})
        context = {"who": who, "email": begun.me["email"], "purpose": begun.purpose}
        return render(request, "accounts/sign_in_confirm.html", context)
    ends = {SignIn.Purpose.LINK: _link, SignIn.Purpose.ORDERING: _allow_ordering, SignIn.Purpose.ASSURANCE: _assure}
    finish = ends.get(begun.purpose, _enter)  # type: ignore[call-overload]
    try:
        response: HttpResponse = finish(request, begun)
    except AnotherAccount:
        # Its line is written where the account is compared.
        return _trouble(request, "another_account", status=400)
    except KeyNotGranted:
        return _trouble(request, "granted_less", status=400)
    except SignInRefused:
        audit.record(request, begun.purpose, result="refused")
        return _trouble(request, "start_again", status=400)
    return response


def _enter(request: HttpRequest, begun: SignIn) -> HttpResponse:
    user = actions.finish_sign_in(request, begun.pk)
    del request.session["sign_in"]
    if request.user.is_authenticated:
        # Another account was open in this browser: nothing of its session goes on.
        logout(request)
    response: HttpResponse = perform_login(request, user, redirect_url=begun.then or reverse("orders:order_list"))
    if user.language:
        remember_language(response, user.language)
    return response


def _link(request: Any, begun: SignIn) -> HttpResponse:
    link = actions.finish_link(request, begun.pk)
    del request.session["sign_in"]
    request.session["account"] = link.nichandle.nichandle
    messages.success(request, _("The account %(account)s is linked.") % {"account": link.nichandle.nichandle})
    return redirect("orders:order_list")


def _allow_ordering(request: Any, begun: SignIn) -> HttpResponse:
    actions.finish_ordering(request, begun.pk)
    del request.session["sign_in"]
    # Who came back has just signed in at OVHcloud as somebody who may pay.
    if begun.nichandle_id == request.user.nichandle_id:
        request.session.cycle_key()
        note_shown(request)
    return redirect(begun.then or "accounts:account")


def _assure(request: Any, begun: SignIn) -> HttpResponse:
    actions.finish_assurance(request, begun.pk)
    del request.session["sign_in"]
    request.session.cycle_key()
    note_shown(request)
    return redirect(begun.then or "accounts:account")


@login_not_required
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; the browser forgets what pages stored. The key stays, for checking goes on."""
    if request.user.is_authenticated:
        audit.record(request, "sign_out")
        logout(request)
    response = redirect("home")
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _trouble(
    request: HttpRequest, why: str, *, status: int, retry: bool = False, error: OvhError | None = None
) -> HttpResponse:
    """One page for whatever goes wrong on the way in: what happened, and the next step."""
    context = {"why": why, "retry": retry, "query_id": error.query_id if error else ""}
    return render(request, "accounts/sign_in_trouble.html", context, status=status)
