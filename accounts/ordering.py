"""
Whether a person's key may order and pay, and the way to one that may.

A sign-in asks for neither. Who first wants to is told which rights are asked besides, and goes through OVHcloud for
them.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from accounts.http import CustomerRequest
from accounts.models import Link
from accounts.ovh import ORDERING_RULES, covers

View = TypeVar("View", bound=Callable[..., Any])


def may_order(link: Link) -> bool:
    """Whether this key was granted all that ordering and paying need; it need not be usable just now."""
    return covers(link.rules, ORDERING_RULES)


def may_order_here(request: CustomerRequest) -> bool:
    """Whether the person who asks may order for the account this request is about, by a usable key of their own."""
    link = request.user.links.filter(nichandle=request.nichandle).first()
    return link is not None and link.is_usable and may_order(link)


def rights_url(request: CustomerRequest, then: str) -> str:
    """The page that asks for the rights, for the account this request is about, and goes on to `then`."""
    return f"{reverse('accounts:rights')}?{urlencode({'next': then, 'for': request.nichandle.nichandle})}"


def asks_for_rights(view: View) -> View:
    """Decorator: whoever may not order yet is asked to allow it, then comes back to the page of `view`."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        who: Any = request
        if may_order_here(who):
            return view(request, *args, **kwargs)
        then = request.get_full_path() if request.method in ("GET", "HEAD") else request.path
        return redirect(rights_url(who, then))

    return wrapper  # type: ignore[return-value]
