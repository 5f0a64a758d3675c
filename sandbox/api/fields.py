"""What a parameter may hold: converters from the wire. Each raises ValueError for what it does not take."""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime

from ..world import PARIS
from .errors import bad_request

_LONGEST = 2**63 - 1
Converter = Callable[[Any], Any]


@dataclass(frozen=True)
class Field:
    """A parameter: its type's name in the schemas, how it is read, and whether it may be missing or null."""

    type_name: str
    convert: Converter
    required: bool = False
    nullable: bool = False


def long(value: Any) -> int:
    if isinstance(value, str):
        if not re.fullmatch(r"-?[0-9]{1,19}", value):
            raise ValueError
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_LONGEST - 1 <= value <= _LONGEST:
        raise ValueError
    return value


def text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError
    value.encode()  # a lone surrogate is a ValueError
    return value


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "false": False, "0": False}
    if not isinstance(value, str) or value not in words:
        raise ValueError
    return words[value]


def moment(value: Any) -> datetime:
    """A datetime; a plain date is its midnight. Without a zone it is French time, as OVHcloud's are."""
    given = text(value)
    found = parse_datetime(given)
    if found is None:
        day = parse_date(given)
        if day is None:
            raise ValueError
        found = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the zone follows
    found = found if found.tzinfo else found.replace(tzinfo=PARIS)
    if not 1900 <= found.year <= 9000:
        raise ValueError
    return found


def ip_block(value: Any) -> str:
    return str(ipaddress.ip_network(text(value), strict=False))


def one_of(*words: str) -> Converter:
    def convert(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError
        return value

    return convert


def list_of(convert: Converter) -> Converter:
    def convert_all(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError
        return [convert(one) for one in value]

    return convert_all


def object_of(**fields: Converter) -> Converter:
    """An object with exactly these fields."""

    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or set(value) != set(fields):
            raise ValueError
        return {name: fields[name](one) for name, one in value.items()}

    return convert


def read(given: Mapping[str, Any], fields: Mapping[str, Field], calling: str, *, in_body: bool) -> dict[str, Any]:
    """Return what was given, read. Absent parameters stay absent; a null in a query is the text `null`."""
    unknown = [name for name in given if name not in fields]
    if unknown:
        names = ", ".join(unknown[:5])[:200].encode(errors="replace").decode()
        raise bad_request(f"Received not described parameters: ({names}) while calling {calling}")
    missing = [name for name, field in fields.items() if field.required and name not in given]
    if missing:
        raise bad_request(f"Missing parameter(s): {', '.join(missing)}")
    return {name: _convert(name, value, fields[name], in_body) for name, value in given.items()}


def _convert(name: str, value: Any, field: Field, in_body: bool) -> Any:
    if value is None and in_body and field.nullable:
        return None
    try:
        return field.convert(value)
    except (ValueError, OverflowError):
        raise bad_request(invalid(name, value, field.type_name)) from None


def invalid(name: str, value: Any, type_name: str) -> str:
    shown = value if isinstance(value, str) else json.dumps(value)
    # What came back as text must be fit to send: lone surrogates are not.
    shown = shown[:100].encode(errors="replace").decode()
    return f"[{name}] Given data ({shown}) is not valid for type {type_name}"
