"""Orders and bills as documents. Whoever holds an address can open it, as at OVHcloud."""

import contextlib

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from .. import life, world
from ..api import fields
from ..models import Bill, Order
from ..pdf import page_of_text


@csrf_exempt
def order(request: HttpRequest) -> HttpResponse:
    """Show an order, and take a payment for it by POST."""
    try:
        order_id = fields.long(request.GET.get("orderId"))
    except ValueError:
        raise Http404 from None
    given = request.GET.get("orderPassword", "")
    with world.gate.use(), transaction.atomic():
        found = Order.objects.select_for_update(of=("self",)).select_related("customer").filter(pk=order_id).first()
        if found is None or not constant_time_compare(given, found.password):
            raise Http404
        if found.has_lapsed(world.now()):
            raise Http404
        if request.method == "POST":
            _take_payment(found, refused="refuse" in request.POST)
            return HttpResponseRedirect(request.get_full_path())
        context = {
            "order": found,
            "details": list(found.details.order_by("pk")),
            "language": found.customer.language,
            "can_be_paid": found.status == "notPaid"
            and (found.expiration_date is None or found.expiration_date > world.now()),
        }
        response = render(request, "sandbox/order.html", context)
    response["Cache-Control"] = "no-store"
    return response


def _take_payment(found: Order, *, refused: bool) -> None:
    if refused and found.status == "notPaid":
        life.refuse_payment(found, "creditCard", by="page")
        return
    # Paid twice, or too late: the page that follows shows how it stands.
    with contextlib.suppress(life.Refused):
        life.pay(found, "creditCard", None, by="page")


def _bill(request: HttpRequest, bill_id: str) -> Bill:
    found = Bill.objects.select_related("order", "customer").filter(pk=bill_id.replace("\0", "")).first()
    if found is None or not constant_time_compare(request.GET.get("passwd", ""), found.password):
        raise Http404
    return found


def bill(request: HttpRequest, bill_id: str) -> HttpResponse:
    found = _bill(request, bill_id)
    context = {
        "bill": found,
        "details": list(found.order.details.order_by("pk")),
        "language": found.customer.language,
    }
    return render(request, "sandbox/bill.html", context)


def bill_pdf(request: HttpRequest, bill_id: str) -> HttpResponse:
    found = _bill(request, bill_id)
    lines = [
        f"{found.kind} {found.bill_id}",
        f"{found.date:%Y-%m-%d}",
        f"Order {found.order_id}",
        "",
        *(f"{line.description}: {line.total_price['text']}" for line in found.order.details.order_by("pk")),
        "",
        found.price_with_tax["text"],
    ]
    return HttpResponse(page_of_text(lines), content_type="application/pdf")
