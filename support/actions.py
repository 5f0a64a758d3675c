"""
What staff can set going. They never act for a customer: what is sent again is the customer's own intent, and what is
asked is only how an order stands. Each leaves its line in the trail, in the same transaction.
"""

from accounts.http import StaffRequest
from accounts.models import Nichandle
from accounts.ringing import ring
from carts.checkout.candidates import outcome_of
from orders import actions, relay, tasks
from orders.models import Intent, Order
from orders.resync import Rung, resync
from support import trail


def ring_intent(request: StaffRequest, intent_pk: int) -> Intent:
    """
    Have an intent that waits for a person taken up once more.

    Raises:
        relay.NotNow: it does not wait for one any more.
    """
    intent = relay.ring_again(intent_pk)
    _write(request, "staff_ring", intent)
    ring(tasks.relay_intents)
    return intent


def close_intent(request: StaffRequest, intent_pk: int, note: str) -> Intent:
    """
    End an intent that waits for a person, with a note that its customer reads.

    Raises:
        relay.NotNow: it does not wait for one any more.
    """
    intent = relay.close(intent_pk, note)
    _write(request, "staff_close", intent, note=note)
    return intent


def name_order(request: StaffRequest, intent_pk: int, number: int, note: str) -> Intent:
    """
    Say which order a checkout made whose answer was lost: one of those that the look named. note: why.

    Raises:
        relay.NotNow: it does not wait for that any more.
        NoCandidate: it cannot be that one.
    """
    intent = relay.accept(intent_pk, lambda found: outcome_of(found, number))
    _write(request, "staff_name_order", intent, order=str(number), note=note)
    return intent


def check_order(request: StaffRequest, order: Order) -> bool:
    """Ask OVHcloud about one order now; False when that was done a moment ago."""
    asked = actions.check_order(order)
    result = "done" if asked else "refused"
    trail.looked(
        request, "staff_check", subject=order.nichandle.nichandle, target=f"order {order.order_id}", result=result
    )
    return asked


def resync_account(request: StaffRequest, nichandle: Nichandle) -> Rung | None:
    """Ask about every order of the account that can still change; None when that was done a moment ago."""
    rung = resync(nichandle)
    facts = {"orders": rung.orders} if rung else {"result": "refused"}
    trail.looked(request, "staff_resync", subject=nichandle.nichandle, target=nichandle.nichandle, **facts)
    return rung


def _write(request: StaffRequest, action: str, intent: Intent, **facts: str) -> None:
    target = f"order {intent.order.order_id}" if intent.order else f"intent {intent.pk}"
    subject = intent.nichandle.nichandle
    trail.looked(request, action, subject=subject, target=target, intent=intent.pk, **facts)
