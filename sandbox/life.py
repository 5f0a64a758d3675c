"""
The life of an order: what happens to it, what is noted of it, and the engine that lets time do it.

Every change of an order goes through here, under a lock on its row, and leaves its entry in the ledger.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, close_old_connections, connection, transaction
from django.db.models import F

from . import follow_up, untouched, workdays, world
from .carts.catalogue import segment_of
from .models import BEYOND_RETRACTION, Bill, Detail, LedgerEntry, Order
from .money import amount_of, split_tax

log = logging.getLogger("sandbox.life")

RETRACTION_PERIOD = timedelta(days=14)
# How long after accepting a retraction the order becomes `cancelling`, at any pace.
RETRACTION_SHOWS_AFTER = timedelta(seconds=1)
TICK_S = 0.2
# One order in so many is asked for documents on its way.
DOCUMENTS_IN = 12
# A world at full speed may owe an order many steps; more than these wait for the next tick.
_BATCH = 200
_LAPSE_BATCH = 2_000

# Told of every order that is paid, inside the transaction.
ON_PAID: list[Callable[[Order], None]] = []


class Refused(Exception):
    """The order does not allow it. The text is OVHcloud's answer to the customer."""


def note(order_id: int, event: str, at: datetime | None = None, **facts: Any) -> LedgerEntry:
    return LedgerEntry.objects.create(order_id=order_id, event=event, at=at or world.now(), facts=facts)


def locked(order_id: int) -> Order:
    """Return an order for changing it. Inside a transaction."""
    return Order.objects.select_for_update(of=("self",)).select_related("customer").get(pk=order_id)


# --- What somebody does ---


def pay(order: Order, payment_type: str, identifier: str | None = None, by: str = "customer") -> None:
    """
    Take the payment of an order that waits for it.

    by: "customer" for a method of the account through the API, else where it came from.

    Raises:
        Refused: it is paid, or it has lapsed.
    """
    now = world.now()
    if order.gone_at is not None or (order.expiration_date is not None and order.expiration_date <= now):
        raise Refused("This order has expired")
    if order.status != "notPaid":
        if world.switch("pays_twice") and order.paid_at is not None:
            note(order.order_id, "paid", paymentType=payment_type, by=by)
            return
        raise Refused("This order is already paid")
    order.status = "checking"
    order.paid_at = now
    order.payment = {"paymentType": payment_type, "paymentIdentifier": identifier}
    if order.retraction_date is None:
        order.retraction_date = retraction_date_for(order, now)
    language = order.customer.language
    follow_up.add(order.follow_up, _initiated(by), now, language)
    follow_up.add(order.follow_up, "PAYMENT_RECEIVED", now, language)
    follow_up.mark(order.follow_up, VALIDATING="DOING")
    _next(order, "look_at")
    order.save()
    note(order.order_id, "paid", paymentType=payment_type, by=by)
    note(order.order_id, "checking")
    for told in ON_PAID:
        told(order)


def _initiated(by: str) -> str:
    """Return how a payment begins: by a method that the account has, or by a card that somebody types in."""
    return "REGISTERED_PAYMENT_INITIATED" if by == "customer" else "PAYMENT_INITIATED"


def refuse_payment(order: Order, payment_type: str, by: str = "customer") -> None:
    follow_up.add(order.follow_up, _initiated(by), world.now(), order.customer.language)
    order.save(update_fields=["follow_up"])
    note(order.order_id, "payment_refused", paymentType=payment_type)


def retract(order: Order, reason: str, comment: str | None) -> None:
    """
    Take a retraction of the whole order.

    Raises:
        Refused: there is no right, it is over, or it was used.
    """
    now = world.now()
    if order.retracted_at is not None or order.status in ("cancelling", "cancelled"):
        raise Refused("A retraction has already been requested for this order")
    if order.retraction_date is None or order.status in BEYOND_RETRACTION:
        raise Refused("This order is not eligible to retraction")
    if order.retraction_date <= now:
        raise Refused("The retraction period of this order is over")
    order.retracted_at = now
    order.next_step, order.due_s = "", None
    order.save(update_fields=["retracted_at", "next_step", "due_s"])
    note(order.order_id, "retraction_accepted", reason=reason, comment=comment)


def waive(order: Order) -> None:
    """Give the right of withdrawal up. Raises Refused when there is none."""
    over = order.retracted_at is not None or order.status in ("cancelling", "cancelled")
    if over or order.retraction_date is None or order.retraction_date <= world.now():
        raise Refused("This order is not eligible to retraction")
    order.retraction_date, order.waived = None, True
    order.save(update_fields=["retraction_date", "waived"])


def retraction_date_for(order: Order, paid_at: datetime) -> datetime | None:
    if not order.customer.is_individual or order.renewal or order.waived:
        return None
    return paid_at + RETRACTION_PERIOD


def become(order: Order, status: str) -> None:
    """
    Put an order into a status by hand; from there it lives on.

    A word that the API does not have is kept as it is, and nothing follows it.
    """
    if order.status == "notPaid" and status != "notPaid" and order.paid_at is None:
        order.paid_at = world.now()
        order.payment = order.payment or {"paymentType": "creditCard", "paymentIdentifier": None}
        if order.retraction_date is None:
            order.retraction_date = retraction_date_for(order, order.paid_at)
        note(order.order_id, "paid", paymentType=order.payment["paymentType"], by="control")
    order.status = status
    order.next_step, order.due_s = "", None
    _ENTERED.get(status, lambda order: None)(order)
    order.save()


# --- What time does ---


def _next(order: Order, step: str, after_s: float | None = None) -> None:
    """Let a step follow after its usual number of seconds of life, give or take a seventh."""
    usual = _STEPS[step][0] if after_s is None else after_s
    begun = order.due_s if order.due_s is not None else world.life_s()
    order.next_step, order.due_s = step, begun + usual * world.chance(order.order_id, step).uniform(6 / 7, 8 / 7)


def _look_at(order: Order) -> None:
    follow_up.add(order.follow_up, "FRAUD_CHECK", world.now(), order.customer.language)
    looking = world.switch("checking")
    if looking == "usual":
        asked = world.chance(order.order_id, "documents").randrange(DOCUMENTS_IN) == 0
        _next(order, "ask_for_documents" if asked else "accept")
    elif looking == "by_hand":
        _hand_over(order)
    else:
        _next(order, "ask_for_documents")


def _hand_over(order: Order) -> None:
    follow_up.add(order.follow_up, "FRAUD_MANUAL_REVIEW", world.now(), order.customer.language)
    _next(order, "review")


def _review(order: Order) -> None:
    if not _somebody_works(order, "review"):
        return
    _accept(order)


def _somebody_works(order: Order, step: str) -> bool:
    """Whether it is a working day where the customer lives; on any other this step waits, at whatever pace."""
    if workdays.is_working_time(world.now(), order.customer.profile["country"]):
        return True
    order.next_step, order.due_s = step, world.life_s() + 1
    return False


def _ask_for_documents(order: Order) -> None:
    order.status = "documentsRequested"
    _enter_documents_requested(order)


def _read_documents(order: Order) -> None:
    """Take up what was sent: at once where a program asked, else by hand on a working day."""
    looking = world.switch("checking")
    if looking in ("usual", "by_hand"):
        _accept(order)
    elif looking == "documents":
        order.status = "checking"
        note(order.order_id, "checking")
        _hand_over(order)
    elif _somebody_works(order, "read_documents"):
        _refuse(order)


def _refuse(order: Order) -> None:
    follow_up.add(order.follow_up, "FRAUD_REFUSED", world.now(), order.customer.language)
    order.status = "cancelling"
    _enter_cancelling(order)


def _enter_checking(order: Order) -> None:
    follow_up.mark(order.follow_up, VALIDATING="DOING", VALIDATED="TODO", DELIVERING="TODO", AVAILABLE="TODO")
    _next(order, "look_at")
    note(order.order_id, "checking")


def _enter_documents_requested(order: Order) -> None:
    follow_up.add(order.follow_up, "FRAUD_DOCS_REQUESTED", world.now(), order.customer.language)
    follow_up.mark(order.follow_up, VALIDATING="DOING", VALIDATED="TODO", DELIVERING="TODO", AVAILABLE="TODO")
    _next(order, "read_documents")
    note(order.order_id, "documents_requested")


def _accept(order: Order) -> None:
    language = order.customer.language
    follow_up.add(order.follow_up, "PAYMENT_CONFIRMED", world.now(), language)
    follow_up.add(order.follow_up, "ORDER_ACCEPTED", world.now(), language)
    order.status = "delivering"
    _enter_delivering(order)


def _enter_delivering(order: Order) -> None:
    follow_up.mark(order.follow_up, VALIDATING="DONE", VALIDATED="DONE", DELIVERING="DOING", AVAILABLE="TODO")
    _next(order, "prepare_invoice")
    note(order.order_id, "delivering")


def _prepare_invoice(order: Order) -> None:
    follow_up.add(order.follow_up, "INVOICE_IN_PROGRESS", world.now(), order.customer.language)
    _next(order, "send_invoice")


def _send_invoice(order: Order) -> None:
    follow_up.add(order.follow_up, "INVOICE_SENT", world.now(), order.customer.language)
    write_bill(order, world.now())
    _next(order, "deliver", _delivery_s(order))


def _deliver(order: Order) -> None:
    follow_up.add(order.follow_up, "DELIVERY", world.now(), order.customer.language)
    order.status = "delivered"
    order.next_step, order.due_s = "", None
    _enter_delivered(order)


def _delivery_s(order: Order) -> float:
    """Return for how many seconds of life an order is set up: as long as what takes longest in it."""
    plans = [plan["code"] for plan in _plans(order)]
    return max((_SET_UP_S.get(segment_of(code), _USUAL_SET_UP_S) for code in plans), default=_USUAL_SET_UP_S)


def _enter_delivered(order: Order) -> None:
    follow_up.mark(order.follow_up, VALIDATING="DONE", VALIDATED="DONE", DELIVERING="DONE", AVAILABLE="DONE")
    write_bill(order, world.now())
    Detail.objects.filter(order=order).exclude(service="").update(domain=F("service"))
    note(order.order_id, "delivered")


def _enter_cancelling(order: Order) -> None:
    current = next((s["step"] for s in order.follow_up or [] if s.get("status") == "DOING"), None)
    if current is not None:
        follow_up.mark(order.follow_up, **{current: "ERROR"})
    _next(order, "cancel")
    note(order.order_id, "cancelling")


def _cancel(order: Order) -> None:
    order.status = "cancelled"
    _enter_cancelled(order)


def _enter_cancelled(order: Order) -> None:
    Detail.objects.filter(order=order).update(cancelled=True)
    if order.paid_at is not None:
        _next(order, "refund")
    else:
        order.next_step, order.due_s = "", None
    note(order.order_id, "cancelled")


def _refund(order: Order) -> None:
    order.next_step, order.due_s = "", None
    if not Bill.objects.filter(order=order, kind="Refund").exists():
        refund = write_refund(order, world.now())
        note(order.order_id, "refunded", refundId=refund.bill_id, amount=refund.price_with_tax["value"])


# Seconds of life that setting up takes. A name is quickly registered; a machine is not.
_USUAL_SET_UP_S = 60.0
_SET_UP_S = {"domain": 30.0, "dns": 20.0, "emailpro": 40.0, "webHosting": 45.0}

# What each step is, and how many seconds of life come before it: two minutes from paid to delivered.
_STEPS: dict[str, tuple[float, Callable[[Order], None]]] = {
    "look_at": (10, _look_at),
    "ask_for_documents": (5, _ask_for_documents),
    "read_documents": (30, _read_documents),
    "review": (45, _review),
    "accept": (20, _accept),
    "prepare_invoice": (5, _prepare_invoice),
    "send_invoice": (25, _send_invoice),
    "deliver": (_USUAL_SET_UP_S, _deliver),
    "cancel": (30, _cancel),
    "refund": (20, _refund),
}

_ENTERED: dict[str, Callable[[Order], None]] = {
    "checking": _enter_checking,
    "documentsRequested": _enter_documents_requested,
    "delivering": _enter_delivering,
    "delivered": _enter_delivered,
    "cancelling": _enter_cancelling,
    "cancelled": _enter_cancelled,
}


# What an order that was made in the middle of its life does next.
GOES_ON_WITH = {
    "checking": "look_at",
    "documentsRequested": "accept",
    "delivering": "prepare_invoice",
    "cancelling": "cancel",
    "cancelled": "refund",
}


def live_on(order: Order) -> None:
    """Let an order that was made in the middle of its life go on from there. Notes nothing."""
    step = GOES_ON_WITH.get(order.status)
    if step is not None:
        _next(order, step)


def write_bill(order: Order, at: datetime) -> None:
    """Bill an order once. A free one too: OVHcloud bills nought."""
    Bill.objects.get_or_create(
        bill_id=f"FR{order.order_id}",
        defaults={
            "kind": "Bill",
            "customer_id": order.customer_id,
            "order": order,
            "date": at,
            "category": "autorenew" if order.renewal else "purchase-web",
            "password": order.password[::-1],
            "price_without_tax": order.price_without_tax,
            "tax": order.tax,
            "price_with_tax": order.price_with_tax,
        },
    )


def write_refund(order: Order, at: datetime) -> Bill:
    """Give back what was paid, after a withdrawal less the days used, out of thirty or a year."""
    paid = amount_of(order.price_with_tax)
    used = max(0, (order.retracted_at - (order.paid_at or at)).days) if order.retracted_at else 0
    days = 365 if any(plan["duration"] == "P1Y" for plan in _plans(order)) else 30
    back = paid * max(Decimal(0), 1 - Decimal(used) / days)
    without, tax, with_tax = split_tax(back, order.price_with_tax["currencyCode"], order.customer.tax_rate)
    return Bill.objects.create(
        bill_id=f"RF{order.order_id}",
        kind="Refund",
        customer_id=order.customer_id,
        order=order,
        original_bill_id=Bill.objects.filter(order=order, kind="Bill").values_list("pk", flat=True).first(),
        date=at,
        password=order.password,
        price_without_tax=without,
        tax=tax,
        price_with_tax=with_tax,
    )


def _plans(order: Order) -> list[dict[str, Any]]:
    """Return code, duration and so on of what was ordered, as far as its lines tell."""
    found = Detail.objects.filter(order=order, extension__isnull=False).values_list("extension", flat=True)
    return [extension["order"]["plan"] for extension in found if extension]


# --- The engine ---


# Orders that were not paid in time may be a million at once, after a shift of the clock; they go so many a tick.
_LAPSE = f"""
    WITH gone AS (
        UPDATE {Order._meta.db_table} SET gone_at = %(now)s, next_step = '', due_s = NULL
        WHERE order_id IN (
            SELECT order_id FROM {Order._meta.db_table}
            WHERE status = 'notPaid' AND gone_at IS NULL AND lapses AND expiration_date <= %(now)s
            ORDER BY expiration_date LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        RETURNING order_id
    )
    INSERT INTO {LedgerEntry._meta.db_table} (order_id, at, event, facts)
    SELECT order_id, %(now)s, 'expired', '{{}}' FROM gone
"""  # noqa: S608 - the names of our own tables


def tick() -> int:
    """Do what is due. Returns how many orders moved."""
    now = world.now()
    with connection.cursor() as cursor:
        cursor.execute(_LAPSE, {"now": now, "limit": _LAPSE_BATCH})
        moved = max(0, cursor.rowcount)
    if moved:
        untouched.written()
    retracted = Order.objects.filter(retracted_at__lte=now - RETRACTION_SHOWS_AFTER).exclude(
        status__in=["cancelling", "cancelled"]
    )
    due = Order.objects.filter(due_s__lte=world.life_s())
    for orders, first, act in ((retracted, "retracted_at", _carry_out_retraction), (due, "due_s", _catch_up)):
        # In the order of the index, which PostgreSQL then walks; otherwise it meets each entry that ever was due.
        for order_id in list(orders.order_by(first).values_list("pk", flat=True)[:_BATCH]):
            with transaction.atomic():
                # Asked again under the lock: somebody may have come between.
                order = (
                    orders.select_for_update(of=("self",), skip_locked=True)
                    .select_related("customer")
                    .filter(pk=order_id)
                    .first()
                )
                if order is not None:
                    act(order)
                    moved += 1
    return moved


def _carry_out_retraction(order: Order) -> None:
    become(order, "cancelling")


def _catch_up(order: Order) -> None:
    until = world.life_s()
    while order.due_s is not None and order.due_s <= until:
        step = order.next_step
        order.next_step = ""
        _STEPS[step][1](order)
        if not order.next_step:
            order.due_s = None
    order.save()


class Engine:
    """A thread that lets time pass."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="life", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(2)

    def _run(self) -> None:
        troubled = False
        while not self._stopping.wait(TICK_S):
            try:
                with world.gate.use():
                    tick()
                troubled = False
            except DatabaseError as error:
                if not troubled:
                    log.warning("life stands still: %s", str(error).strip().splitlines()[0])
                troubled = True
                close_old_connections()
            except Exception:
                # A thread that dies would leave every order standing, silently.
                log.exception("a step of life failed")
        connection.close()
