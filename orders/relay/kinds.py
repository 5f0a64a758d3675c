"""
What each kind of intent means at OVHcloud: how it is asked for, what shows that it was done, and how it is told.

A kind is one entry of KINDS. The relay, the desk and the pages know nothing else about it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gateway import Gateway, OvhRefused
from orders.models import Intent, Matching, Order, OrderEvent, Retraction, Status
from orders.retraction.eligibility import Reason, eligibility

Event = OrderEvent.Kind


class Kind(Protocol):
    """
    One kind. `send` and `look` speak to OVHcloud and raise its errors; the rest asks nobody.

    route: of the call that `send` makes. words: a sentence for each event that the relay writes.
    """

    route: str
    words: Mapping[str, Any]

    def send(self, gateway: Gateway, intent: Intent) -> None:
        """Make the one call that must not be made twice."""

    def look(self, gateway: Gateway, intent: Intent) -> bool:
        """Read whether it was done, after an attempt whose answer was lost."""

    def shows(self, order: Order) -> bool:
        """Whether what we know of the order shows that it was done."""

    def tells_of_an_earlier_one(self, refusal: OvhRefused) -> bool:
        """Whether a refusal of the second attempt tells that the first was taken."""

    def may_go(self, intent: Intent, order: Order, now: datetime) -> bool:
        """Whether what was held before it was ever sent may be sent, OVHcloud having just been asked about it."""


class RetractionKind:
    """Withdraw from an order. OVHcloud takes it once and shows `cancelling` some moments later."""

    route = "POST /me/order/{orderId}/retraction"
    words: Mapping[str, Any] = {
        Event.SENT: _("Withdrawal sent to OVHcloud"),
        Event.ACCEPTED: _("Withdrawal accepted by OVHcloud"),
        Event.REFUSED: _("Withdrawal refused by OVHcloud"),
        Event.DOUBTFUL: _("No clear answer from OVHcloud to the withdrawal; we look again"),
        Event.HELD: _("Withdrawal held for a person to look at"),
        Event.GIVEN_UP: _("Withdrawal not confirmed by OVHcloud; a person looks at it"),
        Event.RUNG: _("Support had the withdrawal taken up again"),
        Event.CLOSED: _("Support closed the withdrawal; it is not sent any more"),
    }

    _ASKED_BEFORE = re.compile(r"already|d[ée]j[àa]", re.IGNORECASE)
    _DONE = (Status.CANCELLING, Status.CANCELLED)

    def send(self, gateway: Gateway, intent: Intent) -> None:
        # Nothing of the customer's goes along: the law asks for no reason.
        gateway.retract_order(intent.order.order_id, reason="other")

    def look(self, gateway: Gateway, intent: Intent) -> bool:
        return gateway.order_status(intent.order.order_id) in self._DONE

    def shows(self, order: Order) -> bool:
        return order.status in self._DONE

    def tells_of_an_earlier_one(self, refusal: OvhRefused) -> bool:
        return bool(self._ASKED_BEFORE.search(refusal.message))

    def may_go(self, intent: Intent, order: Order, now: datetime) -> bool:
        verdict = eligibility(order, (), order.nichandle, now)
        declared = _first_declared(intent)
        if verdict.reason == Reason.OVER and verdict.until is not None and declared is not None:
            return not verdict.is_late(declared)
        return verdict.open


def _first_declared(intent: Intent) -> datetime | None:
    """When the first of its declarations was made, also one that was matched to its order later."""
    declarations = Retraction.objects.filter(
        Q(intent=intent) | Q(matchings__in=Matching.objects.standing().filter(intent=intent))
    )
    return declarations.order_by("declared_at").values_list("declared_at", flat=True).first()


KINDS: dict[str, Kind] = {Intent.Kind.RETRACTION: RetractionKind()}


def kind_of(intent: Intent) -> Kind:
    return KINDS[intent.kind]


def words_for(event_kind: str, source: str = "") -> Any:
    """What the relay's event means, in a sentence; None for an event of another hand. source: the event's."""
    kinds = [kind for kind in KINDS.values() if kind.route == source] or list(KINDS.values())
    return kinds[0].words.get(event_kind)
