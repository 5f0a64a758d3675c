"""One order as lists show it: strings and addresses made ready, for a template that only prints them."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.db.models.query import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Nichandle
from orders import formats, tracking
from orders.models import EXPIRED, Intent, Order, Status
from orders.retraction.eligibility import last_day
from orders.retraction.words import days_left
from orders.words import status_words

# Columns that a row needs; the rest of an order may weigh a hundred times as much.
ROW_FIELDS = (
    "nichandle_id",
    "order_id",
    "date",
    "expiration_date",
    "retraction_date",
    "price_with_tax",
    "currency_code",
    "status",
    "status_checked_at",
    "was_paid",
    "payment_date",
    "gone_at",
    "details_read_at",
    "first_description",
    "product_count",
    "next_poll_at",
    "poll_failures",
)

# For these the four steps follow from the status alone; others need the follow-up, which rows do not read.
_WITH_BAR = (Status.NOT_PAID, Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.DELIVERED)


def for_rows(orders: QuerySet[Order]) -> QuerySet[Order]:
    """The columns that rows need, and whether a declaration stands that OVHcloud has not refused."""
    standing = Intent.objects.filter(order=OuterRef("pk"), kind=Intent.Kind.RETRACTION)
    return orders.annotate(is_declared=Exists(standing.exclude(state__in=Intent.OVER))).only(*ROW_FIELDS)


def order_row(order: Order, nichandle: Nichandle, now: datetime, came_from: str = "") -> dict[str, Any]:
    """
    Shape one row. No query.

    came_from: the list's own query, which its links carry so that the way back leads to the same place.
    """
    base, zone = order_url(order), nichandle.zone
    status = order.page_status(now)
    words = status_words(status)
    pay_url = f"{base}pay/" if order.can_be_paid(now) else ""
    declared = getattr(order, "is_declared", False) and status != Status.CANCELLED
    until = None if declared else last_day(order, nichandle, now)
    return {
        "number": str(order.order_id),
        "status": status,
        "url": f"{base}{came_from}",
        "tracking_url": f"{base}tracking/{came_from}",
        "pay_url": pay_url,
        "withdraw_url": f"{base}withdrawal/" if until else "",
        "date": formats.day(order.date, zone),
        "product": order.first_description or _("Products are being read"),
        "more": more_products(order.product_count),
        "amount": formats.money(order.price_with_tax, order.currency_code),
        "tone": words.tone,
        "icon": words.icon,
        "label": words.label,
        "explanation": words.explanation,
        "bar": tracking.bar_classes(tracking.step_states(status, None)) if status in _WITH_BAR else "",
        "next": _declared(order) if declared else next_step(order, status, until, nichandle, now),
    }


def _declared(order: Order) -> dict[str, str]:
    return {"verb": _("Withdrawal declared"), "url": f"{order_url(order)}withdrawal/", "rest": ""}


def order_url(order: Order) -> str:
    """The purchase order's address. Built by hand: reversing costs as much as the rest of a row."""
    return f"{reverse('orders:order_list')}{order.order_id}/"


def more_products(count: int) -> str:
    """“and 2 more”, "" for a single product."""
    if count < 2:
        return ""
    return ngettext("and %(n)d more", "and %(n)d more", count - 1) % {"n": count - 1}


def next_step(
    order: Order, status: str, until: date | None, nichandle: Nichandle, now: datetime
) -> dict[str, str] | None:
    """The one thing the customer can do, and until when: verb, address and the rest of the sentence."""
    base = order_url(order)
    if order.can_be_paid(now):
        rest = _("before %(date)s") % {"date": expiry_words(order, nichandle, now)} if order.expiration_date else ""
        return {"verb": _("Confirm") if order.is_free else _("Pay"), "url": f"{base}pay/", "rest": rest}
    if until:
        left = days_left(until, now.astimezone(nichandle.zone).date())
        said = {"date": formats.weekday(until, nichandle.zone, now), "left": left}
        rest = _("until %(date)s, %(left)s") % said
        return {"verb": _("Withdraw"), "url": f"{base}withdrawal/", "rest": rest}
    if order.gone_at is not None and status != EXPIRED:
        return {"verb": "", "url": "", "rest": _("OVHcloud no longer lists it")}
    if status == Status.DOCUMENTS_REQUESTED:
        return {"verb": "", "url": "", "rest": _("Papers asked for by e-mail")}
    return None


def expiry_words(order: Order, nichandle: Nichandle, now: datetime) -> str:
    """“27 Nov, in 6 days”; with the time on the last two days."""
    assert order.expiration_date is not None  # noqa: S101  (asked only of orders that expire)
    left = order.expiration_date - now
    if left < timedelta(days=2):
        when = formats.short_moment(order.expiration_date, nichandle.zone, now)
    else:
        when = formats.weekday(order.expiration_date, nichandle.zone, now)
    today, last = (moment.astimezone(nichandle.zone).date() for moment in (now, order.expiration_date))
    # A day far off is counted in days of the calendar, as its date is; the last two in hours.
    ahead = formats.ahead(left) if left < timedelta(days=2) else formats.in_days((last - today).days)
    return _("%(date)s, %(ahead)s") % {"date": when, "ahead": ahead}
