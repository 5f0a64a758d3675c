"""Who is asked about in a turn, and what a turn costs: shares, claims, statements, calls."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Budget, Link, Nichandle
from orders import actions, learning, sync
from orders.answers import Answer
from orders.models import Due, Order, OrderEvent, Status
from orders.sync import checks, claims
from tests.factories import make_customer, make_order
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

LATER = (Due.Kind.LATER,)


def account(orders: int, **fields: Any) -> Any:
    nichandle = make_customer().nichandle
    for _ in range(orders):
        make_order(nichandle, **({"retraction_date": timezone.now() + timedelta(days=9)} | fields))
    return nichandle


def all_due(**ago: float) -> None:
    Due.objects.update(at=timezone.now() - timedelta(**(ago or {"minutes": 5})))


def claimed(limit: int, *args: Any) -> Counter[int]:
    return Counter({each.link.nichandle_id: len(each.orders) for each in claims.claim(limit, *args)})


def test_the_queue_follows_every_way_of_writing_an_order():
    nichandle = account(1)
    order = nichandle.orders.get()
    assert (order.due.at, order.due.kind) == (order.next_poll_at, Due.Kind.LATER)
    Order.objects.update(next_poll_at=None)
    assert not Due.objects.exists()
    now = timezone.now()
    Order.objects.bulk_update([Order(pk=order.pk, next_poll_at=now, status="delivering")], ["next_poll_at", "status"])
    assert (Due.objects.get().at, Due.objects.get().kind) == (now, Due.Kind.SOON)
    actions.watch_order(order)
    assert Due.objects.get().kind == Due.Kind.PEOPLE
    order.delete()
    assert not Due.objects.exists()


def test_an_account_with_thousands_due_does_not_keep_others_waiting():
    large, small = account(60), [account(1) for _ in range(5)]
    all_due()
    Due.objects.filter(nichandle_id=large.pk).update(at=timezone.now() - timedelta(hours=2))
    found = claimed(20)
    assert all(found[nichandle.pk] == 1 for nichandle in small)
    assert found[large.pk] == 15


def test_those_who_wait_come_first_and_what_is_old_is_not_forgotten():
    background, soon, people = account(30), account(30, status="delivering"), account(3, status="delivering")
    for order in people.orders.all():
        actions.watch_order(order)
    all_due()
    found = claimed(20)
    assert found[people.pk] == 3
    assert found[background.pk] == 5
    assert found[soon.pk] == 12


def test_what_the_budget_does_not_let_through_waits_once_and_in_order(settings: Any):
    settings.OVH_CALLS_AT_ONCE, settings.OVH_CALLS_A_MINUTE, settings.OVH_CALLS_A_MINUTE_AT_MOST = 40, 60, 60
    large, small = account(100), account(3)
    Budget.objects.bulk_create(
        Budget(link=link, tokens=40, refill_per_minute=60) for link in Link.objects.filter(nichandle__in=[large, small])
    )
    all_due()
    found = claimed(500)
    assert (found[large.pk], found[small.pk]) == (30, 3)
    late = Due.objects.filter(nichandle_id=large.pk, at__gt=timezone.now() + claims.CLAIM)
    first_wait = Due.objects.filter(nichandle_id=large.pk).exclude(at__gt=timezone.now() + claims.CLAIM).count()
    assert late.count() + first_wait == 100
    # 70 wait, at 0.8 of 60 a minute: the last for 87.5 s. The policy's wish is left alone.
    assert not Order.objects.filter(due__at=None).exists()
    moments = sorted(Due.objects.filter(nichandle_id=large.pk).values_list("at", flat=True))
    assert max(Counter(moments).values()) == 30
    # Nothing of theirs is touched again before its moment.
    assert claimed(500)[large.pk] == 0


def test_a_killed_worker_loses_nothing_but_its_claim():
    nichandle = account(5)
    all_due()
    assert claimed(50)[nichandle.pk] == 5
    assert claimed(50)[nichandle.pk] == 0
    Due.objects.update(at=timezone.now() - timedelta(seconds=1))
    assert claimed(50)[nichandle.pk] == 5
    assert timedelta(seconds=180) > claims.CLAIM


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.django_db(transaction=True)
def test_two_workers_claim_different_orders(skips: bool):
    """The negative control takes SKIP LOCKED away: the second waits for the first, and takes what it took."""
    account(8)
    all_due()
    statement = claims._DUE if skips else claims._DUE.replace("FOR UPDATE SKIP LOCKED", "")

    def look() -> set[int]:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, [2, 2, timezone.now(), [], 4])
                return {row[0] for row in cursor.fetchall()}
        finally:
            if connection.get_autocommit():
                connection.close()

    with ThreadPoolExecutor(1) as other_worker, transaction.atomic():
        mine = look()
        theirs = other_worker.submit(look).result(5)
    assert len(mine) == len(theirs) == 4
    assert (mine & theirs == set()) is skips


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_check_every_order_once(ovh: Any):
    for index in (0, 1):
        import_all(sign_up(ovh, index))
    # Nobody looks at these accounts: what moves is due again after most of a minute, not after ten seconds.
    Nichandle.objects.update(seen_at=None)
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    Due.objects.filter(kind=Due.Kind.LAPSED).update(kind=Due.Kind.LATER)
    due = Due.objects.count()
    since = ovh.last_request()

    def work() -> int:
        try:
            return sum(sync.poll_orders(limit=10) for _ in range(3))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        done = sum(future.result() for future in [workers.submit(work) for _ in range(4)])
    assert done == due
    asked = Counter(call["path"] for call in ovh.requests(since) if call["path"].endswith("/status"))
    assert set(asked.values()) == {1}
    assert not Order.objects.filter(next_poll_at__lte=timezone.now() - timedelta(seconds=10)).exists()


# --- What a turn costs ------------------------------------------------------------------------------------------------
def test_an_unchanged_order_costs_one_call_and_a_turn_a_handful_of_statements(ovh: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    checks._batches.clear()
    Order.objects.update(next_poll_at=timezone.now())
    sync.poll_orders()
    quiet = nichandle.orders.filter(next_poll_at__isnull=False).exclude(status__in=["notPaid", "unknown"])
    quiet.update(next_poll_at=timezone.now(), status_since=timezone.now() - timedelta(days=2))
    Due.objects.exclude(order__in=quiet).delete()
    orders = Due.objects.count()
    assert orders > 10
    since = ovh.last_request()
    with CaptureQueriesContext(connection) as queries:
        assert sync.poll_orders() == orders
    assert len(ovh.requests(since)) <= orders * 1.1
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) <= 16, statements


def test_unchanged_answers_are_written_together_and_leave_no_event():
    nichandle = account(20)
    now = timezone.now()
    rows = [
        learning.Unchanged(pk, "delivered", now, now + timedelta(hours=1), Due.Kind.LATER, None, None, None)
        for pk in nichandle.orders.values_list("pk", flat=True)
    ]
    with CaptureQueriesContext(connection) as queries:
        assert len(learning.keep_unchanged(rows)) == 20
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 3
    order = nichandle.orders.first()
    assert (order.status_checked_at, order.next_poll_at) == (now, now + timedelta(hours=1))
    assert order.due.at == order.next_poll_at
    assert not OrderEvent.objects.exists()
    # The queue follows other writers again.
    order.next_poll_at = now
    order.save()
    assert Due.objects.get(order=order).at == now


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"status": "cancelling"},
        {"status_checked_at": timezone.now() + timedelta(days=1)},
        {"check_asked_at": timezone.now() + timedelta(days=1)},
        {"watched_until": timezone.now() + timedelta(days=1)},
        {"gone_at": timezone.now()},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_an_old_answer_is_not_written_over_what_happened_meanwhile(meanwhile: dict[str, Any]):
    order = account(1).orders.get()
    asked_at = timezone.now()
    Order.objects.update(**meanwhile)
    row = learning.Unchanged(
        order.pk, "delivered", asked_at, asked_at + timedelta(hours=1), Due.Kind.LATER, None, None, None
    )
    assert learning.keep_unchanged([row]) == set()
    assert Order.objects.get().next_poll_at == order.next_poll_at


def test_a_slow_workers_answer_changes_nothing_that_a_newer_one_told():
    order = account(1, status=Status.DELIVERING).orders.get()
    asked_at = timezone.now() - timedelta(minutes=2)
    learning.learn(order.pk, Answer(order.order_id, status="delivered"), timezone.now())
    learning.learn(order.pk, Answer(order.order_id, status="delivering"), asked_at)
    assert Order.objects.get().status == "delivered"
    assert OrderEvent.objects.filter(kind=OrderEvent.Kind.STATUS).count() == 1


# --- Batches ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def quiet_account(ovh: Any) -> Any:
    """An imported account whose orders will all be due, with nothing else to ask than the status."""
    nichandle = sign_up(ovh)
    import_all(nichandle)
    Order.objects.update(next_poll_at=timezone.now())
    checks._batches.clear()
    sync.poll_orders()
    nichandle.orders.update(status_since=timezone.now() - timedelta(days=2))
    Due.objects.exclude(order__status="delivered").delete()
    Due.objects.update(at=timezone.now())
    checks._batches.clear()
    yield nichandle
    checks._batches.clear()


def test_statuses_are_asked_in_batches_where_ovhcloud_takes_them(ovh: Any, quiet_account: Any):
    ovh.settings(batch=True)
    sync.poll_orders()
    Due.objects.update(at=timezone.now())
    orders = Due.objects.count()
    changed = quiet_account.orders.filter(due__isnull=False).first()
    ovh.change_order(changed.order_id, status="cancelling")
    since = ovh.last_request()
    assert sync.poll_orders() == orders > 5
    statuses = [call["path"] for call in ovh.requests(since) if call["path"].endswith("/status")]
    assert len(statuses) == 1
    changed.refresh_from_db()
    assert changed.status == "cancelling"
    assert not quiet_account.orders.filter(due__isnull=False, status_checked_at__lt=changed.status_checked_at).exists()


def test_a_refused_batch_is_remembered_and_every_order_asked_alone(ovh: Any, quiet_account: Any):
    orders = Due.objects.count()
    since = ovh.last_request()
    assert sync.poll_orders() == orders
    first = [call["path"] for call in ovh.requests(since) if "," in call["path"]]
    assert len(first) == 1
    Due.objects.update(at=timezone.now())
    since = ovh.last_request()
    assert sync.poll_orders() == orders
    statuses = [call["path"] for call in ovh.requests(since) if call["path"].endswith("/status")]
    assert len(statuses) == len(set(statuses)) == orders
    assert not any("," in path for path in statuses)
    assert not quiet_account.orders.exclude(last_error="").exists()
    assert not quiet_account.orders.exclude(gone_at=None).exists()


# --- A turn in trouble ------------------------------------------------------------------------------------------------
def test_a_slow_ovhcloud_is_asked_about_many_orders_at_once(ovh: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    checks._batches[sync.gateway_for(nichandle).application.address] = (False, time.monotonic() + 60)
    Order.objects.update(next_poll_at=timezone.now())
    sync.poll_orders()
    Due.objects.exclude(kind=Due.Kind.LAPSED).update(at=timezone.now())
    ovh.arm("latency", path="/me/order/*", ms=300)
    began = time.monotonic()
    orders = sync.poll_orders()
    assert orders > 20
    assert time.monotonic() - began < orders * 0.3 / 4
    checks._batches.clear()
