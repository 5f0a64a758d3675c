"""Orders whose answer was lost, as the desk sees them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from carts.models import Cart, Checkout
from orders.models import Intent
from tests.carts.made import line, make_cart, quote
from tests.factories import make_nichandle

pytestmark = pytest.mark.django_db


def asked_for(cart: Cart, **fields: Any) -> Checkout:
    values = {"state": "dead", "why": "unclear", "attempts": 1, "next_attempt_at": None} | fields
    intent = Intent.objects.create(kind=Intent.Kind.CHECKOUT, nichandle=cart.nichandle, **values)
    told = quote([line("montagne.fr - 12 months", "6.99")])
    return Checkout.objects.create(
        cart=cart,
        intent=intent,
        nichandle=cart.nichandle,
        quote=told,
        language="en",
        ended=values["state"] == "refused",
    )


@pytest.fixture
def cart() -> Cart:
    return make_cart(make_nichandle("am1-ovh"), state=Cart.State.ORDERING)


def refused(client: Client) -> int:
    queues = client.get("/support/queues/").context["queues"]
    return next(len(queue.entries) for queue in queues if queue.name == "refused")


def test_a_doubtful_order_is_told_with_all_that_is_known(staff_client: Client, cart: Cart) -> None:
    asked_for(cart, message="OVHcloud's cart was ordered, and these orders are like it: 4711, 4712.")
    told = staff_client.get("/support/queues/").content.decode()
    for words in (
        "montagne.fr - 12 months",
        "To cost €8.39 with tax.",
        "may have had it 1 time",
        "4711, 4712",
        "am1-ovh",
    ):
        assert words in told, words


def test_a_refused_one_leaves_the_queue_once_it_is_old_or_was_ordered_again(staff_client: Client, cart: Cart) -> None:
    first = asked_for(cart, state="refused", why="")
    assert refused(staff_client) == 1
    Intent.objects.filter(pk=first.intent_id).update(created_at=timezone.now() - timedelta(days=8))
    assert refused(staff_client) == 0
    Intent.objects.update(created_at=timezone.now())
    asked_for(cart, state="accepted", why="")
    assert refused(staff_client) == 0
