"""Reading single fields of an answer; what does not fit the schema is an UnusableAnswer, never a crash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from .errors import UnusableAnswer

T = TypeVar("T")

# What PostgreSQL keeps as bigint; OVHcloud's long is the same.
LONG = range(-(2**63), 2**63)


def as_text(raw: Any, what: str) -> str:
    """
    Return text, "" for null (OVHcloud leaves strings out both ways).

    NUL and lone surrogates, which JSON can spell and PostgreSQL cannot store, become U+FFFD.
    """
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise UnusableAnswer(detail=f"{what}: not a text")
    return raw.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def as_integer(raw: Any, what: str, within: range = LONG) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool) and raw in within:
        return raw
    raise UnusableAnswer(detail=f"{what}: not a whole number that could be one")


def as_integers(raw: Any, what: str) -> list[int]:
    return [as_integer(item, what) for item in as_list(raw, what)]


def as_list(raw: Any, what: str) -> list[Any]:
    if not isinstance(raw, list):
        raise UnusableAnswer(detail=f"{what}: not a list")
    return raw


def as_facts(raw: Any, what: str, depth: int = 6) -> Any:
    """
    Return JSON whose meaning is somebody else's, fit to be stored: text as `as_text` has it.

    Raises UnusableAnswer for what is nested deeper than any such answer is.
    """
    if depth < 0:
        raise UnusableAnswer(detail=f"{what}: nested too deep")
    if isinstance(raw, str):
        return as_text(raw, what)
    if isinstance(raw, list):
        return [as_facts(item, what, depth - 1) for item in raw]
    if isinstance(raw, dict):
        return {as_text(name, what): as_facts(item, what, depth - 1) for name, item in raw.items()}
    return raw


class Fields:
    """The object an answer holds, read field by field. Fields nobody asks for are ignored."""

    def __init__(self, raw: Any, what: str) -> None:
        if not isinstance(raw, dict):
            raise UnusableAnswer(detail=f"{what}: not an object")
        self._raw: dict[str, Any] = raw
        self._what = what

    def _name(self, field: str) -> str:
        return f"{self._what}.{field}"

    def has(self, field: str) -> bool:
        return self._raw.get(field) is not None

    def raw(self, field: str) -> Any:
        return self._raw.get(field)

    def text(self, field: str) -> str:
        return as_text(self._raw.get(field), self._name(field))

    def word(self, field: str) -> str:
        """Text that must be there: an enum's value, known to us or not, or an identifier."""
        value = self.text(field)
        if not value:
            raise UnusableAnswer(detail=f"{self._name(field)}: missing")
        return value

    def integer(self, field: str) -> int:
        return as_integer(self._raw.get(field), self._name(field))

    def integer_or_none(self, field: str, within: range = LONG) -> int | None:
        return as_integer(self._raw[field], self._name(field), within) if self.has(field) else None

    def flag(self, field: str) -> bool:
        """A boolean; null and absent are false."""
        value = self._raw.get(field)
        if value is not None and not isinstance(value, bool):
            raise UnusableAnswer(detail=f"{self._name(field)}: not a boolean")
        return bool(value)

    def moment(self, field: str) -> datetime:
        """A datetime with an offset, as UTC."""
        value = self._raw.get(field)
        try:
            moment = datetime.fromisoformat(value)  # type: ignore[arg-type]
            if moment.tzinfo is None:
                raise ValueError
            return moment.astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            pass
        raise UnusableAnswer(detail=f"{self._name(field)}: not a datetime with an offset")

    def moment_or_none(self, field: str) -> datetime | None:
        return self.moment(field) if self.has(field) else None

    def number(self, field: str) -> Decimal:
        """A schema double, exact: Decimal("11.99") for 11.99."""
        value = self._raw.get(field)
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise UnusableAnswer(detail=f"{self._name(field)}: not a number")
        amount = Decimal(str(value))
        if not amount.is_finite() or abs(amount) >= Decimal(10) ** 12:
            raise UnusableAnswer(detail=f"{self._name(field)}: out of all measure")
        return amount

    def integers(self, field: str) -> tuple[int, ...]:
        """A list of whole numbers; null and absent are empty."""
        return tuple(as_integers(self._raw.get(field), self._name(field))) if self.has(field) else ()

    def texts(self, field: str) -> tuple[str, ...]:
        """A list of texts; null and absent are empty, null elements are dropped."""
        raw = self._raw.get(field)
        items = [] if raw is None else as_list(raw, self._name(field))
        return tuple(as_text(item, self._name(field)) for item in items if item is not None)

    def texts_or_none(self, field: str) -> tuple[str, ...] | None:
        return self.texts(field) if self.has(field) else None

    def flag_or_none(self, field: str) -> bool | None:
        return self.flag(field) if self.has(field) else None

    def records(self, field: str, parse: Callable[[Any], T]) -> tuple[T, ...]:
        """A list of objects; null and absent are empty, null elements are dropped."""
        raw = self._raw.get(field)
        items = [] if raw is None else as_list(raw, self._name(field))
        return tuple(parse(item) for item in items if item is not None)
