"""Being ordered: from the button to the order's own page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.http import CustomerRequest, wants_fragment, works_without_key
from accounts.ordering import may_order_here, rights_url
from carts.checkout.outcome import outcome_for_page
from orders import actions as order_actions


@works_without_key
@require_safe
@vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
def ordered(request: CustomerRequest, checkout_id: int) -> HttpResponse:
    """What became of it; once the order has a page, that one. A fragment is the part that changes."""
    own = request.nichandle.checkouts.select_related("intent", "cart")
    checkout = get_object_or_404(own, pk=checkout_id)
    context = outcome_for_page(checkout, request.nichandle)
    if context["stage"] == "held" and checkout.intent.why == "key" and _needs_rights(request):
        context["rights_url"] = rights_url(request, request.path)
    if context["order_number"] is not None:
        if context["is_different"]:
            said = _("OVHcloud’s order is not quite what the summary showed. Compare them before you pay.")
            messages.warning(request, said)
        return _move(request, reverse("orders:order_show", args=[context["order_number"]]))
    if wants_fragment(request):
        return render(request, "carts/_ordered.html", context)
    order_actions.note_seen(request.nichandle)
    return render(request, "carts/ordered.html", context)


def _needs_rights(request: CustomerRequest) -> bool:
    """Whether this person's key may not order: signing in once more, as themselves, would change nothing."""
    own_is_lost = request.link_is_lost and request.nichandle.pk == request.user.nichandle_id
    return not own_is_lost and not may_order_here(request)


def _move(request: CustomerRequest, where: str) -> HttpResponse:
    if not wants_fragment(request):
        return redirect(where)
    response = HttpResponse()
    response["HX-Redirect"] = where
    return response
