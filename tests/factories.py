"""Rows for tests: plain functions with defaults. A test names only the fields it is about."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from allauth.mfa.totp.internal.auth import TOTP
from django.conf import settings
from django.utils import timezone

from accounts.models import Link, Nichandle, User
from orders.models import Canary, Order, OrderDetail, OrderEvent, OrderImport, Status
from tests.given import TOTP_SECRET

_numbers = count(1)

_PAID = {Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.DELIVERED}


def make_nichandle(nichandle: str = "", *, imported: bool = True, **fields: Any) -> Nichandle:
    """A private individual in France whose orders are imported; imported=False leaves the import's row away."""
    number = next(_numbers)
    values = {
        "endpoint": settings.OVH_ENDPOINT,
        "nichandle": nichandle or f"am{number:05}-ovh",
        "email": "anna@example.com",
        "firstname": "Anna",
        "name": "Martin",
        "legalform": "individual",
        "country": "FR",
        "language": "fr_FR",
        "currency_code": "EUR",
        "ovh_subsidiary": "FR",
        "time_zone": "Europe/Paris",
        "seen_at": timezone.now(),
    } | fields
    row = Nichandle.objects.create(**values)
    if imported:
        make_import(row)
    return row


def make_import(nichandle: Nichandle, **fields: Any) -> OrderImport:
    """A finished import that found everything a moment ago."""
    now = timezone.now()
    values = {
        "started_at": now,
        "finished_at": now,
        "next_batch_at": None,
        "next_find_at": now + timedelta(minutes=1),
        "found_at": now,
        "payment_methods": [],
    } | fields
    return OrderImport.objects.create(nichandle=nichandle, **values)


def make_customer(nichandle: str | Nichandle = "", **fields: Any) -> User:
    """A customer: user, nichandle (a name, or a row that is there) and a valid link with a key of no use."""
    if not isinstance(nichandle, Nichandle):
        nichandle = make_nichandle(nichandle, **fields)
    user = User.objects.make_customer(nichandle)
    link = Link(user=user, nichandle=nichandle)
    link.keep_key("a consumer key that OVHcloud never gave")
    link.save()
    return user


def make_kept(nichandle: str) -> Link:
    """An account that the operator looks after, with a key of no use."""
    link = Link(user=User.objects.operator(), nichandle=make_nichandle(nichandle))
    link.keep_key("a consumer key that OVHcloud never gave")
    link.save()
    return link


def make_staff(
    email: str = "", role: str = "support", password: str | None = "correct horse battery", *, factor: bool = True
) -> User:
    """Staff with an app whose secret is TOTP_SECRET; factor=False: with a password alone, which opens no desk."""
    user = User.objects.make_staff(email or f"staff{next(_numbers)}@example.net", role, password)
    if factor:
        TOTP.activate(user, TOTP_SECRET)
    return user


def make_order(
    nichandle: Nichandle, order_id: int | None = None, *, price: str = "11.99", products: int = 0, **fields: Any
) -> Order:
    """
    A delivered order of today; other statuses come with the dates they have at OVHcloud.

    price: with tax of 20 %. products: how many details to make besides; 0 leaves them unread but named.
    """
    number = next(_numbers)
    now = timezone.now()
    status = fields.setdefault("status", Status.DELIVERED)
    date: datetime = fields.setdefault("date", now - timedelta(minutes=number % 50))
    with_tax = Decimal(price)
    without_tax = round(with_tax / Decimal("1.2"), 2)
    paid = status in _PAID
    values = {
        "expiration_date": date + timedelta(days=7),
        "price_with_tax": with_tax,
        "price_without_tax": without_tax,
        "tax": with_tax - without_tax,
        "currency_code": nichandle.currency_code,
        "status_checked_at": now,
        "was_paid": paid,
        "first_description": "VPS Comfort, 12 months",
        "product_count": max(products, 1),
        "search_text": "VPS Comfort, 12 months",
        "billing": {"firstname": nichandle.firstname, "name": nichandle.full_name, "city": "Lille", "zip": "59000"},
        "next_poll_at": now + timedelta(minutes=5),
        "details_read_at": now,
    } | fields
    order = Order.objects.create(nichandle=nichandle, order_id=order_id or 238_000_000 + number, **values)
    for index in range(products):
        make_detail(order, description=f"Product {index + 1}")
    return order


def make_detail(order: Order, *, total: str = "9.99", **fields: Any) -> OrderDetail:
    """One product at its price without tax."""
    number = next(_numbers)
    values = {
        "order_detail_id": 500_000_000 + number,
        "description": "VPS Comfort, rental for 12 months",
        "domain": f"vps-{number:06x}.example",
        "detail_type": "DURATION",
        "quantity": "1",
        "unit_price": Decimal(total),
        "total_price": Decimal(total),
        "currency_code": order.currency_code,
    } | fields
    return OrderDetail.objects.create(order=order, **values)


def make_event(order: Order, kind: str = OrderEvent.Kind.STATUS, **fields: Any) -> OrderEvent:
    return OrderEvent.objects.create(order=order, kind=kind, **fields)


def make_canary(sang_at: datetime | None = None) -> Canary:
    """A worker that sang just now."""
    return Canary.objects.update_or_create(pk=1, defaults={"sang_at": sang_at or timezone.now()})[0]


def in_zone(moment: datetime, name: str = "Europe/Paris") -> datetime:
    return moment.astimezone(ZoneInfo(name))
