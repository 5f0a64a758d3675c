"""
What each kind of intent means at OVHcloud: how it is asked for, what shows that it was done, and how it is told.

A kind is one entry of KINDS; `register` adds one. The relay, the desk and the pages know nothing else about it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gateway import Gateway, OvhError, OvhRefused
from orders.models import Intent, Matching, Order, OrderEvent, Retraction, Status
from orders.retraction.eligibility import Reason, eligibility

Event = OrderEvent.Kind


class Unclear(Exception):
    """
    OVHcloud was looked at, and only a person can tell whether it was done.

    words: what is known, for that person.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


class Needless(Exception):
    """
    It is not to be sent, for it came to nothing or was done elsewhere meanwhile.

    why: a word for Intent.why, which the kind's own pages know. told: OVHcloud's answer, where that is the reason.
    """

    def __init__(self, why: str, told: OvhError | None = None) -> None:
        super().__init__(why)
        self.why, self.told = why, told


class Kind:
    """
    One kind. `before`, `send` and `look` speak to OVHcloud and raise its errors; the rest asks nobody.

    route: of the call that `send` makes. words: a sentence for each event that the relay writes.
    ordering: its calls need a key that may order and pay.
    """

    route: str
    words: Mapping[str, Any]
    ordering = False

    @property
    def routes(self) -> tuple[str, ...]:
        """All that `route_of` may name."""
        return (self.route,)

    def route_of(self, intent: Intent) -> str:
        """The route of this one's call, where a kind has several."""
        return self.route

    def before(self, gateway: Gateway, intent: Intent) -> None:
        """
        Asked before an attempt is noted, also before a second one, which follows a look that found nothing done.

        Raises:
            Needless: see there.
        """

    def send(self, gateway: Gateway, intent: Intent) -> Any:
        """Make the one call that must not be made twice. Returns what came of it, for `accepted`."""
        raise NotImplementedError

    def look(self, gateway: Gateway, intent: Intent) -> Any:
        """
        Read whether it was done, after an attempt whose answer was lost. Something true is what came of it.

        Raises:
            Unclear, Needless: see there.
        """
        raise NotImplementedError

    def shows(self, order: Order) -> bool:
        """Whether what we know of the order shows that it was done."""
        raise NotImplementedError

    def is_over(self, intent: Intent, order: Order, now: datetime) -> bool:
        """Whether what was accepted will not show any more, so that the order need not be asked about for it."""
        return False

    def tells_of_an_earlier_one(self, refusal: OvhRefused) -> bool:
        """Whether a refusal of the second attempt tells that the first was taken; it is looked at where not."""
        return False

    def may_go(self, intent: Intent, order: Order, now: datetime) -> bool:
        """Whether what was held before it was ever sent may be sent, OVHcloud having just been asked about it."""
        return False

    def accepted(self, intent: Intent, outcome: Any) -> None:
        """It was done: what follows in our rows, in the transaction that writes so. outcome: of `send` or `look`."""

    def refused(self, intent: Intent) -> None:
        """It was refused, or found needless: what follows, in the transaction that writes so."""


class RetractionKind(Kind):
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
        Event.NEEDLESS: _("Withdrawal no longer needed; it was not sent"),
    }

    _ASKED_BEFORE = re.compile(r"already|d[ée]j[àa]", re.IGNORECASE)
    _DONE = (Status.CANCELLING, Status.CANCELLED)

    def send(self, gateway: Gateway, intent: Intent) -> None:
        # Nothing of the customer's goes along: the law asks for no reason.
        gateway.retract_order(_order(intent).order_id, reason="other")

    def look(self, gateway: Gateway, intent: Intent) -> bool:
        return gateway.order_status(_order(intent).order_id) in self._DONE

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


def _order(intent: Intent) -> Order:
    assert intent.order is not None  # noqa: S101  (only a checkout is made without one)
    return intent.order


KINDS: dict[str, Kind] = {Intent.Kind.RETRACTION: RetractionKind()}


def register(name: str, kind: Kind) -> None:
    """Add a kind, under its word of Intent.Kind; when the app that knows it is ready."""
    KINDS[name] = kind


def kind_of(intent: Intent) -> Kind:
    return KINDS[intent.kind]


def words_for(event_kind: str, source: str = "") -> Any:
    """What the relay's event means, in a sentence; None for an event of another hand. source: the event's."""
    kinds = [kind for kind in KINDS.values() if source in kind.routes] or list(KINDS.values())
    return kinds[0].words.get(event_kind)
