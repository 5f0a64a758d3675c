"""The official schemas, as the sandbox itself reads them: what a body may hold, and the documents it serves."""

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_date

from . import fields
from .fields import Converter, Field

_DIRECTORY = Path(__file__).resolve().parents[1] / "schemas"
FILES = (
    *("auth.json", "me.json", "me-billing-contact.json"),
    *("domain-contact.json", "order-cart.json", "catalog-public.json"),
)


@lru_cache
def documents() -> list[dict[str, Any]]:
    return [json.loads((_DIRECTORY / name).read_text(encoding="utf-8")) for name in FILES]


@lru_cache
def models() -> dict[str, dict[str, Any]]:
    return {name: model for document in documents() for name, model in document["models"].items()}


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
def action(call: str) -> str | None:
    """Return what IAM calls an operation; None where the schemas do not say."""
    named = operations().get(call, {}).get("iamActions")
    return str(named[0]["name"]) if named else None


def of_model(model: str) -> dict[str, Field]:
    """Return the fields of a body that is a whole object of a model."""
    return _properties(model, set())


def body(call: str, required: Iterable[str] = ()) -> dict[str, Field]:
    """Return the fields of an operation's body. required: those that the schema leaves open and an object needs."""
    found: dict[str, Field] = {}
    for parameter in operations()[call]["parameters"]:
        if parameter["paramType"] != "body":
            continue
        if parameter.get("name"):
            kind = parameter["fullType"]
            found[parameter["name"]] = Field(kind, converter(kind), required=parameter["required"])
        else:
            found |= _properties(parameter["fullType"], set(required))
    return found


def query(call: str) -> dict[str, Field]:
    return {
        parameter["name"]: Field(
            parameter["fullType"], converter(parameter["fullType"]), required=parameter["required"]
        )
        for parameter in operations()[call]["parameters"]
        if parameter["paramType"] == "query"
    }


def _properties(model: str, required: set[str]) -> dict[str, Field]:
    return {
        name: Field(
            one["fullType"],
            converter(one["fullType"]),
            required=one.get("required", False) or name in required,
            nullable=one["canBeNull"],
        )
        for name, one in models()[model]["properties"].items()
    }


def writable(model: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return what of an object may be changed: clients send whole objects back, read-only fields and all."""
    properties = models()[model]["properties"]
    return {name: value for name, value in given.items() if not properties[name]["readOnly"]}


def blank(model: str) -> dict[str, Any]:
    """Return an object of a model with every nullable field null."""
    return {name: None for name, one in models()[model]["properties"].items() if one["canBeNull"]}


def converter(kind: str) -> Converter:
    if kind.endswith("[]"):
        return fields.list_of(converter(kind[:-2]))
    return _PRIMITIVES.get(kind) or _of_model(kind)


def _of_model(name: str) -> Converter:
    def convert(value: Any) -> Any:
        model = models()[name]
        if "enum" in model:
            return fields.one_of(*model["enum"])(value)
        properties = model["properties"]
        if not isinstance(value, dict) or not set(value) <= set(properties):
            raise ValueError
        missing = {one for one, told in properties.items() if told.get("required")} - set(value)
        if missing or (name in _WHOLE and set(value) != set(properties)):
            raise ValueError
        return {one: _nullable(properties[one], given) for one, given in value.items()}

    return convert


# Bodies that mean nothing unless they are complete.
_WHOLE = {"billing.order.PayWithPaymentMethod"}


def _nullable(told: dict[str, Any], given: Any) -> Any:
    return None if given is None and told["canBeNull"] else converter(told["fullType"])(given)


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    return float(value)


def _date(value: Any) -> str:
    found = parse_date(fields.text(value))
    if found is None:
        raise ValueError
    return found.isoformat()


def duration(value: Any) -> str:
    given = fields.text(value)
    if not re.fullmatch(r"P\d{1,4}[DMY]", given):
        raise ValueError
    return given


_PRIMITIVES: dict[str, Converter] = {
    "long": fields.long,
    "double": _double,
    "boolean": fields.boolean,
    "datetime": fields.moment,
    "date": _date,
    "duration": duration,
    "ipBlock": fields.ip_block,
    **dict.fromkeys(("string", "text", "password", "phoneNumber"), fields.text),
}
