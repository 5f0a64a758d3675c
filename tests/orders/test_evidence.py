"""What is kept of OVHcloud's answers: what changed, the last few, and nothing that opens a document or an account."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.ovh import gateway_for
from gateway import Heard, OvhRefused
from orders import evidence, relay, sync
from orders.evidence import FIELDS, KEPT, LARGEST, Witness, trimmed
from orders.models import Evidence, Intent, Order, OrderEvent
from tests.factories import make_customer, make_event, make_nichandle, make_order
from tests.orders.test_relay import declare, order_at
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db

MARK = "MARKEDSECRET"
STATUS = "GET /me/order/{orderId}/status"


def ask(order: Order) -> int:
    """One turn in which everything is asked about this order. Returns how many rows were written."""
    witness = Witness()
    gateway = gateway_for(order.nichandle, witness=witness)
    number = order.order_id
    gateway.order_status(number)
    gateway.order(number)
    gateway.follow_up(number)
    gateway.payment(number)
    gateway.associated_object(number)
    for detail in gateway.order_detail_ids(number):
        gateway.order_detail(number, detail)
    return witness.keep({number: order.pk})


def rows() -> str:
    with connection.cursor() as cursor:
        cursor.execute("select string_agg(t::text, ' ') from orders_evidence t")
        return str(cursor.fetchone()[0] or "")


def test_what_was_answered_is_kept_by_its_route(ovh: Sandbox):
    order = order_at(ovh)
    assert ask(order) == 5
    kept = {row.route: row for row in Evidence.objects.all()}
    assert kept.keys() == {route for route in FIELDS if not route.startswith("POST ")}
    assert (kept[STATUS].body, kept[STATUS].status_code) == ("delivered", 200)
    assert kept[STATUS].query_id
    whole = kept["GET /me/order/{orderId}"].body
    assert (whole["orderId"], whole["priceWithTax"]["value"]) == (order.order_id, 24.0)


def test_the_same_answer_is_kept_once_and_a_changed_one_besides(ovh: Sandbox):
    order = order_at(ovh)
    ask(order)
    assert ask(order) == 0
    ovh.change_order(order.order_id, status="cancelling")
    assert ask(order) >= 1
    bodies = Evidence.objects.filter(route=STATUS).order_by("id").values_list("body", flat=True)
    assert list(bodies) == ["delivered", "cancelling"]


def test_of_each_route_the_last_few_are_kept(ovh: Sandbox):
    order = order_at(ovh)
    for status in ("checking", "delivering", "delivered", "cancelling", "cancelled", "checking"):
        ovh.change_order(order.order_id, status=status)
        ask(order)
    bodies = Evidence.objects.filter(route=STATUS).order_by("id").values_list("body", flat=True)
    assert list(bodies) == ["delivered", "cancelling", "cancelled", "checking"]
    assert len(bodies) == KEPT


def test_a_refusal_and_a_silence_are_answers_too(ovh: Sandbox):
    order = order_at(ovh)
    witness = Witness()
    gateway = gateway_for(order.nichandle, witness=witness)
    ovh.arm("status", path=f"/me/order/{order.order_id}/status", status=404, count=1)
    with pytest.raises(OvhRefused):
        gateway.order_status(order.order_id)
    witness.keep({order.order_id: order.pk})
    row = Evidence.objects.get()
    assert row.status_code == 404
    assert row.body["message"]


def test_no_secret_of_an_answer_reaches_a_row(ovh: Sandbox):
    """The sandbox's answers carry passwords and addresses as OVHcloud's do; more are planted where text is free."""
    order = order_at(ovh)
    planted = {"date": timezone.now().isoformat(), "label": "X", "description": f"open https://x.test/{MARK}?k={MARK}"}
    step = {"step": "AVAILABLE", "status": "DONE", "history": [planted | {"url": MARK}], "password": MARK}
    ovh.change_order(order.order_id, follow_up=[step])
    raw: dict[str, Any] = {}

    class Listens(Witness):
        def __call__(self, heard: Any) -> None:
            raw[heard.path] = heard.value
            super().__call__(heard)

    witness = Listens()
    gateway = gateway_for(order.nichandle, witness=witness)
    gateway.order(order.order_id)
    gateway.follow_up(order.order_id)
    gateway.payment_methods(order.order_id)
    ovh.arm("html", path=f"/me/order/{order.order_id}/status", count=9)
    witness.keep({order.order_id: order.pk})
    answer = raw[f"/me/order/{order.order_id}"]
    secrets = {name: answer[name] for name in ("password", "url", "pdfUrl")}
    assert all(secrets.values())
    assert MARK in json.dumps(raw)
    assert Evidence.objects.count() == 2
    told = rows()
    assert [name for name, secret in {**secrets, "planted": MARK}.items() if secret in told] == []
    assert ovh.anna["consumer_key"] not in told


def test_only_named_fields_pass():
    fields = {"a": None, "b": {"c": None}}
    value = {"a": "x", "b": [{"c": 1, "password": MARK}], "url": MARK, "password": MARK}
    assert trimmed(value, fields) == {"a": "x", "b": [{"c": 1}]}
    assert trimmed({"a": {"password": MARK}}, fields) == {"a": {}}
    assert trimmed([{"password": MARK}], None) == [{}]
    assert trimmed(MARK, {}) is None
    assert len(trimmed("x" * 10_000, None)) == evidence.LONGEST_TEXT


def test_a_huge_answer_leaves_its_size(ovh: Sandbox):
    order = order_at(ovh)
    entry = {"date": timezone.now().isoformat(), "label": "L" * 200, "description": "d" * 300}
    ovh.change_order(order.order_id, follow_up=[{"step": "AVAILABLE", "status": "DONE", "history": [entry] * 20}])
    ask(order)
    body = Evidence.objects.get(route="GET /me/order/{orderId}/followUp").body
    assert len(json.dumps(body)) < LARGEST
    assert list(body) == ["…"]


def test_what_the_relay_heard_is_kept_and_names_the_answer(ovh: Sandbox):
    order = order_at(ovh)
    intent = declare(order)
    relay.relay_due()
    row = Evidence.objects.get()
    assert (row.route, row.status_code) == ("POST /me/order/{orderId}/retraction", 200)
    accepted = order.events.get(kind=OrderEvent.Kind.ACCEPTED)
    assert accepted.query_id == row.query_id != ""
    intent.refresh_from_db()
    assert intent.state == Intent.State.ACCEPTED


@pytest.mark.parametrize("count", [1, 30])
def test_it_costs_the_same_for_many_orders(ovh: Sandbox, django_assert_num_queries: Any, count: int):
    account = make_nichandle()
    pks = {order.order_id: order.pk for order in (make_order(account) for _ in range(count))}
    witness = Witness()
    for number in pks:
        witness(heard(number, "delivered"))
    with django_assert_num_queries(3):
        assert witness.keep(pks) == count
    for number in pks:
        witness(heard(number, "delivered"))
    with django_assert_num_queries(1):
        assert witness.keep(pks) == 0


def heard(number: int, status: str) -> Any:
    return Heard("GET", f"/me/order/{number}/status", 200, "EU.1", status, None)


def test_each_order_of_a_batch_keeps_its_own_part():
    account = make_nichandle()
    first, second, third = (make_order(account) for _ in range(3))
    numbers = [order.order_id for order in (first, second, third)]
    answer = [{"key": str(numbers[0]), "value": "delivered", "error": None}, {"key": numbers[1], "value": "checking"}]
    answer.append({"key": str(numbers[2]), "value": None, "error": {"message": "This order does not exist"}})
    witness = Witness()
    path = f"/me/order/{','.join(map(str, numbers))}/status"
    witness(Heard("GET", path, 200, "EU.batch", answer, None))
    assert witness.keep({order.order_id: order.pk for order in (first, second, third)}) == 2
    kept = Evidence.objects.order_by("order").values_list("order", "body", "query_id", "route")
    assert list(kept) == [(first.pk, "delivered", "EU.batch", STATUS), (second.pk, "checking", "EU.batch", STATUS)]


# --- The log ----------------------------------------------------------------------------------------------------------
def test_an_event_can_neither_be_changed_nor_taken_away():
    event = make_event(make_order(make_nichandle()))
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        OrderEvent.objects.update(after="another")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        take_away(event)
    assert OrderEvent.objects.filter(order=event.order_id).count() == 1


def take_away(event: OrderEvent) -> None:
    event.delete()
    # What a commit does; this test's own transaction never comes to one.
    connection.check_constraints()


def test_an_event_goes_with_its_account():
    user = make_customer()
    assert user.nichandle is not None
    make_event(make_order(user.nichandle))
    user.nichandle.delete()
    connection.check_constraints()
    assert not OrderEvent.objects.exists()


def test_a_change_names_the_answer_and_ovhclouds_own_date(ovh: Sandbox):
    order = order_at(ovh, status="delivering")
    Order.objects.filter(pk=order.pk).update(
        status="delivering", status_checked_at=timezone.now() - timedelta(hours=2), follow_up=None
    )
    happened = (timezone.now() - timedelta(hours=1)).replace(microsecond=0)
    entry = {"date": happened.isoformat(), "label": "X", "description": "It was delivered"}
    steps = [{"step": "AVAILABLE", "status": "DONE", "history": [entry]}]
    ovh.change_order(order.order_id, status="delivered")
    ovh.change_order(order.order_id, follow_up=steps)
    Order.objects.update(check_asked_at=timezone.now())
    sync.check_orders([order.pk])
    event = order.events.get(kind=OrderEvent.Kind.STATUS)
    assert (event.before, event.after, event.source) == ("delivering", "delivered", STATUS)
    assert event.query_id == Evidence.objects.filter(route=STATUS).latest("id").query_id != ""
    assert event.said_at == happened
    assert event.at > happened


def test_what_happened_before_dates_no_change(ovh: Sandbox):
    order = order_at(ovh, status="delivering")
    Order.objects.filter(pk=order.pk).update(status="delivering", status_checked_at=timezone.now())
    ovh.change_order(order.order_id, status="cancelling")
    Order.objects.update(check_asked_at=timezone.now())
    sync.check_orders([order.pk])
    assert order.events.get(kind=OrderEvent.Kind.STATUS).said_at is None
