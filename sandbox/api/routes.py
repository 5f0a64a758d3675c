"""The table of routes. A module of handlers fills it; dispatch reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from ..models import Application, Credential, Customer
from . import fields
from .fields import Field

# What a caller must show: nothing, an application key, or a signature whose credential covers the call.
Needs = Literal["nothing", "application", "signature"]
Expand = Callable[["Call", list[Any]], list[Any]]
# Identifiers in paths are longs but for these.
_TEXT_IDS = {"billId", "refundId", "billDetailId", "refundDetailId", "balanceName", "cartId", "ovhAccountId"}


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

    @property
    def signed_by(self) -> Credential:
        """The credential of a call whose route needs a signature."""
        if self.credential is None:
            raise LookupError("this route needs no signature")
        return self.credential

    @property
    def customer(self) -> Customer:
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

    def path_fields(self) -> list[tuple[str, Field]]:
        names = [part[1:-1] for part in self.template.split("/") if part.startswith("{")]
        return [
            (name, Field("string", fields.text) if name in _TEXT_IDS else Field("long", fields.long)) for name in names
        ]


_ROUTES: dict[tuple[str, int], list[Route]] = {}
Handler = TypeVar("Handler", bound=Callable[..., Any])


def route(
    call: str,
    *,
    query: Mapping[str, Field] | None = None,
    body: Mapping[str, Field] | None = None,
    needs: Needs = "signature",
    expand: Expand | None = None,
) -> Callable[[Handler], Handler]:
    """
    Register a handler: route("GET /me/order/{orderId}"). It gets the Call and the identifiers of the path.

    expand: makes objects of the identifiers a list route answers, for those who ask for expanded lists.
    """
    method, template = call.split(" ")

    def register(handler: Handler) -> Handler:
        made = Route(method, template, handler, query or {}, body or {}, needs, expand)
        _ROUTES.setdefault((method, template.count("/")), []).append(made)
        return handler

    return register


def find(method: str, segments: Sequence[str]) -> tuple[Route, list[str]] | None:
    """Return the route of a path, and what stands in the places of its identifiers."""
    for candidate in _ROUTES.get((method, len(segments)), []):
        parts = candidate.template.split("/")[1:]
        if all(part == segment or part.startswith("{") for part, segment in zip(parts, segments, strict=True)):
            held = [segment for part, segment in zip(parts, segments, strict=True) if part.startswith("{")]
            if all(held):
                return candidate, held
    return None


def all_routes() -> list[Route]:
    return [one for group in _ROUTES.values() for one in group]
