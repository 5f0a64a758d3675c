"""What a customer can do after declaring: have the receipt again, write to OVHcloud, tell of the refund."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import CustomerRequest, works_without_key
from orders import actions, queries, refunds
from orders.models import Order, Refund, RefundNote, Retraction
from orders.retraction import letter
from orders.retraction.declaration import standing_declaration
from orders.retraction.form import AddressForm, RefundForm
from orders.views.retractions import page_of


@works_without_key
@require_POST
def receipt_send(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The receipt once more, to this address: undelivered ones are tried at once, others are sent again."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    standing = _own_declaration(order)
    form = AddressForm(request.POST)
    if not form.is_valid():
        return page_of(request, order, again=form)
    if actions.send_receipt(standing, form.cleaned_data["email"], request=request):
        messages.success(request, _("The receipt is on its way."))
    else:
        messages.info(request, _("The receipt has gone to as many addresses as it may. Print it or save the PDF."))
    return redirect("orders:retraction_show", order.order_id)


@works_without_key
@require_POST
def refund_note(request: CustomerRequest, order_id: int) -> HttpResponse:
    """The customer says that the money came another way; kept beside what OVHcloud lists, which counts first."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    refund = get_object_or_404(Refund.objects.select_related("order__nichandle"), order=order)
    form = RefundForm(request.POST)
    if not form.is_valid():
        return page_of(request, order, refunded=form)
    refunds.note(
        refund,
        RefundNote.Kind.ELSEWHERE,
        day=form.cleaned_data["day"],
        words=form.cleaned_data["words"],
        by=request.user.get_username(),
        by_staff=False,
        request=request,
    )
    return redirect("orders:retraction_show", order.order_id)


@works_without_key
@require_safe
def retraction_letter(request: CustomerRequest, order_id: int) -> HttpResponse:
    """A letter to OVHcloud about the declaration that stands: refused, not confirmed, or its refund overdue."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    standing = _own_declaration(order)
    about = "refund" if request.GET.get("about") == "refund" else "withdrawal"
    context = letter.letter(order, request.nichandle, standing, about, timezone.now())
    return render(request, "orders/retraction_letter.html", context)


def _own_declaration(order: Order) -> Retraction:
    """The customer's own declaration; one made without signing in by whomever is none of theirs to send about."""
    standing = standing_declaration(order)
    if standing is None or standing.order_id is None:
        raise Http404
    return standing
