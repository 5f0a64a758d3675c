"""
What OVHcloud is asked about an order, and its answers as plain values.

Nothing here touches the database, so that several orders can be asked at once in threads.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone

from gateway import (
    AssociatedObjectRecord,
    ExtensionRecord,
    FollowUpRecord,
    Gateway,
    OrderDetailRecord,
    OrderNotFound,
    OrderRecord,
    OvhError,
    OvhRefused,
    PaymentRecord,
)


@dataclass(frozen=True, slots=True)
class Question:
    """
    Which calls to make for one order; status always.

    known: the status we have. When OVHcloud's differs, the dear routes are asked whatever is said here.
    new: we do not have the order yet, so a cancelled one is also asked whether it was ever paid, else it
    would pass for expired. must_be_whole: the status alone would answer nothing.
    """

    order_id: int
    order: bool = False
    follow_up: bool = False
    payment: bool = False
    associated: bool = False
    new: bool = False
    known: str = ""
    must_be_whole: bool = False

    @property
    def calls(self) -> int:
        """How many calls it takes, unless the status has changed."""
        return 1 + self.order + self.follow_up + self.payment + self.associated

    def status_only(self) -> "Question":
        return replace(self, order=False, follow_up=False, payment=False, associated=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came back for one order. `error` set: nothing else is, but the status where it came before. `gone`: OVHcloud
    answered 404.

    follow_up None: not asked; (): OVHcloud has no tracking for it. asked_at: when the status was asked for.
    behind_s: how far OVHcloud's clock stood behind ours, 0 where it did not.
    """

    order_id: int
    status: str = ""
    order: OrderRecord | None = None
    follow_up: tuple[FollowUpRecord, ...] | None = None
    payment: PaymentRecord | None = None
    associated: AssociatedObjectRecord | None = None
    gone: bool = False
    error: OvhError | None = None
    asked_at: datetime | None = None
    behind_s: int = 0


@dataclass(frozen=True)
class Details:
    """The parts of one order, each with its extension where OVHcloud has one."""

    details: tuple[tuple[OrderDetailRecord, ExtensionRecord | None], ...]
    payment_methods: dict[str, Any] | None


def ask(gateway: Gateway, question: Question) -> Answer:
    """Ask everything the question names. Errors come back in the answer, for one order never stops its batch."""
    asked_at, status = timezone.now(), ""
    try:
        # The status first: the other routes may answer for an order that is gone.
        status = gateway.order_status(question.order_id)
        return ask_more(gateway, question, status, asked_at)
    except OrderNotFound:
        return Answer(question.order_id, gone=True, asked_at=asked_at)
    except OvhError as error:
        return Answer(question.order_id, status, error=error, asked_at=asked_at)


def ask_more(gateway: Gateway, question: Question, status: str, asked_at: datetime) -> Answer:
    """
    Ask what else the question names, the status being known.

    Raises:
        OvhError: of the gateway.
    """
    order_id = question.order_id
    changed = bool(question.known) and question.known != status
    order = gateway.order(order_id) if question.order or changed else None
    follow_up = (gateway.follow_up(order_id) or ()) if question.follow_up or changed else None
    lapsed_or_cancelled = question.new and status == "cancelled"
    payment = gateway.payment(order_id) if question.payment or changed or lapsed_or_cancelled else None
    ended = changed and status in ("delivered", "cancelled")
    associated = gateway.associated_object(order_id) if question.associated or ended else None
    behind_s = gateway.clock_behind_s
    return Answer(order_id, status, order, follow_up, payment, associated, asked_at=asked_at, behind_s=behind_s)


def ask_details(gateway: Gateway, order_id: int) -> Details:
    """
    Read the parts of an order, one after the other.

    Source: GET /me/order/{orderId}/details, …/details/{id}, …/extension, …/paymentMethods.
    Raises:
        OvhError: of the gateway.
    """
    details = tuple(
        (gateway.order_detail(order_id, detail_id), gateway.order_detail_extension(order_id, detail_id))
        for detail_id in gateway.order_detail_ids(order_id)
    )
    try:
        options = gateway.payment_methods(order_id)
        methods = {
            "available": list(dict.fromkeys(method.payment_type for method in options.available)),
            "registered": list(options.registered),
        }
    except OvhRefused:
        # The route is a BETA: an order without it is still an order.
        methods = None
    return Details(details, methods)
