"""What the payment page reads, shaped for it: at most three queries besides the order's own."""

from datetime import datetime, timedelta
from typing import Any

from accounts.models import Nichandle
from orders import formats
from orders.models import Intent, Order, OrderEvent, PaymentChoices
from orders.payment import at_checkout, words
from orders.payment.asking import amount_of
from orders.payment.choices import Choice, choices_of
from orders.payment.kind import PaymentKind

# From then on an accepted payment that does not show is said to be late, and the page waits no longer.
LATE_AFTER = timedelta(minutes=2)
# So long a page waits for its methods to be read.
READ_WITHIN = timedelta(seconds=30)

_LIVE = (Intent.State.WAITING, Intent.State.SENDING, Intent.State.DOUBTFUL)


def payment(order: Order, nichandle: Nichandle, now: datetime, *, may_pay: bool, picked: str) -> dict[str, Any]:
    """
    Everything the page shows of paying from here.

    may_pay: the person's key may. picked: the method they had chosen before they were sent to show who they are.
    """
    intents = list(Intent.objects.filter(order=order, kind=Intent.Kind.PAYMENT).order_by("pk"))
    last = intents[-1] if intents else None
    row = PaymentChoices.objects.filter(order=order).first()
    choices = choices_of(row)
    payable = order.can_be_paid(now)
    standing = last if last is not None and _stands(last, now) else None
    being_made = payable and _may_be_one(order, last, now)
    reading = payable and may_pay and standing is None and not order.is_free and _is_being_read(row, now)
    made = _made(last, order, nichandle, now) if last else None
    offers = [choice for choice in choices if choice.available]
    return {
        "may_pay": may_pay,
        "free": order.is_free,
        "made": made,
        "reading": reading,
        "unread": row is None or row.choices is None,
        "choices": choices,
        "payable_here": payable and standing is None and (bool(offers) or order.is_free),
        "picked": _picked(offers, picked, last),
        "attempts": len(intents),
        "amount_sent": amount_of(order),
        "being_made": being_made,
        "show_form": payable and standing is None and not being_made,
        "at_ovhcloud": payable and not being_made and (made is None or made["at_ovhcloud"]),
        "live": bool(made and made["live"]) or reading or being_made,
    }


def may_leave(order: Order, now: datetime) -> bool:
    """Whether paying at OVHcloud is offered: not while a payment of ours may be arriving there."""
    last = Intent.objects.filter(order=order, kind=Intent.Kind.PAYMENT).order_by("pk").last()
    if not order.can_be_paid(now):
        return False
    if last is not None and not _said(last, order, now).at_ovhcloud:
        return False
    return not _may_be_one(order, last, now)


def _may_be_one(order: Order, last: Intent | None, now: datetime) -> bool:
    """Also after a payment that was refused, but not once it stands that it was one."""
    return (last is None or last.state in Intent.OVER) and at_checkout.may_be_one(order, now)


def _stands(intent: Intent, now: datetime) -> bool:
    return intent.state not in Intent.OVER and not at_checkout.is_unseen(intent, now)


def _is_being_read(row: PaymentChoices | None, now: datetime) -> bool:
    if row is None or row.choices is not None:
        # Choices that stand are shown while they are read again.
        return False
    return row.failed_at is None and row.asked_at is not None and row.asked_at > now - READ_WITHIN


def _picked(offers: list[Choice], wanted: str, last: Intent | None) -> str:
    """What was chosen before, else the default, else what comes first; not what was just refused."""
    if last is not None and last.state == Intent.State.REFUSED:
        offers = [choice for choice in offers if choice.key != last.arguments["key"]] or offers
    keys = [choice.key for choice in offers]
    if wanted in keys:
        return wanted
    return next((choice.key for choice in offers if choice.default), keys[0] if keys else "")


def _said(intent: Intent, order: Order, now: datetime) -> words.Said:
    shown = PaymentKind().shows(order)
    return words.state(intent, shown=shown, late=_is_late(intent, now), payable=order.can_be_paid(now))


def _is_late(intent: Intent, now: datetime) -> bool:
    if at_checkout.came_with_the_order(intent):
        return at_checkout.is_unseen(intent, now)
    return intent.settled_at is not None and now - intent.settled_at > LATE_AFTER


def _made(intent: Intent, order: Order, nichandle: Nichandle, now: datetime) -> dict[str, Any]:
    """The last payment asked for from here: its state in words and what happened."""
    said = _said(intent, order, now)
    shown = PaymentKind().shows(order)
    awaits = intent.state == Intent.State.ACCEPTED and not shown and not _is_late(intent, now)
    refused = intent.state in (Intent.State.REFUSED, Intent.State.DEAD, Intent.State.HELD)
    return {
        "headline": said.headline,
        "explanation": said.explanation,
        "tone": said.tone,
        "icon": {"success": "check", "critical": "ban", "warning": "alert"}.get(said.tone, "clock"),
        "at_ovhcloud": said.at_ovhcloud,
        "state": intent.state,
        "live": intent.state in _LIVE or awaits,
        "paid": intent.state == Intent.State.ACCEPTED and shown,
        "needs_key": intent.state == Intent.State.HELD,
        "message": intent.message if refused else "",
        "query_id": intent.query_id if intent.message and refused else "",
        "note": intent.note if intent.state == Intent.State.CLOSED else "",
        "method": words.method(intent),
        "asked_at": formats.short_moment(intent.created_at, nichandle.zone, now),
        "history": _history(intent, nichandle, now),
    }


def _history(intent: Intent, nichandle: Nichandle, now: datetime) -> list[tuple[str, str]]:
    """What the relay wrote of it, oldest first. One query."""
    routes = PaymentKind().routes
    events = OrderEvent.objects.filter(order=intent.order_id, source__in=routes, at__gte=intent.created_at)
    told = [(intent.created_at, words.asked(intent))]
    told += [(event.at, str(PaymentKind.words.get(event.kind, ""))) for event in events.order_by("at", "pk")]
    return [(formats.short_moment(at, nichandle.zone, now), text) for at, text in told if text]
