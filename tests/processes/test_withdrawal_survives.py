"""Whatever dies in the middle: the declaration stays, and OVHcloud accepts one retraction, not two."""

from typing import Any

import pytest

from accounts.models import Nichandle
from orders import sync
from orders.models import Intent, Order, Retraction
from tests.processes.conftest import Browser
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(ovh: Any, account: Nichandle) -> Order:
    """A delivered order inside its window, known to the panel."""
    number = ovh.make_order(nichandle=account.nichandle, status="delivered", price="24.00", products=["VPS"])
    from django.utils import timezone

    from orders.models import OrderImport

    OrderImport.objects.update(next_find_at=timezone.now())
    sync.find_orders()
    found = Order.objects.get(order_id=number)
    assert found.retraction_date is not None
    return found


def declare(browser: Browser, order: Order) -> None:
    answer = browser.submit(f"/orders/{order.order_id}/withdrawal/", "withdrawal", confirm="on")
    assert answer.status_code == 200
    assert Retraction.objects.filter(order=order).count() == 1


def accepted(ovh: Any, order: Order) -> int:
    return sum(line["event"] == "retraction_accepted" for line in ovh.ledger(order.order_id))


def settled(order: Order) -> bool:
    return Intent.objects.get(order=order).state == Intent.State.ACCEPTED


def calls(ovh: Any, order: Order) -> list[dict[str, Any]]:
    path = f"/1.0/me/order/{order.order_id}/retraction"
    return [call for call in ovh.requests() if call["path"] == path]


def test_a_worker_killed_during_the_call(stack: Stack, browser: Browser, ovh: Any, order: Order):
    ovh.arm("latency", path="/me/order/*/retraction", ms=4000, count=1)
    stack.start_worker()
    stack.start_beat()
    declare(browser, order)
    until(lambda: Intent.objects.get(order=order).attempted_at, 30, "the attempt is noted")
    until(lambda: calls(ovh, order), 30, "the call is under way")
    stack.kill("worker")
    stack.start_worker()
    until(lambda: settled(order), 180, "the intent is settled")
    assert accepted(ovh, order) == 1


def test_valkey_stopped_when_the_customer_declares(stack: Stack, browser: Browser, ovh: Any, order: Order):
    stack.valkey.stop()
    declare(browser, order)
    assert browser.get("/orders/").status_code == 200
    stack.valkey.start()
    stack.start_worker()
    stack.start_beat()
    until(lambda: settled(order), 60, "the intent is sent once Valkey is back")
    assert accepted(ovh, order) == 1


def test_an_answer_lost_after_ovhcloud_accepted(stack: Stack, browser: Browser, ovh: Any, order: Order):
    ovh.arm("accept_then_reset", path="/me/order/*/retraction", count=1)
    stack.start_worker()
    stack.start_beat()
    declare(browser, order)
    until(lambda: settled(order), 60, "the look finds it accepted")
    assert accepted(ovh, order) == 1
    assert len(calls(ovh, order)) == 1
