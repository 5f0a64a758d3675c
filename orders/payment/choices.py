"""With what an order can be paid: asked of OVHcloud, kept, and found again by its key."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils import timezone

from accounts import ovh
from accounts.ringing import ring
from gateway import Gateway, OvhError, OvhRefused, PaymentMethodRecord
from orders import learning, tasks, words
from orders.models import Order, PaymentChoices

# The older word for each type of method. One without is paid with by its new number.
LEGACY = {
    "CREDIT_CARD": "creditCard",
    "SEPA_DIRECT_DEBIT": "bankAccount",
    "PAYPAL": "paypal",
    "DEFERRED_PAYMENT_ACCOUNT": "deferredPaymentAccount",
}
# Means that are no saved method, and the words that pages know them by.
BALANCES = {"ovhAccount": "OVH_ACCOUNT", "fidelityAccount": "FIDELITY_ACCOUNT"}
FREE = "fidelityAccount"


@dataclass(frozen=True, slots=True)
class Choice:
    """
    One way to pay. mean, mean_id: in the older words, "" and None where it has none; method_id: the new number.

    available: OVHcloud takes it for this order.
    """

    key: str
    mean: str
    mean_id: int | None
    method_id: int | None
    text: str
    default: bool
    available: bool


def ask_for_choices(order: Order) -> None:
    """Its payment page is open: have the choices read, unless they are fresh or being read."""
    now = timezone.now()
    row, _made = PaymentChoices.objects.get_or_create(order=order)
    if not row.is_stale(now):
        return
    free = PaymentChoices.objects.filter(pk=order.pk)
    if free.filter(Q(asked_at=None) | Q(asked_at__lt=now - PaymentChoices.ASKED_EVERY)).update(asked_at=now):
        ring(tasks.read_payment_choices, order.pk)


def read_choices(order_pk: int) -> None:
    """
    Read with what an order can be paid. Running it again rewrites the same row.

    Source: GET /me/order/{orderId}/availableRegisteredPaymentMean, GET /me/order/{orderId}/paymentMethods,
    GET /me/payment/method, GET /me/payment/method/{id}.
    """
    order = Order.objects.select_related("nichandle").get(pk=order_pk)
    try:
        read: dict[str, Any] = {"choices": _ask(ovh.gateway_for(order.nichandle), order.order_id)}
    except ovh.NoKey:
        read = {}
    except OvhError as error:
        learning.note_error(order.pk, error)
        read = {}
    now = timezone.now()
    read |= {"read_at": now, "failed_at": None} if read else {"failed_at": now}
    PaymentChoices.objects.update_or_create(order=order, defaults=read)


def _ask(gateway: Gateway, order_id: int) -> list[dict[str, Any]]:
    means = set(gateway.available_registered_payment_means(order_id))
    try:
        registered = set(gateway.payment_methods(order_id).registered)
    except OvhRefused:
        # The route is a BETA.
        registered = set()
    methods = [gateway.payment_method(method_id) for method_id in gateway.registered_payment_method_ids()]
    valid = [method for method in methods if method.status == "VALID"]
    found = [_of_method(method, means, registered) for method in sorted(valid, key=lambda one: not one.default)]
    return found + [_of_balance(mean) for mean in BALANCES if mean in means]


def _of_method(method: PaymentMethodRecord, means: set[str], registered: set[int]) -> dict[str, Any]:
    mean = LEGACY.get(method.payment_type, "") if method.payment_mean_id is not None else ""
    named = {mean, method.payment_type, LEGACY.get(method.payment_type)} & means
    return {
        "key": f"m{method.payment_method_id}",
        "mean": mean,
        "mean_id": method.payment_mean_id,
        "method_id": method.payment_method_id,
        "type": method.payment_type,
        "sub_type": method.payment_sub_type,
        "label": method.label or method.description,
        "default": method.default,
        "available": bool(named) or method.payment_method_id in registered,
    }


def _of_balance(mean: str) -> dict[str, Any]:
    facts = {"key": mean, "mean": mean, "mean_id": None, "method_id": None, "type": BALANCES[mean]}
    return facts | {"sub_type": "", "label": "", "default": False, "available": True}


def choices_of(row: PaymentChoices | None) -> list[Choice]:
    """In words of the page's language, those that OVHcloud takes first, and of these the default."""
    if row is None or row.choices is None:
        return []
    choices = [choice_from(entry) for entry in row.choices]
    return sorted(choices, key=lambda choice: (not choice.available, not choice.default))


def choice_from(entry: dict[str, Any]) -> Choice:
    return Choice(
        key=entry["key"],
        mean=entry["mean"],
        mean_id=entry["mean_id"],
        method_id=entry["method_id"],
        text=words.payment_method(entry),
        default=entry["default"],
        available=entry["available"],
    )


def free_choice() -> dict[str, Any]:
    """What a free order is "paid" with."""
    return _of_balance(FREE)
