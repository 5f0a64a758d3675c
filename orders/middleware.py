"""An order of another account that this person holds opens, too, also while it is being made, and says whose it is."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

# What an address names, and what leads there from an account.
_LEADS_TO = {"order_id": "orders__order_id", "checkout_id": "checkouts"}


class OrderOfLinkedAccount:
    """Reading the page of such an order is about its own account, for this one request; forms name theirs anyway."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: Any, view: Callable[..., Any], args: Any, kwargs: dict[str, Any]) -> None:
        named = next((name for name in _LEADS_TO if name in kwargs), None)
        in_question = request.method in ("GET", "HEAD") and named is not None and request.nichandle is not None
        if named is None or not in_question or not request.user.has_linked:
            return
        links = request.user.links.filter(**{f"nichandle__{_LEADS_TO[named]}": kwargs[named]})
        link = links.select_related("nichandle").first()
        if link is not None and link.nichandle_id != request.nichandle.pk:
            request.of_another_account = True
            request.nichandle, request.link_is_lost = link.nichandle, not link.is_usable
