"""The poller as it really runs: workers, beats, an OVHcloud in trouble."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import breaker
from orders.models import Due, Order, Status
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def all_due() -> None:
    Order.objects.filter(next_poll_at__isnull=False).update(next_poll_at=timezone.now() - timedelta(seconds=1))


def is_idle() -> bool:
    return not Due.objects.filter(at__lte=timezone.now()).exists()


def test_a_second_beat_asks_no_order_twice(stack: Stack, account: Any, ovh: Any):
    all_due()
    # What the policy asks about again within minutes is not what it is about.
    quiet = account.orders.filter(next_poll_at__isnull=False, status=Status.DELIVERED)
    numbers = {str(number) for number in quiet.values_list("order_id", flat=True)}
    since = ovh.last_request()
    stack.start_worker()
    stack.start_beat()
    stack.start_beat("beat-2")
    due = quiet.filter(next_poll_at__lte=timezone.now())
    until(lambda: not due.exists(), 90, "everything due was asked about")
    time.sleep(6)
    paths = [call["path"].split("/") for call in ovh.requests(since) if call["path"].endswith("/status")]
    asked = Counter(path[-2] for path in paths if path[-2] in numbers)
    assert len(asked) > 10
    assert {number: times for number, times in asked.items() if times > 1} == {}


def test_silence_is_said_on_the_page_costs_few_calls_and_ends_by_itself(
    stack: Stack, account: Any, browser: Any, ovh: Any
):
    stack.start_worker()
    stack.start_beat()
    ovh.arm("status", path="*", status=503)
    all_due()
    until(lambda: breaker.state().unreachable, 30, "the breaker opens")
    until(lambda: "unreachable since" in browser.get("/orders/").text, 20, "the page says so")
    since = ovh.last_request()
    all_due()
    time.sleep(8)
    # Probes alone, however many orders are due: one after 5 s, one after 10 more; a find may be under way.
    assert len(ovh.requests(since)) <= 4
    ovh.disarm()
    until(lambda: not breaker.state().unreachable, 40, "the first good answer closes it")
    until(is_idle, 40, "what piled up was asked about")
    until(lambda: "unreachable since" not in browser.get("/orders/").text, 20, "the page is glad")
