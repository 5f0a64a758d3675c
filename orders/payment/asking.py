"""Asking for a payment: the one transaction in which its intent comes to be."""

from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.ringing import ring
from orders import tasks
from orders.models import Intent, Order, PaymentChoices
from orders.payment import at_checkout
from orders.payment.choices import free_choice


class NotPaid(Exception):
    """
    Nothing was asked for. why: "over" (nothing to pay any more), "another" (the page showed another state), "price"
    (it showed another amount), "choice" (no such method, or OVHcloud does not take it for this order), "being-made" (it
    may be the one that is just being ordered to be paid at once).
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page showed when its button was pressed. attempts: earlier intents; amount: as `amount_of`."""

    key: str
    attempts: int
    amount: str


def amount_of(order: Order) -> str:
    """The amount as a form carries it, to be compared with what stands when it comes back."""
    return f"{order.price_with_tax.normalize():f} {order.currency_code}"


@transaction.atomic
def pay_order(request: HttpRequest | None, order: Order, asked: Asked) -> Intent:
    """
    Have the order paid with what was chosen, once, however often it is asked: while a payment is on its way, or was
    accepted, that one is the answer. After a refusal there may be another.

    Raises:
        NotPaid: see there.
    """
    now = timezone.now()
    # Everybody who pays this order queues here, so that the second finds what the first wrote.
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order.pk)
    earlier = list(Intent.objects.filter(order=order, kind=Intent.Kind.PAYMENT).order_by("pk"))
    standing = next((intent for intent in earlier if intent.state not in Intent.OVER), None)
    if standing is not None and not at_checkout.is_unseen(standing, now):
        return standing
    if not order.can_be_paid(now):
        raise NotPaid("over")
    if len(earlier) != asked.attempts:
        # Pressed on a page from before the last attempt was refused: whoever pressed has not read that yet.
        raise NotPaid("another")
    if asked.amount != amount_of(order):
        raise NotPaid("price")
    if standing is None and at_checkout.may_be_one(order, now):
        raise NotPaid("being-made")
    entry = free_choice() if order.is_free else _chosen(order, asked.key)
    if entry is None:
        raise NotPaid("choice")
    if standing is not None:
        # Without its lease, whoever is having it shown cannot write any more.
        Intent.objects.filter(pk=standing.pk).update(
            state=Intent.State.NEEDLESS, why=at_checkout.UNSEEN, next_attempt_at=None, lease=None, leased_until=None
        )
    intent = Intent.objects.create(
        kind=Intent.Kind.PAYMENT, nichandle=order.nichandle, order=order, arguments=entry | {"amount": asked.amount}
    )
    audit.record(
        request,
        "pay_order",
        subject=order.nichandle.nichandle,
        target=f"order {order.order_id}",
        amount=asked.amount,
        by=entry["type"],
    )
    ring(tasks.relay_intents)
    return intent


def _chosen(order: Order, key: str) -> dict[str, object] | None:
    row = PaymentChoices.objects.filter(order=order).first()
    entries = row.choices or [] if row else []
    return next((entry for entry in entries if entry["key"] == key and entry["available"]), None)
