"""The panel's rows of a population, written by COPY; consumer keys encrypted as real ones are."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

from django.core.management import call_command
from django.db import connection, models

from accounts.models import Link, Nichandle, User
from bench import world
from bench.machine import Figures
from orders.models import Order, OrderImport

_AT_ONCE = 5_000
_KNOWN_STEPS = {
    "delivering": ("DONE", "DONE", "DOING", "TODO"),
    "delivered": ("DONE", "DONE", "DONE", "DONE"),
}


def migrate() -> Figures:
    """Make the panel's tables."""
    call_command("migrate", verbosity=0)
    return {"migrations": 1}


def load(populations: list[list[Any]]) -> Figures:
    """Fill the tables: each population as bench.world.Population takes it."""
    epoch = datetime.fromisoformat(os.environ["BENCH_EPOCH"])
    take_your_time()
    for one in populations:
        _load(world.Population(*one), epoch)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("SELECT pg_database_size(current_database())")
        size = cursor.fetchone()[0]
    return {"orders": Order.objects.count(), "accounts": Nichandle.objects.count(), "megabytes": size / 1e6}


def take_your_time() -> None:
    """What prepares a case is not held to a worker's statement_timeout."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")


def _load(whole: world.Population, epoch: datetime) -> None:
    _copy(Nichandle, (_nichandle(number, epoch) for number in whole.account_numbers()))
    _copy(User, (_user(number, epoch) for number in whole.account_numbers()))
    _copy(Link, (_link(number, epoch) for number in whole.account_numbers()))
    if whole.first != world.IMPORTED:
        _copy(OrderImport, (_import(number, whole, epoch) for number in whole.account_numbers()))
        ids = (order_id for number in whole.account_numbers() for order_id in whole.order_ids(number))
        with _without_indexes(Order._meta.db_table):
            _copy(Order, (_order(world.order(order_id, epoch), epoch) for order_id in ids))


def _nichandle(number: int, epoch: datetime) -> dict[str, Any]:
    return {
        "id": number,
        "endpoint": "ovh-eu",
        "nichandle": world.nichandle(number),
        "email": f"customer{number}@example.com",
        "firstname": "Anna",
        "name": f"Martin {number}",
        "legalform": "individual",
        "country": "FR",
        "currency_code": "EUR",
        "me_read_at": epoch,
        "created_at": epoch,
    }


def _user(number: int, epoch: datetime) -> dict[str, Any]:
    username = f"ovh-eu/{world.nichandle(number)}"
    return {"id": number, "username": username, "password": "!", "nichandle_id": number, "date_joined": epoch}


def _link(number: int, epoch: datetime) -> dict[str, Any]:
    link = Link(user_id=number, nichandle_id=number)
    link.keep_key(world.consumer_key(number))
    return {
        "id": number,
        "user_id": number,
        "nichandle_id": number,
        "encrypted_key": link.encrypted_key,
        "created_at": epoch,
        "renewed_at": epoch,
    }


def _import(number: int, whole: world.Population, epoch: datetime) -> dict[str, Any]:
    """Imported long ago, with nothing new to be found."""
    return {
        "id": number,
        "nichandle_id": number,
        "total": whole.orders_each,
        "done": whole.orders_each,
        "started_at": epoch,
        "finished_at": epoch,
        "next_batch_at": None,
        "next_find_at": None,
        "found_at": epoch,
        "payment_methods": [],
        "payment_methods_read_at": epoch,
    }


def _order(order: world.Order, epoch: datetime) -> dict[str, Any]:
    """Read ten minutes ago and due since a minute."""
    paid = order.known != "notPaid"
    with_tax = order.cents / 100
    return {
        "id": order.order_id,
        "nichandle_id": world.account_of(order.order_id),
        "order_id": order.order_id,
        "date": order.date,
        "expiration_date": order.expiration_date,
        "retraction_date": order.retraction_date,
        "price_with_tax": with_tax,
        "price_without_tax": (order.cents - order.cents // 6) / 100,
        "tax": (order.cents // 6) / 100,
        "currency_code": "EUR",
        "status": order.known,
        "status_since": order.date,
        "status_checked_at": epoch - timedelta(minutes=10),
        "object_read_at": epoch - timedelta(minutes=10),
        "was_paid": paid,
        "payment_date": order.date if paid else None,
        "follow_up": _steps(order.known),
        "follow_up_read_at": epoch - timedelta(minutes=10),
        "associated_type": "Bill" if order.known == "delivered" else "",
        "associated_id": f"FR{order.order_id}" if order.known == "delivered" else "",
        "billing": _BILLING,
        "details_read_at": order.date,
        "first_description": "VPS Comfort, 12 months",
        "product_count": 1,
        "search_text": "VPS Comfort, 12 months",
        "next_poll_at": epoch - timedelta(minutes=1),
        "created_at": order.date,
    }


_BILLING = json.dumps({"name": "Martin", "country": "FR"})


@cache
def _steps(status: str) -> str:
    states = _KNOWN_STEPS.get(status, ("DOING", "TODO", "TODO", "TODO"))
    steps = zip(("VALIDATING", "VALIDATED", "DELIVERING", "AVAILABLE"), states, strict=True)
    return json.dumps([{"step": step, "status": state, "history": []} for step, state in steps])


def _copy(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """COPY rows into a model's table; fields that a row leaves out get the model's own default."""
    fields = model._meta.concrete_fields
    defaults = {field.attname: _text(field.get_default()) for field in fields}
    columns = ", ".join(f'"{field.column}"' for field in fields)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        with cursor.copy(f'COPY "{table}" ({columns}) FROM STDIN') as copy:
            for block in _blocks(rows):
                whole = (defaults | {name: _text(value) for name, value in row.items()} for row in block)
                copy.write("".join("\t".join(row[field.attname] for field in fields) + "\n" for row in whole))
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM \"{table}\"))"  # noqa: S608
        )


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Indexes made anew over a full table take a fraction of the time; those of constraints stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass)",
            [table, table],
        )
        found = cursor.fetchall()
        for name, _definition in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _name, definition in found:
            cursor.execute(definition)


def _blocks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rows = iter(rows)
    while block := list(islice(rows, _AT_ONCE)):
        yield block


def _text(value: Any) -> str:
    match value:
        case None:
            return "\\N"
        case bool():
            return "t" if value else "f"
        case int() | float() | datetime():
            return str(value)
        case dict() | list():
            value = json.dumps(value)
    text = str(value)
    if text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
