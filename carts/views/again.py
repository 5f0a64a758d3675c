"""Order again: what an expired or cancelled order held, into the cart."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.http import CustomerRequest
from accounts.limits import limited
from carts import actions, again
from carts.actions import CartClosed
from carts.context import count_of, note_count
from orders import actions as order_actions
from orders.models import Order


@require_POST
@limited("cart")
def order_again(request: CustomerRequest, order_id: int) -> HttpResponse:
    """Put it into the cart, and say what could not be carried over and what costs something else now."""
    order = get_object_or_404(request.nichandle.orders, order_id=order_id)
    if order.page_status(timezone.now()) not in again.AGAIN:
        messages.info(request, _("This order has neither expired nor was it cancelled."))
        return redirect("orders:order_show", order.order_id)
    if order.details_read_at is None:
        order_actions.open_order(order)
        messages.info(request, _("What was ordered is being read from OVHcloud. Try again in a few seconds."))
        return redirect("orders:order_show", order.order_id)
    carried = _carry(request, order)
    if carried is None:
        messages.info(request, _("Your cart is being ordered just now. Try again in a moment."))
        return redirect("carts:cart")
    if carried.items:
        said = ngettext(
            "%(n)d product is in your cart again. Nothing is ordered yet.",
            "%(n)d products are in your cart again. Nothing is ordered yet.",
            len(carried.items),
        )
        messages.success(request, said % {"n": len(carried.items)})
    for sentence in carried.changes:
        messages.info(request, sentence)
    for sentence in carried.left_out:
        messages.warning(request, sentence)
    if carried.search:
        messages.info(request, _("OVHcloud does not say how this name was ordered. Here is what it offers now."))
        return redirect(f"{reverse('carts:domains')}?{urlencode({'q': ' '.join(carried.search)})}")
    if not (carried.items or carried.left_out):
        messages.warning(request, _("OVHcloud does not say what was in this order. Choose it again, please."))
        return redirect("carts:catalogue")
    return redirect("carts:cart")


def _carry(request: CustomerRequest, order: Order) -> again.Carried | None:
    for _attempt in range(2):
        try:
            cart = actions.cart_for(request)
            carried = again.order_again(cart, order)
        except CartClosed:
            continue  # it was ordered in this very moment: the next one is a new one
        note_count(request, count_of(cart))
        return carried
    return None
