"""What a customer may ask of the list, read from the address: everything unknown is left out and named."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.translation import gettext as _

from orders.models import EXPIRED, Status

SORTS = ("date", "number", "amount", "status")
PRESETS = ("progress", "unpaid", "complete")
STATUSES = (*Status.values, EXPIRED)
_LONGEST_WORDS = 100
_BIGGEST_ID = 2**63 - 1
_BIGGEST_AMOUNT = Decimal(10) ** 11


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: what it is sorted by, and its number, which breaks ties."""

    value: str
    order_id: int

    def __str__(self) -> str:
        text = json.dumps([self.value, self.order_id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, sort: str) -> "Cursor":
        """
        Take what an address holds, which anybody can forge.

        Raises:
            ValueError: it is not one of ours, or one of another sort.
        """
        try:
            value, order_id = json.loads(base64.urlsafe_b64decode(text[:200] + "=" * (-len(text) % 4)))
        except (binascii.Error, UnicodeError, TypeError, RecursionError) as error:
            raise ValueError("no cursor") from error
        # Printable: JSON can spell NUL and half a surrogate pair, which no database takes.
        if type(value) is not str or not value.isprintable() or type(order_id) is not int:
            raise ValueError("no cursor")
        if not 0 <= order_id <= _BIGGEST_ID:
            raise ValueError("no cursor")
        cursor = cls(value, order_id)
        cursor.key(sort)
        return cursor

    def key(self, sort: str) -> datetime | Decimal | str:
        """The value as its column has it. Raises ValueError where it is none."""
        if sort == "date":
            moment = datetime.fromisoformat(self.value)
            if moment.tzinfo is None or not 1 < moment.year < 9999:
                raise ValueError("no moment")
            return moment.astimezone(UTC)
        if sort == "amount":
            return _amount(self.value)
        return self.value


@dataclass(frozen=True)
class ListFilter:
    """
    The list as its address asks for it. `sort` has a `-` in front for descending.

    day_from, day_to: whole days in the account's zone, both included. typed: the filter's texts as they came, for the
    form to show again.
    """

    q: str = ""
    statuses: tuple[str, ...] = ()
    day_from: date | None = None
    day_to: date | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    sort: str = "-date"
    after: Cursor | None = None
    expired: bool = False
    preset: str = ""
    typed: dict[str, str] = field(default_factory=dict, compare=False)
    problems: tuple[str, ...] = field(default=(), compare=False)

    @property
    def sort_key(self) -> str:
        return self.sort.lstrip("-")

    @property
    def descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_narrowed(self) -> bool:
        """Something beyond the presets keeps rows away."""
        return self != ListFilter(sort=self.sort, after=self.after, expired=self.expired, preset=self.preset)

    @property
    def with_expired(self) -> bool:
        """Asking for expired ones by name shows them, too."""
        return self.expired or EXPIRED in self.statuses

    def query(self, **changes: object) -> str:
        """The address' query of this list, or of one that differs by `changes`; "" for the plain list."""
        asked = replace(self, **changes)  # type: ignore[arg-type]
        text = urlencode(list(asked._pairs()))
        return f"?{text}" if text else ""

    def _pairs(self) -> Iterator[tuple[str, str]]:
        if self.q:
            yield "q", self.q
        if self.preset:
            yield "preset", self.preset
        for status in self.statuses:
            yield "status", status
        for name, value in (("from", self.day_from), ("to", self.day_to)):
            if value is not None:
                yield name, value.isoformat()
        for name, amount in (("min", self.minimum), ("max", self.maximum)):
            if amount is not None:
                yield name, f"{amount:f}"
        if self.sort != "-date":
            yield "sort", self.sort
        if self.expired:
            yield "expired", "1"
        if self.after:
            yield "after", str(self.after)


def read_list_filter(asked: QueryDict) -> ListFilter:
    """Take an address' query. Nothing in it can fail: what cannot be read becomes a problem in words."""
    problems: list[str] = []

    def one(name: str) -> str:
        return str(asked.get(name, "")).replace("\0", "").strip()

    def chosen(name: str, words: tuple[str, ...]) -> str:
        word = one(name)
        if word and word not in words:
            problems.append(_problems()[name])
            return ""
        return word

    def parsed(name: str, read: object) -> object:
        try:
            return read(one(name)) if one(name) else None  # type: ignore[operator]
        except ValueError:
            problems.append(_problems()[name])
            return None

    statuses = tuple(dict.fromkeys(word for word in asked.getlist("status") if word))
    known = tuple(word for word in statuses if word in STATUSES)
    if known != statuses:
        problems.append(_problems()["status"])
    sort = chosen("sort", (*SORTS, *(f"-{name}" for name in SORTS))) or "-date"
    return ListFilter(
        q=one("q")[:_LONGEST_WORDS].encode("utf-8", "ignore").decode(),
        statuses=known,
        day_from=parsed("from", date.fromisoformat),  # type: ignore[arg-type]
        day_to=parsed("to", date.fromisoformat),  # type: ignore[arg-type]
        minimum=parsed("min", _amount),  # type: ignore[arg-type]
        maximum=parsed("max", _amount),  # type: ignore[arg-type]
        sort=sort,
        after=parsed("after", lambda text: Cursor.read(text, sort.lstrip("-"))),  # type: ignore[arg-type]
        expired=one("expired") == "1",
        preset=chosen("preset", PRESETS),
        typed={name: one(name)[:40] for name in ("from", "to", "min", "max")},
        problems=tuple(problems),
    )


def _amount(text: str) -> Decimal:
    """A number of whole currency units, with a comma or a point. Raises ValueError where it is none."""
    try:
        value = Decimal(text.replace(",", ".").replace("\N{NO-BREAK SPACE}", "").replace(" ", ""))
    except InvalidOperation as error:
        raise ValueError("no amount") from error
    if not value.is_finite() or abs(value) >= _BIGGEST_AMOUNT or value.as_tuple().exponent < -8:  # type: ignore[operator]
        raise ValueError("no amount")
    return value


def _problems() -> dict[str, str]:
    return {
        "status": _("One of the statuses in this address does not exist, so it is left out."),
        "from": _("The first day is not a date, so it is left out. Write it as 2026-11-30."),
        "to": _("The last day is not a date, so it is left out. Write it as 2026-11-30."),
        "min": _("The smallest amount is not a number, so it is left out."),
        "max": _("The largest amount is not a number, so it is left out."),
        "sort": _("The list cannot be sorted that way, so it is sorted by date."),
        "after": _("This address points to a page that does not exist, so the list begins at its first page."),
        "preset": _("There is no such view of the list, so all orders are shown."),
    }
