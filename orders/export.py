"""A customer's own data in one zip: what we hold of their account, as JSON for programs and CSV for people."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.forms import model_to_dict
from django.utils import timezone

from accounts import scope
from accounts.models import AuditEvent, Nichandle
from orders.models import Export, Order, Retraction

# What of an order's row is ours alone and says nothing of the customer.
INTERNAL = {
    "id",
    "nichandle",
    "search_text",
    "next_poll_at",
    "poll_failures",
    "watched_until",
    "check_asked_at",
    "behind_s",
}
# How much is held in memory at once.
CHUNK = 500
CLAIM = timedelta(minutes=5)
# What would make a spreadsheet compute.
_TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


# Of other packages: the name of a file, and what is in it for one account. See `also`.
_OTHERS: dict[str, Callable[[Nichandle], Any]] = {}


def also(name: str, tell: Callable[[Nichandle], Any]) -> None:
    """Have this file in every download: as JSON, what `tell` says of an account. orders knows nothing else about it."""
    _OTHERS[name] = tell


def make_due(limit: int = 2) -> int:
    """Make the exports that wait. One that fails is tried again when its claim runs out."""
    now = timezone.now()
    with transaction.atomic():
        waiting = Export.objects.filter(made_at=None, next_attempt_at__lte=now).order_by("asked_at")
        claimed = list(waiting.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle")[:limit])
        Export.objects.filter(pk__in=[export.pk for export in claimed]).update(next_attempt_at=now + CLAIM)
    for export in claimed:
        with scope.only(export.nichandle):
            content = make(export.nichandle)
        Export.objects.filter(pk=export.pk).update(content=content, made_at=timezone.now())
    Export.objects.filter(asked_at__lt=now - Export.LIFETIME).delete()
    return len(claimed)


def make(nichandle: Nichandle) -> bytes:
    """Return the zip. Receipts are the very documents that were mailed."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("account.json", _json(_account(nichandle)))
        with zipped.open("orders.json", "w") as file:
            _write_orders(file, nichandle)
        zipped.writestr("orders.csv", _csv(nichandle))
        zipped.writestr("withdrawals.json", _json(_withdrawals(nichandle)))
        for retraction in _declared(nichandle).select_related("document"):
            if hasattr(retraction, "document"):
                zipped.writestr(f"receipts/{retraction.reference}.pdf", bytes(retraction.document.pdf))
        for name, tell in _OTHERS.items():
            zipped.writestr(name, _json(tell(nichandle)))
        zipped.writestr("trail.json", _json(_trail(nichandle)))
    return archive.getvalue()


def _account(nichandle: Nichandle) -> dict[str, Any]:
    facts = model_to_dict(nichandle, exclude=["id"])
    links = nichandle.links.select_related("user__nichandle")
    facts["linked_by"] = [
        {"account": link.holder, "since": link.created_at, "until": link.expiration} for link in links
    ]
    return facts


def _write_orders(file: Any, nichandle: Nichandle) -> None:
    """One order at a time: an account may have thousands, with hundreds of details each."""
    file.write(b"[")
    orders = nichandle.orders.order_by("-date").prefetch_related("details", "events")
    for index, order in enumerate(orders.iterator(chunk_size=CHUNK)):
        file.write(b",\n" if index else b"\n")
        file.write(_json(_order(order)).encode())
    file.write(b"\n]\n")


def _order(order: Order) -> dict[str, Any]:
    facts = {name: value for name, value in all_fields(order).items() if name not in INTERNAL}
    facts["details"] = [all_fields(detail, without={"id", "order"}) for detail in order.details.all()]
    facts["events"] = [all_fields(event, without={"id", "order"}) for event in order.events.all()]
    return facts


def _csv(nichandle: Nichandle) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["date", "order", "status", "amount_including_tax", "currency", "product"])
    rows = nichandle.orders.order_by("-date").values_list(
        "date", "order_id", "status", "price_with_tax", "currency_code", "first_description"
    )
    for date, number, status, price, currency, product in rows.iterator(chunk_size=CHUNK):
        writer.writerow(
            [date.isoformat(), number, cell(status), f"{price.normalize():f}", cell(currency), cell(product)]
        )
    # Spreadsheets take UTF-8 for granted only behind this mark.
    return "\ufeff" + text.getvalue()


def cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip(" \xa0\u200b").startswith(_TRIGGERS) else text


def _declared(nichandle: Nichandle) -> Any:
    return Retraction.objects.filter(order__nichandle=nichandle).order_by("declared_at")


def _withdrawals(nichandle: Nichandle) -> list[dict[str, Any]]:
    return [
        all_fields(retraction, without={"id", "order", "intent", "form_key"})
        | {"state": retraction.intent.state if retraction.intent else ""}
        for retraction in _declared(nichandle).select_related("intent")
    ]


def _trail(nichandle: Nichandle) -> list[dict[str, Any]]:
    """Who did or saw what of this account; staff by their role alone, as on the account's page."""
    lines = AuditEvent.objects.filter(subject=nichandle.nichandle).order_by("at")
    return [
        {
            "at": line.at,
            "who": "support desk" if line.action.startswith("staff_") else line.actor,
            "action": line.action,
            "target": line.target,
            "result": line.result,
        }
        for line in lines.iterator(chunk_size=CHUNK)
    ]


def all_fields(row: Any, without: set[str] | frozenset[str] = frozenset()) -> dict[str, Any]:
    return {
        field.name: field.value_from_object(row) for field in row._meta.concrete_fields if field.name not in without
    }


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)
