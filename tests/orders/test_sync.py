"""What the panel learns from OVHcloud, through the real client and real HTTP."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Link, Nichandle
from accounts.ovh import application
from gateway import Gateway
from orders import actions, learning, policy, sync
from orders.answers import Answer
from orders.models import Due, Order, OrderEvent, OrderImport, Status
from tests.world import forget_trouble, import_all, sign_up

pytestmark = pytest.mark.django_db


def calls(ovh: Any, since: int, path: str = "") -> list[dict[str, Any]]:
    return [call for call in ovh.requests(since) if path in call["path"] and "/auth/time" not in call["path"]]


def mark(ovh: Any) -> int:
    """A place in the request log: what comes later is the test's own."""
    log = ovh.requests()
    return log[-1]["n"] if log else 0


def due_now(**fields: Any) -> None:
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1), **fields)


def test_an_import_brings_every_order_of_the_sign_up(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    key = ovh.customers[0]["consumer_key"]
    assert set(nichandle.orders.values_list("order_id", flat=True)) == set(Gateway(application(), key).order_ids())
    row = OrderImport.objects.get()
    assert not row.is_running
    assert row.done == row.total == nichandle.orders.count()


def test_an_import_costs_two_calls_an_order(ovh):
    nichandle = sign_up(ovh, 1)
    begin = mark(ovh)
    import_all(nichandle)
    methods = len(calls(ovh, begin, "/me/payment/method"))
    # A cancelled one is also asked whether it was ever paid, else it would pass for expired.
    cancelled = nichandle.orders.filter(status=Status.CANCELLED).count()
    assert len(calls(ovh, begin)) - methods == 1 + 2 * nichandle.orders.count() + cancelled


def test_an_import_costs_one_call_an_order_where_lists_bring_whole_orders(ovh):
    nichandle = sign_up(ovh)
    ovh.settings(expanded_lists=True)
    begin = mark(ovh)
    import_all(nichandle)
    methods = len(calls(ovh, begin, "/me/payment/method"))
    assert nichandle.orders.count() > sync.IMPORT_BATCH
    cancelled = nichandle.orders.filter(status=Status.CANCELLED).count()
    assert len(calls(ovh, begin)) - methods == 2 + nichandle.orders.count() + cancelled
    assert not nichandle.orders.filter(price_with_tax=None).exists()


def test_pages_ask_ovhcloud_nothing(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    client = Client()
    client.force_login(nichandle.user)
    begin = mark(ovh)
    number = nichandle.orders.first().order_id
    for path in ("/", "/orders/", f"/orders/{number}/", f"/orders/{number}/tracking/", "/withdraw/", "/account/"):
        assert client.get(path).status_code == 200
    assert client.get(f"/orders/{number}/withdrawal/").status_code == 200
    assert not calls(ovh, begin)


def test_an_import_stopped_by_silence_goes_on_where_it_stopped(ovh):
    nichandle = sign_up(ovh)
    sync.begin_import(nichandle)
    ovh.arm("status", path="/me/order/*/status", status=503)
    assert sync.import_orders() is False
    assert nichandle.orders.count() == 0
    assert OrderImport.objects.get().unreachable_why == "unavailable"
    ovh.disarm()
    forget_trouble()
    OrderImport.objects.update(next_batch_at=timezone.now())
    while sync.import_orders():
        pass
    assert nichandle.orders.count() == OrderImport.objects.get().total
    assert OrderImport.objects.get().unreachable_since is None


def test_a_new_order_is_found(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    new = ovh.make_order(nichandle=nichandle.nichandle, price="12.00", products=["VPS"])
    OrderImport.objects.update(next_find_at=timezone.now())
    sync.find_orders()
    order = Order.objects.get(order_id=new)
    assert order.status == Status.NOT_PAID
    assert order.events.get().kind == OrderEvent.Kind.FOUND


def test_many_new_orders_of_many_days_are_all_found(ovh):
    nichandle = sign_up(ovh, 2)
    import_all(nichandle)
    numbers = {
        ovh.make_order(nichandle=nichandle.nichandle, status="delivered", date=_in(days=-90 + 2 * number))
        for number in range(sync.IMPORT_BATCH + 3)
    }
    for _ in range(2):
        OrderImport.objects.filter(next_find_at__gt=timezone.now()).update(next_find_at=timezone.now())
        sync.find_orders()
    assert set(nichandle.orders.values_list("order_id", flat=True)) == numbers


def test_a_new_order_that_could_not_be_read_is_not_left_behind_newer_ones(ovh):
    """The next look begins a day before the newest order we have; this one is ten days older."""
    nichandle = sign_up(ovh, 2)
    import_all(nichandle)
    older = ovh.make_order(nichandle=nichandle.nichandle, status="delivered", date=_in(days=-10))
    newer = ovh.make_order(nichandle=nichandle.nichandle, status="delivered", date=_in(minutes=-5))
    ovh.arm("status", path=f"/me/order/{older}*", status=500)
    look_for_new()
    assert list(nichandle.orders.values_list("order_id", flat=True)) == [newer]
    assert OrderImport.objects.get().to_read == [older]
    # Ours was the only trouble, and it is looked for again soon.
    assert OrderImport.objects.get().unreachable_since is None
    assert OrderImport.objects.get().next_find_at < timezone.now() + timedelta(minutes=1)
    ovh.disarm()
    look_for_new()
    assert set(nichandle.orders.values_list("order_id", flat=True)) == {older, newer}
    assert OrderImport.objects.get().to_read == []


def test_a_new_order_that_ovhcloud_no_longer_knows_is_not_asked_about_for_ever(ovh):
    nichandle = sign_up(ovh, 2)
    import_all(nichandle)
    number = ovh.make_order(nichandle=nichandle.nichandle, status="delivered", date=_in(days=-10))
    ovh.arm("status", path=f"/me/order/{number}*", status=404)
    look_for_new()
    assert OrderImport.objects.get().to_read == []


def test_looking_for_new_orders_of_many_accounts_costs_a_call_each(ovh):
    for index in range(3):
        import_all(sign_up(ovh, index))
    OrderImport.objects.update(next_find_at=timezone.now(), payment_methods_read_at=timezone.now())
    Nichandle.objects.update(me_read_at=timezone.now())
    begin = mark(ovh)
    sync.find_orders()
    assert len(calls(ovh, begin)) == 3
    assert not OrderImport.objects.filter(next_find_at__lte=timezone.now()).exists()


def look_for_new() -> None:
    OrderImport.objects.update(next_find_at=timezone.now())
    sync.find_orders()


def test_a_check_asked_for_while_another_is_under_way_is_not_lost(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    order = nichandle.orders.filter(status=Status.CHECKING).first()
    asked_at = timezone.now()
    answer = Answer(order.order_id, status=Status.CHECKING)
    assert actions.check_order(order)
    learning.learn(order.pk, answer, asked_at)
    order.refresh_from_db()
    assert order.next_poll_at <= timezone.now()
    learning.learn(order.pk, answer, timezone.now())
    order.refresh_from_db()
    assert order.next_poll_at > timezone.now()


def test_a_change_of_status_is_learned_with_its_event(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, status="notPaid")
    import_all(nichandle)
    ovh.change_order(number, status="checking")
    due_now()
    sync.poll_orders(limit=500)
    order = Order.objects.get(order_id=number)
    assert order.status == Status.CHECKING
    assert order.was_paid
    event = order.events.get(kind=OrderEvent.Kind.STATUS)
    assert (event.before, event.after) == ("notPaid", "checking")


def test_an_unpaid_order_past_its_date_is_asked_once_more_then_marked(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, expirationDate=_in(hours=1))
    import_all(nichandle)
    begin = mark(ovh)
    Order.objects.filter(order_id=number).update(
        expiration_date=timezone.now() - timedelta(seconds=1),
        status_checked_at=timezone.now() - timedelta(seconds=30),
        next_poll_at=timezone.now(),
    )
    ovh.change_order(number, expirationDate=_in(seconds=-2))
    sync.expire_orders()
    order = Order.objects.get(order_id=number)
    assert calls(ovh, begin, f"/{number}/status")
    assert order.expired_at is not None
    assert order.events.filter(kind=OrderEvent.Kind.EXPIRED).count() == 1
    assert order.is_final


def test_an_unpaid_order_that_ovhcloud_no_longer_knows_is_expired_whatever_its_date(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, expirationDate=_in(days=3))
    import_all(nichandle)
    ovh.change_order(number, expirationDate=_in(seconds=-2))
    order = Order.objects.get(order_id=number)
    ovh.wait_until(lambda: "expired" in ovh.events(number), 5)
    actions.check_order(order)
    sync.poll_orders(limit=500)
    order.refresh_from_db()
    assert order.expiration_date > timezone.now()
    assert order.is_expired(timezone.now())
    assert order not in Order.objects.not_expired(timezone.now())
    assert order not in Order.objects.awaiting_payment(timezone.now())


def test_an_order_paid_and_then_cancelled_is_cancelled_not_expired(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    cancelled = nichandle.orders.not_expired(timezone.now()).filter(status=Status.CANCELLED)
    assert cancelled.exists()
    assert all(order.was_paid for order in cancelled)


def test_a_payment_at_the_last_second_wins(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, expirationDate=_in(hours=1))
    import_all(nichandle)
    ovh.change_order(number, pay=True)
    Order.objects.filter(order_id=number).update(
        expiration_date=timezone.now() - timedelta(seconds=1),
        status_checked_at=timezone.now() - timedelta(seconds=30),
        next_poll_at=timezone.now(),
    )
    sync.expire_orders()
    order = Order.objects.get(order_id=number)
    assert order.expired_at is None
    assert order.was_paid
    assert not order.is_expired(timezone.now())


def test_nothing_is_marked_expired_while_ovhcloud_cannot_be_asked(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, expirationDate=_in(hours=1))
    import_all(nichandle)
    Order.objects.filter(order_id=number).update(
        expiration_date=timezone.now() - timedelta(seconds=1),
        status_checked_at=timezone.now() - timedelta(seconds=30),
        next_poll_at=timezone.now(),
    )
    ovh.arm("status", path="*", status=503)
    sync.expire_orders()
    order = Order.objects.get(order_id=number)
    assert order.expired_at is None
    assert order.is_expired(timezone.now())
    assert order.next_poll_at is not None


def test_one_silent_order_does_not_stop_its_batch(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    silent = nichandle.orders.filter(status="delivering").first()
    ovh.arm("status", path=f"/me/order/{silent.order_id}/*", status=500)
    due_now(status_checked_at=None)
    sync.poll_orders(limit=500)
    checked = nichandle.orders.exclude(status_checked_at=None).count()
    assert checked == nichandle.orders.count() - 1
    silent.refresh_from_db()
    assert silent.poll_failures == 1
    assert silent.last_error


def test_a_dead_ovhcloud_costs_a_batch_a_few_calls(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    ovh.arm("reset", path="*")
    begin = mark(ovh)
    due_now()
    sync.poll_orders(limit=500)
    assert len(calls(ovh, begin)) < nichandle.orders.count()
    assert OrderImport.objects.get().unreachable_why == "unavailable"


def test_too_many_calls_are_answered_with_silence(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    ovh.arm("status", path="*", status=429)
    due_now()
    sync.poll_orders(limit=500)
    assert OrderImport.objects.get().unreachable_why == "limited"


def test_a_revoked_key_is_noted_once_and_asked_no_more(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    Gateway(application(), ovh.customers[0]["consumer_key"]).log_out()
    due_now()
    sync.poll_orders(limit=500)
    assert Link.objects.get().state == Link.State.REVOKED
    assert OrderImport.objects.get().unreachable_why == "revoked"
    begin = mark(ovh)
    due_now()
    sync.poll_orders(limit=500)
    assert not calls(ovh, begin)


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_ask_about_the_same_order(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    due_now()
    # Unpaid orders that were imported after their date need not be asked about again.
    due = Due.objects.exclude(kind=Due.Kind.LAPSED).count()
    begin = mark(ovh)

    def work() -> int:
        try:
            return sync.poll_orders(limit=500)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as workers:
        claimed = [future.result() for future in [workers.submit(work), workers.submit(work)]]
    assert sum(claimed) == due > 30
    asked = Counter(call["path"] for call in calls(ovh, begin, "/status"))
    assert set(asked.values()) == {1}


def test_details_bring_products_and_payment_methods(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, products=["VPS Comfort", "Backup"])
    import_all(nichandle)
    order = Order.objects.get(order_id=number)
    sync.read_details(order.pk)
    order.refresh_from_db()
    assert "VPS Comfort" in order.first_description
    assert order.details.count() >= 2
    assert order.payment_methods["available"]
    sync.read_details(order.pk)
    assert Order.objects.get(pk=order.pk).details.count() == order.details.count()


def test_no_order_secret_reaches_a_row(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    order = nichandle.orders.first()
    sync.read_details(order.pk)
    gateway = Gateway(application(), ovh.customers[0]["consumer_key"])
    url = gateway.order_links(order.order_id).url
    with connection.cursor() as cursor:
        for table in ("orders_order", "orders_orderdetail", "orders_orderevent"):
            cursor.execute(f"select string_agg(t::text, ' ') from {table} t")
            assert url not in (cursor.fetchone()[0] or "")


def test_check_now_asks_at_most_once_in_ten_seconds(ovh):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    assert actions.check_account(nichandle)
    assert not actions.check_account(nichandle)
    order = nichandle.orders.first()
    Order.objects.update(check_asked_at=None)
    assert actions.check_order(order)
    assert not actions.check_order(order)


def test_a_watched_order_is_asked_every_few_seconds(ovh):
    nichandle = sign_up(ovh)
    number = ovh.make_order(nichandle=nichandle.nichandle, status="delivering")
    import_all(nichandle)
    order = Order.objects.get(order_id=number)
    actions.watch_order(order)
    order.refresh_from_db()
    now = timezone.now()
    assert order.next_poll_at <= now + timedelta(seconds=6)
    assert policy.next_check(order, now) == now + policy.WATCHED


def _in(**delta: int) -> str:
    return (timezone.now() + timedelta(**delta)).isoformat(timespec="seconds")
