"""What was chosen and ordered is in the customer's own download, goes when they are forgotten, and not too late."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from accounts import crypto
from carts.models import Cart, CartItem, Checkout, Configuration, Contact, DomainCheck
from carts.retention import let_carts_go
from orders.models import Intent
from tests.carts.made import make_cart, make_contact, make_name, make_vps, quote
from tests.factories import make_customer, make_order
from tests.orders.test_export import taken

pytestmark = pytest.mark.django_db


def everything_of(customer: Any) -> Checkout:
    """An open cart with a code, an order under way, a contact, a name looked up."""
    account = customer.nichandle
    item = make_name(make_cart(account), "taken.fr")
    sealed = crypto.encrypt("kJ8#secret", bound_to=str(item.key))
    Configuration.objects.create(item=item, label="AUTH_INFO", encrypted_value=sealed)
    make_contact(account)
    DomainCheck.objects.create(nichandle=account, subsidiary="FR", domain="taken.fr")
    cart = make_cart(account, state=Cart.State.ORDERED)
    make_vps(cart)
    intent = Intent.objects.create(kind=Intent.Kind.CHECKOUT, nichandle=account, state="accepted")
    order = make_order(account)
    return Checkout.objects.create(
        cart=cart, intent=intent, nichandle=account, quote=quote(), language="en", order=order, waiver_words="I waive"
    )


def test_the_download_holds_carts_contacts_and_what_was_ordered(customer, customer_client):
    everything_of(customer)
    everything_of(make_customer(firstname="Bruno"))
    zipped = taken(customer_client)
    told = json.loads(zipped.read("carts.json"))
    assert [len(told[name]) for name in ("carts", "ordered", "contacts", "searches")] == [2, 1, 1, 1]
    assert told["carts"][0]["items"][0]["filled_in"] == {"AUTH_INFO": "(kept, not shown)"}
    assert told["ordered"][0]["waiver_words"] == "I waive"
    assert told["contacts"][0]["lastName"] == "Durand"
    text = zipped.read("carts.json").decode()
    assert "kJ8" not in text
    assert Configuration.objects.first().encrypted_value not in text


def test_whoever_is_forgotten_leaves_no_cart(customer, customer_client):
    everything_of(customer)
    theirs = everything_of(make_customer())
    customer_client.post("/account/erase/", {"sure": "on"})
    for model in (Cart, Checkout, Contact, DomainCheck):
        assert set(model.objects.values_list("nichandle", flat=True)) == {theirs.nichandle_id}, model
    assert CartItem.objects.count() == 2


def test_a_cart_that_was_left_goes_and_one_that_was_ordered_stays_without_its_codes(customer):
    checkout = everything_of(customer)
    item = CartItem.objects.get(cart=checkout.cart)
    Configuration.objects.create(item=item, label="PROTECTED_CODE", encrypted_value="sealed")
    now = timezone.now()
    with time_machine.travel(now + timedelta(days=settings.RETAIN_CARTS_DAYS - 1)):
        let_carts_go(timezone.now() - timedelta(days=settings.RETAIN_CARTS_DAYS))
    assert Cart.objects.count() == 2
    assert item.configurations.get().encrypted_value == ""
    with time_machine.travel(now + timedelta(days=settings.RETAIN_CARTS_DAYS + 1)):
        let_carts_go(timezone.now() - timedelta(days=settings.RETAIN_CARTS_DAYS))
    assert list(Cart.objects.all()) == [checkout.cart]
    assert not DomainCheck.objects.exists()


def test_a_visitors_cart_goes_too():
    Cart.objects.create(visitor=uuid.uuid4(), subsidiary="FR")
    let_carts_go(timezone.now() + timedelta(seconds=1))
    assert not Cart.objects.exists()
