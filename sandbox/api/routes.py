"""The table of routes. A module of handlers fills it; dispatch reads it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeVar

from ..models import Application, Credential, Customer, ServiceAccount
from . import errors, fields
from .fields import Field

# What a caller must show: nothing, an application key, or a signature whose credential covers the call.
Needs = Literal["nothing", "application", "signature"]
Expand = Callable[["Call", list[Any]], list[Any]]
Together = Callable[["Call", list[str]], dict[str, Any]]
# Identifiers in paths are longs but for these.
_TEXT_IDS = {
    *("billId", "refundId", "billDetailId", "refundDetailId", "withdrawalId", "balanceName", "cartId", "ovhAccountId"),
}


@dataclass
class Call:
    """One call that passed the checks, for its handler."""

    method: str
    path: str
    base: str  # scheme://host, for addresses in answers
    language: str
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    application: Application | None = None
    credential: Credential | None = None
    service: ServiceAccount | None = None

    @property
    def signed_by(self) -> Credential:
        """The credential of a call. A service account has none: to it, this raises ApiError (403)."""
        if self.credential is None:
            raise errors.invalid_credential
        return self.credential

    @property
    def customer(self) -> Customer:
        if self.service is not None:
            return self.service.customer
        customer = self.signed_by.customer
        if customer is None:
            raise LookupError("this credential is nobody's")
        return customer


@dataclass(frozen=True)
class Route:
    method: str
    template: str
    handler: Callable[..., Any]
    query: Mapping[str, Field]
    body: Mapping[str, Field]
    needs: Needs
    expand: Expand | None
    together: Together | None = None

    @cached_property
    def identifiers(self) -> list[tuple[str, Field]]:
        """What stands in braces in its template, in order."""
        names = [part[1:-1] for part in self.template.split("/") if part.startswith("{")]
        return [
            (name, Field("string", fields.text) if name in _TEXT_IDS else Field("long", fields.long)) for name in names
        ]


@dataclass
class _Place:
    """A place in the tree of templates: what may come next, a word or anything (an identifier)."""

    words: dict[str, "_Place"] = field(default_factory=dict)
    anything: "_Place | None" = None
    route: Route | None = None


# By method.
_ROUTES: dict[str, _Place] = {}
Handler = TypeVar("Handler", bound=Callable[..., Any])


def route(
    call: str,
    *,
    query: Mapping[str, Field] | None = None,
    body: Mapping[str, Field] | None = None,
    needs: Needs = "signature",
    expand: Expand | None = None,
    together: Together | None = None,
) -> Callable[[Handler], Handler]:
    """
    Register a handler: route("GET /me/order/{orderId}"). It gets the Call and the identifiers of the path.

    expand: makes objects of the identifiers a list route answers, for those who ask for expanded lists.
    together: what it knows to answer at once for the keys of a batch; the others are asked for one by one.
    """
    method, template = call.split(" ")

    def register(handler: Handler) -> Handler:
        made = Route(method, template, handler, query or {}, body or {}, needs, expand, together)
        place = _ROUTES.setdefault(method, _Place())
        for part in template.split("/")[1:]:
            if part.startswith("{"):
                place.anything = place = place.anything or _Place()
            else:
                place = place.words.setdefault(part, _Place())
        place.route = made
        return handler

    return register


def find(method: str, segments: Sequence[str]) -> tuple[Route, list[str]] | None:
    """Return the route of a path, and what stands in the places of its identifiers. Words go before identifiers."""
    root = _ROUTES.get(method)
    return None if root is None else _find(root, segments, 0, [])


def _find(place: _Place, segments: Sequence[str], at: int, held: list[str]) -> tuple[Route, list[str]] | None:
    if at == len(segments):
        return None if place.route is None else (place.route, held)
    segment = segments[at]
    if segment in place.words and (found := _find(place.words[segment], segments, at + 1, held)):
        return found
    if segment and place.anything is not None:
        return _find(place.anything, segments, at + 1, [*held, segment])
    return None


def all_routes() -> list[Route]:
    return [route for root in _ROUTES.values() for route in _below(root)]


def _below(place: _Place) -> Iterator[Route]:
    if place.route is not None:
        yield place.route
    for word in place.words.values():
        yield from _below(word)
    if place.anything is not None:
        yield from _below(place.anything)
