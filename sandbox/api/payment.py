"""/me/payment/method: what the customer pays with."""

from typing import Any

from . import fields
from .errors import no_such
from .fields import Field
from .routes import Call, route

STATUSES = (
    *("CANCELED", "CANCELING", "CREATED", "CREATING", "ERROR", "EXPIRED", "FAILED"),
    *("MAINTENANCE", "PAUSED", "REJECTED", "REPLACED", "VALID", "VALIDATING"),
)


@route(
    "GET /me/payment/method",
    query={
        "default": Field("boolean", fields.boolean),
        "paymentType": Field("string", fields.text),
        "status": Field("me.payment.method.StatusEnum", fields.one_of(*STATUSES)),
    },
)
def methods(call: Call) -> list[int]:
    wanted = {f"answer__{name}": value for name, value in call.query.items()}
    return list(call.customer.payment_methods.filter(**wanted).order_by("pk").values_list("pk", flat=True))


@route("GET /me/payment/method/{paymentMethodId}")
def method(call: Call, method_id: int) -> dict[str, Any]:
    found = call.customer.payment_methods.filter(pk=method_id).first()
    if found is None:
        raise no_such("paymentMethodId", method_id)
    answer: dict[str, Any] = found.answer
    return answer
