"""OVHcloud in every kind of trouble: pages answer as before and say so, and a withdrawal is stored all the same."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from orders import relay, sync
from orders.models import Intent, Order, OrderImport, Retraction
from tests.factories import make_canary
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

TROUBLE = [
    ("status", {"status": 500}),
    ("status", {"status": 503}),
    ("html", {"status": 502}),
    ("truncated", {}),
    ("reset", {}),
    pytest.param(
        "hang",
        {},
        marks=pytest.mark.skipif(
            "PROVE" not in os.environ, reason="40 s of waiting; sign-in, gateway and relay show a hang in less"
        ),
    ),
]


def numbers(page: Any) -> list[str]:
    return [row["number"] for row in page.context["rows"]]


@pytest.mark.parametrize(("kind", "more"), TROUBLE, ids=lambda value: str(value))
def test_pages_stay_and_say_since_when(ovh: Any, kind: str, more: dict[str, Any]):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    make_canary()
    client = Client()
    client.force_login(nichandle.user)
    before = client.get("/orders/")
    assert "unreachable" not in before.content.decode()

    ovh.arm(kind, path="*", **more)
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    sync.poll_orders(limit=9)
    make_canary()
    after = client.get("/orders/")
    assert after.status_code == 200
    assert numbers(after) == numbers(before)
    assert "OVHcloud unreachable since" in after.content.decode()
    assert "Traceback" not in after.content.decode()

    order = Order.objects.filter(retraction_date__gt=timezone.now(), status="delivered").first()
    answer = client.post(
        f"/orders/{order.order_id}/withdrawal/", {"confirm": "on", "email": "anna@example.com"}, follow=True
    )
    assert answer.status_code == 200
    assert Retraction.objects.get().order == order
    relay.relay_due()
    assert Intent.objects.get().state in (Intent.State.WAITING, Intent.State.DOUBTFUL)
    assert ovh.events(order.order_id).count("retraction_accepted") <= 1


def test_a_withdrawal_stored_in_trouble_is_accepted_once_afterwards(ovh: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    order = Order.objects.filter(retraction_date__gt=timezone.now(), status="delivered").first()
    client = Client()
    client.force_login(nichandle.user)
    ovh.arm("status", path="/me/order/*/retraction", status=503)
    client.post(f"/orders/{order.order_id}/withdrawal/", {"confirm": "on", "email": "anna@example.com"})
    relay.relay_due()
    assert Intent.objects.get().state == Intent.State.DOUBTFUL
    ovh.disarm()
    for _ in range(8):
        # Time passes for the intent alone: each look comes due, and the attempt grows a minute old.
        Intent.objects.update(next_attempt_at=timezone.now())
        intent = Intent.objects.get()
        Intent.objects.update(attempted_at=intent.attempted_at - timedelta(seconds=30))
        relay.relay_due()
    assert Intent.objects.get().state == Intent.State.ACCEPTED
    assert ovh.events(order.order_id).count("retraction_accepted") == 1


def test_an_order_ovhcloud_forgot_keeps_its_page(ovh: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    order = nichandle.orders.filter(status="delivered").first()
    ovh.arm("status", path=f"/me/order/{order.order_id}*", status=404)
    sync.check_orders([order.pk])
    assert OrderImport.objects.get().unreachable_since is None
    client = Client()
    client.force_login(nichandle.user)
    page = client.get(f"/orders/{order.order_id}/").content.decode()
    assert "OVHcloud no longer lists it" in page
