"""How the checking goes, on its page, by its command and by resync."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Breaker, Budget, CallMinute, Link
from accounts.ovh import application
from orders.broker import queue_depths
from orders.models import Intent, Order, OrderImport
from orders.queries.status import sync_status
from tests.factories import make_canary, make_customer, make_nichandle, make_order, make_staff

pytestmark = pytest.mark.django_db
NOWHERE = "redis://127.0.0.1:9/0"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def make_late(count: int, by: timedelta) -> None:
    account = make_nichandle()
    for _ in range(count):
        make_order(account, next_poll_at=timezone.now() - by)


def test_what_is_due_and_how_late(db):
    make_late(18, timedelta(seconds=10))
    make_late(2, timedelta(seconds=1000))
    make_order(make_nichandle(), next_poll_at=timezone.now() + timedelta(hours=1))
    status = sync_status(timezone.now())
    assert status.due == 20
    assert 9 < status.lag.median < 15
    assert status.lag.p95 > 900


def test_the_last_hour_of_calls(db):
    minute = timezone.now().replace(second=0, microsecond=0)
    CallMinute.objects.create(
        minute=minute - timedelta(minutes=1), calls=70, limited=2, failed=1, held_back=9, checked=33
    )
    CallMinute.objects.create(minute=minute - timedelta(minutes=59), calls=5)
    CallMinute.objects.create(minute=minute - timedelta(minutes=61), calls=1000)
    status = sync_status(timezone.now())
    assert (status.calls, status.limited, status.failed, status.held_back, status.checked) == (75, 2, 1, 9, 33)
    assert len(status.minutes) == 60
    assert status.minutes[-2].calls == 70


def test_budgets_breaker_intents_and_imports(db):
    now = timezone.now()
    user = make_customer()
    Budget.objects.create(
        link=Link.objects.get(user=user), silent_until=now + timedelta(minutes=5), refill_per_minute=30
    )
    Breaker.objects.create(
        address=application().address, state="open", failing_since=now - timedelta(minutes=3), why="no connection"
    )
    order = make_order(user.nichandle)
    Intent.objects.create(kind="retraction", nichandle=order.nichandle, order=order, state="dead", why="unclear")
    Intent.objects.create(kind="retraction", nichandle=user.nichandle, order=make_order(user.nichandle))
    OrderImport.objects.update(finished_at=None, total=300, done=40)
    make_canary(now - timedelta(minutes=10))
    status = sync_status(now)
    assert (status.silenced, status.slowed, status.breaker, status.dead) == (1, 1, "open", 1)
    assert (status.imports, status.imports_done, status.imports_total) == (1, 40, 300)
    assert status.oldest_intent is not None
    assert status.is_silent


def test_queues_are_counted(db):
    from orders import tasks

    before = queue_depths()
    assert before is not None
    tasks.poll_orders.delay()
    after = queue_depths()
    assert after is not None
    assert after["poll"] == before["poll"] + 1


@pytest.mark.parametrize("url", [NOWHERE, "unix:///nowhere/valkey.sock"])
def test_without_redis_the_page_says_so(staff_client: Client, settings: Any, url: str):
    settings.REDIS_URL = url
    page = staff_client.get("/support/sync/").content.decode()
    assert "Redis cannot be asked" in page


def test_a_redis_that_hangs_costs_less_than_a_third_of_a_second(settings: Any):
    import socket
    import time

    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.REDIS_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        begun = time.monotonic()
        assert queue_depths() is None
        assert time.monotonic() - begun < 0.3


def test_the_page_shows_it_and_asks_again(staff_client: Client):
    make_late(3, timedelta(minutes=5))
    make_canary()
    minute = timezone.now().replace(second=0, microsecond=0)
    CallMinute.objects.create(minute=minute - timedelta(minutes=1), calls=1234, limited=5)
    page = staff_client.get("/support/sync/").content.decode()
    for words in ('data-due="3"', "1,234 calls", "429", 'hx-trigger="every 10s"', "<rect", "Answers", "interactive"):
        assert words in page, words
    assert "style=" not in page
    assert page.count('aria-current="page"') == 1
    fragment = staff_client.get("/support/sync/", headers={"HX-Request": "true"})
    assert fragment.content.decode().lstrip().startswith('<div id="sync"')
    assert "HX-Request" in fragment["Vary"]


def test_it_names_no_customer_so_every_role_may_see_it_and_only_opening_it_is_written_down():
    make_customer("named1-ovh")
    make_order(make_nichandle("named2-ovh"), next_poll_at=timezone.now())
    client = Client()
    client.force_login(make_staff(role="administrator"))
    AuditEvent.objects.all().count()
    page = client.get("/support/sync/").content.decode()
    client.get("/support/sync/", headers={"HX-Request": "true"})
    assert "named" not in page
    assert AuditEvent.objects.filter(action="staff_sync").count() == 1


@pytest.mark.parametrize("count", [1, 60])
def test_it_costs_eleven_queries_however_much_is_due(staff_client: Client, count: int):
    make_late(count, timedelta(minutes=1))
    with CaptureQueriesContext(connection) as queries:
        staff_client.get("/support/sync/")
    # Session, user, the audit line; due, calls, budgets, breaker, intents, imports, receipts, canary.
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 11


# --- Commands ---------------------------------------------------------------------------------------------------------
def test_the_command_is_read_by_people_and_by_tools():
    make_late(2, timedelta(minutes=3))
    make_canary()
    text = run("sync_status")
    for words in ("canary", "due now           2 orders", "late by", "breaker           closed", "dead letters      0"):
        assert words in text, words
    told = json.loads(run("sync_status", "--json"))
    assert (told["due"], told["dead"], told["is_silent"], told["breaker"]) == (2, 0, False, "closed")
    assert set(told["queues"]) == set(settings.CELERY_QUEUES_IN_USE)
    assert len(told["minutes"]) == 60


def test_resync_rings_everything_that_can_still_change():
    account = make_customer("am1-ovh").nichandle
    moving, final = make_order(account, status="delivering"), make_order(account, next_poll_at=None)
    text = run("resync", " AM1-ovh ")
    assert "1 orders of am1-ovh are asked about now" in text
    for order in (moving, final):
        order.refresh_from_db()
    assert moving.next_poll_at <= timezone.now()
    assert final.next_poll_at is None
    assert OrderImport.objects.get().next_find_at <= timezone.now()
    line = AuditEvent.objects.get(action="resync")
    assert (line.actor, line.subject, line.detail["orders"]) == ("", "am1-ovh", 1)
    assert "less than ten seconds ago" in run("resync", "am1-ovh")


def test_resync_of_all_orders_and_their_details():
    account = make_customer("am1-ovh").nichandle
    final, gone = make_order(account, next_poll_at=None), make_order(account, gone_at=timezone.now(), next_poll_at=None)
    text = run("resync", "am1-ovh", "--all-orders", "--details")
    assert "The parts of 1 orders are read again." in text
    for order in (final, gone):
        order.refresh_from_db()
    assert final.next_poll_at is not None
    assert final.details_read_at is None
    assert gone.next_poll_at is None


def test_resync_says_when_nobody_holds_a_key():
    make_order(make_nichandle("am1-ovh"))
    assert "Nobody holds a key" in run("resync", "am1-ovh")


@pytest.mark.parametrize("name", ["nobody-ovh", "", "a\0b", "x" * 500])
def test_resync_of_somebody_unknown_fails_in_words(name: str):
    with pytest.raises(CommandError, match="No account .* is known here") as told:
        run("resync", name)
    assert told.value.returncode == 1
    assert not Order.objects.exists()
