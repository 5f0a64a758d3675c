"""Paying an order: from here with a saved method, or by a one-time link to OVHcloud's own page."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.assurance import ask_who_is_there, is_fresh
from accounts.http import CustomerRequest, wants_fragment
from accounts.ordering import may_order_here, rights_url
from orders import actions, queries
from orders.models import Order
from orders.payment import page, words
from orders.payment.asking import NotPaid
from orders.payment.form import PayForm
from orders.views.orders import one_time_link


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
def order_pay(request: CustomerRequest, order_id: int) -> HttpResponse:
    """
    How to pay, and what became of a payment. A POST with `way=here` asks for one; any other answers a page whose
    one-time link leads to OVHcloud's page of this order.
    """
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    if request.method == "POST" and request.POST.get("way") == "here":
        return _pay_here(request, order)
    now = timezone.now()
    if request.method == "POST" and page.may_leave(order, now):
        return one_time_link(request, order, "pay", queries.order_for_leaving(order, request.nichandle, now))
    return _page_of(request, order)


def _pay_here(request: CustomerRequest, order: Order) -> HttpResponse:
    here, sent = reverse("orders:order_pay", args=[order.order_id]), PayForm(request.POST).for_action()
    then = f"{here}?{urlencode({'method': sent.key})}" if sent.key else here
    if not may_order_here(request):
        return redirect(rights_url(request, then))
    if not is_fresh(request):
        return ask_who_is_there(then)
    try:
        actions.pay_order(request, order, sent)
    except NotPaid as nothing:
        order = get_object_or_404(queries.order_of(request.nichandle), order_id=order.order_id)
        return _page_of(request, order, trouble=words.not_paid(nothing.why))
    return redirect(f"{here}#payment")


def _page_of(request: CustomerRequest, order: Order, trouble: str = "") -> HttpResponse:
    may_pay = may_order_here(request)
    now = timezone.now()
    if may_pay and order.can_be_paid(now):
        actions.ask_for_choices(order)
    picked = request.POST.get("method") or request.GET.get("method", "")
    context: dict[str, Any] = queries.order_for_leaving(order, request.nichandle, now)
    context |= page.payment(order, request.nichandle, now, may_pay=may_pay, picked=picked)
    context |= {"trouble": trouble, "rights_url": rights_url(request, request.path)}
    if context["made"] and context["made"]["live"]:
        actions.watch_order(order)
    if wants_fragment(request):
        return render(request, "orders/_payment.html", context)
    actions.note_seen(request.nichandle)
    return render(request, "orders/order_pay.html", context)
