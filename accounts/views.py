"""Pages of signing in with OVHcloud, and of the account."""

from typing import Any, cast

from allauth.account.utils import perform_login
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, audit
from accounts.actions import KeyNotGranted, SignInRefused
from accounts.http import CustomerRequest
from accounts.models import Nichandle
from gateway import OvhError, OvhUnavailable


@login_not_required
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Begin: OVHcloud is asked for a key, then a page says what it will allow and links there."""
    limited = ratelimit.consume_or_429(request, app="allauth.account", action="sign_in")
    if limited:
        return cast(HttpResponse, limited)
    try:
        actions.begin_sign_in(request)
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
    return render(request, "accounts/sign_in_continue.html", {"validation_url": begun.validation_url})


@login_not_required
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
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in_confirm(request: HttpRequest) -> HttpResponse:
    """ "You are …, continue?" A yes keeps the key and opens the session."""
    begun = actions.current_sign_in(request)
    if begun is None or begun.returned_at is None:
        return _trouble(request, "start_again", status=400) if request.method == "POST" else redirect("home")
    if request.method != "POST":
        who = Nichandle(**{field: begun.me[field] for field in ("nichandle", "name", "firstname", "organisation")})
        return render(request, "accounts/sign_in_confirm.html", {"who": who, "email": begun.me["email"]})
    try:
        user = actions.finish_sign_in(request, begun.pk)
    except SignInRefused:
        return _trouble(request, "start_again", status=400)
    del request.session["sign_in"]
    if request.user.is_authenticated:
        # Another account was open in this browser: nothing of its session goes on.
        logout(request)
    response: HttpResponse = perform_login(request, user, redirect_url=reverse("orders:order_list"))
    if user.language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            user.language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    return response


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


@require_safe
def account(request: CustomerRequest) -> HttpResponse:
    """Who I am at OVHcloud, what the panel may do there, and how to end it."""
    if request.nichandle is None:
        raise Http404
    link = request.user.links.filter(nichandle=request.nichandle).first()
    return render(request, "accounts/account.html", {"link": link, "may": _rights_in_words(link)})


@require_http_methods(["GET", "HEAD", "POST"])
def forget_me(request: CustomerRequest) -> HttpResponse:
    """Take the panel's key away: it is revoked at OVHcloud, and nothing is asked there any more."""
    if request.nichandle is None:
        raise Http404
    if request.method != "POST":
        return render(request, "accounts/forget.html")
    actions.forget_keys(request)
    logout(request)
    response = render(request, "accounts/forgotten.html")
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _rights_in_words(link: Any) -> dict[str, bool]:
    """Which of the rights that a page explains this key really has."""
    rules = {(rule["method"], rule["path"]) for rule in (link.rules if link else [])}
    return {
        "read": ("GET", "/me/order/*") in rules,
        "withdraw": ("POST", "/me/order/*/retraction") in rules,
        "pay": ("POST", "/me/order/*/pay") in rules,
    }


def _trouble(
    request: HttpRequest, why: str, *, status: int, retry: bool = False, error: OvhError | None = None
) -> HttpResponse:
    """One page for whatever goes wrong on the way in: what happened, and the next step."""
    context = {"why": why, "retry": retry, "query_id": error.query_id if error else ""}
    return render(request, "accounts/sign_in_trouble.html", context, status=status)
