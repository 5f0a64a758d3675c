"""OVHcloud's own schemas, as validators of answers."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

_SCHEMAS = Path(__file__).resolve().parents[2] / "sandbox" / "schemas"
_FILES = (
    *("auth.json", "me.json", "me-billing-contact.json"),
    *("domain-contact.json", "order-cart.json", "catalog-public.json"),
)
# What live answers hold beyond the schemas, and the sandbox with them.
_SEEN_LIVE: dict[str, dict[str, Any]] = {
    "order.cart.ItemSettings": {"domain": {"type": "string"}, "catalogName": {"type": "string"}},
    "order.cart.ConfigurationRequirements": {"allowedValues": {"type": "array", "items": {"type": "string"}}},
}
_DATETIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$"
_PRIMITIVES: dict[str, dict[str, Any]] = {
    "long": {"type": "integer"},
    "double": {"type": "number"},
    "string": {"type": "string"},
    "text": {"type": "string"},
    "password": {"type": "string"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "pattern": _DATETIME},
    "date": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"},
    "ipBlock": {"type": "string"},
    "duration": {"type": "string", "pattern": r"^P\d+[DMY]$"},
    "phoneNumber": {"type": "string"},
    "void": {"type": "null"},
}


@lru_cache
def documents() -> list[dict[str, Any]]:
    return [json.loads((_SCHEMAS / name).read_text()) for name in _FILES]


@lru_cache
def operations() -> dict[str, dict[str, Any]]:
    """Return every operation of the files, by `METHOD /path`."""
    return {
        f"{operation['httpMethod']} {api['path']}": operation
        for document in documents()
        for api in document["apis"]
        for operation in api["operations"]
    }


@lru_cache
def models() -> dict[str, dict[str, Any]]:
    return {name: model for document in documents() for name, model in document["models"].items()}


@lru_cache
def validator(type_name: str) -> Draft202012Validator:
    definitions = {name: _model(name, model) for name, model in models().items()}
    return Draft202012Validator({"$defs": definitions} | _reference(type_name), format_checker=FormatChecker())


def faults_in(answer: Any, type_name: str) -> list[str]:
    """Return what of an answer is against its schema."""
    return [f"{error.json_path}: {error.message}" for error in validator(type_name).iter_errors(answer)]


def _reference(type_name: str) -> dict[str, Any]:
    if type_name.endswith("[]"):
        return {"type": "array", "items": _reference(type_name[:-2])}
    return _PRIMITIVES.get(type_name) or {"$ref": f"#/$defs/{type_name}"}


def _model(name: str, model: dict[str, Any]) -> dict[str, Any]:
    if "enum" in model:
        return {"enum": model["enum"]}
    properties = {
        field: {"anyOf": [_reference(one.get("fullType", one.get("type"))), {"type": "null"}]}
        if one["canBeNull"]
        else _reference(one.get("fullType", one.get("type")))
        for field, one in model["properties"].items()
    }
    # Nothing may be missing, and nothing may be there that OVHcloud does not describe.
    return {
        "type": "object",
        "properties": properties | _SEEN_LIVE.get(name, {}),
        "required": list(properties),
        "additionalProperties": False,
    }
