"""
How often an address, or a person, may do a thing: `@limited("search")`, with the numbers in settings.

Attempts are counted in Redis. While it is away nothing is counted and nobody is turned away: a limit is there against
floods, and must not become one more thing that fails.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from allauth.core.internal import ratelimit
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

View = TypeVar("View", bound=Callable[..., Any])

READING = ("GET", "HEAD", "OPTIONS")


def limited(action: str, *, reading: bool = False) -> Callable[[View], View]:
    """
    Decorator: 429 with Retry-After for whoever does it more often than settings.LIMITS allows.

    reading: opening the page counts, too; else only what it is sent.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if (reading or request.method not in READING) and not within(request, action):
                return too_many(request, action)
            return cast(HttpResponse, view(request, *args, **kwargs))

        wrapper.limited_by = action  # type: ignore[attr-defined]
        wrapper.limits_reading = reading  # type: ignore[attr-defined]
        return cast(View, wrapper)

    return decorate


def within(request: HttpRequest, action: str) -> bool:
    """Count one more; False when it is one too many. What is refused counts no further."""
    config = {action: settings.LIMITS[action]}
    if not request.user.is_authenticated:
        config[action] = ",".join(rate for rate in config[action].split(",") if not rate.endswith("/user"))
    return bool(ratelimit.consume(request, app="panel", action=action, config=config, limit_get=True))


def too_many(request: HttpRequest, action: str) -> HttpResponse:
    """The one answer of every limit; after that many seconds of silence somebody is let in again."""
    seconds = max(int(rate.duration) for rate in ratelimit.parse_rates(settings.LIMITS[action]))
    response = render(request, "429.html", {"minutes": max(1, seconds // 60)}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response
