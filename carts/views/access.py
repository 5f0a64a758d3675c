"""Pages that visitors may open, too: choosing needs no sign-in, ordering does."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.vary import vary_on_headers

View = TypeVar("View", bound=Callable[..., Any])

# What decides between a page and a fragment, for whoever keeps answers.
vary = vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")


def for_visitors_too(view: View) -> View:
    """Decorator: open to visitors and customers. Staff are told nothing; a lost key is said as on every other page."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        who: Any = request
        if who.user.is_authenticated and who.nichandle is None:
            raise Http404
        if who.link_is_lost:
            return render(request, "accounts/key_revoked.html")
        answer: HttpResponse = view(request, *args, **kwargs)
        return answer

    return login_not_required(wrapper)  # type: ignore[return-value]
