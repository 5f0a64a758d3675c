"""What the withdrawal pages read, shaped for them. The number of queries does not depend on the order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from orders import formats, refunds
from orders.models import Intent, Order, OrderEvent, Receipt, Refund, Retraction, Status
from orders.retraction import receipt, words
from orders.retraction.declaration import standing_declaration
from orders.retraction.eligibility import conclusion_day, eligibility, open_until
from orders.retraction.estimate import Share, estimate
from orders.words import pill

# An order older than this cannot be open by our own deadline, whatever holidays lie in between.
LONGEST_WINDOW = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Row:
    """One detail in the table. Amounts are texts; "" where there is nothing to say."""

    description: str
    domain: str
    note: str
    paid: str
    used: str
    refund: str
    cancelled: bool


def withdrawal(order: Order, nichandle: Nichandle, now: datetime) -> dict[str, Any]:
    """
    Everything the page of one order shows, besides the frame.

    Two queries where nobody declared, for details and declaration; five or six more for what followed from one.
    """
    details = list(order.details.all())
    retraction = standing_declaration(order)
    verdict = eligibility(order, details, nichandle, now)
    # Days after the declaration are not the customer's to pay for.
    today = (retraction.declared_at if retraction else now).astimezone(nichandle.zone).date()
    money = estimate(order, verdict.verdicts, conclusion_day(order, nichandle), today)
    status = order.page_status(now)
    return {
        "order": order,
        "page_status": status,
        "pill": pill(status),
        "verdict": verdict,
        "until": words.long_day(verdict.until.date()) if verdict.until else "",
        "until_clock": words.clock(verdict.until) if verdict.until else "",
        "until_zone": formats.zone_words(nichandle.zone),
        "until_left": words.days_left(verdict.until.date(), now.astimezone(nichandle.zone).date())
        if verdict.until
        else "",
        "working": words.working(verdict.deadline),
        "last_word": words.last_word(verdict),
        "reason": words.reason(verdict, order, nichandle),
        "rows": [_row(share, money.currency_code) for share in money.shares],
        "paid": formats.money(money.paid, money.currency_code),
        "refund": formats.money(money.total, money.currency_code),
        "estimate_working": words.estimate_working(money),
        "refund_due": words.plain_day(today + timedelta(days=14)),
        "statement": words.statement(order, nichandle),
        "french_terms": nichandle.country.upper() == "FR",
        "page_language": get_language(),
        "declared": _declared(order, nichandle, retraction, now),
        "refund_state": _refund(order, retraction, now.astimezone(nichandle.zone).date()),
    }


def open_orders(nichandle: Nichandle, now: datetime) -> list[dict[str, Any]]:
    """The orders that can be withdrawn from now, the first to end on top. One query."""
    beyond = (Status.NOT_PAID, Status.CANCELLING, Status.CANCELLED)
    candidates = (
        nichandle.orders.filter(retraction_date__gt=now - LONGEST_WINDOW, gone_at=None)
        .exclude(status__in=beyond)
        .annotate(is_declared=Exists(Retraction.objects.of(OuterRef("pk"))))
    )
    found = [(until, order) for order in candidates if (until := open_until(order, nichandle, now))]
    return [
        {
            "order": order,
            "page_status": order.page_status(now),
            "pill": pill(order.page_status(now)),
            "last_day": words.long_day(until.date()),
            "is_declared": order.is_declared,  # type: ignore[attr-defined]
            "left": words.days_left(until.date(), now.astimezone(nichandle.zone).date()),
        }
        for until, order in sorted(found, key=lambda pair: (pair[0], pair[1].order_id))
    ]


def _row(share: Share, currency_code: str) -> Row:
    detail = share.verdict.detail
    used = ""
    if share.days is not None and share.used is not None:
        used = _("%(used)s of %(days)s days used") % {"used": share.used, "days": share.days}
    return Row(
        description=detail.description,
        domain="" if detail.domain.startswith("*") or detail.domain in detail.description else detail.domain,
        note=words.covered(share.verdict) or words.part_means(share.verdict),
        paid=formats.money(share.paid, currency_code),
        used=used,
        refund=_("not refunded") if share.refund is None else formats.money(share.refund, currency_code),
        cancelled=detail.cancelled,
    )


def _declared(
    order: Order, nichandle: Nichandle, retraction: Retraction | None, now: datetime
) -> dict[str, Any] | None:
    """The declaration that stands, its state in words, and its receipt; None when nobody declared."""
    if retraction is None:
        return None
    # The row came without its order; facts and words need it. One made without signing in stays without.
    if retraction.order_id:
        retraction.order = order
    intent = retraction.intent
    assert intent is not None  # noqa: S101  (standing_declaration sets it for both kinds)
    headline, explanation, tone = words.state(intent, order)
    over = intent.state in Intent.OVER
    return receipt.facts(retraction) | {
        "refund_due": words.plain_day(words.refund_due(retraction)),
        "headline": headline,
        "explanation": explanation,
        "tone": tone,
        "icon": {"success": "check", "critical": "ban", "warning": "alert"}.get(tone, "clock"),
        "settled": is_settled(intent, order),
        "over": over,
        "refused": intent.state == Intent.State.REFUSED,
        "held_now": intent.state in (Intent.State.HELD, Intent.State.DEAD),
        "message": intent.message if over or intent.state in (Intent.State.HELD, Intent.State.DEAD) else "",
        "note": intent.note if intent.state == Intent.State.CLOSED else "",
        "query_id": intent.query_id if intent.message else "",
        "needs_key": intent.state == Intent.State.HELD and intent.why == "key",
        "accepted": intent.state == Intent.State.ACCEPTED,
        "by_others": retraction.order_id is None,
        "tried_again_at": _tried_again_at(intent, nichandle, now),
        "next_steps": words.next_steps(intent, order),
        "history": _history(order, nichandle, retraction),
        "receipts": [_sent(row) for row in retraction.receipts.filter(kind=Receipt.Kind.RECEIPT).order_by("pk")]
        if retraction.order_id
        else [],
    }


def _tried_again_at(intent: Intent, nichandle: Nichandle, now: datetime) -> str:
    """When OVHcloud is asked next, while it cannot be reached."""
    if intent.state != Intent.State.WAITING or not intent.failures or intent.next_attempt_at is None:
        return ""
    return words.clock(max(intent.next_attempt_at, now).astimezone(nichandle.zone))


def _sent(row: Receipt) -> dict[str, Any]:
    """A receipt's way by mail, in words for its customer."""
    if row.sent_at:
        text = pgettext("a mail", "sent")
    elif row.last_error:
        text = _("the mail server did not take it yet; we try again")
    elif row.held_back:
        text = _("held back")
    else:
        text = _("on its way")
    return {"address": row.address, "text": text, "failed": bool(row.last_error and not row.sent_at)}


def _refund(order: Order, retraction: Retraction | None, today: date) -> dict[str, Any] | None:
    """Where the money stands; None where nobody declared, or nothing was paid."""
    if retraction is None or retraction.intent is None:
        return None
    row = Refund.objects.filter(order=order).prefetch_related("seen", "notes").first()
    if row is None:
        return None
    row.order = order
    seen = sorted(row.seen.all(), key=lambda seen: seen.date)
    notes = sorted(row.notes.all(), key=lambda note: note.pk)
    at = refunds.standing_of(row, retraction.intent, today, seen, notes)
    headline, sentence, tone = words.refund_state(at, row.due_on)
    return {
        "state": at.state,
        "headline": headline,
        "sentence": sentence,
        "tone": tone,
        "icon": {"success": "check", "critical": "alert", "warning": "alert"}.get(tone, "clock"),
        # What OVHcloud or support said of the withdrawal itself stands above already.
        "words": "" if at.why else at.words,
        "due": words.plain_day(row.due_on),
        "ids": ", ".join(at.ids),
        "open": at.state in ("due", "overdue", "withheld"),
        "looked_at": words.day_and_clock(row.looked_at.astimezone(order.nichandle.zone)) if row.looked_at else "",
        "notes": [
            {
                "day": words.plain_day(note.day or note.at.astimezone(order.nichandle.zone).date()),
                "kind": note.get_kind_display(),
                "words": note.words,
                "by_staff": note.by_staff,
            }
            for note in notes
        ],
    }


def is_settled(intent: Intent, order: Order) -> bool:
    """Nothing about this declaration changes by itself any more, so the page need not ask."""
    if intent.state == Intent.State.ACCEPTED:
        return order.status == Status.CANCELLED or order.gone_at is not None
    return is_for_a_person(intent) or intent.state == Intent.State.CLOSED


def is_for_a_person(intent: Intent) -> bool:
    """It goes on only when somebody does something."""
    return intent.state in (Intent.State.REFUSED, Intent.State.HELD, Intent.State.DEAD)


def _history(order: Order, nichandle: Nichandle, retraction: Retraction) -> Sequence[tuple[str, str]]:
    """What happened since the declaration, oldest first: when, and what."""
    kinds = {
        OrderEvent.Kind.DECLARED: _("Declaration received and stored"),
        OrderEvent.Kind.SENT: _("Sent to OVHcloud"),
        OrderEvent.Kind.DOUBTFUL: _("OVHcloud’s answer did not arrive; we look at the order"),
        OrderEvent.Kind.HELD: _("Held for a person"),
        OrderEvent.Kind.ACCEPTED: _("Accepted by OVHcloud"),
        OrderEvent.Kind.REFUSED: _("Refused by OVHcloud"),
        OrderEvent.Kind.GIVEN_UP: _("Not confirmed by OVHcloud; a person looks at it"),
        OrderEvent.Kind.RUNG: _("Support had it taken up again"),
        OrderEvent.Kind.CLOSED: _("Support ended the passing on"),
        OrderEvent.Kind.REFUND: _("Refund seen at OVHcloud"),
    }
    status = {Status.CANCELLING: _("Order being cancelled"), Status.CANCELLED: _("Order cancelled")}
    events = order.events.filter(at__gte=retraction.declared_at).order_by("at", "pk")
    told = []
    for event in events:
        text = kinds.get(OrderEvent.Kind(event.kind)) or (
            status.get(Status(event.after)) if event.kind == OrderEvent.Kind.STATUS and event.after in status else None
        )
        if event.kind == OrderEvent.Kind.HELD and event.after == "key":
            text = _("Waiting for your permission at OVHcloud")
        if text:
            told.append((words.day_and_clock(event.at.astimezone(nichandle.zone)), text))
    return told
