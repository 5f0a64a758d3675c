"""Expanded lists, as the official panel asks for them by X-Pagination-*: undocumented, and off unless switched on."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from .. import world
from ..carts import Refusal
from ..signatures import starred
from . import fields, routes
from .errors import ApiError
from .fields import Converter
from .routes import Call, Route

MODE = "CachedObjectList-Pages"
_DEFAULT_SIZE = 1000
_CLAUSE = re.compile(r"([\w.]+):(eq|ne|lt|gt|like|in)=(.*)", re.DOTALL)


def _expand(call: Call, route: Route, identifiers: list[Any], held: list[Any]) -> list[Any] | None:
    """
    Return the objects that a list of identifiers stands for; None where the list is of something else.

    held: the identifiers in the path of the list. One that leads nowhere leaves a null.
    """
    if route.expand is not None:
        return route.expand(call, identifiers)
    found = routes.find("GET", [*route.template.split("/")[1:], "-"])
    if found is None or not found[0].template.startswith(route.template + "/{"):
        return None
    return [_object(found[0], call, [*held, identifier]) for identifier in identifiers]


def _object(route: Route, call: Call, identifiers: list[Any]) -> Any:
    try:
        return route.handler(call, *identifiers)
    except (ApiError, Refusal):
        return None


def page(
    call: Call,
    route: Route,
    identifiers: list[Any],
    held: list[Any],
    asked: Mapping[str, str],
    told: dict[str, str],
) -> list[Any] | None:
    """
    Return the page of objects that a caller's headers ask for, None where the list is not of identifiers.

    asked: names in lower case. told: takes the headers to answer with.
    """
    if not all(isinstance(one, int | str) for one in identifiers):
        return None
    size = _positive(asked.get("x-pagination-size"), _DEFAULT_SIZE)
    number = _positive(asked.get("x-pagination-number"), 1)
    here = slice((number - 1) * size, number * size)
    as_it_is = "x-pagination-filter" not in asked and "x-pagination-sort" not in asked
    objects = _expand(call, route, identifiers[here] if as_it_is else identifiers, held)
    if objects is None:
        return None
    count = len(identifiers)
    if not as_it_is:
        objects = _arranged(objects, asked)
        count, objects = len(objects), objects[here]
    told |= {
        "X-Pagination-Elements": str(count),
        "X-Pagination-Number": str(number),
        "X-Pagination-Size": str(size),
    }
    return [None if at % 7 == 3 else one for at, one in enumerate(objects)] if world.switch("null_entries") else objects


def _arranged(objects: list[Any], asked: Mapping[str, str]) -> list[Any]:
    """Filter and sort objects as asked. What cannot be understood is left undone."""
    for clause in asked.get("x-pagination-filter", "").split("&"):
        wanted = _wanted(clause)
        objects = [one for one in objects if wanted(one)] if wanted else objects
    sort = asked.get("x-pagination-sort")
    if sort and all(isinstance(_value(one, sort), str | int) for one in objects):
        descending = asked.get("x-pagination-sort-order", "ASC") == "DESC"
        objects = sorted(objects, key=lambda one: _value(one, sort), reverse=descending)
    return objects


def _positive(given: str | None, default: int) -> int:
    try:
        return min(max(1, fields.long(given)), 100_000)
    except ValueError:
        return default


def _value(one: Any, name: str) -> Any:
    """Return a field of an object, of one inside it where the name has dots."""
    for part in name.split("."):
        one = one.get(part) if isinstance(one, dict) else None
    return one


def _wanted(clause: str) -> Callable[[Any], bool] | None:
    """Return the test that a clause such as `date:gt=2026-01-01` stands for, None for what is none."""
    parts = _CLAUSE.fullmatch(unquote(clause))
    if parts is None:
        return None
    name, operator, given = parts.groups()
    return lambda one: _holds(_value(one, name), operator, given)


def _holds(value: Any, operator: str, given: str) -> bool:
    if operator == "like":
        return starred(given, "%", re.IGNORECASE).fullmatch(_text(value)) is not None
    if operator in ("lt", "gt"):
        pair = _pair(value, given)
        return pair is not None and (pair[0] < pair[1] if operator == "lt" else pair[0] > pair[1])
    among = given.split(",") if operator == "in" else [given]
    return (_text(value) in among) is not (operator == "ne")


def _text(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _pair(value: Any, given: str) -> tuple[Any, Any] | None:
    """Return both as what they are compared as: numbers, moments or text; None where they do not go together."""
    convert: Converter = float if isinstance(value, int | float) else fields.text
    for one in (fields.moment, convert) if isinstance(value, str) else (convert,):
        try:
            return one(value), one(given)
        except ValueError:
            continue
    return None
