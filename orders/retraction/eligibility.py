"""
Whether, until when and why: the right of withdrawal of one order, decided from rows alone.

OVHcloud shows the right only through `retractionDate` and gives no reason for a null, so reasons are our own reading
of its published rules (product.md, Withdrawal 3 and 5). Codes are stored with declarations: keep their meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Nichandle
from orders.models import Order, OrderDetail, Status
from orders.retraction.deadline import Deadline, deadline_after
from orders.retraction.parts import WAIVED, Part, part_of

# Facts older than this, on an order that should be asked about, are no ground for saying no.
TOO_OLD = timedelta(days=1)
SURELY_OVER = timedelta(days=60)
A_SECOND = timedelta(seconds=1)
NO_RETRACTION_ROUTE = frozenset({"ovh-us"})


class Reason(models.TextChoices):
    """Why the function is closed; OPEN when it is not. Words for pages are in words.py."""

    OPEN = "open", _("open")
    UNPAID = "unpaid", _("not paid")
    EXPIRED = "expired", _("expired unpaid")
    CANCELLING = "cancelling", _("already being cancelled")
    CANCELLED = "cancelled", _("already cancelled")
    GONE = "gone", _("no longer listed by OVHcloud")
    REGION = "region", _("not offered in this region")
    NOT_INDIVIDUAL = "not-individual", _("not a private individual's account")
    RENEWAL = "renewal", _("a renewal")
    DOMAIN = "domain", _("domain names: right waived")
    CERTIFICATE = "certificate", _("certificate: right waived")
    LICENCE = "licence", _("licence: no right")
    WAIVED = "waived", _("right waived for every part")
    OVER = "over", _("the time is over")
    PENDING = "pending", _("OVHcloud has not set a date yet")
    UNCHECKED = "unchecked", _("could not be checked just now")
    NO_RIGHT = "no-right", _("OVHcloud sees no right")


_BY_PART = {Part.RENEWAL: Reason.RENEWAL, Part.DOMAIN: Reason.DOMAIN, Part.CERTIFICATE: Reason.CERTIFICATE}
_BY_PART |= {Part.LICENCE: Reason.LICENCE}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One detail: what it is, and whether the right of withdrawal covers it."""

    detail: OrderDetail
    part: Part
    covered: bool


@dataclass(frozen=True, slots=True)
class Eligibility:
    """
    until: the later of OVHcloud's date and ours, in the customer's zone; None where OVHcloud names none.

    retraction_date: OVHcloud's, as last heard. checked_at: when that was; None: never.
    """

    reason: Reason
    until: datetime | None
    deadline: Deadline
    retraction_date: datetime | None
    checked_at: datetime | None
    verdicts: tuple[Verdict, ...]

    @property
    def open(self) -> bool:
        return self.reason == Reason.OPEN

    @property
    def last_day(self) -> date | None:
        return self.until.date() if self.until else None

    @property
    def nothing_paid(self) -> bool:
        return self.reason in (Reason.UNPAID, Reason.EXPIRED)

    def is_late(self, moment: datetime) -> bool:
        """Whether a declaration of that moment comes after both dates; never where OVHcloud names none."""
        return self.until is not None and moment >= self.until + A_SECOND


def eligibility(order: Order, details: Sequence[OrderDetail], nichandle: Nichandle, now: datetime) -> Eligibility:
    """Decide. No query: `order` belongs to `nichandle`, `details` are all its parts ([] when not read yet)."""
    ours = _deadline_of(order, nichandle)
    verdicts = tuple(verdict_of(detail) for detail in details)
    until = max(order.retraction_date.astimezone(nichandle.zone), ours.ends_at) if order.retraction_date else None
    reason = _closed_by_order(order, nichandle, now)
    if reason is None and until is None:
        reason = _why_no_date(order, nichandle, verdicts, ours, now)
    elif reason is None and until is not None:
        reason = Reason.OVER if now >= until + A_SECOND else Reason.OPEN
    assert reason is not None  # noqa: S101  (for the type checker)
    return Eligibility(reason, until, ours, order.retraction_date, order.status_checked_at, verdicts)


def open_until(order: Order, nichandle: Nichandle, now: datetime) -> datetime | None:
    """Return until when the order can be withdrawn from, None when it cannot. No query; cheap enough for lists."""
    if order.retraction_date is None:
        return None
    verdict = eligibility(order, (), nichandle, now)
    return verdict.until if verdict.open else None


def last_day(order: Order, nichandle: Nichandle, now: datetime | None = None) -> date | None:
    """Return the last day to withdraw in the customer's zone, None when no link to the function is due. No query."""
    until = open_until(order, nichandle, now or timezone.now())
    return until.date() if until else None


def conclusion_day(order: Order, nichandle: Nichandle) -> date:
    """The day the contract was concluded, in the customer's zone: that of the payment where OVHcloud names it."""
    return (order.payment_date or order.date).astimezone(nichandle.zone).date()


def _deadline_of(order: Order, nichandle: Nichandle) -> Deadline:
    return deadline_after(order.payment_date or order.date, nichandle.country, nichandle.zone)


def _closed_by_order(order: Order, nichandle: Nichandle, now: datetime) -> Reason | None:
    """What closes the function whatever the dates say, None when nothing does."""
    if order.is_expired(now):
        return Reason.EXPIRED
    if order.status == Status.CANCELLED:
        return Reason.CANCELLED
    if order.status == Status.CANCELLING:
        return Reason.CANCELLING
    if order.gone_at is not None:
        return Reason.GONE
    if order.status == Status.NOT_PAID:
        return Reason.UNPAID
    if nichandle.endpoint in NO_RETRACTION_ROUTE:
        return Reason.REGION
    return None


def _why_no_date(
    order: Order, nichandle: Nichandle, verdicts: Sequence[Verdict], ours: Deadline, now: datetime
) -> Reason:
    """OVHcloud names no date: find the most telling reason, and say no only on what we know."""
    if nichandle.legalform and not nichandle.is_private_individual:
        return Reason.NOT_INDIVIDUAL
    if reason := _ruled_out_by_parts(verdicts):
        return reason
    over, unsure = now >= ours.ends_at + A_SECOND, _could_not_be_checked(order, nichandle, now)
    # OVHcloud may have set a later date since we last heard of it; for so old an order it has not.
    if over and (not unsure or now >= ours.ends_at + SURELY_OVER):
        return Reason.OVER
    if unsure:
        return Reason.UNCHECKED
    if order.status != Status.DELIVERED:
        return Reason.PENDING
    return Reason.NO_RIGHT


def _ruled_out_by_parts(verdicts: Sequence[Verdict]) -> Reason | None:
    """A reason when not one part that costs something is covered."""
    parts = {verdict.part for verdict in verdicts if verdict.part not in (Part.REDUCTION, Part.SET_UP)}
    parts.discard(Part.CANCELLED)
    if not parts or not parts <= WAIVED | {Part.RENEWAL}:
        return None
    return _BY_PART[parts.pop()] if len(parts) == 1 else Reason.WAIVED


def _could_not_be_checked(order: Order, nichandle: Nichandle, now: datetime) -> bool:
    checked = order.status_checked_at
    if checked is None or not nichandle.legalform or order.poll_failures or order.status == Status.UNKNOWN:
        return True
    return order.next_poll_at is not None and checked < now - TOO_OLD


def verdict_of(detail: OrderDetail) -> Verdict:
    part = part_of(detail)
    return Verdict(detail, part, covered=part in (Part.PRODUCT, Part.SET_UP, Part.REDUCTION))
