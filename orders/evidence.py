"""
What OVHcloud answered, kept so that staff can show it: trimmed, changed answers only, the last few for each route.

An order's own answer holds a password, and addresses that open its document for whoever has them. So nothing is
removed here: only what FIELDS names is kept, and addresses are cut out of every text.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from gateway import Heard
from orders.models import Evidence

# Rows that one route of one order keeps, and characters of one row's JSON.
KEPT = 4
LARGEST = 4_000
LONGEST_TEXT = 300
LONGEST_LIST = 30

_PRICE = {"value": None, "currencyCode": None, "text": None}
_HISTORY = {"date": None, "label": None, "description": None}

# For each route below /me/order/{orderId} the fields that are kept; None: a plain value. Routes that are not named
# leave nothing behind.
FIELDS: Mapping[str, Any] = {
    "GET /me/order/{orderId}": {
        "orderId": None,
        "date": None,
        "expirationDate": None,
        "retractionDate": None,
        "priceWithTax": _PRICE,
        "priceWithoutTax": _PRICE,
        "tax": _PRICE,
    },
    "GET /me/order/{orderId}/status": None,
    "GET /me/order/{orderId}/followUp": {"step": None, "status": None, "history": _HISTORY},
    "GET /me/order/{orderId}/payment": {"paymentDate": None, "paymentType": None},
    "GET /me/order/{orderId}/associatedObject": {"type": None, "id": None},
    "POST /me/order/{orderId}/retraction": {},
    "POST /me/order/{orderId}/pay": {},
    "POST /me/order/{orderId}/payWithRegisteredPaymentMean": {},
}

_PATH = re.compile(r"/me/order/(\d{1,19}(?:,\d{1,19})*)(/[A-Za-z]+)?")
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S*", re.IGNORECASE)


class Witness:
    """
    Hears the answers of one turn; give it to the gateway, and `keep` what it heard afterwards.

    Several threads may tell it something at once.
    """

    def __init__(self) -> None:
        self._heard: dict[tuple[int, str], tuple[datetime, Heard]] = {}

    def __call__(self, heard: Heard) -> None:
        match = _PATH.fullmatch(heard.path.partition("?")[0])
        if match is None:
            return
        route = f"{heard.method} /me/order/{{orderId}}{match[2] or ''}"
        if route not in FIELDS:
            return
        now = timezone.now()
        if "," not in match[1]:
            self._heard[int(match[1]), route] = (now, heard)
        elif isinstance(heard.value, list):
            # One answer about many orders: each keeps its own part. A batch that failed says nothing about any.
            for order_id, value in _parts(heard.value):
                self._heard[order_id, route] = (now, replace(heard, value=value))

    def query_id(self, order_id: int, route: str) -> str:
        """OVHcloud's name for the last answer of this route about this order; "" where none was heard."""
        found = self._heard.get((order_id, route))
        return found[1].query_id[:120] if found else ""

    def keep(self, pks: Mapping[int, int]) -> int:
        """
        Write the answers that differ from the last ones kept. Two queries, four where something changed.

        pks: our row of each order number. Returns how many rows were written.
        """
        rows = [_row(pks[number], route, *told) for (number, route), told in self._heard.items() if number in pks]
        if not rows:
            return 0
        last = _last_digests({row.order_id for row in rows})
        changed = [row for row in rows if last.get((row.order_id, row.route)) != row.digest]
        if changed:
            Evidence.objects.bulk_create(changed)
            _forget_the_oldest(changed)
        return len(changed)


def _parts(batch: list[Any]) -> Iterator[tuple[int, Any]]:
    for item in batch:
        if isinstance(item, dict) and not item.get("error") and str(item.get("key", "")).isdecimal():
            yield int(item["key"]), item.get("value")


def _row(order_pk: int, route: str, asked_at: datetime, heard: Heard) -> Evidence:
    if heard.error is not None:
        body: Any = {"message": _text(heard.error.message)} if heard.error.message else None
    else:
        body = trimmed(heard.value, FIELDS[route])
    written = json.dumps([heard.status, body], sort_keys=True)
    if len(written) > LARGEST:
        body = {"…": f"{len(written)} characters"}
    return Evidence(
        order_id=order_pk,
        route=route,
        asked_at=asked_at,
        status_code=heard.status,
        query_id=heard.query_id[:120],
        body=body,
        # The whole of it, so that a change in what is not kept is none.
        digest=hashlib.blake2b(written.encode(), digest_size=16).digest(),
    )


def trimmed(value: Any, fields: Any) -> Any:
    """
    Return what may be kept of a JSON value.

    fields: names to go on with, each with its own fields; None: a plain value, and nothing below it.
    """
    if isinstance(value, list):
        return [trimmed(item, fields) for item in value[:LONGEST_LIST]]
    if isinstance(value, dict):
        names: Collection[str] = fields or ()
        return {name: trimmed(value[name], fields[name]) for name in names if name in value}
    if fields is not None:
        return None
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return _ADDRESS.sub("…", text.replace("\0", ""))[:LONGEST_TEXT]


def _last_digests(order_pks: Iterable[int]) -> dict[tuple[int, str], bytes]:
    last = Evidence.objects.filter(order__in=list(order_pks)).order_by("order", "route", "-id")
    rows = last.distinct("order", "route").values_list("order_id", "route", "digest")
    return {(order_pk, route): bytes(digest) for order_pk, route, digest in rows}


def _forget_the_oldest(written: Iterable[Evidence]) -> None:
    routes = {(row.order_id, row.route) for row in written}
    kept: dict[tuple[int, str], list[int]] = defaultdict(list)
    rows = Evidence.objects.filter(order__in={order_pk for order_pk, _route in routes}).order_by("-id")
    for order_pk, route, pk in rows.values_list("order_id", "route", "id"):
        kept[order_pk, route].append(pk)
    too_many = [pk for key in routes for pk in kept[key][KEPT:]]
    if too_many:
        Evidence.objects.filter(pk__in=too_many).delete()


def let_go(before: datetime, batch: int = 1000, batches: int = 50) -> int:
    """Delete answers older than that, from the oldest on: they are numbered as they came, so no index is needed."""
    gone = 0
    for _turn in range(batches):
        oldest = list(Evidence.objects.order_by("pk").values_list("pk", "asked_at")[:batch])
        old = [pk for pk, asked_at in oldest if asked_at < before]
        gone += Evidence.objects.filter(pk__in=old).delete()[0]
        if len(old) < batch:
            break
    return gone
