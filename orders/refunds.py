"""
The money that a withdrawal brings back: due when, seen at OVHcloud, or told by a person.

The clock is the law's (directive 2011/83/EU art. 13(1), France L.221-24: 14 days after the declaration); it runs from
the first declaration of an order. What was refunded is known only from OVHcloud (`GET /me/refund`) or from somebody
who says so, with a day.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit
from accounts.actions import note_revoked
from accounts.crypto import KeyUnreadable
from accounts.ovh import NoKey, gateway_for
from gateway import CredentialRevoked, OvhError
from gateway import RefundRecord as Found
from orders.models import Intent, Order, OrderEvent, Refund, RefundNote, RefundSeen, Status

log = logging.getLogger(__name__)

DUE_AFTER = timedelta(days=14)
CLAIM = timedelta(seconds=90)
# OVHcloud's date of a refund may be a day without an hour.
SAME_DAY = timedelta(days=1)
ROUTE = "GET /me/refund"


@dataclass(frozen=True, slots=True)
class Standing:
    """
    Where a refund stands. state: due, withheld, overdue, refunded (seen at OVHcloud) or elsewhere (somebody said so).

    since: the day of that state; of `due` the day by which it is due. why: of withheld, a code (refused, closed, held)
    or "" where `words` are a person's. amount: what OVHcloud refunded, None otherwise.
    """

    state: str
    since: date
    days_left: int = 0
    why: str = ""
    words: str = ""
    amount: Decimal | None = None
    currency_code: str = ""
    ids: tuple[str, ...] = ()


def open_refund(order: Order, declared_at: datetime) -> Refund | None:
    """Start the clock with the first declaration of an order; None where nothing was paid. Call it in a transaction."""
    if order.price_with_tax <= 0 or order.status == Status.NOT_PAID or order.is_expired(declared_at):
        return None
    due_on = (declared_at.astimezone(order.nichandle.zone) + DUE_AFTER).date()
    return Refund.objects.get_or_create(order=order, defaults={"declared_at": declared_at, "due_on": due_on})[0]


def standing(refund: Refund, intent: Intent | None, today: date) -> Standing:
    """Say where it stands today, a day in the customer's zone. Two queries: what was seen, what was said."""
    return standing_of(refund, intent, today, list(refund.seen.order_by("date")), list(refund.notes.order_by("pk")))


def standing_of(
    refund: Refund, intent: Intent | None, today: date, seen: Sequence[RefundSeen], notes: Sequence[RefundNote]
) -> Standing:
    """The same of rows that were read. What OVHcloud lists comes before what anybody says."""
    zone = refund.order.nichandle.zone
    if seen:
        amount = sum((row.amount for row in seen), Decimal(0))
        day = seen[-1].date.astimezone(zone).date()
        ids = tuple(row.ovh_id for row in seen)
        return Standing("refunded", day, amount=amount, currency_code=seen[-1].currency_code, ids=ids)
    note = notes[-1] if notes else None
    if note is not None and note.kind != RefundNote.Kind.RESUMED:
        return Standing(note.kind, note.day or note.at.astimezone(zone).date(), words=note.words)
    if intent is not None and (why := _withheld(intent)):
        at = intent.settled_at or intent.created_at
        words = intent.message if why == "refused" else intent.note
        return Standing("withheld", at.astimezone(zone).date(), why=why, words=words)
    left = (refund.due_on - today).days
    if left < 0:
        return Standing("overdue", refund.due_on + timedelta(days=1), days_left=left)
    return Standing("due", refund.due_on, days_left=left)


def _withheld(intent: Intent) -> str:
    """Why no refund is on its way as far as the withdrawal itself goes; "" when it is."""
    if intent.state == Intent.State.HELD and intent.why in ("late", "no-right"):
        return "held"
    return {Intent.State.REFUSED: "refused", Intent.State.CLOSED: "closed"}.get(Intent.State(intent.state), "")


def overdue(today: date) -> QuerySet[Refund]:
    """Refunds that were due before today, that nobody has seen and nobody says are settled or withheld."""
    last = RefundNote.objects.filter(refund=OuterRef("pk")).order_by("-pk")
    intent = Intent.objects.filter(order=OuterRef("order"), kind=Intent.Kind.RETRACTION).order_by("-pk")
    withheld = Q(intent_state__in=Intent.OVER) | Q(intent_state=Intent.State.HELD, intent_why__in=["late", "no-right"])
    return (
        Refund.objects.filter(due_on__lt=today)
        .annotate(
            # Coalesce: an unknown is neither in a list nor out of it.
            last_note=Coalesce(Subquery(last.values("kind")[:1]), Value("")),
            intent_state=Coalesce(Subquery(intent.values("state")[:1]), Value("")),
            intent_why=Coalesce(Subquery(intent.values("why")[:1]), Value("")),
        )
        .filter(~Exists(RefundSeen.objects.filter(refund=OuterRef("pk"))))
        .exclude(last_note__in=[RefundNote.Kind.ELSEWHERE, RefundNote.Kind.WITHHELD])
        .exclude(withheld)
        .select_related("order__nichandle")
        .order_by("due_on", "pk")
    )


@transaction.atomic
def note(
    refund: Refund, kind: str, *, day: date | None, words: str, by: str, by_staff: bool, request: HttpRequest | None
) -> RefundNote:
    """Write what a person says of it: refunded elsewhere, withheld and why, or due again."""
    row = RefundNote.objects.create(refund=refund, kind=kind, day=day, words=words, by=by, by_staff=by_staff)
    audit.record(
        request,
        "note_refund",
        subject=refund.order.nichandle.nichandle,
        target=f"order {refund.order.order_id}",
        kind=kind,
    )
    return row


# --- Looking at OVHcloud ----------------------------------------------------------------------------------------------
def look_for_refunds(limit: int = 20) -> int:
    """Ask OVHcloud about refunds whose look is due, and keep what it lists. Returns how many were new."""
    now = timezone.now()
    with transaction.atomic():
        due = Refund.objects.filter(next_look_at__lte=now).order_by("next_look_at")
        claimed = list(due.select_for_update(skip_locked=True, of=("self",)).values_list("pk", flat=True)[:limit])
        Refund.objects.filter(pk__in=claimed).update(next_look_at=now + CLAIM)
    rows = Refund.objects.filter(pk__in=claimed).select_related("order__nichandle")
    return sum(_look(refund) for refund in rows)


def _look(refund: Refund) -> int:
    now = timezone.now()
    intent = Intent.objects.filter(order=refund.order, kind=Intent.Kind.RETRACTION).order_by("-pk").first()
    wait, ask = _pace(refund, intent, now)
    values: dict[str, datetime | None] = {"next_look_at": now + wait if wait else None}
    found: list[Found] = []
    if ask:
        try:
            gateway = gateway_for(refund.order.nichandle, people=False)
            known = set(RefundSeen.objects.filter(refund=refund).values_list("ovh_id", flat=True))
            ids = gateway.refund_ids(refund.order.order_id)
            found = [gateway.refund(ovh_id) for ovh_id in ids if ovh_id not in known]
            values["looked_at"] = now
        except (NoKey, KeyUnreadable):
            values["next_look_at"] = now + timedelta(hours=6)
        except OvhError as error:
            if isinstance(error, CredentialRevoked):
                note_revoked(refund.order.nichandle, now)
            log.info("refunds could not be asked for: %s", type(error).__name__)
            values["next_look_at"] = now + max(wait or timedelta(), timedelta(minutes=5))
    new = sum(_keep(refund, record) for record in found)
    Refund.objects.filter(pk=refund.pk).update(**values)
    return new


def _pace(refund: Refund, intent: Intent | None, now: datetime) -> tuple[timedelta | None, bool]:
    """When to look next (None: never again), and whether OVHcloud is worth a call now."""
    order = refund.order
    age = now - refund.declared_at
    if age > timedelta(days=180):
        return None, True
    if order.status != Status.CANCELLED and order.associated_type != "Refund":
        if intent is not None and intent.state == Intent.State.ACCEPTED:
            # It is cancelled first, and the order's own checks see that.
            return timedelta(seconds=10) if age < timedelta(days=1) else timedelta(hours=1), age >= timedelta(days=1)
        return timedelta(hours=12), age >= timedelta(hours=12)
    cancelled_for = now - order.status_since
    if cancelled_for < timedelta(minutes=10):
        return timedelta(seconds=20), True
    if cancelled_for < timedelta(days=1):
        return timedelta(minutes=15), True
    return timedelta(hours=6) if age < timedelta(days=60) else timedelta(days=1), True


@transaction.atomic
def _keep(refund: Refund, record: Found) -> int:
    """Write one refund, once, whoever else sees it at the same moment. Returns whether it was new."""
    refund = Refund.objects.select_for_update(of=("self",)).select_related("order").get(pk=refund.pk)
    if record.date < refund.declared_at - SAME_DAY or record.order_id not in (None, refund.order.order_id):
        # Of something else: an earlier gesture on this order, or an answer that was not asked for.
        return 0
    price = record.price_with_tax
    try:
        with transaction.atomic():
            RefundSeen.objects.create(
                refund=refund,
                ovh_id=record.refund_id[:64],
                amount=abs(price.value),
                currency_code=price.currency_code[:10],
                date=record.date,
            )
    except IntegrityError:
        return 0
    OrderEvent.objects.create(
        order=refund.order,
        kind=OrderEvent.Kind.REFUND,
        after=record.refund_id[:60],
        source=ROUTE,
        said_at=record.date,
    )
    return 1
