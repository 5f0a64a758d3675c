"""Registering a means of payment: asked for through the API, settled on a page that stands for a payment provider's."""

import hmac
import secrets
from datetime import timedelta
from typing import Any

from . import life, world
from .models import Belonging, Customer, Order, PaymentMethod

_FIRST = 8_000
KIND = "registration"
# The word that answers every challenge.
CHALLENGE = "1234"
_OPEN = ("CREATING", "VALIDATING")
_OUTCOMES = {"success": "VALID", "failure": "FAILED", "cancel": "CANCELED"}


class NotOpen(Exception):
    """It is registered, or given up, and cannot be settled again."""


def begin(customer: Customer, kind: str, **wanted: Any) -> PaymentMethod:
    """
    Begin to register. Inside a transaction.

    wanted: label, description, default, register (False: once only), order_id to be paid, callbacks by outcome.
    """
    number = _FIRST + world.next_numbers(1)[0]
    at = world.on_wire(world.now())
    method = PaymentMethod.objects.create(
        payment_method_id=number,
        customer=customer,
        answer={
            "paymentMethodId": number,
            "paymentType": kind,
            "paymentSubType": "VISA" if kind == "CREDIT_CARD" else None,
            "status": "CREATING",
            "default": False,
            "label": wanted.pop("label", None),
            "description": wanted.pop("description", None),
            "creationDate": at,
            "lastUpdate": at,
            "expirationDate": world.on_wire(world.now() + timedelta(days=1000)) if kind == "CREDIT_CARD" else None,
            "paymentMeanId": 12_000 + number,
            "integration": "REDIRECT",
            "icon": {"name": kind.lower(), "url": None, "data": None},
            "billingContactId": None,
            "oneclick": kind == "CREDIT_CARD",
            "merchantId": None,
            "formSessionId": None,
        },
    )
    asked = {"token": secrets.token_urlsafe(16), **wanted}
    customer.belongings.create(kind=KIND, number=number, answer=asked)
    return method


def url(base: str, method: PaymentMethod) -> str:
    return f"{base}/payment/{method.pk}?token={_asked(method).answer['token']}"


def _asked(method: PaymentMethod) -> Belonging:
    return Belonging.objects.get(kind=KIND, number=method.pk)


def find(number: int, token: str) -> PaymentMethod | None:
    """Return what is being registered, to whoever knows the secret in its address."""
    method = PaymentMethod.objects.select_related("customer").filter(pk=number).first()
    asked = Belonging.objects.filter(kind=KIND, number=number).first()
    if method is None or asked is None or not hmac.compare_digest(asked.answer["token"].encode(), token.encode()):
        return None
    return method


def is_open(method: PaymentMethod) -> bool:
    return method.answer["status"] in _OPEN


def settle(method: PaymentMethod, outcome: str) -> str:
    """
    End a registration with success, failure or cancel. Inside a transaction.

    Returns the address to lead to, "" where none was given. Raises NotOpen.
    """
    if not is_open(method):
        raise NotOpen
    asked = _asked(method).answer
    if asked.get("order_id") is not None and outcome != "cancel":
        _pay(method, asked["order_id"], outcome)
    status = _OUTCOMES[outcome]
    if status == "VALID" and not asked.get("register", True):
        status = "CANCELED"  # it was for once
    method.answer |= {
        "status": status,
        "label": method.answer["label"] or _label(method),
        "lastUpdate": world.on_wire(world.now()),
    }
    method.save(update_fields=["answer"])
    if status == "VALID" and asked.get("default"):
        make_default(method)
    return str((asked.get("callbacks") or {}).get(outcome, ""))


def _label(method: PaymentMethod) -> str:
    """Return what a provider would tell of what was registered with it."""
    if method.answer["paymentType"] == "PAYPAL":
        return str(method.customer.profile["email"])
    return "4970 00XX XXXX XX99" if method.answer["paymentType"] == "CREDIT_CARD" else "FR76 XXXX XXXX XXXX XXXX 999"


def _pay(method: PaymentMethod, order_id: int, outcome: str) -> None:
    order = Order.objects.select_for_update(of=("self",)).select_related("customer").get(pk=order_id)
    if order.status != "notPaid" or order.has_lapsed(world.now()):
        raise NotOpen
    if outcome == "failure":
        life.refuse_payment(order, "creditCard", by="page")
    else:
        life.pay(order, "paypal" if method.answer["paymentType"] == "PAYPAL" else "creditCard", None, by="page")


def make_default(wanted: PaymentMethod) -> None:
    for one in PaymentMethod.objects.select_for_update().filter(customer=wanted.customer_id):
        if one.answer["default"] != (one.pk == wanted.pk):
            one.answer |= {"default": one.pk == wanted.pk, "lastUpdate": world.on_wire(world.now())}
            one.save(update_fields=["answer"])
