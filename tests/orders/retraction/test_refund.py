"""The refund's clock, its states, and OVHcloud's own refund, found and written down once."""

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.models import AuditEvent, Link
from orders import refunds, relay, sync
from orders.models import Intent, Order, OrderEvent, Refund, RefundNote, RefundSeen
from orders.retraction import words
from orders.retraction.declaration import retract_order
from tests.factories import make_canary, make_customer, make_detail, make_nichandle, make_order
from tests.orders.test_relay import order_at, pass_time, until_shown

pytestmark = pytest.mark.django_db

State = Intent.State


def declared(order: Order, **change: Any) -> Refund:
    """The clock of an order withdrawn from; change: of its intent."""
    retract_order(order, email="anna@example.com", language="en", request=None)
    Intent.objects.filter(order=order).update(**({"state": State.ACCEPTED, "settled_at": timezone.now()} | change))
    return Refund.objects.get(order=order)


def open_order(**fields: Any) -> Order:
    placed = timezone.now() - timedelta(days=3)
    values = {"date": placed, "retraction_date": placed + timedelta(days=14), "price": "24.00"} | fields
    order = make_order(make_nichandle(), **values)
    make_detail(order, total="20.00", description="VPS", extension={"duration": "P30D"})
    return order


def standing(refund: Refund, today: date) -> refunds.Standing:
    intent = Intent.objects.filter(order=refund.order).order_by("-pk").first()
    return refunds.standing(refund, intent, today)


# --- The clock --------------------------------------------------------------------------------------------------------
def test_it_is_due_fourteen_days_after_the_declaration():
    refund = declared(open_order())
    zone = refund.order.nichandle.zone
    assert refund.due_on == refund.declared_at.astimezone(zone).date() + timedelta(days=14)


@pytest.mark.parametrize(
    ("day", "state", "left"), [(0, "due", 14), (13, "due", 1), (14, "due", 0), (15, "overdue", -1)]
)
def test_days_left_and_overdue(day, state, left):
    refund = declared(open_order())
    at = standing(refund, refund.due_on - timedelta(days=14) + timedelta(days=day))
    assert (at.state, at.days_left) == (state, left)
    assert refunds.overdue(refund.due_on - timedelta(days=14) + timedelta(days=day)).exists() == (state == "overdue")


def test_a_second_declaration_does_not_start_it_again():
    order = open_order()
    first = declared(order, state=State.REFUSED)
    reference = order.retractions.get().reference
    retract_order(order, email="anna@example.com", language="en", request=None, after=reference)
    assert Refund.objects.get() == first


@pytest.mark.parametrize("fields", [{"price": "0.00"}, {"status": "notPaid"}])
def test_nothing_paid_nothing_due(fields):
    retract_order(open_order(**fields), email="anna@example.com", language="en", request=None)
    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"state": State.REFUSED, "message": "Not eligible"}, "refused"),
        ({"state": State.CLOSED, "note": "asked twice"}, "closed"),
        ({"state": State.HELD, "why": "late"}, "held"),
        ({"state": State.HELD, "why": "no-right"}, "held"),
    ],
)
def test_withheld_with_its_reason_and_no_queue_of_overdue_ones(change, why):
    refund = declared(open_order(), **change)
    late = refund.due_on + timedelta(days=3)
    at = standing(refund, late)
    assert (at.state, at.why) == ("withheld", why)
    assert at.words == change.get("message", change.get("note", ""))
    assert not refunds.overdue(late).exists()


@pytest.mark.parametrize("change", [{"state": State.HELD, "why": "key"}, {"state": State.DEAD, "why": "unclear"}])
def test_what_waits_for_other_reasons_is_overdue_all_the_same(change):
    refund = declared(open_order(), **change)
    assert standing(refund, refund.due_on + timedelta(days=1)).state == "overdue"


# --- What people say --------------------------------------------------------------------------------------------------
def note(refund: Refund, kind: str, **more: Any) -> RefundNote:
    values: dict[str, Any] = {"day": date(2026, 11, 2), "words": "said so", "by": "sam", "by_staff": True} | more
    return refunds.note(refund, kind, request=None, **values)


def test_elsewhere_withheld_and_due_again_the_last_word_counts():
    refund = declared(open_order())
    late = refund.due_on + timedelta(days=1)
    note(refund, "withheld")
    assert standing(refund, late).state == "withheld"
    assert not refunds.overdue(late).exists()
    note(refund, "resumed")
    assert standing(refund, late).state == "overdue"
    note(refund, "elsewhere", by_staff=False)
    at = standing(refund, late)
    assert (at.state, at.since, at.words) == ("elsewhere", date(2026, 11, 2), "said so")
    assert not refunds.overdue(late).exists()
    assert AuditEvent.objects.filter(action="note_refund").count() == 3


def test_what_ovhcloud_lists_counts_before_what_people_say():
    refund = declared(open_order())
    note(refund, "withheld")
    RefundSeen.objects.create(refund=refund, ovh_id="R1", amount="21.60", currency_code="EUR", date=timezone.now())
    assert standing(refund, refund.due_on).state == "refunded"


@pytest.mark.parametrize("model", [RefundNote, RefundSeen])
def test_neither_can_be_changed_or_dropped(model):
    refund = declared(open_order())
    note(refund, "withheld")
    RefundSeen.objects.create(refund=refund, ovh_id="R1", amount="21.60", currency_code="EUR", date=timezone.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.all().delete()
    change = {"words": "x"} if model is RefundNote else {"amount": 0}
    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.update(**change)


# --- What OVHcloud lists ----------------------------------------------------------------------------------------------
@pytest.fixture
def refunded(ovh: Any) -> Order:
    """Withdrawn from, cancelled, and refunded by the sandbox; nobody has looked yet."""
    order = order_at(ovh)
    make_detail(order, total="20.00", description="VPS", extension={"duration": "P30D"})
    retract_order(order, email="anna@example.com", language="en", request=None)
    relay.relay_due()
    until_shown(ovh, order)
    ovh.pace(600)
    ovh.wait_until(lambda: "refunded" in ovh.events(order.order_id), within_s=10)
    pass_time(seconds=5)
    sync.check_orders([order.pk])
    order.refresh_from_db()
    assert order.status == "cancelled"
    return order


def due_now() -> None:
    Refund.objects.update(next_look_at=timezone.now())


def test_the_refund_at_ovhcloud_settles_it(ovh, refunded):
    due_now()
    assert refunds.look_for_refunds() == 1
    seen = RefundSeen.objects.get()
    [entry] = [row for row in ovh.ledger(refunded.order_id) if row["event"] == "refunded"]
    assert seen.ovh_id == entry["refundId"]
    assert seen.amount == abs(Decimal(str(entry["amount"])))
    event = refunded.events.get(kind=OrderEvent.Kind.REFUND)
    assert (event.after, event.source) == (seen.ovh_id, "GET /me/refund")
    assert standing(Refund.objects.get(), timezone.now().date()).state == "refunded"


def test_looking_again_finds_nothing_new(refunded):
    for new in (1, 0, 0):
        due_now()
        assert refunds.look_for_refunds() == new
    assert RefundSeen.objects.count() == refunded.events.filter(kind=OrderEvent.Kind.REFUND).count() == 1


def test_it_is_looked_for_only_when_due_and_waits_in_between(ovh, refunded):
    due_now()
    refunds.look_for_refunds()
    since = ovh.last_request()
    assert refunds.look_for_refunds() == 0
    assert [call for call in ovh.requests(since) if "refund" in call["path"]] == []
    assert Refund.objects.get().next_look_at > timezone.now()


def test_before_the_order_is_cancelled_nobody_is_asked(ovh):
    order = order_at(ovh)
    declared(order)
    due_now()
    since = ovh.last_request()
    assert refunds.look_for_refunds() == 0
    assert ovh.requests(since) == []
    assert Refund.objects.get().next_look_at > timezone.now()


@pytest.mark.rows(1)
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "html"}])
def test_an_ovhcloud_that_fails_is_asked_later(ovh, refunded, fault):
    ovh.arm(path="/me/refund*", count=10, **fault)
    due_now()
    assert refunds.look_for_refunds() == 0
    row = Refund.objects.get()
    assert row.looked_at is None
    assert timezone.now() < row.next_look_at < timezone.now() + timedelta(hours=1)
    ovh.disarm()
    due_now()
    assert refunds.look_for_refunds() == 1


def test_without_a_key_it_waits(refunded):
    Link.objects.all().delete()
    due_now()
    assert refunds.look_for_refunds() == 0
    assert Refund.objects.get().next_look_at > timezone.now() + timedelta(hours=1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_write_it_once(refunded):
    """Each is given the same row as if its claim had run out; only one line comes of it."""
    refund = Refund.objects.select_related("order__nichandle").get()
    found, gate = [], threading.Barrier(2)

    def work() -> None:
        gate.wait()
        found.append(refunds._look(refund))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(found) == [0, 1]
    assert RefundSeen.objects.count() == OrderEvent.objects.filter(kind="refund").count() == 1


# --- On the page ------------------------------------------------------------------------------------------------------
@pytest.fixture
def mine(customer: Any) -> Order:
    make_canary()
    placed = timezone.now() - timedelta(days=3)
    order = make_order(customer.nichandle, date=placed, retraction_date=placed + timedelta(days=14), price="24.00")
    make_detail(order, total="20.00", description="VPS", extension={"duration": "P30D"})
    return order


def page(client: Any, order: Order) -> str:
    return client.get(f"/orders/{order}/withdrawal/").content.decode()


def test_the_page_shows_days_left_and_the_estimate_with_its_working(customer_client, mine):
    declared(mine)
    shown = page(customer_client, mine)
    assert 'data-refund="due"' in shown
    assert "Due in\N{NO-BREAK SPACE}14" in shown or "Due in 14" in shown
    assert "€24.00 × 27 of 30 days left = €21.60" in shown
    assert "no promise" in shown
    assert "30 days" in shown


def test_overdue_offers_a_letter_that_can_be_printed(customer_client, mine):
    refund = declared(mine)
    Refund.objects.update(due_on=timezone.now().date() - timedelta(days=2))
    assert 'data-refund="overdue"' in page(customer_client, mine)
    letter = customer_client.get(f"/orders/{mine}/withdrawal/letter/?about=refund")
    text = letter.content.decode()
    assert letter.status_code == 200
    for fact in (
        "refund overdue",
        "13(1)",
        str(mine.order_id),
        mine.retractions.get().reference,
        "€24.00",
        "data-print",
    ):
        assert fact in text, fact
    assert refund.order == mine


def test_a_refusal_offers_a_letter_with_ovhclouds_words(customer_client, mine):
    declared(mine, state=State.REFUSED, message="Order is <not> eligible", query_id="EU.ext-7")
    shown = page(customer_client, mine)
    assert 'data-refund="withheld"' in shown
    assert f"/orders/{mine}/withdrawal/letter/" in shown
    letter = customer_client.get(f"/orders/{mine}/withdrawal/letter/").content.decode()
    assert "Order is &lt;not&gt; eligible" in letter
    assert "EU.ext-7" in letter
    assert "I stand by my withdrawal" in letter
    assert "that day does not count" in letter


def test_no_letter_before_anything_was_declared(customer_client, mine):
    assert customer_client.get(f"/orders/{mine}/withdrawal/letter/").status_code == 404


def test_the_customer_notes_that_it_came_another_way(customer_client, mine, customer):
    declared(mine)
    answer = customer_client.post(f"/orders/{mine}/withdrawal/refund/", {"day": "2026-11-20", "words": "by cheque"})
    assert answer.status_code == 302
    row = RefundNote.objects.get()
    assert (row.kind, row.day, row.by_staff) == ("elsewhere", date(2026, 11, 20), False)
    shown = page(customer_client, mine)
    assert 'data-refund="elsewhere"' in shown
    assert "by cheque" in shown


@pytest.mark.parametrize("day", ["", "soon", "2999-01-01", "2026-13-01"])
def test_a_day_that_will_not_do_comes_back(customer_client, mine, day):
    declared(mine)
    answer = customer_client.post(f"/orders/{mine}/withdrawal/refund/", {"day": day})
    assert answer.status_code == 200
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not RefundNote.objects.exists()


def test_another_customer_can_do_none_of_it(mine, client):
    declared(mine)
    client.force_login(make_customer())
    for path in ("letter/", "refund/", "receipt/"):
        ask = client.get if path == "letter/" else client.post
        assert (
            ask(f"/orders/{mine}/withdrawal/{path}", **({} if path == "letter/" else {"data": {}})).status_code == 404
        )
    assert not RefundNote.objects.exists()


# --- In words ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("at", "headline"),
    [
        (refunds.Standing("due", date(2026, 12, 5), days_left=0), "Due today"),
        (refunds.Standing("due", date(2026, 12, 5), days_left=1), "Due tomorrow"),
        (refunds.Standing("overdue", date(2026, 12, 6), days_left=-1), "Overdue: 1 day late"),
        (refunds.Standing("overdue", date(2026, 12, 6), days_left=-9), "Overdue: 9 days late"),
        (refunds.Standing("withheld", date(2026, 12, 6), why="refused"), "Withheld"),
        (refunds.Standing("elsewhere", date(2026, 12, 6)), "Refunded elsewhere"),
    ],
)
def test_each_state_has_its_words(at, headline):
    assert words.refund_state(at, date(2026, 12, 5))[0] == headline
