"""Ordering a cart: the one transaction in which the customer binds themself. What follows from it the relay carries."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts import audit
from accounts.http import CustomerRequest
from accounts.ringing import ring
from carts.checkout import quotes
from carts.checkout.waiver import Waiver, waiver
from carts.models import Cart, Checkout
from orders import tasks as order_tasks
from orders.models import Intent


class NotReady(Exception):
    """There is no quote to order by: the summary says what it waits for."""


@dataclass
class Changed(Exception):
    """The cart is not what the page showed. differences: what is different now, in sentences."""

    differences: list[str]


class OrderForm(forms.Form):
    """
    What stands on the summary, above its button. No box is ticked beforehand, and each has its own name.

    seen: what the page showed, signed. waive and pay_now only where the page has them.
    """

    seen = forms.CharField(widget=forms.HiddenInput, max_length=100_000)
    contracts = forms.BooleanField(required=False)
    waive = forms.BooleanField(required=False)
    pay_now = forms.BooleanField(required=False)

    def __init__(self, data: Any = None, *, cart: Cart, waiver: Waiver | None) -> None:
        super().__init__(data)
        self.cart, self.waiver = cart, waiver

    def clean_seen(self) -> quotes.Shown:
        shown = quotes.read(self.cleaned_data["seen"], self.cart)
        if shown is None:
            raise forms.ValidationError(_("This page lay open too long. Read it once more, then order."))
        return shown

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if (self.cart.quote or {}).get("contracts") and not data.get("contracts"):
            self.add_error("contracts", _("Tick the box once you have read and accept the contracts."))
        if self.waiver is not None and not data.get("waive"):
            self.add_error(
                "waive",
                _("OVHcloud sells this only if you give up the right of withdrawal. Tick the box, or leave it out."),
            )
        return data


@transaction.atomic
def order_cart(request: CustomerRequest, cart: Cart, form: OrderForm) -> Checkout:
    """
    Order what the page showed, once: a double click, or a second tab, gets the order that is under way. form: valid.

    Raises:
        NotReady, Changed: see there; nothing is written.
    """
    # Everybody who orders this cart queues here.
    cart = Cart.objects.select_for_update().get(pk=cart.pk, nichandle=request.nichandle)
    standing = cart.checkout
    if standing is not None:
        return standing
    now = timezone.now()
    if cart.state != Cart.State.OPEN or not quotes.is_ready(cart, now):
        raise NotReady
    quote: Any = cart.quote
    shown: quotes.Shown = form.cleaned_data["seen"]
    if not quotes.is_as_shown(shown, cart):
        raise Changed(quotes.differences(shown, quote))
    items = list(cart.items.all())
    if shown.renewals != quotes.renewals_in(items):
        raise Changed([_("What this renews at is not the price that the page showed.")])
    given_up = waiver(cart, items)
    if given_up is not None and not form.cleaned_data["waive"]:
        raise Changed([_("OVHcloud asks for the right of withdrawal to be given up for this.")])
    method = default_method(request.nichandle)
    if form.cleaned_data["pay_now"] and shown.method != quotes.shown_method(method):
        raise Changed([_("Your default payment method is not the one that the page showed.")])
    pays = form.cleaned_data["pay_now"] and method is not None
    checkout = _write(request, cart, given_up, pays=pays)
    audit.record(
        request,
        "order_cart",
        subject=request.nichandle.nichandle,
        target=f"cart {cart.pk}",
        total=quote["prices"]["with_tax"],
        waived=checkout.waived,
        pays_at_once=pays,
    )
    ring(order_tasks.relay_intents)
    return checkout


def _write(request: CustomerRequest, cart: Cart, given_up: Waiver | None, *, pays: bool) -> Checkout:
    quote: Any = cart.quote
    waived = given_up is not None
    intent = Intent.objects.create(
        kind=Intent.Kind.CHECKOUT,
        nichandle=request.nichandle,
        arguments={"waived": waived, "pay_at_once": pays},
    )
    contracts = [{name: one[name] for name in ("name", "sha256", "content")} for one in quote["contracts"]]
    checkout = Checkout.objects.create(
        cart=cart,
        intent=intent,
        nichandle=request.nichandle,
        # The contracts' texts are kept once, beside it.
        quote=quote | {"contracts": [{"name": one["name"], "sha256": one["sha256"]} for one in contracts]},
        contracts=contracts,
        waived=waived,
        waiver_words=given_up.words if given_up else "",
        pay_at_once=pays,
        language=get_language() or "en",
    )
    cart.state = Cart.State.ORDERING
    cart.save(update_fields=["state", "updated_at"])
    return checkout


def default_method(nichandle: Any) -> dict[str, Any] | None:
    """The account's default payment method as we last read it; None when it has none, or nobody has read them."""
    methods = getattr(getattr(nichandle, "order_import", None), "payment_methods", None) or ()
    return next((dict(method) for method in methods if method.get("default")), None)
