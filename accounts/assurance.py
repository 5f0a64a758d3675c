"""
Whether the person at the keyboard showed lately who they are, beyond an open session.

Asked before linking, unlinking, paying and taking data away; never before a withdrawal, which the law wants easy.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.devices import device_words

View = TypeVar("View", bound=Callable[..., Any])

# Seconds for which a sign-in, a code or a passkey counts.
LASTS = 15 * 60


@receiver(user_logged_in)
def _begin_session(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """What the row of this session says of it, and that its person was there just now."""
    request.session["began_at"] = timezone.now().isoformat()
    request.session["device"] = device_words(request.headers.get("User-Agent", ""))
    request.session["of_staff"] = user.is_staff
    note_shown(request)


def note_shown(request: HttpRequest) -> None:
    """This browser's person has just shown who they are."""
    request.session["shown_at"] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    return time.time() - request.session.get("shown_at", 0) < LASTS


def asks_who_is_there(view: View) -> View:
    """Decorator: whoever has not shown who they are lately is asked to, then comes back to the page of `view`."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if is_fresh(request):
            return view(request, *args, **kwargs)
        return ask_who_is_there(request.path)

    return wrapper  # type: ignore[return-value]


def ask_who_is_there(then: str) -> HttpResponse:
    """Send somebody to show who they are, and on to `then`, a page of ours with its query."""
    return redirect(f"{reverse('accounts:assurance')}?{urlencode({'next': then})}")
