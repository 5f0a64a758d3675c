"""Pages of orders: the list, one purchase order, its tracking, and the ways to OVHcloud's own pages."""

import secrets
import time
from typing import Any

from django.contrib import messages
from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts import audit
from accounts.http import CustomerRequest, wants_fragment
from gateway import OvhError
from orders import actions, queries, sync
from orders.forms import ListFilter, read_list_filter
from orders.freshness import Freshness
from orders.models import Order
from orders.payment.page import may_leave
from orders.queries.order import order_freshness
from orders.queries.overview import overview

# What decides between a page and a fragment, for whoever keeps answers.
_vary = vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")

# Seconds in which a one-time link to OVHcloud's page must be used.
LINK_LIVES = 300


@require_safe
@_vary
def order_list(request: CustomerRequest) -> HttpResponse:
    """My orders; a fragment is the rows, with what stands around them sent along."""
    now = timezone.now()
    actions.note_seen(request.nichandle)
    context = queries.orders_for_list(request.nichandle, read_list_filter(request.GET), now)
    if wants_fragment(request):
        return render(request, "orders/_list_fragment.html", context | {"oob": True})
    return render(request, "orders/order_list.html", context)


@require_POST
def list_check(request: CustomerRequest) -> HttpResponse:
    """Check now: ask about every order that can still change, and look for new ones."""
    now = timezone.now()
    state = overview(request.nichandle, now).freshness(request.nichandle, now)
    _say_asked(request, actions.check_account(request.nichandle), state)
    page = {"dashboard": "home", "withdraw": "orders:retractions"}.get(request.POST.get("page", ""))
    return redirect(page or reverse("orders:order_list") + _came_from(request.POST).query())


@require_safe
@_vary
def order_show(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The purchase order; while its details are being read, a fragment asks whether they are there."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    actions.note_seen(request.nichandle)
    actions.open_order(order)
    context = queries.order_for_page(order, request.nichandle, timezone.now(), _came_from(request.GET))
    # The whole article is asked for again once OVHcloud was asked; otherwise only the details are awaited.
    details_only = wants_fragment(request) and request.htmx.target != "purchase-order"
    template = "orders/_order_details.html" if details_only else "orders/order_show.html"
    return render(request, template, context)


@require_safe
@_vary
def order_tracking(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The four steps. An open page asks again every few seconds and so keeps its order on the fast lane."""
    order = get_object_or_404(queries.order_with_log(request.nichandle), order_id=order_id)
    actions.note_seen(request.nichandle)
    context = queries.tracking_for_page(order, request.nichandle, timezone.now(), _came_from(request.GET))
    if context["live"]:
        actions.watch_order(order)
    if wants_fragment(request):
        return render(request, "orders/_tracking_fragment.html", context | {"oob": True})
    return render(request, "orders/order_tracking.html", context)


# Where Check now leads back to, by the word that the page's form sends.
_CHECKED_FROM = {
    "tracking": "orders:order_tracking",
    "withdrawal": "orders:retraction_show",
    "pay": "orders:order_pay",
    "bill": "orders:order_bill",
}


@require_POST
def order_check(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Check now: ask about this order, then back to the page one came from."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    state = order_freshness(order, request.nichandle, timezone.now())
    _say_asked(request, actions.check_order(order), state)
    page = _CHECKED_FROM.get(request.POST.get("page", ""), "orders:order_show")
    carried = _came_from(request.POST).query()
    query = QueryDict(mutable=True)
    if carried:
        query["list"] = carried.removeprefix("?")
    return redirect(reverse(page, args=[order.order_id]) + (f"?{query.urlencode()}" if query else ""))


# --- To OVHcloud's own pages ------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
def order_bill(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The bill this order became; a POST answers a page whose one-time link leads to it."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    context = queries.order_for_leaving(order, request.nichandle, timezone.now())
    if request.method == "POST" and context["bill_url"]:
        return one_time_link(request, order, "bill", context)
    return render(request, "orders/order_bill.html", context)


@require_safe
def order_leave(request: CustomerRequest, order_id: int, token: str) -> HttpResponse:
    """The one-time link: the address is read fresh, given to this browser alone, and kept nowhere."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    what = _use_token(request, order, token)
    context = queries.order_for_leaving(order, request.nichandle, timezone.now())
    if what is None:
        return render(request, "orders/order_leave_trouble.html", context | {"why": "used"}, status=410)
    if what == "pay" and not may_leave(order, timezone.now()):
        # Somebody paid meanwhile, from here; their page says how that stands.
        return redirect("orders:order_pay", order_id=order.order_id)
    try:
        url = sync.fresh_bill_url(order) if what == "bill" else sync.fresh_order_url(order)
    except (sync.LinkNotAllowed, sync.NoKey, OvhError) as error:
        _note_leaving(request, order, what, "failed")
        context |= {"why": "away", "what": what, "query_id": getattr(error, "query_id", "")}
        return render(request, "orders/order_leave_trouble.html", context, status=502)
    _note_leaving(request, order, what, "done")
    response = HttpResponseRedirect(url)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _note_leaving(request: CustomerRequest, order: Order, what: str, result: str) -> None:
    target = f"order {order.order_id}"
    audit.record(request, f"leave_to_{what}", subject=order.nichandle.nichandle, target=target, result=result)


def one_time_link(request: CustomerRequest, order: Order, what: str, context: dict[str, Any]) -> HttpResponse:
    """A page whose link leads to OVHcloud's own, once. what: "pay" or "bill"; context: of order_for_leaving."""
    token = secrets.token_urlsafe(24)
    # One at a time: a second link makes the first one void.
    request.session["leaving"] = {
        "token": token,
        "order": order.order_id,
        "what": what,
        "until": time.time() + LINK_LIVES,
    }
    url = reverse("orders:order_leave", args=[order.order_id, token])
    response = render(request, "orders/order_leave.html", context | {"what": what, "leave_url": url})
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _use_token(request: HttpRequest, order: Order, token: str) -> str | None:
    """What a one-time link was for, once; None when it is not the one given out, was used, or is too old."""
    given = request.session.get("leaving")
    if not given or given["order"] != order.order_id:
        return None
    if not secrets.compare_digest(given["token"].encode(), token.encode()):
        return None
    del request.session["leaving"]
    return str(given["what"]) if time.time() < given["until"] else None


# --- Small things -----------------------------------------------------------------------------------------------------
def _came_from(sent: QueryDict) -> ListFilter:
    """The list one came from, read like any address: only what we understand goes on."""
    try:
        return read_list_filter(QueryDict(sent.get("list", "")[:2000]))
    except TooManyFieldsSent:
        return ListFilter()


def _say_asked(request: HttpRequest, asked: bool, state: Freshness) -> None:
    """state: as the page said it, for nothing is promised while nobody can be asked."""
    if asked and state.tone == "away":
        messages.info(request, _("%(state)s. We ask as soon as that is over.") % {"state": state.text})
    elif asked:
        messages.success(request, _("OVHcloud is being asked now; the page updates in a few seconds."))
    else:
        messages.info(request, _("OVHcloud was asked a moment ago. You can ask again in ten seconds."))
