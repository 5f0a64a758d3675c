"""
What is read of orders most, by prepared statements.

An order that was not paid in time is gone from its very second.
"""
# ruff: noqa: S608 - statements are put together of constants

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from .. import world
from ..models import Customer
from ..reading import row, rows
from .errors import no_such

_EXISTS = """customer_id = %s AND gone_at IS NULL
    AND NOT (status = 'notPaid' AND lapses AND coalesce(expiration_date <= %s, false))"""
_IDS = f"""SELECT order_id FROM sandbox_order WHERE {_EXISTS}
    AND (%s::timestamptz IS NULL OR date >= %s) AND (%s::timestamptz IS NULL OR date <= %s) ORDER BY order_id"""
_COLUMNS = """order_id, date, expiration_date, retraction_date, price_without_tax, tax, price_with_tax, password,
    metadatas, left_out"""
_STATUS = f"SELECT status FROM sandbox_order WHERE {_EXISTS} AND order_id = %s"
_STATUSES = f"SELECT order_id, status FROM sandbox_order WHERE {_EXISTS} AND order_id = ANY(%s::bigint[])"
_TRACKING = f"SELECT follow_up FROM sandbox_order WHERE {_EXISTS} AND order_id = %s"
_ORDER = f"SELECT {_COLUMNS} FROM sandbox_order WHERE {_EXISTS} AND order_id = %s"
_SOME = f"SELECT {_COLUMNS} FROM sandbox_order WHERE {_EXISTS} AND order_id = ANY(%s::bigint[]) ORDER BY order_id"
_DETAIL_IDS = "SELECT order_detail_id FROM sandbox_detail WHERE order_id = %s ORDER BY order_detail_id"
_DETAIL = """SELECT order_detail_id, description, domain, detail_type, quantity, unit_price, total_price, cancelled,
    extension FROM sandbox_detail WHERE order_id = %s AND order_detail_id = %s"""


class OrderShown(NamedTuple):
    """The fields of models.Order that its answer has."""

    order_id: int
    date: datetime | None
    expiration_date: datetime | None
    retraction_date: datetime | None
    price_without_tax: dict[str, Any]
    tax: dict[str, Any]
    price_with_tax: dict[str, Any]
    password: str
    metadatas: list[Any] | None
    left_out: list[str]


class DetailShown(NamedTuple):
    """The fields of models.Detail that its answers have."""

    order_detail_id: int
    description: str
    domain: str
    detail_type: str | None
    quantity: str
    unit_price: dict[str, Any]
    total_price: dict[str, Any]
    cancelled: bool
    extension: dict[str, Any] | None


def order_ids(customer: Customer, since: datetime | None, until: datetime | None) -> list[int]:
    """Return the numbers of the customer's orders dated from since to until, both included."""
    return [one for (one,) in rows(_IDS, customer.nichandle, world.now(), since, since, until, until)]


def order_status(customer: Customer, order_id: int) -> str:
    status: str = _only(_STATUS, customer, order_id)[0]
    return status


def order_statuses(customer: Customer, order_ids: Sequence[int]) -> dict[int, str]:
    """Return the statuses of those of the orders that exist."""
    return dict(rows(_STATUSES, customer.nichandle, world.now(), list(order_ids)))


def order_tracking(customer: Customer, order_id: int) -> list[dict[str, Any]] | None:
    return _parsed(_only(_TRACKING, customer, order_id)[0])


def order_shown(customer: Customer, order_id: int) -> OrderShown:
    return _shown(_only(_ORDER, customer, order_id))


def orders_shown(customer: Customer, order_ids: Sequence[int]) -> list[OrderShown]:
    return [_shown(one) for one in rows(_SOME, customer.nichandle, world.now(), list(order_ids))]


def detail_ids(customer: Customer, order_id: int) -> list[int]:
    order_status(customer, order_id)
    return [one for (one,) in rows(_DETAIL_IDS, order_id)]


def detail_shown(customer: Customer, order_id: int, detail_id: int) -> DetailShown:
    order_status(customer, order_id)
    found = row(_DETAIL, order_id, detail_id)
    if found is None:
        raise no_such("orderDetailId", detail_id)
    number, description, domain, kind, quantity, unit, total, cancelled, extension = found
    prices = _parsed(unit), _parsed(total)
    return DetailShown(number, description, domain, kind, quantity, *prices, cancelled, _parsed(extension))


def _only(statement: str, customer: Customer, order_id: int) -> tuple[Any, ...]:
    found = row(statement, customer.nichandle, world.now(), order_id)
    if found is None:
        raise no_such("orderId", order_id)
    return found


def _shown(found: tuple[Any, ...]) -> OrderShown:
    number, date, expiration, retraction, without, tax, total, password, metadatas, left_out = found
    prices = _parsed(without), _parsed(tax), _parsed(total)
    return OrderShown(number, date, expiration, retraction, *prices, password, _parsed(metadatas), _parsed(left_out))


def _parsed(text: str | None) -> Any:
    return None if text is None else json.loads(text)
