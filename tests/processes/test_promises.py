"""
R2, R3, R7 and R8 with real processes: what is lost with Valkey or a worker comes back in time, and trouble at OVHcloud
or at the broker slows no page. Each prints its figure: `pytest -rP` shows it.
"""

import os
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone

from accounts.models import Nichandle
from orders.models import Canary, Intent, Order, OrderImport, Retraction
from tests.processes.conftest import Browser
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
WHOLE = os.environ.get("PROVE") == "1"
TROUBLE: list[tuple[str, dict[str, Any]]] = [
    ("hang", {}),
    ("status", {"status": 429, "retry_after": "2"}),
    ("status", {"status": 503}),
    ("html", {"status": 502}),
    ("truncated", {}),
    ("reset", {}),
    ("drip", {"ms": 400}),
    ("latency", {"ms": 9000}),
]


def say(figure: str) -> None:
    sys.stdout.write(f"{figure}\n")


def withdrawable(account: Nichandle) -> list[Order]:
    """Delivered, inside their window, and nothing declared yet."""
    return list(
        account.orders.filter(status="delivered", retraction_date__gt=timezone.now(), retractions=None).order_by(
            "order_id"
        )
    )


def declare(browser: Browser, order: Order) -> None:
    assert browser.submit(f"/orders/{order.order_id}/withdrawal/", "withdrawal", confirm="on").status_code == 200
    assert Retraction.objects.filter(order=order).count() == 1


def accepted(order: Order) -> bool:
    return Intent.objects.get(order=order).state == Intent.State.ACCEPTED


def checked_since(order: Order, moment: Any) -> bool:
    order.refresh_from_db()
    return order.status_checked_at is not None and order.status_checked_at > moment


def test_r2_an_emptied_valkey_is_rung_full_again_within_120_s(stack: Stack, browser: Browser, account: Nichandle):
    order, watched = withdrawable(account)[0], account.orders.filter(status="delivering").earliest("pk")
    # Rung for while nobody listens: the bells lie in Valkey when it is emptied.
    declare(browser, order)
    browser.check_now(watched.order_id)
    with redis.Redis.from_url(stack.valkey.url) as client:
        assert client.dbsize() > 0
        client.flushall()
    began, moment = time.monotonic(), timezone.now()
    stack.start_worker()
    stack.start_beat()
    until(lambda: accepted(order), 120, "the intent is rung again")
    until(lambda: checked_since(watched, moment), 120, "the check is rung again")
    say(f"R2: rung again {time.monotonic() - began:.1f} s after FLUSHALL, the start of worker and beat included")


@pytest.mark.skipif(not WHOLE, reason="90 s of waiting; test_a_worker_killed_during_the_call shows it of an intent")
def test_r3_a_killed_workers_checks_are_resumed_within_180_s(stack: Stack, browser: Browser, ovh: Any, account: Any):
    order = account.orders.filter(status="delivering").earliest("pk")
    since = ovh.last_request()
    ovh.arm("latency", path="/me/order/*", ms=5000, seconds=8)
    browser.check_now(order.order_id)
    moment = timezone.now()
    stack.start_worker()
    stack.start_beat()
    path = f"/1.0/me/order/{order.order_id}"
    until(lambda: [c for c in ovh.requests(since) if c["path"].startswith(path)], 60, "the check is under way")
    stack.kill("worker")
    began = time.monotonic()
    stack.start_worker()
    until(lambda: checked_since(order, moment), 180, "the check is resumed")
    say(f"R3: resumed {time.monotonic() - began:.1f} s after kill -9 of the worker")


def test_r7_trouble_at_ovhcloud_holds_no_page_no_worker_and_no_withdrawal(
    stack: Stack, browser: Browser, ovh: Any, account: Nichandle
):
    stack.start_worker()
    stack.start_beat()
    until(lambda: Canary.objects.exists(), 60, "the worker sings")
    troubles = TROUBLE if WHOLE else TROUBLE[:2]
    for _ in troubles:
        ovh.make_order(nichandle=account.nichandle, status="delivered", price="24.00", products=["VPS"])
    OrderImport.objects.update(next_find_at=timezone.now())
    open_to = until(lambda: (found := withdrawable(account))[len(troubles) :] and found, 60, "the new ones are found")
    for kind, more in troubles:
        ovh.arm(kind, **more)
        order, began = open_to.pop(), timezone.now()
        declare(browser, order)
        assert browser.get("/orders/").text.count("data-order-id=") > 5
        page = browser.get(f"/orders/{order.order_id}/")
        assert page.status_code == 200
        assert 'id="freshness"' in page.text
        assert f'data-order-id="{order.order_id}"' in page.text
        # A worker that OVHcloud held would sing no more. A song is due every 15 s.
        until(lambda at=began: Canary.objects.get().sang_at > at + timedelta(seconds=1), 60, f"a song during {kind}")
        say(f"R7: {kind} {more}: page after {page.elapsed.total_seconds() * 1000:.0f} ms, withdrawal stored")
        ovh.disarm()
    if not WHOLE:
        return  # the rest waits a minute: test_an_answer_lost_after_ovhcloud_accepted shows it of one
    # Each may be looked at for a minute before it is sent again.
    until(lambda: not Intent.objects.exclude(state=Intent.State.ACCEPTED).exists(), 180, "all are accepted")
    for intent in Intent.objects.select_related("order"):
        assert ovh.events(intent.order.order_id).count("retraction_accepted") == 1


def test_r8_a_stopped_valkey_slows_no_page_and_loses_nothing(stack: Stack, browser: Browser, account: Nichandle):
    order = withdrawable(account)[0]
    paths = ["/orders/", f"/orders/{order.order_id}/", f"/orders/{order.order_id}/tracking/", "/withdraw/", "/"]
    for path in paths:
        browser.get(path)
    stack.pause_valkey()
    took = []
    for path in paths * (40 if WHOLE else 4):
        answer = browser.get(path)
        assert answer.status_code == 200
        took.append(answer.elapsed.total_seconds() * 1000)
    declare(browser, order)
    stack.resume_valkey()
    stack.start_worker()
    stack.start_beat()
    until(lambda: accepted(order), 120, "what was declared meanwhile is sent")
    took.sort()
    p50, p99 = took[len(took) // 2], took[min(int(len(took) * 0.99), len(took) - 1)]
    say(f"R8: {len(took)} pages with Valkey stopped: median {p50:.0f} ms, p99 {p99:.0f} ms, slowest {took[-1]:.0f} ms")
    # The sample may run beside much else; a ring that waits for the broker takes longer than this even so.
    assert p99 < (500 if WHOLE else 5000)
