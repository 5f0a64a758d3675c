"""What the withdrawal pages read, shaped for them. The number of queries does not depend on the order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from orders import formats
from orders.models import Intent, Order, OrderEvent, Retraction, Status
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

    Four queries: details, the declaration with its intent, its receipts, its events; two where nobody declared.
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
        "working": words.working(verdict.deadline),
        "last_word": words.last_word(verdict),
        "reason": words.reason(verdict, order, nichandle),
        "rows": [_row(share, money.currency_code) for share in money.shares],
        "paid": formats.money(money.paid, money.currency_code),
        "refund": formats.money(money.total, money.currency_code),
        "refund_due": words.plain_day(today + timedelta(days=14)),
        "statement": words.statement(order, nichandle),
        "french_terms": nichandle.country.upper() == "FR",
        "page_language": get_language(),
        "declared": _declared(order, nichandle, retraction),
    }


def open_orders(nichandle: Nichandle, now: datetime) -> list[dict[str, Any]]:
    """The orders that can be withdrawn from now, the first to end on top. One query."""
    beyond = (Status.NOT_PAID, Status.CANCELLING, Status.CANCELLED)
    candidates = (
        nichandle.orders.filter(retraction_date__gt=now - LONGEST_WINDOW, gone_at=None)
        .exclude(status__in=beyond)
        .annotate(is_declared=Exists(Retraction.objects.filter(order=OuterRef("pk"))))
    )
    found = [(until, order) for order in candidates if (until := open_until(order, nichandle, now))]
    return [
        {
            "order": order,
            "page_status": order.page_status(now),
            "pill": pill(order.page_status(now)),
            "last_day": words.long_day(until.date()),
            "is_declared": order.is_declared,  # type: ignore[attr-defined]
            "left": _days_left(until.date(), now.astimezone(nichandle.zone).date()),
        }
        for until, order in sorted(found, key=lambda pair: (pair[0], pair[1].order_id))
    ]


def _days_left(last_day: date, today: date) -> str:
    days = (last_day - today).days
    if days <= 0:
        return _("today is the last day")
    if days == 1:
        return _("tomorrow is the last day")
    return formats.ahead(timedelta(days=days))


def _row(share: Share, currency_code: str) -> Row:
    detail = share.verdict.detail
    used = ""
    if share.days is not None and share.used is not None:
        used = _("%(used)s of %(days)s days used") % {"used": share.used, "days": share.days}
    return Row(
        description=detail.description,
        domain="" if detail.domain.startswith("*") or detail.domain in detail.description else detail.domain,
        note=words.covered(share.verdict),
        paid=formats.money(share.paid, currency_code),
        used=used,
        refund=_("not refunded") if share.refund is None else formats.money(share.refund, currency_code),
        cancelled=detail.cancelled,
    )


def _declared(order: Order, nichandle: Nichandle, retraction: Retraction | None) -> dict[str, Any] | None:
    """The declaration that stands, its state in words, and its receipt; None when nobody declared."""
    if retraction is None:
        return None
    # The row came without its order; facts and words need it.
    retraction.order = order
    intent = retraction.intent
    headline, explanation, tone = words.state(intent, order)
    return receipt.facts(retraction) | {
        "headline": headline,
        "explanation": explanation,
        "tone": tone,
        "icon": {"success": "check", "critical": "ban", "warning": "alert"}.get(tone, "clock"),
        "settled": is_settled(intent, order),
        "refused": intent.state in Intent.OVER,
        "message": intent.message if is_for_a_person(intent) else "",
        "note": intent.note,
        "query_id": intent.query_id if intent.message else "",
        "needs_key": intent.state == Intent.State.HELD and intent.why == "key",
        "accepted": intent.state == Intent.State.ACCEPTED,
        "history": _history(order, nichandle, retraction),
        "receipts": list(retraction.receipts.order_by("pk")),
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
        OrderEvent.Kind.GIVEN_UP: _("Not confirmed by OVHcloud; a person looks at it"),
        OrderEvent.Kind.RUNG: _("Taken up again by support"),
        OrderEvent.Kind.CLOSED: _("Closed by support"),
        OrderEvent.Kind.ACCEPTED: _("Accepted by OVHcloud"),
        OrderEvent.Kind.REFUSED: _("Refused by OVHcloud"),
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
