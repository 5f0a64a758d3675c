"""The schema documents, /1.0/me.json and so on, cut to what the sandbox serves; and their index, /1.0/."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from . import routes, schema
from .routes import Call, route

# Each document of the real API, and what it is about.
_ABOUT = {
    "auth": "Operations on authentication",
    "domain": "Operations about the DOMAIN service",
    "me": "Operations about the account",
    "order": "Operations about ordering",
}


@route("GET /", needs="nothing")
def index(call: Call) -> dict[str, Any]:
    return {
        "basePath": f"{call.base}/1.0",
        "apis": [
            {"path": f"/{name}", "schema": "{path}.{format}", "format": ["json"], "description": about}
            for name, about in _ABOUT.items()
        ],
    }


def _register(name: str) -> None:
    @route(f"GET /{name}.json", needs="nothing")
    def document(call: Call) -> dict[str, Any]:
        return {
            "apiVersion": "1.0",
            "basePath": f"{call.base}/1.0",
            "resourcePath": f"/{name}",
            **_cut(name),
        }


for _name in _ABOUT:
    _register(_name)


@lru_cache
def _cut(name: str) -> dict[str, Any]:
    served = {f"{one.method} {one.template}" for one in routes.all_routes()}
    paths: dict[str, dict[str, Any]] = {}
    for document in schema.documents():
        for api in document["apis"]:
            if not (api["path"] == f"/{name}" or api["path"].startswith(f"/{name}/")):
                continue
            kept = [one for one in api["operations"] if f"{one['httpMethod']} {api['path']}" in served]
            if kept:
                paths.setdefault(api["path"], api | {"operations": []})["operations"] += kept
    apis = list(paths.values())
    wanted = _models_of(type_name for api in apis for type_name in _types_in(api))
    return {"apis": apis, "models": {name: schema.models()[name] for name in sorted(wanted)}}


def _types_in(value: Any) -> set[str]:
    """Return every name of a type in an operation or a model."""
    if isinstance(value, dict):
        named = {str(value[key]) for key in ("fullType", "responseType", "type") if isinstance(value.get(key), str)}
        return named.union(*(_types_in(one) for one in value.values()))
    if isinstance(value, list):
        return set().union(*(_types_in(one) for one in value))
    return set()


def _models_of(names: Iterable[str]) -> set[str]:
    """Return the models among these types, and those that they are made of."""
    found: set[str] = set()
    waiting = set(names)
    while waiting:
        name = re.sub(r"(\[\])+$", "", waiting.pop())
        if name in schema.models() and name not in found:
            found.add(name)
            waiting |= _types_in(schema.models()[name])
    return found
