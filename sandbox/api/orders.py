"""/me/order: purchase orders, their lines, tracking, payment and withdrawal."""

from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from .. import follow_up as tracking
from .. import life, prepaid, world
from ..models import Bill, Order, PaymentMethod
from ..money import amount_of
from . import fields, stored
from .errors import ApiError, bad_request, no_such, not_found
from .fields import Field
from .payment import available_for, note_transaction
from .routes import Call, route
from .stored import OrderShown

REASONS = ("competitor", "difficulty", "expensive", "other", "performance", "reliability", "unused")
MEANS = (
    *("CREDIT_CARD", "CURRENT_ACCOUNT", "DEFERRED_PAYMENT_ACCOUNT", "DOMESTIC_CARD", "ENTERPRISE"),
    *("INTERNAL_TRUSTED_ACCOUNT", "PAYPAL", "RUPAY", "SEPA_DIRECT_DEBIT", "bankAccount", "creditCard"),
    *("deferredPaymentAccount", "fidelityAccount", "ovhAccount", "paypal"),
)
# The legacy word for each type of method, and what billing.Payment calls a payment by it.
LEGACY = {
    "CREDIT_CARD": "creditCard",
    "SEPA_DIRECT_DEBIT": "bankAccount",
    "PAYPAL": "paypal",
    "DEFERRED_PAYMENT_ACCOUNT": "deferredPaymentAccount",
}
PAID_BY = {
    "creditCard": "creditCard",
    "bankAccount": "paymentMandate",
    "paypal": "paypal",
    "deferredPaymentAccount": "debtAccount",
    "ovhAccount": "ovhAccount",
    "fidelityAccount": "free",
}
# Of these an account may have several, so that their number is needed too.
_NUMBERED = ("bankAccount", "creditCard", "paypal")


def _orders(call: Call) -> QuerySet[Order]:
    """The customer's orders that exist: one that was not paid in time is gone from its very second."""
    lapsed = Q(status="notPaid", lapses=True, expiration_date__lte=world.now())
    return call.customer.orders.filter(gone_at__isnull=True).exclude(lapsed)


def find_order(call: Call, order_id: int) -> Order:
    order = _orders(call).filter(pk=order_id).first()
    if order is None:
        raise no_such("orderId", order_id)
    return order


def locked_order(call: Call, order_id: int) -> Order:
    order = call.customer.orders.select_for_update(of=("self",)).select_related("customer").filter(pk=order_id).first()
    if order is None or order.has_lapsed(world.now()):
        raise no_such("orderId", order_id)
    return order


def document_url(base: str, order: Order | OrderShown) -> str:
    return f"{base}/order/display-order.cgi?orderId={order.order_id}&orderPassword={order.password}"


def as_answer(base: str, order: Order | OrderShown) -> dict[str, Any]:
    url = document_url(base, order)
    answer = {
        "orderId": order.order_id,
        "date": world.on_wire(order.date),
        "expirationDate": world.on_wire(order.expiration_date),
        "retractionDate": world.on_wire(order.retraction_date),
        "priceWithTax": order.price_with_tax,
        "priceWithoutTax": order.price_without_tax,
        "tax": order.tax,
        "url": url,
        "pdfUrl": url,
        "password": order.password,
        "metadatas": order.metadatas,
    }
    return {name: value for name, value in answer.items() if name not in order.left_out}


def _expand(call: Call, order_ids: list[int]) -> list[dict[str, Any]]:
    return [as_answer(call.base, order) for order in stored.orders_shown(call.customer, order_ids)]


@route(
    "GET /me/order",
    query={"date.from": Field("datetime", fields.moment), "date.to": Field("datetime", fields.moment)},
    expand=_expand,
)
def list_orders(call: Call) -> list[int]:
    return stored.order_ids(call.customer, call.query.get("date.from"), call.query.get("date.to"))


def _numbers(keys: list[str]) -> list[int]:
    """Return the order numbers among the keys of a batch; what is none is refused by itself."""
    return [int(key) for key in keys if key.isascii() and key.isdecimal() and len(key) < 19]


def _orders_together(call: Call, keys: list[str]) -> dict[str, Any]:
    found = stored.orders_shown(call.customer, _numbers(keys))
    return {str(order.order_id): as_answer(call.base, order) for order in found}


def _statuses_together(call: Call, keys: list[str]) -> dict[str, Any]:
    return {str(number): status for number, status in stored.order_statuses(call.customer, _numbers(keys)).items()}


@route("GET /me/order/{orderId}", together=_orders_together)
def show_order(call: Call, order_id: int) -> dict[str, Any]:
    return as_answer(call.base, stored.order_shown(call.customer, order_id))


@route("GET /me/order/{orderId}/status", together=_statuses_together)
def status(call: Call, order_id: int) -> str:
    return stored.order_status(call.customer, order_id)


@route("GET /me/order/{orderId}/details")
def details(call: Call, order_id: int) -> list[int]:
    return stored.detail_ids(call.customer, order_id)


@route("GET /me/order/{orderId}/details/{orderDetailId}")
def detail(call: Call, order_id: int, detail_id: int) -> dict[str, Any]:
    found = stored.detail_shown(call.customer, order_id, detail_id)
    return {
        "orderDetailId": found.order_detail_id,
        "description": found.description,
        "domain": found.domain,
        "detailType": found.detail_type,
        "quantity": found.quantity,
        "unitPrice": found.unit_price,
        "totalPrice": found.total_price,
        "cancelled": found.cancelled,
    }


@route("GET /me/order/{orderId}/details/{orderDetailId}/extension")
def extension(call: Call, order_id: int, detail_id: int) -> dict[str, Any]:
    found = stored.detail_shown(call.customer, order_id, detail_id).extension
    if found is None:
        raise not_found("The requested object (extension) does not exist")
    return found


@route("GET /me/order/{orderId}/followUp")
def follow_up(call: Call, order_id: int) -> list[dict[str, Any]]:
    steps = stored.order_tracking(call.customer, order_id)
    wanted = world.switch("follow_up")
    if wanted == "todo":
        return tracking.new()
    if steps is None or wanted == "missing":
        raise not_found("The requested object (followUp) does not exist")
    return steps


@route("GET /me/order/{orderId}/associatedObject")
def associated_object(call: Call, order_id: int) -> dict[str, Any]:
    # "Refund" sorts after "Bill": once money went back, the refund is what the order became.
    became = Bill.objects.filter(order=find_order(call, order_id), kind__in=("Bill", "Refund"))
    last = became.order_by("-kind").first()
    return {"type": last.kind if last else None, "id": last.bill_id if last else None}


# --- Paying ---


@route("GET /me/order/{orderId}/payment")
def payment(call: Call, order_id: int) -> dict[str, Any]:
    order = find_order(call, order_id)
    if order.paid_at is None:
        raise not_found("The requested object (payment) does not exist")
    paid = order.payment or {"paymentType": "creditCard", "paymentIdentifier": None}
    return {"paymentDate": world.on_wire(order.paid_at), **paid}


def _methods(call: Call) -> list[PaymentMethod]:
    methods = call.customer.payment_methods.order_by("pk")
    return [method for method in methods if method.answer["status"] == "VALID"]


@route("GET /me/order/{orderId}/availableRegisteredPaymentMean")
def available_means(call: Call, order_id: int) -> list[dict[str, str]]:
    order = find_order(call, order_id)
    if _is_free(order):
        return [{"paymentMean": "fidelityAccount"}]
    types = {method.answer["paymentType"] for method in _methods(call)}
    means = [LEGACY.get(name, name) for name in sorted(types)]
    if prepaid.covers(order):
        means.append("ovhAccount")
    return [{"paymentMean": mean} for mean in means]


@route("GET /me/order/{orderId}/paymentMethods")
def payment_methods(call: Call, order_id: int) -> dict[str, Any]:
    find_order(call, order_id)
    methods = _methods(call)
    return {
        "available": available_for(call.customer.profile),
        "paymentMethods": [method.answer for method in methods],
        "registered": [method.payment_method_id for method in methods],
    }


@route(
    "POST /me/order/{orderId}/pay",
    body={
        "paymentMethod": Field("billing.order.PayWithPaymentMethod", fields.object_of(id=fields.long), required=True)
    },
)
def pay(call: Call, order_id: int) -> None:
    wanted = call.body["paymentMethod"]["id"]
    method = next((one for one in _methods(call) if one.payment_method_id == wanted), None)
    find_order(call, order_id)
    if method is None:
        raise no_such("paymentMethodId", wanted)
    mean = LEGACY.get(method.answer["paymentType"], method.answer["paymentType"])
    _pay(call, order_id, mean, method)


@route(
    "POST /me/order/{orderId}/payWithRegisteredPaymentMean",
    body={
        "paymentMean": Field("billing.ReusablePaymentMeanEnum", fields.one_of(*MEANS), required=True),
        "paymentMeanId": Field("long", fields.long),
    },
)
def pay_with_mean(call: Call, order_id: int) -> None:
    mean, mean_id = call.body["paymentMean"], call.body.get("paymentMeanId")
    order = find_order(call, order_id)
    if mean == "fidelityAccount" and _is_free(order):
        return _pay(call, order_id, mean, None)
    if mean == "ovhAccount" and prepaid.covers(order):
        return _pay(call, order_id, mean, None)
    if mean in _NUMBERED and mean_id is None:
        raise bad_request("Missing parameter(s): paymentMeanId")
    for method in _methods(call):
        kind = method.answer["paymentType"]
        if mean == kind or (mean == LEGACY.get(kind) and mean_id in (None, method.answer["paymentMeanId"])):
            return _pay(call, order_id, LEGACY.get(kind, kind), method)
    raise _not_by(mean)


def _pay(call: Call, order_id: int, mean: str, method: PaymentMethod | None) -> None:
    refused = method is not None and method.refuses
    with transaction.atomic():
        order = locked_order(call, order_id)
        if refused and (order.status == "notPaid" or world.switch("pays_twice")):
            life.refuse_payment(order, PAID_BY.get(mean, "creditCard"))
        else:
            identifier = method.answer["label"] if method else None
            try:
                life.pay(order, PAID_BY.get(mean, "creditCard"), identifier)
            except life.Refused as refusal:
                raise bad_request(str(refusal)) from None
            if mean == "ovhAccount" and not prepaid.take(order):
                raise _not_by(mean)
        if method is not None:
            note_transaction(method, order.price_with_tax, "FAILED" if refused else "SUCCESS")
    if refused:
        raise _not_by(mean)


def _not_by(mean: str) -> ApiError:
    return ApiError(403, f"This order can't be paid with '{mean}'", "FORBIDDEN")


def _is_free(order: Order) -> bool:
    return amount_of(order.price_with_tax) == 0


# --- Withdrawal ---


@route(
    "POST /me/order/{orderId}/retraction",
    body={
        "reason": Field("billing.order.RetractionReasonEnum", fields.one_of(*REASONS), required=True),
        "comment": Field("text", fields.text),
    },
)
def retraction(call: Call, order_id: int) -> None:
    refusal = None
    with transaction.atomic():
        order = locked_order(call, order_id)
        try:
            life.retract(order, call.body["reason"], call.body.get("comment"))
        except life.Refused as why:
            refusal = str(why)
            life.note(order_id, "retraction_refused", message=refusal)
    if refusal is not None:
        raise bad_request(refusal)


@route("POST /me/order/{orderId}/waiveRetraction")
def waive_retraction(call: Call, order_id: int) -> None:
    with transaction.atomic():
        try:
            life.waive(locked_order(call, order_id))
        except life.Refused as refusal:
            raise bad_request(str(refusal)) from None
