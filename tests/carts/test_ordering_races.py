"""The button pressed at the same moment in several tabs, over real connections: one order is asked for."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from carts.models import Checkout, Configuration
from orders.models import Intent
from tests.carts.made import make_cart, make_name, may_order, put_quote
from tests.factories import make_customer
from tests.security.test_races import at_once, copy_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tabs() -> list[Client]:
    """Six tabs of one browser, each with the summary open."""
    user: User = make_customer()
    may_order(user)
    item = make_name(make_cart(user.nichandle))
    Configuration.objects.create(item=item, label="OWNER_LEGAL_AGE", value="true", is_mirrored=True)
    put_quote(item.cart)
    first = Client(raise_request_exception=False)
    first.force_login(user)
    return [first, *(copy_of(first) for _ in range(5))]


def test_six_tabs_order_once(tabs: list[Client]):
    told = tabs[0].get("/cart/summary/").content.decode()
    seen: Any = re.search(r'name="seen" value="([^"]+)"', told)
    fields = {"seen": seen[1], "contracts": "on", "waive": "on"}
    assert at_once(6, lambda number: tabs[number].post("/cart/order/", fields)) == [302] * 6
    assert Checkout.objects.count() == Intent.objects.count() == 1
