"""What one item of the cart asks for before it can be ordered."""

from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from accounts.http import CustomerRequest, wants_fragment
from carts.actions import CartClosed, CartMoved
from carts.configuring import contacts, saving
from carts.configuring.asked import rule_tree
from carts.configuring.form import ConfigureForm
from carts.models import Cart, CartItem
from carts.words import item_title
from orders import actions as order_actions


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
def configure(request: CustomerRequest, key: str) -> HttpResponse:
    """The form; a POST keeps what is right of it, and by htmx answers what is kept and what is not."""
    own = CartItem.objects.filter(cart__nichandle=request.nichandle, cart__state=Cart.State.OPEN)
    item = get_object_or_404(own.select_related("cart", "parent"), key=key)
    if request.method == "POST":
        return _keep(request, item)
    order_actions.note_seen(request.nichandle)
    return render(request, "carts/configure.html", _context(request, item, _form(request, item)))


def _form(request: CustomerRequest, item: CartItem, data: Any = None) -> ConfigureForm:
    people, nichandle = contacts.contacts_of(request.nichandle), request.nichandle
    return ConfigureForm(item, item.configurations.all(), people, nichandle, data, rules=rule_tree(item))


def _keep(request: CustomerRequest, item: CartItem) -> HttpResponse:
    form = _form(request, item, request.POST)
    if not form.requirements:
        if item.requirements is None:
            messages.info(request, _("OVHcloud has not said yet what it wants to know."))
        return _page_again(request, item)
    try:
        saving.configure(item, form.values())
    except (CartClosed, CartMoved):
        messages.error(request, _("This product is no longer in your cart, so nothing was kept."))
        return redirect("carts:cart")
    # What the dry run said against a field is said of what stood there before.
    item.refresh_from_db(fields=["problem"])
    shown = _form(request, item, request.POST)
    if wants_fragment(request):
        return render(request, "carts/_configure_kept.html", _context(request, item, shown))
    if shown.errors:
        return render(request, "carts/configure.html", _context(request, item, shown) | {"posted": True})
    messages.success(request, _("Kept."))
    if "stay" in request.POST:
        return redirect("carts:configure", item.key)
    return redirect("carts:cart")


def _page_again(request: CustomerRequest, item: CartItem) -> HttpResponse:
    """The form in this browser is older than the product, which asks for nothing now: the whole page is loaded anew."""
    where = reverse("carts:configure", args=[item.key])
    if not wants_fragment(request):
        return redirect(where)
    response = HttpResponse()
    response["HX-Redirect"] = where
    return response


def _context(request: CustomerRequest, item: CartItem, form: ConfigureForm) -> dict[str, Any]:
    context: dict[str, Any] = {"item": item, "title": item_title(item), "form": form, "rows": form.rows}
    context["others"] = _others(item)
    context["is_read"] = item.requirements is not None
    context["has_boxes"] = any(row.kind == "box" for row in form.rows)
    if any(row.kind == "contact" for row in form.rows):
        reading = contacts.want_contacts(request.nichandle)
        listed = [contacts.shown(one) for one in form.contacts]
        context["unsent"] = [one for one in listed if not one["path"]]
        context["contacts_unread"] = reading.read_at is None
        waits = any(not one["is_sent"] and not one["problem"] for one in listed)
        context["contacts_wait"] = waits or (reading.read_at is None and not reading.message)
        context["here"] = reverse("carts:configure", args=[item.key])
    return context


def _others(item: CartItem) -> list[dict[str, Any]]:
    """What belongs to it, or it to, and asks for something of its own. One query."""
    family = item.cart.items.filter(Q(parent=item) | Q(pk=item.parent_id) | Q(parent_id=item.parent_id or 0))
    if item.domain:
        family |= item.cart.items.filter(domain=item.domain)
    return [{"key": one.key, "title": item_title(one)} for one in family if one.requirements and one.pk != item.pk]
