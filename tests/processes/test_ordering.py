"""Searching and ordering as they really run: workers and a beat, one of them killed in the middle of a checkout."""

from typing import Any

import pytest

from accounts.models import Nichandle
from carts import actions
from carts.models import Cart, Checkout, DomainCheck
from orders.models import Intent
from tests.carts.shop import a_name, checkouts, fill_in, let_order, open_cart, order, orders_of
from tests.orders.test_relay import pass_time
from tests.processes.stack import Stack, until
from tests.sandboxes import Sandbox

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

TWELVE = [f"lavande.{one}" for one in "fr com net org eu bzh blog shop berlin paris de uk".split()]


def test_from_a_search_to_an_order_whose_worker_was_killed(stack: Stack, account: Nichandle, ovh: Sandbox) -> None:
    let_order(account)
    ovh.settings(checkout_repeats=True)
    stack.start_worker()
    stack.start_beat()
    actions.ask_about(account, "FR", TWELVE)
    answered = DomainCheck.objects.filter(state=DomainCheck.State.ANSWERED)
    until(lambda: answered.count() == 12, 30, "twelve names were looked up")
    actions.want_catalogue("FR")
    cart = open_cart(account)
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    until(lambda: Cart.objects.get(pk=cart.pk).is_quoted, 20, "the cart was copied and judged")
    cart.refresh_from_db()
    ovh.arm("latency", method="POST", path="/order/cart/*/checkout", ms=5000)
    checkout = order(cart)
    until(lambda: orders_of(ovh, cart), 20, "OVHcloud made the order")
    stack.kill("worker")
    assert Intent.objects.get(pk=checkout.intent_id).state == Intent.State.SENDING
    ovh.disarm()
    pass_time(seconds=50)
    stack.start_worker()
    row = until(lambda: _linked(checkout), 60, "the order was recognised, and found by the list")
    assert orders_of(ovh, cart) == [row.ovh_order_id]
    assert checkouts(ovh, cart) == 1
    assert row.cart.state == Cart.State.ORDERED


def _linked(checkout: Checkout) -> Any:
    return Checkout.objects.select_related("cart").filter(pk=checkout.pk, order__isnull=False).first()
