"""One order's way through the four steps, with what OVHcloud said and what we saw. One query."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef
from django.db.models.functions import JSONObject
from django.db.models.query import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from orders import formats, words
from orders.forms import ListFilter
from orders.models import EXPIRED, OrderEvent, Status
from orders.queries.order import heading, order_freshness, order_of
from orders.relay import words_for
from orders.tracking import DOING, ERROR, STEPS, HistoryEntry, doing_since, histories, step_states

# As many lines of our own log as a page shows.
_LOG = 20


def order_with_log(nichandle: Nichandle) -> QuerySet[Any]:
    """order_of, with the order's newest events beside it."""
    events = OrderEvent.objects.filter(order=OuterRef("pk")).order_by("-at", "-pk")
    columns = JSONObject(at="at", said_at="said_at", kind="kind", before="before", after="after", source="source")
    return order_of(nichandle).annotate(log=ArraySubquery(events.values(json=columns)[:_LOG]))


def tracking_for_page(order: Any, nichandle: Nichandle, now: datetime, came_from: ListFilter) -> dict[str, Any]:
    """Everything the tracking page shows; `order` comes from order_with_log. No query."""
    status = order.page_status(now)
    # Finished: nothing moves any more, so the page stops asking.
    live = order.gone_at is None and status not in (Status.DELIVERED, Status.CANCELLED, EXPIRED)
    seen = [status_word for event in order.log if event["kind"] == "status" for status_word in _both(event)]
    states = step_states(status, order.follow_up, seen)
    history = histories(order.follow_up)
    context = heading(order, nichandle, now, came_from) | {
        "live": live,
        "steps": [
            {
                "word": step,
                "state": state,
                "number": index + 1,
                "label": words.STEPS[step],
                "state_words": _state_words(state, states, history, now),
                "history": [_entry(entry, nichandle, now) for entry in history[step]],
                "advice": _advice(status) if state in (DOING, ERROR) else "",
            }
            for index, (step, state) in enumerate(zip(STEPS, states, strict=True))
        ],
        "log": [_logged(event, nichandle, now) for event in order.log],
    }
    context["freshness"] = order_freshness(order, nichandle, now, live=live)
    return context


def _both(event: dict[str, Any]) -> tuple[str, str]:
    return event["before"], event["after"]


def _state_words(state: str, states: tuple[str, ...], history: dict[str, list[HistoryEntry]], now: datetime) -> str:
    since = doing_since(states, history) if state == DOING else None
    if since is None or since > now:
        return str(words.STATES[state])
    return _("in progress for %(span)s") % {"span": formats.length(now - since)}


def _entry(entry: HistoryEntry, nichandle: Nichandle, now: datetime) -> dict[str, str]:
    when = formats.short_moment(entry.date, nichandle.zone, now) if entry.date else ""
    return {"when": when, "text": words.history_label(entry.label, entry.description)}


def _when(at: str, nichandle: Nichandle, now: datetime) -> str:
    return formats.short_moment(datetime.fromisoformat(at), nichandle.zone, now)


def _advice(status: str) -> str:
    """What to do about a step that waits for the customer or has failed; "" when waiting is all there is."""
    return {
        Status.NOT_PAID: _("Pay the order and it moves on. Nothing is owed if you let it lapse."),
        Status.DOCUMENTS_REQUESTED: _(
            "Look for OVHcloud’s e-mail, also among unwanted mail, and send the papers it names."
        ),
        EXPIRED: _("It was not paid in time. If you still want it, order again."),
        Status.CANCELLING: _("The cancellation is under way; nothing more will be delivered."),
        Status.CANCELLED: _(
            "It ended here. If you did not ask for that, or miss a refund, ask OVHcloud’s support with the order’s"
            " number."
        ),
        Status.CHECKING: "",
        Status.DELIVERING: "",
    }.get(
        status,
        _("OVHcloud does not say more. If this lasts longer than a day, ask its support with the order’s number."),
    )


def _logged(event: dict[str, Any], nichandle: Nichandle, now: datetime) -> dict[str, str]:
    """One line of our log: when we saw it, what it was, and when OVHcloud says that it happened."""
    said = _when(event["said_at"], nichandle, now) if event["said_at"] else ""
    return {"when": _when(event["at"], nichandle, now), "text": _event_words(event), "said": said}


def _event_words(event: dict[str, Any]) -> str:
    """Our own log in words: what we saw change, newest first."""
    kind, after = event["kind"], event["after"]
    if kind == OrderEvent.Kind.STATUS:
        return _("Status: %(label)s") % {"label": words.status_words(after).label}
    return {
        OrderEvent.Kind.FOUND: _("Order found at OVHcloud"),
        OrderEvent.Kind.RETRACTION_DATE: _("OVHcloud changed the last day to withdraw"),
        OrderEvent.Kind.EXPIRED: _("Not paid in time, OVHcloud confirmed it"),
        OrderEvent.Kind.NOT_EXPIRED: _("Not expired after all, says OVHcloud"),
        OrderEvent.Kind.GONE: _("OVHcloud no longer lists this order"),
        OrderEvent.Kind.BACK: _("OVHcloud lists this order again"),
        OrderEvent.Kind.DECLARED: _("Withdrawal declared"),
        OrderEvent.Kind.REFUND: _("Refund seen at OVHcloud"),
    }.get(kind) or str(words_for(kind, event["source"]) or words.readable(kind))
