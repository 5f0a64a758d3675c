"""The summary: what is ordered, at which price, under which terms, and the button."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.assurance import asks_who_is_there, is_fresh
from accounts.http import CustomerRequest, wants_fragment
from accounts.limits import limited
from accounts.ordering import asks_for_rights, may_order_here, rights_url
from carts import actions
from carts.checkout import ordering, quotes
from carts.checkout.ordering import OrderForm, default_method
from carts.checkout.summary import summary_for_page
from carts.context import note_count
from carts.models import Cart, Checkout
from orders import actions as order_actions


@require_safe
@vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
def summary(request: CustomerRequest) -> HttpResponse:
    """What the cart comes to. While that is being asked, a fragment asks whether it is there."""
    cart = actions.cart_of(request)
    if cart is None or not cart.items.exists():
        return _nothing_to_order(request)
    order_actions.note_seen(request.nichandle)
    return _page(request, cart)


def _nothing_to_order(request: CustomerRequest) -> HttpResponse:
    """Whoever comes back to the summary of a cart that is being ordered wants to see what became of it."""
    under_way = request.nichandle.checkouts.filter(ended=False, cart__state=Cart.State.ORDERING)
    checkout = under_way.order_by("-pk").first()
    where = reverse("carts:ordered", args=[checkout.pk]) if checkout else reverse("carts:cart")
    if wants_fragment(request):
        response = HttpResponse()
        response["HX-Redirect"] = where
        return response
    return redirect(where)


def _page(request: CustomerRequest, cart: Cart, form: OrderForm | None = None, **more: Any) -> HttpResponse:
    now = timezone.now()
    context = summary_for_page(request, cart, now)
    note_count(request, context["count"])
    context["cart_count"] = context["count"]
    if context["waits_for_us"] and cart.is_quoted and cart.next_mirror_at is None:
        # What was asked half an hour ago is asked again.
        actions.try_again(cart)
    context["rights_url"] = "" if may_order_here(request) else rights_url(request, reverse("carts:summary"))
    if context["is_ready"]:
        context |= {
            "form": form or OrderForm(cart=cart, waiver=context["waiver"]),
            "seen": quotes.sign(cart, context["items"], default_method(request.nichandle)),
            "is_sure": is_fresh(request),
        }
    template = "carts/_summary.html" if wants_fragment(request) else "carts/summary.html"
    return render(request, template, context | more)


@require_http_methods(["GET", "HEAD", "POST"])
def order(request: CustomerRequest) -> HttpResponse:
    """Order with obligation to pay. Read, it leads to the summary: whoever had to show who they are comes so."""
    if request.method == "POST":
        return _order(request)
    return redirect("carts:summary")


@limited("cart")
@asks_who_is_there
@asks_for_rights
def _order(request: Any) -> HttpResponse:
    cart = actions.cart_of(request)
    if cart is None:
        return _nothing_to_order(request)
    context = summary_for_page(request, cart, timezone.now())
    form = OrderForm(request.POST, cart=cart, waiver=context.get("waiver"))
    if not form.is_valid():
        shown = form.cleaned_data.get("seen")
        different = quotes.differences(shown, cart.quote) if shown and not quotes.is_as_shown(shown, cart) else []
        return _page(request, cart, form, differences=different, posted=True)
    try:
        checkout: Checkout = ordering.order_cart(request, cart, form)
    except ordering.NotReady:
        messages.info(request, _("Nothing was ordered: the total is being asked for once more."))
        return redirect("carts:summary")
    except ordering.Changed as changed:
        cart.refresh_from_db()
        return _page(request, cart, differences=changed.differences, posted=True)
    note_count(request, 0)
    return redirect("carts:ordered", checkout.pk)
