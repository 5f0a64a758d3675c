"""Addresses below /1.0: what the library signs must be what the HTTP library sends."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from . import errors


def filled(template: str, *ids: int | str) -> str:
    """
    Fill ids into a path, quoted.

    Raises NotFound for an id that is empty or only dots: no quoting keeps those from being taken for
    another path, and nothing is called so.
    """
    for id_ in ids:
        if not str(id_).strip("."):
            raise errors.NotFound(detail="an id of dots, or an empty one")
    return template.format(*(quote(str(id_), safe="", errors="replace") for id_ in ids))


def query_of(arguments: dict[str, Any]) -> str:
    """Return "?a=b" without what is None, "" when nothing is left."""
    given = {name: value for name, value in arguments.items() if value is not None}
    return f"?{urlencode(given)}" if given else ""
