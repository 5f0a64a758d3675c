"""Withdrawing: the page of one order, the orders open to it, and the model form."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import CustomerRequest, wants_fragment, works_without_key
from orders import actions, formats, queries
from orders.models import Order
from orders.queries.order import is_asked, order_freshness
from orders.queries.overview import overview
from orders.retraction import page, words
from orders.retraction.form import AddressForm, DeclarationForm, RefundForm, RetractionForm

_vary = vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")


@works_without_key
@require_http_methods(["GET", "HEAD", "POST"])
@_vary
def retraction_show(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Whether and until when, the form, and, once declared, what became of it. A fragment is the part that changes."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    form = RetractionForm(request.POST) if request.method == "POST" else None
    if form and form.is_valid():
        actions.retract_order(order, **form.for_action(), request=request)
        # Here also when one had been declared before: that one stands, and this page shows it.
        return redirect(reverse("orders:retraction_show", args=[order.order_id]) + "#declared")
    return page_of(request, order, declaring=form)


def page_of(
    request: CustomerRequest,
    order: Order,
    *,
    declaring: RetractionForm | None = None,
    again: AddressForm | None = None,
    refunded: RefundForm | None = None,
) -> HttpResponse:
    """The page, or its fragment; forms that were refused come back with what was typed."""
    context = _context(request, order, declaring) | {
        "again": again or AddressForm(initial={"email": request.nichandle.email}),
        "refunded": refunded or RefundForm(),
    }
    if context["declared"] and not context["declared"]["settled"]:
        actions.watch_order(order)
    if wants_fragment(request):
        return render(request, "orders/_retraction.html", context)
    actions.note_seen(request.nichandle)
    actions.open_order(order)
    return render(request, "orders/retraction_show.html", context)


@works_without_key
@require_safe
def retraction_form(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The model form of Annex I-B, filled in, to print or to send."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    context = _context(request, order, None)
    return render(request, "orders/retraction_form.html", context | _letter(order, request))


@login_not_required
@require_safe
def retractions(request: HttpRequest) -> HttpResponse:
    """Withdraw from a contract: the orders that are open to it, or the ways for who is not signed in."""
    nichandle = getattr(request, "nichandle", None)
    if nichandle is None:
        context = {"form": DeclarationForm(), "page_language": get_language()}
        return render(request, "orders/retractions_signed_out.html", context)
    actions.note_seen(nichandle)
    now = timezone.now()
    context = {
        "rows": page.open_orders(nichandle, now),
        "zone": formats.zone_words(nichandle.zone),
        "freshness": overview(nichandle, now).freshness(nichandle, now),
        "check_url": reverse("orders:list_check"),
    }
    return render(request, "orders/retractions.html", context)


def _context(request: CustomerRequest, order: Order, form: RetractionForm | None) -> dict[str, Any]:
    now = timezone.now()
    context = page.withdrawal(order, request.nichandle, now)
    if form is None:
        declared = context["declared"]
        after = declared["retraction"].reference if declared and declared["over"] else ""
        form = RetractionForm(initial={"email": request.nichandle.email, "after": after})
    return context | {
        "form": form,
        "posted": form.is_bound,
        "freshness": order_freshness(order, request.nichandle, now),
        "check_url": reverse("orders:order_check", args=[order.order_id]),
        "check_page": "withdrawal",
        "is_asked": is_asked(order, now),
    }


def _letter(order: Order, request: CustomerRequest) -> dict[str, Any]:
    billing = order.billing or request.nichandle.billing
    lines = (
        billing.get("address"),
        billing.get("complementary_address"),
        f"{billing.get('zip') or ''} {billing.get('city') or ''}".strip(),
        billing.get("country") or request.nichandle.country,
    )
    zone = request.nichandle.zone
    return {
        "address": ", ".join(str(line) for line in lines if line),
        "ordered_on": words.plain_day(order.date.astimezone(zone).date()),
        "today": words.plain_day(timezone.now().astimezone(zone).date()),
    }
