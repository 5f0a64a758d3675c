"""POST /me/payment/method and /me/paymentMean: registering a means of payment, up to the provider's page."""

from typing import Any

from django.db import transaction

from .. import registering
from ..models import PaymentMethod
from . import payment, schema
from .errors import bad_request, no_such
from .orders import find_order
from .routes import Call, route

_AT = "/me/payment/method"
_ONE = f"{_AT}/{{paymentMethodId}}"


def _kind(call: Call, wanted: str) -> str:
    """Return a type that the account may register; refuse any other."""
    offered = {one["paymentType"] for one in payment.available_for(call.customer.profile) if one["registerable"]}
    if wanted not in offered:
        raise bad_request(f"Payment type {wanted[:100]} is not available")
    return wanted


def _validation(call: Call, method: PaymentMethod) -> dict[str, Any]:
    return {
        "paymentMethodId": method.pk,
        "validationType": "REDIRECT",
        "url": registering.url(call.base, method),
        "transactionId": None,
        "merchantId": None,
        "organizationId": None,
        "formSessionId": None,
    }


@route(f"POST {_AT}", body=schema.body(f"POST {_AT}"))
def register(call: Call) -> dict[str, Any]:
    asked = call.body
    kind, order_id = _kind(call, asked["paymentType"]), asked.get("orderId")
    callbacks = asked["callbackUrl"]
    if not all(one.startswith(("http://", "https://")) for one in callbacks.values()):
        raise bad_request("callbackUrl must hold addresses of http or https")
    if order_id is not None:
        find_order(call, order_id)
    with transaction.atomic():
        made = registering.begin(
            call.customer,
            kind,
            description=asked.get("description"),
            default=asked.get("default", False),
            register=asked.get("register", True),
            order_id=order_id,
            callbacks=callbacks,
        )
        return _validation(call, made)


def _open(call: Call, name: str, **lookup: Any) -> PaymentMethod:
    """Return what is being registered, locked. Inside a transaction."""
    found = call.customer.payment_methods.select_for_update(of=("self",)).filter(**lookup).first()
    if found is None:
        raise no_such(name, next(iter(lookup.values())))
    if not registering.is_open(found):
        raise bad_request("This payment method does not wait for anything")
    return found


def _challenge(method: PaymentMethod, given: str) -> None:
    if given != registering.CHALLENGE:
        raise bad_request("This challenge is not valid")
    registering.settle(method, "success")


@route(f"POST {_ONE}/challenge", body=schema.body(f"POST {_ONE}/challenge"))
def challenge(call: Call, method_id: int) -> None:
    with transaction.atomic():
        _challenge(_open(call, "paymentMethodId", pk=method_id), call.body["challenge"])


@route(f"POST {_ONE}/details", body=schema.body(f"POST {_ONE}/details"))
def details(call: Call, method_id: int) -> dict[str, Any]:
    with transaction.atomic():
        return _validation(call, _open(call, "paymentMethodId", pk=method_id))


@route(f"POST {_ONE}/finalize", body=schema.body(f"POST {_ONE}/finalize"))
def finalize(call: Call, method_id: int) -> dict[str, Any]:
    month, year = call.body.get("expirationMonth"), call.body.get("expirationYear")
    if month is not None and not 1 <= month <= 12:
        raise bad_request("expirationMonth must be between 1 and 12")
    with transaction.atomic():
        found = _open(call, "paymentMethodId", pk=method_id)
        if month is not None and year is not None and 2000 <= year <= 9000:
            found.answer["expirationDate"] = f"{year}-{month:02}-28T23:59:59+01:00"
        registering.settle(found, "success")
    return payment.method(call, method_id)


def _register_old(word: str, kind: str) -> None:
    at = f"/me/paymentMean/{word}"

    @route(f"POST {at}", body=schema.body(f"POST {at}"))
    def begun(call: Call) -> dict[str, Any]:
        asked, back = call.body, call.body.get("returnUrl")
        with transaction.atomic():
            made = registering.begin(
                call.customer,
                _kind(call, kind),
                label=asked.get("iban"),
                description=asked.get("description"),
                default=asked.get("setDefault") or False,
                callbacks=dict.fromkeys(("success", "failure", "cancel"), back) if back else None,
            )
            return {
                "id": made.answer["paymentMeanId"],
                "url": registering.url(call.base, made),
                "submitUrl": None,
                "validationType": "simpleValidation",
            }

    @route(f"POST {at}/{{id}}/challenge", body=schema.body(f"POST {at}/{{id}}/challenge"))
    def answered(call: Call, mean_id: int) -> None:
        with transaction.atomic():
            _challenge(_open(call, "id", answer__paymentMeanId=mean_id), call.body["challenge"])


for _word, _of in (("bankAccount", "SEPA_DIRECT_DEBIT"), ("creditCard", "CREDIT_CARD"), ("paypal", "PAYPAL")):
    _register_old(_word, _of)
