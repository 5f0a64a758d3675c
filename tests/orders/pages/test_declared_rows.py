"""A declared order: lists lead to its declaration and no longer invite to declare."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.models import Intent
from tests.factories import make_order

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/orders/", "/"])
def test_a_declared_order_says_so_in_lists(customer, customer_client, path):
    order = make_order(customer.nichandle, retraction_date=timezone.now() + timedelta(days=5))
    assert "Withdraw</a>" in customer_client.get(path).content.decode()
    Intent.objects.create(kind=Intent.Kind.RETRACTION, nichandle=order.nichandle, order=order)
    page = customer_client.get(path).content.decode()
    assert "Withdrawal declared" in page
    assert "withdraw from contract here" not in page


def test_after_a_refusal_the_way_is_open_again(customer, customer_client):
    order = make_order(customer.nichandle, retraction_date=timezone.now() + timedelta(days=5))
    kind, refused = Intent.Kind.RETRACTION, Intent.State.REFUSED
    Intent.objects.create(kind=kind, nichandle=order.nichandle, order=order, state=refused)
    assert "Withdrawal declared" not in customer_client.get("/orders/").content.decode()
