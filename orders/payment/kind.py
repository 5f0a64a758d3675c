"""What a payment means at OVHcloud: look, pay, and look again where the answer was lost."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from gateway import Gateway, NotFound, OvhRefused
from orders.models import Intent, Order, OrderEvent, Retraction, Status
from orders.payment import at_checkout
from orders.relay.kinds import Kind, Needless

Event = OrderEvent.Kind

# Nobody wants to be surprised by a payment they asked for the day before yesterday.
GOOD_FOR = timedelta(hours=24)

# After a payment; cancelled alone says nothing, for what lapsed unpaid is cancelled, too.
_AFTER = (Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.DELIVERED, Status.CANCELLING)


class PaymentKind(Kind):
    """
    Pay the whole order with what the customer chose. OVHcloud shows it by a status that is no longer notPaid.

    arguments of its intents: mean and mean_id in the older words, or method_id; and what the page says of them.
    """

    route = "POST /me/order/{orderId}/payWithRegisteredPaymentMean"
    NEW_ROUTE = "POST /me/order/{orderId}/pay"
    ordering = True
    words: Mapping[str, Any] = {
        Event.SENT: _("Payment sent to OVHcloud"),
        Event.ACCEPTED: _("Payment accepted by OVHcloud"),
        Event.REFUSED: _("Payment refused by OVHcloud or the bank"),
        Event.DOUBTFUL: _("No clear answer from OVHcloud to the payment; we look again"),
        Event.HELD: _("Payment held"),
        Event.GIVEN_UP: _("Payment not confirmed by OVHcloud; a person looks at it"),
        Event.RUNG: _("Support had the payment taken up again"),
        Event.CLOSED: _("Support closed the payment; it is not sent any more"),
        Event.NEEDLESS: _("Payment not sent: no longer needed"),
    }

    _PAID_BEFORE = re.compile(r"already (been )?paid|d[ée]j[àa] (été )?(pay|réglé)", re.IGNORECASE)

    @property
    def routes(self) -> tuple[str, ...]:
        return (self.route, self.NEW_ROUTE)

    def route_of(self, intent: Intent) -> str:
        return self.route if intent.arguments.get("mean") else self.NEW_ROUTE

    def before(self, gateway: Gateway, intent: Intent) -> None:
        """Nothing is sent for an order that is paid, lapsed, or withdrawn from since."""
        order = _order(intent)
        if not intent.attempts:
            # Before a second attempt a look has just found it unpaid.
            self._still_wanted(gateway, intent, order)
        if order.has_lapsed(timezone.now()) or order.expired_at is not None:
            raise Needless("expired")

    def _still_wanted(self, gateway: Gateway, intent: Intent, order: Order) -> None:
        now = timezone.now()
        if now - intent.created_at > GOOD_FOR:
            raise Needless("stale")
        if Retraction.objects.of(order).filter(declared_at__gt=intent.created_at).exists():
            raise Needless("withdrawn")
        try:
            status = gateway.order_status(order.order_id)
        except NotFound:
            raise Needless("gone") from None
        if status != Status.NOT_PAID:
            raise Needless("paid" if status in _AFTER else "cancelled" if status == Status.CANCELLED else "unknown")
        if at_checkout.was_asked_for_lately(order, now) and gateway.payment(order.order_id) is not None:
            # It was paid as it was ordered, and its status follows later.
            raise Needless("paid")

    def send(self, gateway: Gateway, intent: Intent) -> None:
        wanted, number = intent.arguments, _order(intent).order_id
        if wanted.get("mean"):
            gateway.pay_with_registered_payment_mean(number, wanted["mean"], wanted.get("mean_id"))
        else:
            gateway.pay(number, wanted["method_id"])

    def look(self, gateway: Gateway, intent: Intent) -> bool:
        number = _order(intent).order_id
        try:
            status = gateway.order_status(number)
        except NotFound:
            # What was paid stays; what was not is gone once it lapsed.
            raise Needless("gone") from None
        if status in _AFTER or gateway.payment(number) is not None:
            return True
        if status == Status.CANCELLED:
            raise Needless("cancelled")
        return False

    def shows(self, order: Order) -> bool:
        return order.was_paid or order.status in _AFTER

    def is_over(self, intent: Intent, order: Order, now: datetime) -> bool:
        gone_by = not order.can_be_paid(now) or at_checkout.is_unseen(intent, now)
        return at_checkout.came_with_the_order(intent) and gone_by

    def tells_of_an_earlier_one(self, refusal: OvhRefused) -> bool:
        return bool(self._PAID_BEFORE.search(refusal.message))


def _order(intent: Intent) -> Order:
    assert intent.order is not None  # noqa: S101  (one pays an order)
    return intent.order
