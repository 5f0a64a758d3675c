"""The desk: find any order, say why it is stuck. Nothing here changes anything but the audit trail."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.http import StaffRequest, wants_fragment
from accounts.limits import limited
from accounts.models import User
from support import queries, timeline, trail, withdrawals
from support import search as searching

View = Callable[..., HttpResponse | None]


def for_support(view: View) -> Callable[..., HttpResponse]:
    """
    Let in whose role may look customers up, and give the view one transaction with its audit line: no line, no page.

    The view returns None for what does not exist; the line that somebody asked for it is kept.
    """

    @wraps(view)
    def let_in(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.may_support:
            audit.record(request, view.__name__, target=request.path, result="refused", role=request.user.role)
            return render(request, "support/forbidden.html", status=403)
        with transaction.atomic():
            response = view(request, *args, **kwargs)
        if response is None:
            raise Http404
        return response

    return let_in


@require_safe
@for_support
@limited("search", reading=True)
def search(request: StaffRequest) -> HttpResponse:
    """One field for whatever the caller says. Five or six queries, whatever is found."""
    now = timezone.now()
    text = searching.clean(request.GET.get("q", ""))
    page = _page(request.GET.get("page", ""))
    context: dict[str, Any] = {"q": text, "page": page, "limit": searching.LIMIT}
    if text:
        found = searching.orders_found(text, now)
        rows, more = queries.orders_for_list(found.keys, now, page) if found.keys else ([], False)
        accounts = sorted({row.nichandle for row in rows})
        trail.looked(request, "staff_search", target=text, hits=len(found.keys), page=page, accounts=accounts)
        context |= {"found": found, "rows": rows, "next_page": page + 1 if more else None, "hits": len(found.keys)}
    template = "support/_found.html" if wants_fragment(request) else "support/search.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Boosted", "HX-History-Restore-Request"])
    return response


@require_safe
@for_support
def order_show(request: StaffRequest, nichandle: str, order_id: str) -> HttpResponse | None:
    """The customer's order, read-only, with what happened to it and why it waits."""
    order = queries.order_for_page(nichandle, order_id)
    if order is None:
        trail.looked(request, "staff_order", target=f"{nichandle} {order_id}", result="failed")
        return None
    trail.looked(request, "staff_order", subject=order.nichandle.nichandle, target=str(order.order_id))
    now = timezone.now()
    context = timeline.order_page(order, now) | {
        "may_decide": may_decide(request),
        "refund": withdrawals.refund_of(order, now),
        "public": withdrawals.public_declarations(order),
    }
    return render(request, "support/order_show.html", context)


@require_safe
@for_support
def queues(request: StaffRequest) -> HttpResponse:
    """What waits for a person. One query a queue."""
    now = timezone.now()
    intents = (queries.dead, queries.held, queries.doubtful, queries.refused)
    others = (withdrawals.unmatched, withdrawals.unrefunded, withdrawals.unmailed, withdrawals.held_back)
    shown = [queue(now) for queue in (*intents, *others)]
    accounts = sorted({entry.nichandle for queue in shown for entry in queue.entries if entry.nichandle})
    trail.looked(request, "staff_queues", accounts=accounts)
    return render(request, "support/queues.html", {"queues": shown, "may_decide": may_decide(request)})


def may_decide(request: StaffRequest) -> bool:
    """Whether this person may ring an intent again, or close it."""
    return request.user.role == User.Role.SUPERVISOR


def _page(text: str) -> int:
    return min(int(text), searching.LIMIT) if text.isascii() and text.isdecimal() and len(text) < 5 else 0
