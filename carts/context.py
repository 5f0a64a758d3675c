"""How much is in the cart, for the bar of every page. No query: the session remembers what this browser last saw."""

from typing import Any

from django.http import HttpRequest

from carts.models import Cart

_COUNT = "cart_count"


def cart(request: HttpRequest) -> dict[str, Any]:
    kept = request.session.get(_COUNT) if hasattr(request, "session") else None
    return {"cart_count": kept[1] if kept and kept[0] == _whose(request) else 0}


def note_count(request: HttpRequest, count: int) -> None:
    """Remember how many items the cart has. Another device's browser learns it with its next page of ordering."""
    kept = [_whose(request), count]
    if request.session.get(_COUNT, [kept[0], 0]) != kept:
        request.session[_COUNT] = kept


def count_of(cart: Cart | None) -> int:
    """Items that somebody chose: no options, and not the zone that came by itself. One query."""
    return cart.items.filter(parent=None, came_by_itself=False).count() if cart else 0


def _whose(request: HttpRequest) -> str:
    nichandle = getattr(request, "nichandle", None)
    return nichandle.nichandle if nichandle else ""
