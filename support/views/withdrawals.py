"""
What staff do with declarations: say which order one means, have a mail sent, note what is known of a refund.

None of it approves or sends a withdrawal: that is the customer's own act, and OVHcloud's answer.
"""

from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.http import StaffRequest
from accounts.ringing import ring
from orders import refunds, tasks
from orders.models import Receipt, Refund, Retraction
from orders.retraction import matching
from support import queries, trail, withdrawals
from support.notes import MatchForm, RefundNoteForm, WrongMatchForm
from support.views.desk import for_support


@require_http_methods(["GET", "HEAD", "POST"])
@for_support
def declaration_show(request: StaffRequest, reference: str) -> HttpResponse | None:
    """One made without signing in: what was typed, which orders it may mean, and who judged it."""
    row = withdrawals.declaration(reference)
    if row is None:
        trail.looked(request, "staff_declaration", target=reference, result="failed")
        return None
    if request.method == "POST" and "wrong" in request.POST:
        return _call_wrong(request, row)
    form = MatchForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        by, note = request.user.get_username(), form.cleaned_data["note"]
        try:
            if form.order is None:
                matching.leave_unmatched(row, by=by, note=note, request=request)
            else:
                matching.attach(row, form.order, by=by, note=note, request=request)
        except matching.AlreadyMatched:
            # Somebody else was quicker; the page shows what they said.
            trail.looked(request, "staff_declaration", target=reference, result="refused")
        return redirect("support:declaration_show", row.reference)
    trail.looked(request, "staff_declaration", target=reference)
    context = withdrawals.declaration_page(row, timezone.now()) | {"form": form}
    return render(request, "support/declaration_show.html", context)


def _call_wrong(request: StaffRequest, row: Retraction) -> HttpResponse:
    form = WrongMatchForm(request.POST)
    if not form.is_valid():
        context = withdrawals.declaration_page(row, timezone.now()) | {"form": MatchForm(), "wrong": form}
        return render(request, "support/declaration_show.html", context)
    try:
        matching.call_wrong(row, by=request.user.get_username(), note=form.cleaned_data["wrong"], request=request)
    except matching.NotMatched:
        trail.looked(request, "staff_declaration", target=row.reference, result="refused")
    return redirect("support:declaration_show", row.reference)


@require_POST
@for_support
def receipt_send(request: StaffRequest, mail: int) -> HttpResponse | None:
    """Have this mail tried at once, also where a limit held it back."""
    waiting = Receipt.objects.filter(pk=mail, sent_at=None) | Receipt.objects.filter(pk=mail).exclude(last_error="")
    if not waiting.update(held_back=False, next_attempt_at=timezone.now(), attempts=F("attempts")):
        trail.looked(request, "staff_send_receipt", target=str(mail), result="failed")
        return None
    trail.looked(request, "staff_send_receipt", target=str(mail))
    ring(tasks.send_receipts)
    return redirect("support:queues")


@require_POST
@for_support
def refund_note(request: StaffRequest, nichandle: str, order_id: str) -> HttpResponse | None:
    """What is known of a refund that OVHcloud does not list: it came elsewhere, is withheld, or is due again."""
    order = queries.order_for_page(nichandle, order_id)
    refund = Refund.objects.select_related("order__nichandle").filter(order=order).first() if order else None
    if order is None or refund is None:
        trail.looked(request, "staff_refund_note", target=f"{nichandle} {order_id}", result="failed")
        return None
    form = RefundNoteForm(request.POST)
    if form.is_valid():
        refunds.note(
            refund,
            form.cleaned_data["kind"],
            day=form.cleaned_data["day"],
            words=form.cleaned_data["words"],
            by=request.user.get_username(),
            by_staff=True,
            request=request,
        )
    return redirect(queries.order_url(order) + "#refund")
