"""Requests of people who are signed in, and how a view tells a page from a fragment."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Nichandle, User

View = TypeVar("View", bound=Callable[..., Any])


class CustomerRequest(HttpRequest):
    """A request that passed the middleware as a customer: start every look-up from `nichandle`."""

    user: User
    nichandle: Nichandle
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


def works_without_key(view: View) -> View:
    """Decorator: this page serves customers whose key OVHcloud no longer takes, too, instead of sending them away."""
    view.works_without_key = True  # type: ignore[attr-defined]
    return view
