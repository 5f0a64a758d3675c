"""The list of orders: filters, presets with exact counts, pages by keyset. Two queries."""

from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

from django.db.models import CharField, Q
from django.db.models.functions import Cast
from django.db.models.query import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from accounts.models import Nichandle
from orders.forms import STATUSES, Cursor, ListFilter
from orders.models import EXPIRED, Order, OrderQuerySet, Status, awaiting_payment_q, expired_q, in_progress_q
from orders.queries.overview import Overview, overview
from orders.queries.rows import for_rows, order_row
from orders.words import status_words

PAGE = 20
_COLUMNS = {"date": "date", "number": "order_id", "amount": "price_with_tax", "status": "status"}
# Seconds between two looks of an open list at itself.
_CALM, _BUSY = 30, 2


def orders_for_list(nichandle: Nichandle, asked: ListFilter, now: datetime) -> dict[str, Any]:
    """Everything the list shows. Two queries, however many orders there are or are shown."""
    view = overview(nichandle, now, with_expired=asked.expired)
    orders = _page(_filtered(nichandle, asked, now), asked)
    shown, older = orders[:PAGE], len(orders) > PAGE
    here = reverse("orders:order_list")
    came_from = asked.query()
    back = f"?list={quote(came_from[1:], safe='')}" if came_from else ""
    context: dict[str, Any] = {
        "rows": [order_row(order, nichandle, now, back) for order in shown],
        "list_url": f"{here}{came_from}",
        "check_url": f"{here}check/",
        "came_from": came_from.removeprefix("?"),
        "older_url": f"{here}{asked.query(after=_cursor(shown[-1], asked))}" if older else "",
        "first_url": f"{here}{asked.query(after=None)}" if asked.after else "",
        "presets": _presets(asked, view, here),
        "headings": {name: _heading(name, asked, here) for name in _COLUMNS},
        "asked": asked,
        "statuses": [
            {"word": word, "label": status_words(word).label, "chosen": word in asked.statuses} for word in STATUSES
        ],
        "sorts": [{"word": word, "label": label, "chosen": word == asked.sort} for word, label in _sorts().items()],
        "problems": asked.problems,
        "clear_url": f"{here}{ListFilter(sort=asked.sort).query()}",
        "expired_note": _expired_note(asked, view, here),
        "freshness": view.freshness(nichandle, now),
        "importing": _importing(view),
        "trouble": view.trouble,
        "poll_every": _BUSY if _is_busy(view, now) else _CALM,
    }
    if not shown:
        context["empty"] = _why_empty(asked, view)
    return context


# --- Which orders -----------------------------------------------------------------------------------------------------
def _filtered(nichandle: Nichandle, asked: ListFilter, now: datetime) -> QuerySet[Order]:
    orders: OrderQuerySet = nichandle.orders.all()
    if not asked.with_expired:
        orders = orders.not_expired(now)
    if asked.preset:
        orders = orders.filter(_preset_q(asked.preset, now))
    if asked.statuses:
        orders = orders.filter(_status_q(asked.statuses, now))
    if asked.day_from:
        orders = orders.filter(date__gte=datetime.combine(asked.day_from, time.min, nichandle.zone))
    if asked.day_to and asked.day_to < date.max:
        orders = orders.filter(date__lt=datetime.combine(asked.day_to + timedelta(days=1), time.min, nichandle.zone))
    if asked.minimum is not None:
        orders = orders.filter(price_with_tax__gte=asked.minimum)
    if asked.maximum is not None:
        orders = orders.filter(price_with_tax__lte=asked.maximum)
    words = asked.q.split()[:8]
    if any(word.isdigit() for word in words):
        orders = orders.annotate(number=Cast("order_id", CharField()))
    for word in words:
        in_text = Q(search_text__icontains=word)
        orders = orders.filter(in_text | Q(number__startswith=word) if word.isdigit() else in_text)
    return orders


def _preset_q(preset: str, now: datetime) -> Q:
    if preset == "progress":
        return in_progress_q()
    return awaiting_payment_q(now) if preset == "unpaid" else Q(status=Status.DELIVERED)


def _status_q(words: tuple[str, ...], now: datetime) -> Q:
    condition = Q(status__in=[word for word in words if word != EXPIRED])
    if EXPIRED in words:
        condition |= expired_q(now)
    if Status.UNKNOWN in words:
        # A word we never heard of is shown as unknown, so it is found as unknown.
        condition |= ~Q(status__in=Status.values)
    return condition


def _page(orders: QuerySet[Order], asked: ListFilter) -> list[Order]:
    """One page and one row more, by keyset: what arrives in the meantime moves nothing."""
    column = _COLUMNS[asked.sort_key]
    sign, beyond = ("-", "lt") if asked.descending else ("", "gt")
    if asked.after and column == "order_id":
        orders = orders.filter(**{f"order_id__{beyond}": asked.after.order_id})
    elif asked.after:
        key = asked.after.key(asked.sort_key)
        # The first condition alone bounds the index; the second leaves out rows of the page before.
        orders = orders.filter(**{f"{column}__{beyond}e": key}).exclude(
            **{column: key, f"order_id__{'gte' if asked.descending else 'lte'}": asked.after.order_id}
        )
    ordering = [f"{sign}{column}"] if column == "order_id" else [f"{sign}{column}", f"{sign}order_id"]
    return list(for_rows(orders.order_by(*ordering))[: PAGE + 1])


def _cursor(order: Order, asked: ListFilter) -> Cursor:
    value = {"date": order.date.isoformat(), "amount": f"{order.price_with_tax:f}", "status": order.status}
    return Cursor(value.get(asked.sort_key, ""), order.order_id)


# --- What stands around them ------------------------------------------------------------------------------------------
def _presets(asked: ListFilter, view: Overview, here: str) -> list[dict[str, Any]]:
    labels = {
        "": (pgettext("orders", "All"), view.shown),
        "progress": (_("In progress"), view.progress),
        "unpaid": (pgettext("orders", "Unpaid"), view.unpaid),
        "complete": (pgettext("orders", "Complete"), view.complete),
    }
    return [
        {
            "label": label,
            "count": count,
            "url": f"{here}{ListFilter(preset=preset, sort=asked.sort, expired=asked.expired).query()}",
            "current": preset == asked.preset,
        }
        for preset, (label, count) in labels.items()
    ]


def _heading(name: str, asked: ListFilter, here: str) -> dict[str, str]:
    """A column's heading sorts by it, at first the way one mostly wants, then the other way round."""
    first = name if name == "status" else f"-{name}"
    other = name if first.startswith("-") else f"-{name}"
    current = asked.sort_key == name
    sort = (other if asked.sort == first else first) if current else first
    return {
        "url": f"{here}{asked.query(sort=sort, after=None)}",
        "sorted": ("descending" if asked.descending else "ascending") if current else "",
        "arrow": ("↓" if asked.descending else "↑") if current else "",
    }


def _sorts() -> dict[str, str]:
    return {
        "-date": _("Date, newest first"),
        "date": _("Date, oldest first"),
        "-amount": _("Amount, highest first"),
        "amount": _("Amount, lowest first"),
        "-number": _("Number, highest first"),
        "number": _("Number, lowest first"),
        "status": _("Status"),
        "-status": _("Status, backwards"),
    }


def _expired_note(asked: ListFilter, view: Overview, here: str) -> dict[str, str] | None:
    if not view.expired:
        return None
    url = f"{here}{asked.query(expired=not asked.expired, after=None)}"
    counted = {"n": view.expired}
    if asked.expired:
        text = ngettext("%(n)d expired order is shown.", "%(n)d expired orders are shown.", view.expired) % counted
        return {"text": text, "url": url, "verb": _("Hide expired")}
    text = ngettext("%(n)d expired order is hidden.", "%(n)d expired orders are hidden.", view.expired) % counted
    return {"text": text, "url": url, "verb": _("Show expired")}


def _importing(view: Overview) -> dict[str, Any] | None:
    """Words and numbers of the progress bar, None once the import is over."""
    row = view.row
    if not view.is_importing:
        return None
    if row is None or not row.total:
        return {"text": _("Asking OVHcloud for your list of orders"), "done": 0, "total": 0}
    text = ngettext("Importing %(done)d of %(n)d order", "Importing %(done)d of %(n)d orders", row.total)
    return {"text": text % {"done": row.done, "n": row.total}, "done": row.done, "total": row.total}


def _is_busy(view: Overview, now: datetime) -> bool:
    asked_at = view.row.check_asked_at if view.row else None
    return view.is_importing or (asked_at is not None and now - asked_at < timedelta(seconds=15))


def _why_empty(asked: ListFilter, view: Overview) -> str:
    """Which of the empty lists this is: each has its own words and its own next step."""
    if asked.is_narrowed:
        return "narrowed"
    if view.is_importing:
        return "importing"
    if asked.after:
        return "beyond"
    if asked.preset and view.shown:
        return "preset"
    return "expired" if view.expired and not asked.expired else "none"
