"""What scenarios are told with: customers, orders and what belongs to them, gathered before anything is stored."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .. import follow_up, life, world
from ..making import EVENTS, UNPAID_FOR, order_password, tracking_for
from ..models import Belonging, Bill, Customer, Detail, LedgerEntry, Order, PaymentMethod
from ..money import Price, add_tax, price

_FIRST_ORDER = 201_000_001
_FIRST_DETAIL = 501_000_001
FIRST_METHOD = 7001

# Tracking as a scenario may want it; a list gives the labels of the history.
USUAL, ALL_TODO, NONE = "usual", "all TODO", "none"


@dataclass(frozen=True)
class Line:
    """A detail of an order. unit: without tax, per piece. plan: (code, duration, action) of its extension."""

    description: str
    unit: Decimal
    detail_type: str | None = "DURATION"
    domain: str = "*"
    quantity: int = 1
    plan: tuple[str, str, str] | None = None


@dataclass
class Sketch:
    """An order as a scenario thinks of it."""

    customer: Customer
    status: str
    age: timedelta
    lines: list[Line]
    expires_in: timedelta | None = None
    paid: bool | None = None
    renewal: bool = False
    waived: bool = False
    lives: bool = False
    lapses: bool = True
    tracking: str | list[str] = USUAL
    retracted: bool = False
    refunded: bool = False
    # Fields of the stored order that are set against the rules.
    odd: dict[str, Any] = field(default_factory=dict)
    odd_lines: list[dict[str, Any]] = field(default_factory=list)
    # Told of the order that was made of it.
    then: Callable[["Story", Order], None] | None = None


class Story:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = world.now()
        self.customers: list[Customer] = []
        self.orders: list[Order] = []
        self.details: list[Detail] = []
        self.bills: list[Bill] = []
        self.payment_methods: list[PaymentMethod] = []
        self.belongings: list[Belonging] = []
        self.ledger: list[LedgerEntry] = []

    def customer(
        self, nichandle: str, about: str, password: str, totp_secret: str | None = None, **profile: Any
    ) -> Customer:
        """Add a customer. profile: fields of nichandle.Nichandle that are about them."""
        customer = Customer(
            nichandle=nichandle,
            about=about,
            password=password,
            totp_secret=totp_secret,
            profile=BLANK_PROFILE | {"nichandle": nichandle} | profile,
            position=len(self.customers),
        )
        self.customers.append(customer)
        return customer

    def payment_method(
        self, customer: Customer, kind: str, label: str, *, default: bool = False, refuses: bool = False
    ) -> None:
        number = FIRST_METHOD + len(self.payment_methods)
        answer = method_answer(number, kind, label, self.now, default=default)
        self.payment_methods.append(
            PaymentMethod(payment_method_id=number, customer=customer, answer=answer, refuses=refuses)
        )

    def tell(self, sketches: list[Sketch]) -> None:
        """Add orders. Numbers follow dates, as at OVHcloud."""
        for sketch in sorted(sketches, key=lambda one: one.age, reverse=True):
            self._order(sketch)

    def _order(self, sketch: Sketch) -> None:
        date = (self.now - sketch.age).replace(microsecond=0)
        currency = sketch.customer.currency
        net = sum((line.unit * line.quantity for line in sketch.lines), Decimal(0))
        without, tax, total = add_tax(net, currency, sketch.customer.tax_rate)
        expires = UNPAID_FOR if sketch.expires_in is None else sketch.expires_in
        order = Order(
            order_id=_FIRST_ORDER + len(self.orders),
            customer=sketch.customer,
            status=sketch.status,
            date=date,
            expiration_date=date + expires,
            password=order_password(self.chance),
            price_without_tax=without,
            tax=tax,
            price_with_tax=total,
            renewal=sketch.renewal,
            waived=sketch.waived,
            lapses=sketch.lapses,
            follow_up=self._tracking(sketch, date),
        )
        self.orders.append(order)
        self._note(order, "created", date, by="scenario")
        if sketch.paid if sketch.paid is not None else sketch.status not in ("notPaid", "unknown"):
            self._pay(order, sketch, date + timedelta(seconds=min(45, sketch.age.total_seconds() / 2)))
        for name, value in sketch.odd.items():
            setattr(order, name, value)
        self._lines(order, sketch, currency)
        if sketch.lives:
            life.live_on(order)
        if sketch.then is not None:
            sketch.then(self, order)

    def _tracking(self, sketch: Sketch, date: datetime) -> follow_up.FollowUp | None:
        language = sketch.customer.language
        if sketch.tracking == NONE:
            return None
        if sketch.tracking == ALL_TODO:
            return follow_up.new()
        if isinstance(sketch.tracking, str):
            return tracking_for(sketch.status, date, language)
        steps = tracking_for(sketch.status, date, language)
        for step in steps:
            step["history"] = []
        gap = min(timedelta(minutes=7), sketch.age / (len(sketch.tracking) + 1))
        for position, label in enumerate(sketch.tracking):
            follow_up.add(steps, label, date + gap * position, language)
        return steps

    def _pay(self, order: Order, sketch: Sketch, paid_at: datetime) -> None:
        order.paid_at = paid_at.replace(microsecond=0)
        kind = self.chance.choice(["creditCard", "creditCard", "paypal", "paymentMandate"])
        order.payment = {"paymentType": kind, "paymentIdentifier": None}
        order.retraction_date = life.retraction_date_for(order, order.paid_at)
        self._note(order, "paid", order.paid_at, paymentType=kind)
        if sketch.retracted:
            order.retracted_at = order.paid_at + timedelta(days=2)
            facts = {"reason": "unused", "comment": None}
            self._note(order, "retraction_accepted", order.retracted_at, **facts)
        if order.status in EVENTS:
            self._note(order, EVENTS[order.status], order.retracted_at or order.paid_at)
        if order.status in ("delivered", "cancelled", "cancelling"):
            self._bill(order, "Bill", order.paid_at + timedelta(minutes=2))
        if sketch.refunded:
            at = (order.retracted_at or order.paid_at) + timedelta(days=3)
            self._bill(order, "Refund", at)
            self._note(order, "refunded", at, refundId=f"RF{order.order_id}")

    def _bill(self, order: Order, kind: str, at: datetime) -> None:
        prefix = {"Bill": "FR", "Refund": "RF"}[kind]
        self.bills.append(
            Bill(
                bill_id=f"{prefix}{order.order_id}",
                kind=kind,
                customer=order.customer,
                order=order,
                original_bill_id=f"FR{order.order_id}" if kind == "Refund" else None,
                date=at,
                category="autorenew" if order.renewal else "purchase-web",
                password=order_password(self.chance),
                price_without_tax=order.price_without_tax,
                tax=order.tax,
                price_with_tax=order.price_with_tax,
            )
        )

    def _lines(self, order: Order, sketch: Sketch, currency: str) -> None:
        for position, line in enumerate(sketch.lines):
            quoted: dict[str, Price] = {
                "unit_price": price(line.unit, currency),
                "total_price": price(line.unit * line.quantity, currency),
            }
            detail = Detail(
                order_detail_id=_FIRST_DETAIL + len(self.details),
                order=order,
                description=line.description,
                domain=line.domain,
                detail_type=line.detail_type,
                quantity=str(line.quantity),
                cancelled=order.status == "cancelled",
                extension=extension_of(line),
                **quoted,
            )
            odd = sketch.odd_lines[position] if position < len(sketch.odd_lines) else {}
            for name, value in odd.items():
                setattr(detail, name, value)
            self.details.append(detail)

    def _note(self, order: Order, event: str, at: datetime, **facts: Any) -> None:
        self.ledger.append(LedgerEntry(order_id=order.order_id, at=at, event=event, facts=facts))


def method_answer(number: int, kind: str, label: str, now: datetime, *, default: bool) -> dict[str, Any]:
    """Return me.payment.PaymentMethod, registered long ago."""
    sub_type = "VISA" if kind == "CREDIT_CARD" else None
    since = world.on_wire(now - timedelta(days=600))
    return {
        "paymentMethodId": number,
        "paymentType": kind,
        "paymentSubType": sub_type,
        "status": "VALID",
        "default": default,
        "label": label,
        "description": None,
        "creationDate": since,
        "lastUpdate": since,
        "expirationDate": world.on_wire(now + timedelta(days=700)) if sub_type else None,
        "paymentMeanId": 12_000 + number,
        "integration": "IN_CONTEXT" if sub_type else "REDIRECT",
        "icon": {"name": (sub_type or kind).lower(), "url": None, "data": None},
        "billingContactId": 980 + number,
        "oneclick": sub_type is not None,
        "merchantId": None,
        "formSessionId": None,
    }


def extension_of(line: Line) -> dict[str, Any] | None:
    if line.plan is None:
        return None
    code, duration, action = line.plan
    return {
        "order": {
            "action": action,
            "type": "plan",
            "plan": {
                "code": code,
                "duration": duration,
                "pricingMode": "default",
                "product": {"name": code},
                "quantity": line.quantity,
            },
            "configurations": [],
        }
    }


BLANK_PROFILE: dict[str, Any] = {
    "customerCode": None,
    "email": "",
    "spareEmail": None,
    "name": "",
    "firstname": "",
    "organisation": "",
    "corporationType": "",
    "legalform": "individual",
    "ovhCompany": "ovh",
    "ovhSubsidiary": "FR",
    "country": "FR",
    "language": "fr_FR",
    "state": "complete",
    "currency": {"code": "EUR", "symbol": "€"},
    "kycValidated": False,
    "sex": None,
    "birthDay": "",
    "birthCity": "",
    "address": "",
    "complementaryAddress": None,
    "area": "",
    "city": "",
    "zip": "",
    "phone": "",
    "phoneCountry": None,
    "phoneType": None,
    "fax": "",
    "vat": "",
    "italianSDI": None,
    "nationalIdentificationNumber": None,
    "companyNationalIdentificationNumber": None,
    "purposeOfPurchase": None,
}
