"""What staff can set going or decide: a check, and an intent of the customer's own that waits for a person."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts import audit
from accounts.http import StaffRequest
from accounts.models import User
from carts.checkout.candidates import NoCandidate
from orders import relay
from orders.models import Intent
from support import actions, queries, trail
from support.notes import LONGEST_NOTE, WhichOrderForm
from support.views.desk import for_support


def for_supervisors(view: Callable[..., HttpResponse | None]) -> Callable[..., HttpResponse]:
    """Let in whoever decides about customers' intents; the rest as for_support."""

    @for_support
    @wraps(view)
    def let_in(request: StaffRequest, *args: Any, **kwargs: Any) -> HttpResponse | None:
        if request.user.role != User.Role.SUPERVISOR:
            audit.record(request, view.__name__, target=request.path, result="refused", role=request.user.role)
            return render(request, "support/forbidden.html", {"wants_supervisor": True}, status=403)
        return view(request, *args, **kwargs)

    return let_in


@require_POST
@for_support
def order_check(request: StaffRequest, nichandle: str, order_id: str) -> HttpResponse | None:
    """Check now: this order, or with `what=account` every order of its account."""
    order = queries.order_for_page(nichandle, order_id)
    if order is None:
        trail.looked(request, "staff_check", target=f"{nichandle} {order_id}", result="failed")
        return None
    if request.POST.get("what") == "account":
        rung = actions.resync_account(request, order.nichandle)
        asked, count = rung is not None, rung.orders if rung else 0
        said = ngettext(
            "%(n)d order of this account is being asked about, as fast as OVHcloud lets us.",
            "%(n)d orders of this account are being asked about, as fast as OVHcloud lets us.",
            count,
        ) % {"n": count}
    else:
        asked = actions.check_order(request, order)
        said = _("OVHcloud is being asked now; the page updates in a few seconds.")
    if asked:
        messages.success(request, said)
    else:
        messages.info(request, _("OVHcloud was asked a moment ago. You can ask again in ten seconds."))
    return redirect(queries.order_url(order))


@require_POST
@for_supervisors
def intent_ring(request: StaffRequest, intent_id: int) -> HttpResponse | None:
    """Ring it again: it is looked at, and sent once more if OVHcloud did not take it."""
    return _decide(
        request, intent_id, actions.ring_intent, _("It is taken up again. What comes of it stands on the order’s page.")
    )


@require_POST
@for_supervisors
def intent_close(request: StaffRequest, intent_id: int) -> HttpResponse | None:
    """Close it with a note, which the customer reads."""
    note = " ".join(request.POST.get("note", "").replace("\0", "").split())[:LONGEST_NOTE]
    if not note:
        messages.error(request, _("Write a note first: the customer reads it."))
        return redirect("support:queues")
    closed = _("It is closed and not sent any more. The customer reads your note.")
    return _decide(request, intent_id, lambda who, pk: actions.close_intent(who, pk, note), closed)


@require_POST
@for_supervisors
def intent_order(request: StaffRequest, intent_id: int) -> HttpResponse | None:
    """Say which order a checkout made whose answer was lost, with a reason for the trail."""
    form = WhichOrderForm(request.POST)
    if not form.is_valid():
        for words in form.errors.values():
            messages.error(request, str(words[0]))
        return redirect("support:queues")
    number, note = form.cleaned_data["order"], form.cleaned_data["note"]
    try:
        return _decide(
            request,
            intent_id,
            lambda who, pk: actions.name_order(who, pk, number, note),
            _("Order %(number)s is the one. Its customer’s page moves on to it.") % {"number": number},
        )
    except NoCandidate:
        trail.looked(request, "staff_decide", target=f"intent {intent_id}", result="refused", order=str(number))
        messages.warning(
            request, _("Nothing was done: that order is none of those it may have made, or another checkout made it.")
        )
        return redirect("support:queues")


def _decide(
    request: StaffRequest, intent_id: int, act: Callable[[StaffRequest, int], Intent], said: str
) -> HttpResponse | None:
    if not Intent.objects.filter(pk=intent_id).exists():
        return None
    try:
        act(request, intent_id)
    except relay.NotNow:
        trail.looked(request, "staff_decide", target=f"intent {intent_id}", result="refused")
        messages.warning(
            request,
            _("Nothing was done: it no longer waits for a person, or another matter of this order is under way."),
        )
    else:
        messages.success(request, said)
    return redirect("support:queues")
