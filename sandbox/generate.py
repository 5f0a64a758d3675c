"""
Worlds of up to a million orders, for measurements: told from a seed and from now, and stored by COPY.

Everybody in them is a private individual who pays in euros, so that whatever is young enough can be withdrawn from.
"""

import json
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model

from . import life, making, scenarios, world
from .models import Bill, Credential, Customer, Detail, LedgerEntry, Order, PaymentMethod
from .money import add_tax, price, tax_rate
from .scenarios import products
from .scenarios.story import BLANK_PROFILE, FIRST_METHOD, Line, extension_of, method_answer

SCENARIO = "generated"
MOST_ORDERS, MOST_ACCOUNTS = 1_000_000, 50_000
PASSWORD = "generated-world"  # noqa: S105 - everybody's, in an invented world

_FIRST_ORDER = 220_000_001
_FIRST_DETAIL = 520_000_001
_CHUNK = 10_000
_DAY = 86_400
# Older than this, an order has no followUp, as at OVHcloud.
_TRACKED_S = 400 * _DAY
_PAID_AFTER, _BILLED_AFTER = timedelta(seconds=45), timedelta(minutes=3)
_RETRACTED_AFTER, _REFUNDED_AFTER = timedelta(days=2), timedelta(days=5)
_LONG_AGO = (15 * _DAY, 3_650 * _DAY)
# Each kind of order: its status, and how old it is, in seconds. None is a day short of what would end it.
KINDS: dict[str, tuple[str, tuple[int, int]]] = {
    "notPaid": ("notPaid", (60, 6 * _DAY)),
    "checking": ("checking", (60, 3_600)),
    "documentsRequested": ("documentsRequested", (60, 3_600)),
    "delivering": ("delivering", (60, 3_600)),
    "withdrawable": ("delivered", (3_600, 13 * _DAY)),
    "delivered": ("delivered", _LONG_AGO),
    "cancelling": ("cancelling", (60, 3_600)),
    "cancelled": ("cancelled", _LONG_AGO),
}
_UNDER_WAY = ("checking", "documentsRequested", "delivering", "cancelling")
USUAL_MIX = {
    "delivered": 88.0,
    "withdrawable": 4.0,
    "notPaid": 3.0,
    "cancelled": 3.0,
    "delivering": 1.0,
    "checking": 0.5,
    "documentsRequested": 0.25,
    "cancelling": 0.25,
}
# Subsidiary, language and telephone of accounts, by turns.
_PLACES = (
    *(("FR", "fr_FR", "33"), ("FR", "fr_FR", "33"), ("FR", "fr_FR", "33"), ("DE", "de_DE", "49")),
    *(("ES", "es_ES", "34"), ("IT", "it_IT", "39"), ("NL", "nl_NL", "31"), ("IE", "en_IE", "353")),
)
_FIRST_NAMES = ("Anna", "Bruno", "Chiara", "David", "Emma", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Lea")
_LAST_NAMES = ("Muster", "Martin", "Rossi", "Garcia", "Jansen", "Byrne", "Petit", "Weber", "Moreau", "Ricci")

Progress = Callable[[int, int], None]


class Unfit(ValueError):
    """A plan that cannot be carried out. The text says why."""


@dataclass(frozen=True)
class Plan:
    """
    What to generate.

    mix: shares of the kinds of orders, in any unit. largest: orders of the first account; None: as many as the others.
    spread_s: orders under way take their next step within so many seconds of life, one after the other.
    """

    orders: int
    accounts: int
    mix: dict[str, float] = field(default_factory=lambda: dict(USUAL_MIX))
    largest: int | None = None
    spread_s: float = 3_600.0

    def __post_init__(self) -> None:
        if not 0 <= self.orders <= MOST_ORDERS:
            raise Unfit(f"orders is a number up to {MOST_ORDERS}")
        if not 1 <= self.accounts <= MOST_ACCOUNTS:
            raise Unfit(f"accounts is a number from 1 to {MOST_ACCOUNTS}")
        unknown = sorted(set(self.mix) - set(KINDS))
        if unknown or not self.mix:
            raise Unfit(f"mix is of {', '.join(KINDS)}; not of {', '.join(unknown) or 'nothing'}")
        if not all(math.isfinite(share) and share >= 0 for share in self.mix.values()) or not sum(self.mix.values()):
            raise Unfit("the shares of a mix are numbers from 0 up, and not all of them 0")
        if self.largest is not None and not 0 <= self.largest <= self.orders:
            raise Unfit("largest is a number of orders, no more than all")
        if not (math.isfinite(self.spread_s) and self.spread_s >= 0):
            raise Unfit("spread_s is a number of seconds")

    def kinds(self) -> list[tuple[str, int]]:
        """Return how many orders there are of each kind: all shares rounded down, the largest taking the rest."""
        whole = sum(self.mix.values())
        counts = {kind: int(self.orders * share / whole) for kind, share in self.mix.items()}
        counts[max(self.mix, key=lambda kind: self.mix[kind])] += self.orders - sum(counts.values())
        return list(counts.items())

    def owner(self, position: int) -> int:
        """Return which account has the order at a position, both from 0."""
        if self.largest is None or self.accounts == 1:
            return position % self.accounts
        if position < self.largest:
            return 0
        return 1 + (position - self.largest) % (self.accounts - 1)


def mix_of(text: str) -> dict[str, float]:
    """Read `delivering=2,notPaid=8,withdrawable=90`."""
    try:
        return {kind.strip(): float(share) for kind, share in (one.split("=") for one in text.split(","))}
    except ValueError:
        raise Unfit("a mix is written delivering=2,notPaid=8,withdrawable=90") from None


def nichandle_of(account: int) -> str:
    """Return the name of an account, counted from 0."""
    return f"gn{account + 1:06}-ovh"


def load(plan: Plan, seed: int = scenarios.SEED, progress: Progress = lambda done, of: None) -> None:
    """Replace the world by a generated one, in one transaction. progress is told how many orders there are."""
    with world.gate.replace():
        world.begin(SCENARIO, seed)
        names = {nichandle_of(account) for account in range(plan.accounts)}
        granted = scenarios.empty(names, for_many=True)
        application = scenarios.known_application()
        now = world.now().replace(microsecond=0)
        with _without_indexes():
            _write_accounts(plan, application.pk, now)
            _write_orders(plan, random.Random(seed), now, progress)
        Credential.objects.bulk_create(granted)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


@contextmanager
def _without_indexes() -> Iterator[None]:
    """Take indexes and foreign keys away for a while: made at once they cost a fraction of row by row."""
    tables = [model._meta.db_table for model in scenarios.REPLACED]
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET LOCAL maintenance_work_mem = '128MB'")
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid::regclass::text = ANY(%s) ORDER BY conname",
            [tables],
        )
        keys = cursor.fetchall()
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid::regclass::text = ANY(%s) AND NOT indisunique ORDER BY 1",
            [tables],
        )
        indexes = cursor.fetchall()
        for table, name, _ in keys:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
    yield
    with connection.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in keys:
            cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def _copy(model: type[Model], columns: str, rows: list[str]) -> None:
    """Store rows in PostgreSQL's own text: tabs between columns, \\N for null."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as copy,
    ):
        copy.write("".join(rows))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("\\", "\\\\")


# --- Accounts ---


def _write_accounts(plan: Plan, application_id: int, now: datetime) -> None:
    rules = _json(scenarios.ALL_RIGHTS)
    for start in range(0, plan.accounts, _CHUNK):
        customers, methods, credentials = [], [], []
        for account in range(start, min(start + _CHUNK, plan.accounts)):
            name = nichandle_of(account)
            number = FIRST_METHOD + account
            about = f"generated, account {account + 1} of {plan.accounts}"
            customers.append(f"{name}\t{about}\t{PASSWORD}\t\\N\t{_json(_profile(account))}\t{account}\t{{}}\n")
            label = f"4970 10XX XXXX {account % 10_000:04}"
            answer = method_answer(number, "CREDIT_CARD", label, now, default=True)
            methods.append(f"{number}\t{name}\t{_json(answer)}\tf\n")
            credentials.append(
                f"{application_id}\t{name}\t{scenarios.tools_key(name)}\ttools-{name}\tvalidated\t{rules}"
                f"\t{now.isoformat()}\tt\t0\n"
            )
        _copy(Customer, "nichandle, about, password, totp_secret, profile, position, quirks", customers)
        _copy(PaymentMethod, "payment_method_id, customer_id, answer, refuses", methods)
        _copy(
            Credential,
            "application_id, customer_id, consumer_key, token, status, rules, creation, of_scenario, calls",
            credentials,
        )


def _place(account: int) -> tuple[str, str, str]:
    return _PLACES[account % len(_PLACES)]


def _profile(account: int) -> dict[str, Any]:
    country, language, calling = _place(account)
    return BLANK_PROFILE | {
        "nichandle": nichandle_of(account),
        "customerCode": f"{account // 10_000:04}-{account % 10_000:04}-00",
        "email": f"customer{account + 1}@example.com",
        "name": _LAST_NAMES[account % len(_LAST_NAMES)],
        "firstname": _FIRST_NAMES[account % len(_FIRST_NAMES)],
        "ovhSubsidiary": country,
        "country": country,
        "language": language,
        "address": f"{account % 200 + 1} Example Street",
        "city": "Example",
        "zip": f"{10_000 + account % 80_000}",
        "phone": f"+{calling}.900{account:06}",
        "phoneCountry": country,
    }


# --- Orders ---


@dataclass(frozen=True)
class _Basket:
    """What an order is of, ready for COPY. In texts, {n} stands for the order's number."""

    prices: str
    lines: tuple[str, ...]
    waived: bool


def _baskets(language: str, subsidiary: str) -> list[_Basket]:
    made = [
        *(products.vps(amount, language, "vps-{n}.vps.example.net", f"VPS-{size}")
          for size, amount in enumerate(("4.20", "8.49", "12.75", "22.08"), 1)),
        *(products.hosting(amount, language, "site{n}.example", plan)
          for plan, amount in (("Perso", "35.88"), ("Pro", "71.88"), ("Performance", "131.88"))),
        *(products.email("2.99", language, accounts, "mail{n}.example") for accounts in (1, 3, 10)),
        products.certificate("99.00", language, "site{n}.example"),
    ]  # fmt: skip
    # A domain's right of withdrawal is given up by ordering it.
    waived = [
        products.domain(f"site{{n}}.{extension}", amount, language, action)
        for extension, amount in (("fr", "5.99"), ("com", "9.99"), ("eu", "6.49"))
        for action in ("CREATION", "RENEW")
    ]
    rate = tax_rate(subsidiary)
    return [_basket(lines, rate, lines in waived) for lines in [*made, *waived]]


def _basket(lines: list[Line], rate: Decimal, waived: bool) -> _Basket:
    net = sum((line.unit * line.quantity for line in lines), Decimal(0))
    prices = "\t".join(_json(one) for one in add_tax(net, "EUR", rate))
    rows = tuple(
        f"{line.description}\t{line.domain}\t{line.detail_type}\t{line.quantity}\t{_json(price(line.unit, 'EUR'))}"
        f"\t{_json(price(line.unit * line.quantity, 'EUR'))}\t{_json(extension_of(line))}"
        for line in lines
    )
    return _Basket(prices, rows, waived)


def _write_orders(plan: Plan, chance: random.Random, now: datetime, progress: Progress) -> None:
    writer = _Writer(plan, chance, now)
    progress(0, plan.orders)
    for done, (age_s, kind, account) in enumerate(_oldest_first(plan, chance), 1):
        writer.add(age_s, kind, account)
        if done % _CHUNK == 0 or done == plan.orders:
            writer.flush()
            progress(done, plan.orders)


def _oldest_first(plan: Plan, chance: random.Random) -> Iterator[tuple[int, str, int]]:
    """Yield (age in seconds, kind, account) of every order; numbers follow dates, as at OVHcloud."""
    kinds = list(KINDS)
    owners = list(range(plan.orders))
    chance.shuffle(owners)
    # One whole number each: a million tuples would be ten times the memory.
    packed = []
    for kind, count in plan.kinds():
        low, high = KINDS[kind][1]
        at = kinds.index(kind)
        packed += [(chance.randint(low, high) << 40) | (at << 32) | plan.owner(owners.pop()) for _ in range(count)]
    packed.sort(reverse=True)
    for one in packed:
        yield one >> 40, kinds[(one >> 32) & 0xFF], one & 0xFFFFFFFF


_NULL = "\\N"
# Where a date is to stand.
_DATE = "\0"


class _Writer:
    """Gathers rows, and stores them when told to."""

    def __init__(self, plan: Plan, chance: random.Random, now: datetime) -> None:
        self._plan, self._chance, self._now = plan, chance, now
        self._life_s = world.life_s()
        self._order_id, self._detail_id = _FIRST_ORDER, _FIRST_DETAIL
        self._baskets: dict[tuple[str, str], list[_Basket]] = {}
        self._tracked: dict[tuple[str, str], list[str]] = {}
        self._empty()

    def _empty(self) -> None:
        self._orders: list[str] = []
        self._details: list[str] = []
        self._bills: list[str] = []
        self._ledger: list[str] = []

    def flush(self) -> None:
        _copy(
            Order,
            "order_id, customer_id, status, date, expiration_date, retraction_date, password, price_without_tax, tax,"
            " price_with_tax, metadatas, left_out, follow_up, renewal, waived, paid_at, payment, retracted_at, lapses,"
            " next_step, due_s",
            self._orders,
        )
        _copy(
            Detail,
            "order_detail_id, order_id, cancelled, service, description, domain, detail_type, quantity, unit_price,"
            " total_price, extension",
            self._details,
        )
        _copy(
            Bill,
            "bill_id, kind, customer_id, order_id, original_bill_id, date, category, password, price_without_tax, tax,"
            " price_with_tax",
            self._bills,
        )
        _copy(LedgerEntry, "order_id, at, event, facts", self._ledger)
        self._empty()

    def add(self, age_s: int, kind: str, account: int) -> None:
        status = KINDS[kind][0]
        country, locale, _ = _place(account)
        language = "fr" if locale.startswith("fr") else "en"
        basket = self._basket(language, country, withdrawable=kind == "withdrawable")
        date = self._now - timedelta(seconds=age_s)
        paid_at = None if status == "notPaid" else date + _PAID_AFTER
        retracted_at = self._retracted_at(status, date)
        retraction = None if paid_at is None or basket.waived else paid_at + life.RETRACTION_PERIOD
        tracking = _NULL if age_s > _TRACKED_S else self._tracking(status, language, date)
        step = life.GOES_ON_WITH[status] if status in _UNDER_WAY else ""
        due = f"{self._life_s + self._chance.uniform(0, self._plan.spread_s):.3f}" if step else _NULL
        password = making.order_password(self._chance)
        payment = _NULL if paid_at is None else '{"paymentType":"creditCard","paymentIdentifier":null}'
        name, number = nichandle_of(account), self._order_id
        self._orders.append(
            f"{number}\t{name}\t{status}\t{date}\t{date + making.UNPAID_FOR}\t{retraction or _NULL}\t{password}"
            f"\t{basket.prices}\t[]\t[]\t{tracking}\tf\t{'t' if basket.waived else 'f'}\t{paid_at or _NULL}\t{payment}"
            f"\t{retracted_at or _NULL}\tt\t{step}\t{due}\n"
        )
        cancelled = "t" if status == "cancelled" else "f"
        for line in basket.lines:
            self._details.append(f"{self._detail_id}\t{number}\t{cancelled}\t\t{line.replace('{n}', str(number))}\n")
            self._detail_id += 1
        if paid_at is not None:
            self._bill(status, name, password, paid_at, basket.prices)
        self._note(status, date, paid_at, retracted_at)
        self._order_id += 1

    def _basket(self, language: str, country: str, *, withdrawable: bool) -> _Basket:
        found = self._baskets.get((language, country))
        if found is None:
            found = self._baskets[language, country] = _baskets(language, country)
        while (basket := self._chance.choice(found)).waived and withdrawable:
            pass
        return basket

    def _tracking(self, status: str, language: str, date: datetime) -> str:
        """Return followUp as JSON: between the pieces of what all such orders have, the dates of this one."""
        pieces = self._tracked.get((status, language))
        if pieces is None:
            sample = self._now - timedelta(days=1)
            text, told = _json(making.tracking_for(status, sample, language)), 0
            while (wire := world.on_wire(sample + told * making.BETWEEN_LINES)) and wire in text:
                text, told = text.replace(wire, _DATE), told + 1
            pieces = self._tracked[status, language] = text.split(_DATE)
        parts = [pieces[0]]
        for position, piece in enumerate(pieces[1:]):
            parts += (world.on_wire(min(date + position * making.BETWEEN_LINES, self._now)) or "", piece)
        return "".join(parts)

    def _retracted_at(self, status: str, date: datetime) -> datetime | None:
        if status == "cancelling":
            return min(date + 2 * _PAID_AFTER, self._now)
        return date + _RETRACTED_AFTER if status == "cancelled" else None

    def _bill(self, status: str, name: str, password: str, paid_at: datetime, prices: str) -> None:
        number = self._order_id
        rest = f"purchase-web\t{password[::-1]}\t{prices}\n"
        if status in ("delivered", "cancelled", "cancelling"):
            at = min(paid_at + _BILLED_AFTER, self._now)
            self._bills.append(f"FR{number}\tBill\t{name}\t{number}\t\\N\t{at}\t{rest}")
        if status == "cancelled":
            at = paid_at + _REFUNDED_AFTER
            self._bills.append(f"RF{number}\tRefund\t{name}\t{number}\tFR{number}\t{at}\t{rest}")

    def _note(self, status: str, date: datetime, paid_at: datetime | None, retracted_at: datetime | None) -> None:
        number, notes = self._order_id, self._ledger
        notes.append(f'{number}\t{date}\tcreated\t{{"by":"scenario"}}\n')
        if paid_at is None:
            return
        notes.append(f'{number}\t{paid_at}\tpaid\t{{"paymentType":"creditCard"}}\n')
        if retracted_at is not None:
            notes.append(f'{number}\t{retracted_at}\tretraction_accepted\t{{"reason":"unused","comment":null}}\n')
        notes.append(f"{number}\t{retracted_at or paid_at}\t{making.EVENTS[status]}\t{{}}\n")
        if status == "cancelled":
            notes.append(f'{number}\t{paid_at + _REFUNDED_AFTER}\trefunded\t{{"refundId":"RF{number}"}}\n')
