"""Requests of people who are signed in, and how a view tells a page from a fragment."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django_htmx.middleware import HtmxDetails

from accounts.models import Nichandle, User

View = TypeVar("View", bound=Callable[..., Any])


class CustomerRequest(HttpRequest):
    """A request that passed the middleware as a customer: start every look-up from `nichandle`."""

    user: User
    nichandle: Nichandle
    link_is_lost: bool
    htmx: HtmxDetails
    request_id: str


class StaffRequest(HttpRequest):
    """A request that passed the middleware as staff."""

    user: User
    htmx: HtmxDetails
    request_id: str


def wants_fragment(request: HttpRequest) -> bool:
    """True when htmx asks for a region; boosted links and restored history want the whole page."""
    htmx: HtmxDetails = request.htmx  # type: ignore[attr-defined]
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def is_poll(request: HttpRequest) -> bool:
    """True when a page that lies open asks by itself whether there is news: nobody need be sitting there."""
    return request.method == "GET" and bool(request.headers.get("HX-Request")) and wants_fragment(request)


def remember_language(response: HttpResponse, language: str) -> None:
    """The reader's own switch, for this browser; the account keeps it for the others."""
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite=settings.LANGUAGE_COOKIE_SAMESITE,
    )


def works_without_key(view: View) -> View:
    """Decorator: this page serves customers whose key OVHcloud no longer takes, too, instead of sending them away."""
    view.works_without_key = True  # type: ignore[attr-defined]
    return view
