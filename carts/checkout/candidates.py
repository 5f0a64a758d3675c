"""Which order a checkout made, said by a person where its answer was lost and a look found several like it."""

from typing import Any

from django.db.models import Q

from carts.models import Checkout
from orders.models import Intent, Order


class NoCandidate(Exception):
    """The look did not name it, it is another account's, or another checkout made it."""


def named(checkout: Checkout) -> list[int]:
    """The numbers that the last look named. No query."""
    return [number for number in checkout.candidates if isinstance(number, int)]


def outcome_of(intent: Intent, number: int) -> dict[str, Any]:
    """
    What came of a checkout that made this order, for the relay. Within the transaction that has locked the intent.

    Raises:
        NoCandidate: see there.
    """
    # Two checkouts of one account are decided one after the other.
    rows = Checkout.objects.select_for_update().filter(nichandle=intent.nichandle_id).order_by("pk")
    checkouts = {row.intent_id: row for row in rows}
    checkout = checkouts.get(intent.pk)
    if checkout is None or checkout.ended or number not in named(checkout):
        raise NoCandidate
    if any(other.ovh_order_id == number for other in checkouts.values()):
        raise NoCandidate
    # The look asked with this account's own key; still, what we know of orders has the last word.
    anybodys = Order.objects.filter(order_id=number, nichandle__endpoint=intent.nichandle.endpoint)
    if anybodys.filter(~Q(nichandle=intent.nichandle_id)).exists():
        raise NoCandidate
    return {"order_id": number, "answered": None}
