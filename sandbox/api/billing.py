"""/me/bill and /me/refund: what orders became."""

from typing import Any

from django.db.models import QuerySet

from .. import world
from ..models import Bill, Detail
from ..money import Price
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


def _find(call: Call, kind: str, bill_id: str) -> Bill:
    found = _bills(call, kind).select_related("order").filter(pk=bill_id).first()
    if found is None:
        raise no_such(f"{kind.lower()}Id", bill_id)
    return found


@route("GET /me/bill/{billId}")
def bill(call: Call, bill_id: str) -> dict[str, Any]:
    found = _find(call, "Bill", bill_id)
    more = {"billId": bill_id, "category": found.category, "eInvoicingId": None, "eInvoicingStatus": None}
    return more | _as_answer(call, found)


@route("GET /me/refund", query=_FILTERS)
def refunds(call: Call) -> list[str]:
    return _ids(call, "Refund")


@route("GET /me/refund/{refundId}")
def refund(call: Call, refund_id: str) -> dict[str, Any]:
    found = _find(call, "Refund", refund_id)
    return {"refundId": refund_id, "originalBillId": found.original_bill_id} | _as_answer(call, found)


@route("GET /me/withdrawal", query=_FILTERS)
def withdrawals(call: Call) -> list[str]:
    """List what was taken from the prepaid account. Nothing to do with the right of withdrawal."""
    return _ids(call, "Withdrawal")


@route("GET /me/withdrawal/{withdrawalId}")
def withdrawal(call: Call, withdrawal_id: str) -> dict[str, Any]:
    found = _find(call, "Withdrawal", withdrawal_id)
    told = _as_answer(call, found)
    kept = {name: told[name] for name in ("orderId", "date", "url", "pdfUrl", "password")}
    more = {"withdrawalId": withdrawal_id, "amount": found.price_with_tax}
    return kept | more | {"country": call.customer.profile["country"]}


@route("GET /me/deposit", query=_FILTERS)
def deposits(call: Call) -> list[str]:
    """List what was paid into the prepaid account: nothing, for the sandbox offers no way to."""
    return []


# --- Lines and payment: a bill has the lines of its order; a refund has one, of what went back ---


def _line_ids(found: Bill) -> list[str]:
    if found.kind == "Refund":
        return [f"{found.bill_id}-1"]
    return [str(number) for number in found.order.details.order_by("pk").values_list("pk", flat=True)]


def _line(found: Bill, line_id: str, name: str) -> Detail | None:
    """Return a line's detail, None where the line is the whole refund."""
    if line_id not in _line_ids(found):
        raise no_such(name, line_id)
    return None if found.kind == "Refund" else found.order.details.get(pk=int(line_id))


def _long_price(quoted: Price) -> Price:
    return {name: value for name, value in quoted.items() if name != "priceInUcents"}


@route("GET /me/bill/{billId}/details")
def bill_lines(call: Call, bill_id: str) -> list[str]:
    return _line_ids(_find(call, "Bill", bill_id))


@route("GET /me/bill/{billId}/details/{billDetailId}")
def bill_line(call: Call, bill_id: str, line_id: str) -> dict[str, Any]:
    detail = _line(_find(call, "Bill", bill_id), line_id, "billDetailId")
    if detail is None:
        raise no_such("billDetailId", line_id)
    return {
        "billDetailId": line_id,
        "description": detail.description,
        "domain": detail.domain,
        "quantity": detail.quantity,
        "periodStart": None,
        "periodEnd": None,
        "totalPrice": detail.total_price,
        "unitPrice": _long_price(detail.unit_price),
    }


@route("GET /me/refund/{refundId}/details")
def refund_lines(call: Call, refund_id: str) -> list[str]:
    return _line_ids(_find(call, "Refund", refund_id))


@route("GET /me/refund/{refundId}/details/{refundDetailId}")
def refund_line(call: Call, refund_id: str, line_id: str) -> dict[str, Any]:
    found = _find(call, "Refund", refund_id)
    _line(found, line_id, "refundDetailId")
    first = found.order.details.order_by("pk").first()
    return {
        "refundId": refund_id,
        "refundDetailId": line_id,
        "description": first.description if first else "",
        "domain": first.domain if first else "*",
        "quantity": "1",
        "reference": found.original_bill_id or "",
        "totalPrice": found.price_without_tax,
        "unitPrice": found.price_without_tax,
    }


def _payment(found: Bill) -> dict[str, Any]:
    """Return billing.Payment; a free order's bill was paid by nothing."""
    paid = found.order.payment or {"paymentType": "none", "paymentIdentifier": None}
    if found.kind == "Refund":
        paid = paid | {"paymentType": "refund"}
    return {"paymentDate": world.on_wire(found.date), **paid}


@route("GET /me/bill/{billId}/payment")
def bill_payment(call: Call, bill_id: str) -> dict[str, Any]:
    return _payment(_find(call, "Bill", bill_id))


@route("GET /me/refund/{refundId}/payment")
def refund_payment(call: Call, refund_id: str) -> dict[str, Any]:
    return _payment(_find(call, "Refund", refund_id))
