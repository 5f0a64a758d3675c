"""
What OVHcloud is asked about an order, and its answers as plain values.

Nothing here touches the database, so that several orders can be asked at once in threads.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Any, TypeVar

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
    OvhUnavailable,
    PaymentRecord,
    RateLimited,
)

# How many calls of one batch are under way at once: enough to hide 100 ms of distance, few enough to stay polite.
AT_ONCE = 8
# After so many silences in a row nobody else of the batch is asked.
SILENCES = 3

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Question:
    """
    Which calls to make for one order; status always.

    new: we do not have it yet, so a cancelled one is also asked whether it was ever paid, else it
    would pass for expired.
    """

    order_id: int
    order: bool = False
    follow_up: bool = False
    payment: bool = False
    associated: bool = False
    new: bool = False


@dataclass(frozen=True)
class Answer:
    """
    What came back for one order. `error` set: nothing else is. `gone`: OVHcloud answered 404.

    follow_up None: not asked; (): OVHcloud has no tracking for it.
    """

    order_id: int
    status: str = ""
    order: OrderRecord | None = None
    follow_up: tuple[FollowUpRecord, ...] | None = None
    payment: PaymentRecord | None = None
    associated: AssociatedObjectRecord | None = None
    gone: bool = False
    error: OvhError | None = None


@dataclass(frozen=True)
class Details:
    """The parts of one order, each with its extension where OVHcloud has one."""

    details: tuple[tuple[OrderDetailRecord, ExtensionRecord | None], ...]
    payment_methods: dict[str, Any] | None


def ask(gateway: Gateway, question: Question) -> Answer:
    """Ask everything the question names. Errors come back in the answer, for one order never stops its batch."""
    order_id = question.order_id
    try:
        # The status first: the other routes may answer for an order that is gone.
        status = gateway.order_status(order_id)
        order = gateway.order(order_id) if question.order else None
        follow_up = (gateway.follow_up(order_id) or ()) if question.follow_up else None
        lapsed_or_cancelled = question.new and status == "cancelled"
        payment = gateway.payment(order_id) if question.payment or lapsed_or_cancelled else None
        associated = gateway.associated_object(order_id) if question.associated else None
    except OrderNotFound:
        return Answer(order_id, gone=True)
    except OvhError as error:
        return Answer(order_id, error=error)
    return Answer(order_id, status, order, follow_up, payment, associated)


def ask_details(gateway: Gateway, order_id: int) -> Details:
    """
    Read the parts of an order.

    Source: GET /me/order/{orderId}/details, …/details/{id}, …/extension, …/paymentMethods.
    Raises:
        OvhError: of the gateway.
    """
    ids = gateway.order_detail_ids(order_id)

    def one(detail_id: int) -> tuple[OrderDetailRecord, ExtensionRecord | None]:
        detail = gateway.order_detail(order_id, detail_id)
        return detail, gateway.order_detail_extension(order_id, detail_id)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        details = tuple(pool.map(one, ids))
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


def in_threads(ask_one: Callable[[T], R], questions: Iterable[T], skipped: Callable[[T], R]) -> list[R]:
    """
    Ask many at once, in order. When OVHcloud keeps silent or wants less, the rest of the batch is not asked:
    `skipped` says what stands in its place.
    """
    silence = Event()
    silences = 0

    def one(question: T) -> R:
        nonlocal silences
        if silence.is_set():
            return skipped(question)
        answer = ask_one(question)
        error = getattr(answer, "error", None)
        if isinstance(error, OvhUnavailable):
            silences += 1
            if silences >= SILENCES:
                silence.set()
        elif isinstance(error, RateLimited):
            silence.set()
        elif error is None:
            silences = 0
        return answer

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, questions))
