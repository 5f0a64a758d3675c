"""Making an order, in whatever part of its life."""

import random
import string
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from . import follow_up, life, world
from .models import SETTLED, Customer, Detail, LedgerEntry, Order
from .money import Price, price, split_tax

_DETAILS_FROM = 700_000_000
UNPAID_FOR = timedelta(days=7)
# In the history of an order that was made in the middle of its life.
BETWEEN_LINES = timedelta(seconds=40)
DEFAULT_PRICE = Decimal("11.99")
_secret = random.SystemRandom()

# What the ledger calls entering a status.
EVENTS = {
    "checking": "checking",
    "documentsRequested": "documents_requested",
    "delivering": "delivering",
    "delivered": "delivered",
    "cancelling": "cancelling",
    "cancelled": "cancelled",
}
# How far tracking has come, and the labels in its history, for each status.
_HISTORY = ["ORDER_STARTED", "PAYMENT_INITIATED", "PAYMENT_RECEIVED", "FRAUD_CHECK", "PAYMENT_CONFIRMED"]
_TRACKING: dict[str, tuple[list[str], dict[str, str]]] = {
    "notPaid": (_HISTORY[:1], {"VALIDATING": "TODO"}),
    "checking": (_HISTORY[:3], {"VALIDATING": "DOING"}),
    "documentsRequested": ([*_HISTORY[:4], "FRAUD_DOCS_REQUESTED"], {"VALIDATING": "DOING"}),
    "delivering": (
        [*_HISTORY, "ORDER_ACCEPTED"],
        {"VALIDATING": "DONE", "VALIDATED": "DONE", "DELIVERING": "DOING"},
    ),
    "delivered": (
        [*_HISTORY, "ORDER_ACCEPTED", "INVOICE_IN_PROGRESS", "INVOICE_SENT", "DELIVERY"],
        {"VALIDATING": "DONE", "VALIDATED": "DONE", "DELIVERING": "DONE", "AVAILABLE": "DONE"},
    ),
    "cancelling": ([*_HISTORY, "ORDER_ACCEPTED"], {"VALIDATING": "DONE", "VALIDATED": "DONE", "DELIVERING": "ERROR"}),
    "cancelled": ([*_HISTORY, "ORDER_ACCEPTED"], {"VALIDATING": "DONE", "VALIDATED": "DONE", "DELIVERING": "ERROR"}),
}


def new_order_id() -> int:
    return world.ORDERS_FROM + world.next_numbers(1)[0]


def new_detail_ids(count: int) -> list[int]:
    return [_DETAILS_FROM + number for number in world.next_numbers(count)]


def order_password(chance: random.Random = _secret) -> str:
    return "".join(chance.choice(string.ascii_letters + string.digits) for _ in range(10))


def tracking_for(status: str, date: datetime, language: str) -> follow_up.FollowUp:
    """Return the followUp of an order that came to a status the usual way, beginning at date."""
    labels, states = _TRACKING.get(status, ([], {}))
    steps = follow_up.new()
    for position, label in enumerate(labels):
        # None in the future.
        at = min(date + position * BETWEEN_LINES, max(world.now(), date))
        follow_up.add(steps, label, at, language)
    follow_up.mark(steps, **states)
    return steps


def make_order(
    customer: Customer,
    *,
    status: str = "notPaid",
    price: Decimal | None = None,
    products: list[str] | None = None,
    date: datetime | None = None,
    expiration_date: datetime | None = None,
    retraction_date: datetime | None = None,
    no_retraction: bool = False,
) -> Order:
    """
    Make and store an order. Any status but notPaid counts as paid at date.

    price: with tax, in the account's currency. products: descriptions, one line each, which share the price.
    no_retraction: there is to be no right of withdrawal, also where there would be one.
    """
    with_tax = DEFAULT_PRICE if price is None else price
    at = date or world.now()
    order_id = new_order_id()
    without, tax, total = split_tax(with_tax, customer.currency, customer.tax_rate)
    order = Order(
        order_id=order_id,
        customer=customer,
        status=status,
        date=at,
        expiration_date=expiration_date or at + UNPAID_FOR,
        retraction_date=retraction_date,
        waived=no_retraction,
        password=order_password(),
        price_without_tax=without,
        tax=tax,
        price_with_tax=total,
        follow_up=tracking_for(status, at, customer.language),
    )
    events = [LedgerEntry(order_id=order_id, at=at, event="created", facts={"by": "control"})]
    if status != "notPaid":
        order.paid_at = at
        order.payment = {"paymentType": "creditCard", "paymentIdentifier": None}
        if retraction_date is None:
            order.retraction_date = life.retraction_date_for(order, at)
        events.append(LedgerEntry(order_id=order_id, at=at, event="paid", facts={"paymentType": "creditCard"}))
        if status in EVENTS:
            events.append(LedgerEntry(order_id=order_id, at=at, event=EVENTS[status]))
        if status != "delivered":
            life.live_on(order)
    order.save(force_insert=True)
    LedgerEntry.objects.bulk_create(events)
    Detail.objects.bulk_create(_details(order, products or _default_products(customer), without))
    if status in SETTLED or status == "cancelling":
        life.write_bill(order, at)
    return order


def _default_products(customer: Customer) -> list[str]:
    if customer.language == "fr":
        return ["VPS-1 - 1 vCore, 2 Go, 20 Go SSD - 1 mois"]
    return ["VPS-1 - 1 vCore, 2 GB, 20 GB SSD - 1 month"]


def _details(order: Order, products: list[str], total: Price) -> list[Detail]:
    """Share the total among the lines, the first taking what does not divide."""
    cents = round(total["value"] * 100)
    share, rest = divmod(cents, len(products))
    made = []
    for position, (number, product) in enumerate(zip(new_detail_ids(len(products)), products, strict=True)):
        amount: dict[str, Any] = price(
            Decimal(share + (rest if position == 0 else 0)) / 100, order.price_with_tax["currencyCode"]
        )
        made.append(
            Detail(
                order_detail_id=number,
                order=order,
                description=product,
                domain=f"*{position + 1:03}",
                detail_type="DURATION",
                unit_price=amount,
                total_price=amount,
            )
        )
    return made
