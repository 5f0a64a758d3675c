"""One order as staff see it: what it is, what happened to it, what was asked and answered, all in words."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.translation import gettext as _

from orders import formats, tracking, words
from orders.freshness import Freshness, freshness
from orders.models import Evidence, Intent, Order, OrderEvent, OrderImport, Receipt, Retraction
from orders.queries.order import billing_lines, detail_groups, is_asked
from orders.relay import words_for
from orders.relay.waiting import FOR_STAFF
from support import queries, waiting

# As many kept answers as the page shows.
MOST_EVIDENCE = 24


@dataclass(frozen=True)
class Happening:
    """
    One line of the timeline. at: when we saw it; happened: when OVHcloud says it was, "" where it does not say.

    said: OVHcloud's own words. query_id: what its support asks for.
    """

    at: str
    happened: str
    what: str
    said: str
    source: str
    query_id: str


def order_page(order: Order, now: datetime) -> dict[str, Any]:
    """Everything `support/order_show.html` shows; the order must come from `queries.order_for_page`. Two queries."""
    zone = order.nichandle.zone
    status = order.page_status(now)
    events = list(order.events.order_by("-at", "-pk"))
    account = queries.import_of(order)
    seen = {word for event in events if event.kind == OrderEvent.Kind.STATUS for word in (event.before, event.after)}
    return {
        "order": order,
        "customer": order.nichandle,
        "zone": zone,
        "zone_words": formats.zone_words(zone),
        "status": status,
        "pill": words.pill(status),
        "explanation": words.status_words(status).explanation,
        "reasons": waiting.reasons(queries.situation(order, now)),
        "freshness": _freshness(order, account, now),
        "checked": _moment(order.status_checked_at, zone, now),
        "next_check": _next_check(order, zone, now),
        "key": _key(order, zone, now),
        "dates": _dates(order, zone, now),
        "amount": formats.money(order.price_with_tax, order.currency_code),
        "without_tax": formats.money(order.price_without_tax, order.currency_code),
        "tax": formats.money(order.tax, order.currency_code),
        "groups": detail_groups(order.details.all()),
        "billing": billing_lines(order.billing, order.nichandle),
        "steps": _steps(order, status, seen),
        "withdrawals": [_withdrawal(intent, zone, now) for intent in order.intents.all()],
        "happenings": [_happening(event, zone, now) for event in events],
        "evidence": [_evidence(row, zone, now) for row in order.evidence.order_by("-id")[:MOST_EVIDENCE]],
        "check_url": reverse("support:order_check", args=[order.nichandle.nichandle, order.order_id]),
        "is_asked": is_asked(order, now),
    }


def _freshness(order: Any, account: OrderImport | None, now: datetime) -> Freshness:
    return freshness(
        now=now,
        zone=order.nichandle.zone,
        checked_at=order.status_checked_at,
        due_at=order.next_poll_at,
        sang_at=order.sang_at,
        unreachable_since=account.unreachable_since if account else None,
        unreachable_why=account.unreachable_why if account else "",
        breaker_since=order.breaker_since,
        wait_until=order.wait_until,
    )


def _moment(moment: datetime | None, zone: ZoneInfo, now: datetime) -> str:
    return formats.short_moment(moment, zone, now) if moment else ""


def _next_check(order: Order, zone: ZoneInfo, now: datetime) -> str:
    if order.next_poll_at is None:
        return _("never: nothing about it can change any more")
    if order.next_poll_at <= now:
        return _("due since %(time)s") % {"time": formats.since(order.next_poll_at, zone, now)}
    return formats.ahead(order.next_poll_at - now)


def _evidence(row: Evidence, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """One answer as it was kept; its JSON as text, for people who can read that."""
    return {
        "route": row.route,
        "at": formats.short_moment(row.asked_at, zone, now),
        "status": row.status_code,
        "query_id": row.query_id,
        "body": "" if row.body is None else json.dumps(row.body, indent=2, ensure_ascii=False),
    }


def _key(order: Order, zone: ZoneInfo, now: datetime) -> str:
    """Whether the panel may still ask OVHcloud for this account."""
    links = list(order.nichandle.links.all())
    if any(link.is_usable for link in links):
        return _("valid")
    if not links:
        return _("none: the customer took it back, or never signed in")
    ends = [moment for link in links if (moment := link.revoked_at or link.expiration)]
    if not ends:
        return _("no longer valid: the customer must sign in again")
    return _("ended on %(date)s: the customer must sign in again") % {"date": _moment(max(ends), zone, now)}


def _dates(order: Order, zone: ZoneInfo, now: datetime) -> list[tuple[str, str]]:
    named = [
        (_("Placed"), order.date),
        (_("Paid"), order.payment_date),
        (_("Expires, if unpaid"), order.expiration_date),
        (_("Withdrawal possible until, says OVHcloud"), order.retraction_date),
        (_("This status since"), order.status_since),
        (_("Expiry confirmed"), order.expired_at),
        (_("No longer listed by OVHcloud since"), order.gone_at),
    ]
    return [(name, _moment(moment, zone, now)) for name, moment in named if moment]


def _steps(order: Order, status: str, seen: set[str]) -> list[dict[str, Any]]:
    states = tracking.step_states(status, order.follow_up, seen)
    history = tracking.histories(order.follow_up)
    return [
        {
            "step": step,
            "name": words.STEPS[step],
            "state": state,
            "state_words": words.STATES[state],
            "history": [
                {
                    "at": formats.long_moment(entry.date, order.nichandle.zone) if entry.date else "",
                    "what": words.history_label(entry.label, entry.description),
                }
                for entry in history[step]
            ],
        }
        for step, state in zip(tracking.STEPS, states, strict=True)
    ]


def _withdrawal(intent: Intent, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    held = intent.state in FOR_STAFF
    return {
        "kind": intent.kind,
        "title": intent.get_kind_display(),
        "intent": intent.pk if queries.is_for_staff(intent) else None,
        "note": intent.note,
        "state": intent.get_state_display(),
        "tone": {
            "accepted": "success",
            "refused": "critical",
            "held": "warning",
            "dead": "critical",
            "doubtful": "warning",
        }.get(intent.state, "info"),
        "why": waiting.why_held(intent.why) if held or intent.state == Intent.State.NEEDLESS else "",
        "said": intent.message,
        "query_id": intent.query_id,
        "attempts": intent.attempts,
        "attempted": _moment(intent.attempted_at, zone, now),
        "next": _moment(intent.next_attempt_at, zone, now),
        "settled": _moment(intent.settled_at, zone, now),
        "declarations": [_declaration(row, zone, now) for row in intent.retractions.all()],
    }


def _declaration(row: Retraction, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    return {
        "reference": row.reference,
        "at": formats.long_moment(row.declared_at, zone),
        "name": row.name,
        "email": row.email,
        "late": row.late,
        "statement": row.statement,
        "receipts": [_receipt(receipt, zone, now) for receipt in row.receipts.all()],
    }


def _receipt(receipt: Receipt, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    return {
        "address": receipt.address,
        "sent": _moment(receipt.sent_at, zone, now),
        "attempts": receipt.attempts,
        "error": receipt.last_error if receipt.sent_at is None else "",
    }


def _happening(event: OrderEvent, zone: ZoneInfo, now: datetime) -> Happening:
    return Happening(
        at=formats.short_moment(event.at, zone, now),
        happened=_moment(event.said_at, zone, now),
        what=_what(event, zone),
        said=event.note,
        source=event.source,
        query_id=event.query_id,
    )


def _what(event: OrderEvent, zone: ZoneInfo) -> str:
    kind = OrderEvent.Kind
    match event.kind:
        case kind.STATUS:
            change = {"before": _label(event.before), "after": _label(event.after)}
            return _("Status changed from %(before)s to %(after)s") % change
        case kind.FOUND:
            return _("Found at OVHcloud: %(status)s") % {"status": _label(event.after)}
        case kind.RETRACTION_DATE:
            change = {"before": _date(event.before, zone), "after": _date(event.after, zone)}
            return _("OVHcloud changed the last day to withdraw from %(before)s to %(after)s") % change
        case kind.EXPIRED:
            return _("OVHcloud was asked once more: it lapsed unpaid")
        case kind.NOT_EXPIRED:
            return _("OVHcloud was asked again: it had not lapsed")
        case kind.GONE:
            return _("OVHcloud no longer lists it; its last status was %(status)s") % {"status": _label(event.before)}
        case kind.BACK:
            return _("OVHcloud lists it again")
        case kind.DECLARED:
            return _("The customer declared the withdrawal")
        case kind.HELD | kind.GIVEN_UP | kind.NEEDLESS:
            return f"{words_for(event.kind, event.source)} ({waiting.why_held(event.after)})"
        case kind.REFUND:
            return _("A refund was seen at OVHcloud")
    return str(words_for(event.kind, event.source) or event.get_kind_display())


def _label(word: str) -> str:
    """The page's word for a status, with OVHcloud's own where that is another one we never heard of."""
    if not word:
        return _("nothing")
    return str(words.STATUSES[word].label) if word in words.STATUSES else word


def _date(text: str, zone: ZoneInfo) -> str:
    try:
        return formats.day(datetime.fromisoformat(text), zone)
    except ValueError:
        return text or _("none")
