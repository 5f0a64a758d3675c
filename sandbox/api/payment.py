"""/me/payment: what the customer pays with; and /me/paymentMean, the same in its older words."""

from collections.abc import Callable
from typing import Any

from django.db import transaction

from .. import registering, world
from ..models import PaymentMethod
from . import fields, schema
from .errors import ApiError, no_such
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


def _method(call: Call, method_id: int) -> PaymentMethod:
    found = call.customer.payment_methods.filter(pk=method_id).first()
    if found is None:
        raise no_such("paymentMethodId", method_id)
    return found


@route("GET /me/payment/method/{paymentMethodId}")
def method(call: Call, method_id: int) -> dict[str, Any]:
    answer: dict[str, Any] = _method(call, method_id).answer
    return answer


@route(
    "PUT /me/payment/method/{paymentMethodId}",
    body={
        "default": Field("boolean", fields.boolean),
        "description": Field("string", fields.text, nullable=True),
        # A whole PaymentMethod may come back; only these two of it can be changed.
        **{
            name: Field("read-only", lambda value: value, nullable=True)
            for name in schema.models()["me.payment.PaymentMethod"]["properties"]
            if name not in ("default", "description")
        },
    },
)
def change_method(call: Call, method_id: int) -> dict[str, Any]:
    found = _method(call, method_id)
    if "description" in call.body:
        _write(found, description=call.body["description"])
    if call.body.get("default"):
        _make_default(found)
    return method(call, method_id)


@route("DELETE /me/payment/method/{paymentMethodId}")
def delete_method(call: Call, method_id: int) -> dict[str, Any]:
    found = _method(call, method_id)
    _write(found, status="CANCELED", default=False)
    answer: dict[str, Any] = found.answer
    return answer


def _write(found: PaymentMethod, **changed: Any) -> None:
    found.answer |= changed | {"lastUpdate": world.on_wire(world.now())}
    found.save(update_fields=["answer"])


def _make_default(wanted: PaymentMethod) -> None:
    with transaction.atomic():
        registering.make_default(wanted)


# --- What an account may use depends on where and what it is ---


def available_method(kind: str, sub_type: str | None) -> dict[str, Any]:
    return {
        "paymentType": kind,
        "paymentSubType": sub_type,
        "icon": {"name": (sub_type or kind).lower(), "url": None, "data": None},
        "integration": "BANK_TRANSFER" if kind == "BANK_TRANSFER" else "REDIRECT",
        "oneshot": kind != "SEPA_DIRECT_DEBIT",
        "registerable": kind != "BANK_TRANSFER",
        "registerableWithTransaction": kind in ("CREDIT_CARD", "PAYPAL"),
        "merchantId": None,
        "organizationId": None,
        "formSessionId": None,
    }


def available_for(profile: dict[str, Any]) -> list[dict[str, Any]]:
    """Return me.payment.AvailablePaymentMethod: debits in euros only, transfers for those who are not individuals."""
    kinds: list[tuple[str, str | None]] = [("CREDIT_CARD", "VISA"), ("PAYPAL", None)]
    if profile["currency"]["code"] == "EUR":
        kinds.append(("SEPA_DIRECT_DEBIT", None))
    if profile["legalform"] != "individual":
        kinds.append(("BANK_TRANSFER", None))
    if profile["legalform"] == "administration" and profile["country"] == "FR":
        kinds.append(("DEFERRED_PAYMENT_ACCOUNT", "CHORUS"))
    return [available_method(*kind) for kind in kinds]


@route("GET /me/payment/availableMethods")
def available_methods(call: Call) -> list[dict[str, Any]]:
    return available_for(call.customer.profile)


# --- Transactions: one for every payment by a registered method ---


@route("GET /me/payment/transaction", query=schema.query("GET /me/payment/transaction"))
def transactions(call: Call) -> list[int]:
    wanted = {f"answer__{name}": value for name, value in call.query.items()}
    found = call.customer.belongings.filter(kind="transaction", **wanted).order_by("number")
    return list(found.values_list("number", flat=True))


@route("GET /me/payment/transaction/{transactionId}")
def one_transaction(call: Call, transaction_id: int) -> dict[str, Any]:
    found = call.customer.belongings.filter(kind="transaction", number=transaction_id).first()
    if found is None:
        raise no_such("transactionId", transaction_id)
    answer: dict[str, Any] = found.answer
    return answer


def note_transaction(found: PaymentMethod, amount: dict[str, Any], status: str) -> None:
    number = 5_000_000 + world.next_numbers(1)[0]
    at = world.on_wire(world.now())
    answer = {
        "transactionId": number,
        "paymentMethodId": found.pk,
        "amount": amount,
        "status": status,
        "type": "DEBIT",
        "creationDate": at,
        "lastUpdate": at,
    }
    found.customer.belongings.create(kind="transaction", number=number, answer=answer)


# --- The older words ---


def _as_bank_account(answer: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "iban": answer["label"],
        "bic": "XXXXFRPPXXX",
        "ownerName": f"{profile['firstname']} {profile['name']}",
        "ownerAddress": profile["address"] or "",
        "uniqueReference": f"SANDBOX{answer['paymentMeanId']}",
        "creationDate": answer["creationDate"][:10],
        "mandateSignatureDate": answer["creationDate"][:10],
        "validationDocumentLink": None,
        "state": "valid",
    }


def _as_credit_card(answer: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": answer["label"],
        "type": "visa",
        "expirationDate": answer["expirationDate"][:10],
        "threeDsValidated": True,
        "state": "valid",
    }


def _as_paypal(answer: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {
        "email": answer["label"],
        "agreementId": f"B-{answer['paymentMeanId']}",
        "creationDate": answer["creationDate"],
        "state": "valid",
    }


def _as_deferred(answer: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
    return {"label": answer["label"], "creationDate": answer["creationDate"], "state": "valid"}


_Words = Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]]
_OLD: dict[str, tuple[str, str, _Words]] = {
    "bankAccount": ("SEPA_DIRECT_DEBIT", "BankAccount", _as_bank_account),
    "creditCard": ("CREDIT_CARD", "CreditCard", _as_credit_card),
    "paypal": ("PAYPAL", "Paypal", _as_paypal),
    "deferredPaymentAccount": ("DEFERRED_PAYMENT_ACCOUNT", "Deferred", _as_deferred),
}


def _register_old(kind: str) -> None:
    """Register the routes of one kind of /me/paymentMean."""
    new_kind, model, words = _OLD[kind]
    at = f"/me/paymentMean/{kind}"

    def all_of(call: Call) -> list[PaymentMethod]:
        wanted = {"answer__paymentType": new_kind, "answer__status": "VALID"}
        return list(call.customer.payment_methods.filter(**wanted).order_by("pk"))

    def one_of(call: Call, mean_id: int) -> PaymentMethod:
        found = next((one for one in all_of(call) if one.answer["paymentMeanId"] == mean_id), None)
        if found is None:
            raise no_such("id", mean_id)
        return found

    @route(f"GET {at}", query=schema.query(f"GET {at}"))
    def listed(call: Call) -> list[int]:
        state = call.query.get("state", "valid")
        return [one.answer["paymentMeanId"] for one in all_of(call)] if state == "valid" else []

    @route(f"GET {at}/{{id}}")
    def shown(call: Call, mean_id: int) -> dict[str, Any]:
        answer = one_of(call, mean_id).answer
        named = {"name": answer["icon"]["name"], "url": None, "data": None}
        every = {"id": mean_id, "description": answer["description"], "icon": named}
        return {**every, "defaultPaymentMean": answer["default"], **words(answer, call.customer.profile)}

    @route(f"PUT {at}/{{id}}", body=schema.body(f"PUT {at}/{{id}}"))
    def described(call: Call, mean_id: int) -> None:
        found = one_of(call, mean_id)
        if "description" in schema.writable(f"me.paymentMean.{model}", call.body):
            _write(found, description=call.body["description"])

    @route(f"POST {at}/{{id}}/chooseAsDefaultPaymentMean")
    def chosen(call: Call, mean_id: int) -> None:
        _make_default(one_of(call, mean_id))

    if kind != "deferredPaymentAccount":

        @route(f"DELETE {at}/{{id}}")
        def deleted(call: Call, mean_id: int) -> None:
            found = one_of(call, mean_id)
            if found.answer["default"]:
                raise ApiError(403, "The default payment mean cannot be deleted", "FORBIDDEN")
            _write(found, status="CANCELED")


for _kind in _OLD:
    _register_old(_kind)
