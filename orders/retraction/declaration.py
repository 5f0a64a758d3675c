"""Declaring: the one transaction in which a withdrawal comes to be. What follows from it follows from its rows."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import override

from accounts import audit
from accounts.models import Nichandle
from accounts.ringing import ring
from orders import refunds, tasks
from orders.models import Intent, Matching, Order, OrderEvent, Receipt, Retraction
from orders.retraction import words
from orders.retraction.eligibility import Eligibility, Reason, conclusion_day, eligibility
from orders.retraction.estimate import Estimate, estimate

# As many mails as one declaration sends to addresses that its customer names afterwards.
MOST_RECEIPTS = 10


@dataclass(frozen=True, slots=True)
class Declared:
    """The declaration that stands for the order; `is_new` is False when it had been made before."""

    retraction: Retraction
    is_new: bool


@transaction.atomic
def retract_order(order: Order, *, email: str, language: str, request: HttpRequest | None, after: str = "") -> Declared:
    """
    Record that the order's customer withdraws from it. Never refused: a late or doubtful declaration is stored, too,
    and held for a person.

    While one declaration stands, the same person's saying the same of the same order adds nothing to it: its date is
    the earlier one and OVHcloud is told once. So a repeat (a double click, a second tab) gets the one that stands, and
    its receipt goes to the address named with the repeat, too.

    language: of the page on which it was declared; the statement is stored in it.
    after: the reference of a declaration that OVHcloud refused and that this one is to follow.
    """
    now = timezone.now()
    # Everybody who declares for this order queues here, so that the second finds what the first stored.
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order.pk)
    standing = standing_declaration(order)
    if standing and standing.order_id and not _follows(standing, after):
        send_receipt(standing, email, request=request, only_if_new=True)
        return Declared(standing, is_new=False)
    details = list(order.details.all())
    verdict = eligibility(order, details, order.nichandle, now)
    with override(language):
        retraction = Retraction.objects.create(
            order=order,
            intent=carrier(order, verdict),
            declared_at=now,
            nichandle=order.nichandle.nichandle,
            order_number=order.order_id,
            name=order.nichandle.full_name,
            email=email,
            statement=words.statement(order, order.nichandle),
            statement_version=words.STATEMENT_VERSION,
            language=language,
            late=verdict.reason == Reason.OVER,
            snapshot=_snapshot(order, order.nichandle, verdict, now),
        )
    Receipt.objects.bulk_create(Receipt(retraction=retraction, address=to) for to in _addresses(retraction, order))
    OrderEvent.objects.create(order=order, kind=OrderEvent.Kind.DECLARED, at=now, after=retraction.reference)
    refunds.open_refund(order, now)
    audit.record(
        request,
        "declare_withdrawal",
        subject=order.nichandle.nichandle,
        target=f"order {order.order_id}",
        reference=retraction.reference,
        late=retraction.late,
    )
    ring(tasks.send_receipts)
    ring(tasks.relay_intents)
    return Declared(retraction, is_new=True)


@transaction.atomic
def send_receipt(
    retraction: Retraction, address: str, *, request: HttpRequest | None, only_if_new: bool = False
) -> bool:
    """
    Send the receipt once more, to this address. False: it was sent to as many as it may be, or is on its way there.

    only_if_new: not to an address that has had it, or waits for it.
    """
    rows = Receipt.objects.filter(retraction=retraction, kind=Receipt.Kind.RECEIPT)
    waits = rows.filter(address__iexact=address, sent_at=None).first()
    if waits is not None and not only_if_new:
        # Undelivered so far: tried at once, not written twice.
        tried = rows.filter(pk=waits.pk, held_back=False).update(next_attempt_at=timezone.now())
        ring(tasks.send_receipts)
        return bool(tried)
    if (only_if_new and rows.filter(address__iexact=address).exists()) or rows.count() >= MOST_RECEIPTS:
        return False
    Receipt.objects.create(retraction=retraction, address=address)
    audit.record(
        request,
        "send_receipt",
        subject=retraction.nichandle,
        target=f"receipt {retraction.reference}",
    )
    ring(tasks.send_receipts)
    return True


def standing_declaration(order: Order) -> Retraction | None:
    """
    The order's latest declaration, None when nobody declared. Its own page's come before those that were made without
    signing in, which may be another person's.

    `intent` is set for both kinds: that of a public declaration comes from its matching.
    """
    found = (
        Retraction.objects.of(order)
        .select_related("intent")
        .prefetch_related(Prefetch("matchings", Matching.objects.standing().select_related("intent")))
        .order_by("channel", "-declared_at", "-pk")
        .first()
    )
    if found is not None and found.intent_id is None:
        found.intent = found.matchings.all()[0].intent
    return found


def carrier(order: Order, verdict: Eligibility) -> Intent:
    """The intent that carries declarations of this order: one for all that are made while it is not over."""
    kind = Intent.Kind.RETRACTION
    found = Intent.objects.filter(order=order, kind=kind).exclude(state__in=Intent.OVER).first()
    if found is None:
        if verdict.open:
            return Intent.objects.create(kind=kind, nichandle=order.nichandle, order=order)
        why = "late" if verdict.reason == Reason.OVER else "no-right"
        held = Intent.State.HELD
        found = Intent.objects.create(
            kind=kind, nichandle=order.nichandle, order=order, state=held, why=why, next_attempt_at=None
        )
        OrderEvent.objects.create(order=order, kind=OrderEvent.Kind.HELD, after=why)
    elif verdict.open and found.state == Intent.State.HELD and found.why in ("late", "no-right"):
        # Another declaration of the same order was in time.
        found.state, found.why, found.next_attempt_at = Intent.State.WAITING, "", timezone.now()
        found.save(update_fields=["state", "why", "next_attempt_at"])
    return found


def _follows(standing: Retraction, after: str) -> bool:
    return standing.intent is not None and standing.intent.state in Intent.OVER and standing.reference == after


def _addresses(retraction: Retraction, order: Order) -> list[str]:
    """Where the receipt goes: the address that was named; the account's own is told besides."""
    own = order.nichandle.email
    try:
        validate_email(own)
    except ValidationError:
        own = retraction.email
    return list({address.lower(): address for address in (own, retraction.email)}.values())[::-1]


def _snapshot(order: Order, nichandle: Nichandle, verdict: Eligibility, now: datetime) -> dict[str, Any]:
    """What the page showed: codes to reckon with, and the very words."""
    today = now.astimezone(nichandle.zone).date()
    money = estimate(order, verdict.verdicts, conclusion_day(order, nichandle), today)
    return {
        "status": order.status,
        "zone": nichandle.time_zone,
        "checked_at": _iso(verdict.checked_at),
        "reason": str(verdict.reason),
        "reason_words": words.reason(verdict, order, nichandle),
        "held": "" if verdict.open else str(verdict.reason),
        "until": _iso(verdict.until),
        "retraction_date": _iso(verdict.retraction_date),
        "deadline": {
            "last_day": verdict.deadline.last_day.isoformat(),
            "ends_at": _iso(verdict.deadline.ends_at),
            "country": verdict.deadline.country,
            "working": words.working(verdict.deadline),
            "steps": [asdict(step) | {"day": step.day.isoformat()} for step in verdict.deadline.steps],
        },
        "estimate": _estimate_as_json(money),
    }


def _estimate_as_json(money: Estimate) -> dict[str, Any]:
    return {
        "paid": str(money.paid),
        "total": str(money.total),
        "currency_code": money.currency_code,
        "details": [
            {
                "order_detail_id": share.verdict.detail.order_detail_id,
                "description": share.verdict.detail.description,
                "domain": share.verdict.detail.domain,
                "part": str(share.verdict.part),
                "covered": share.verdict.covered,
                "paid": str(share.paid),
                "days": share.days,
                "used": share.used,
                "refund": None if share.refund is None else str(share.refund),
            }
            for share in money.shares
        ],
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
