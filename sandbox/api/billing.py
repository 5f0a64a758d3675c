"""/me/bill and /me/refund: what orders became."""

from typing import Any

from django.db.models import QuerySet

from .. import world
from ..models import Bill
from . import fields
from .errors import no_such
from .fields import Field
from .routes import Call, route

CATEGORIES = (
    *("autorenew", "earlyrenewal", "purchase", "purchase-cloud"),
    *("purchase-servers", "purchase-telecom", "purchase-web"),
)
_FILTERS = {
    "date.from": Field("datetime", fields.moment),
    "date.to": Field("datetime", fields.moment),
    "orderId": Field("long", fields.long),
}
_LOOKUPS = {
    "date.from": "date__gte",
    "date.to": "date__lte",
    "orderId": "order_id",
    "category": "category",
}


def _bills(call: Call, kind: str) -> QuerySet[Bill]:
    return Bill.objects.filter(customer=call.customer, kind=kind).order_by("date", "pk")


def _ids(call: Call, kind: str) -> list[str]:
    wanted = {_LOOKUPS[name]: value for name, value in call.query.items()}
    return list(_bills(call, kind).filter(**wanted).values_list("pk", flat=True))


def bill_url(base: str, bill: Bill, suffix: str = "") -> str:
    return f"{base}/billing/{bill.bill_id}{suffix}?passwd={bill.password}"


def _as_answer(call: Call, bill: Bill) -> dict[str, Any]:
    return {
        "orderId": bill.order_id,
        "date": world.on_wire(bill.date),
        "priceWithTax": bill.price_with_tax,
        "priceWithoutTax": bill.price_without_tax,
        "tax": bill.tax,
        "url": bill_url(call.base, bill),
        "pdfUrl": bill_url(call.base, bill, ".pdf"),
        "password": bill.password,
    }


@route("GET /me/bill", query=_FILTERS | {"category": Field("billing.CategoryEnum", fields.one_of(*CATEGORIES))})
def bills(call: Call) -> list[str]:
    return _ids(call, "Bill")


@route("GET /me/bill/{billId}")
def bill(call: Call, bill_id: str) -> dict[str, Any]:
    found = _bills(call, "Bill").filter(pk=bill_id).first()
    if found is None:
        raise no_such("billId", bill_id)
    more = {"billId": bill_id, "category": found.category, "eInvoicingId": None, "eInvoicingStatus": None}
    return more | _as_answer(call, found)


@route("GET /me/refund", query=_FILTERS)
def refunds(call: Call) -> list[str]:
    return _ids(call, "Refund")


@route("GET /me/refund/{refundId}")
def refund(call: Call, refund_id: str) -> dict[str, Any]:
    found = _bills(call, "Refund").filter(pk=refund_id).first()
    if found is None:
        raise no_such("refundId", refund_id)
    return {"refundId": refund_id, "originalBillId": found.original_bill_id} | _as_answer(call, found)
