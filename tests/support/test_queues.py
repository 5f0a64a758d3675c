"""What waits for a person."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Intent, Order, Receipt
from tests.factories import make_nichandle, make_order
from tests.support.test_order_show import declare

pytestmark = pytest.mark.django_db


def queued(client: Client) -> dict[str, list[int]]:
    answer = client.get("/support/queues/")
    assert answer.status_code == 200
    return {queue.name: [entry.number for entry in queue.entries] for queue in answer.context["queues"]}


@pytest.fixture
def order() -> Any:
    return make_order(make_nichandle("am1-ovh"), 4711)


def settle(intent: Any, **change: Any) -> Any:
    """As if its receipt had been mailed."""
    Receipt.objects.filter(retraction__intent=intent).update(sent_at=timezone.now(), last_error="")
    return intent


def test_nothing_waits_at_first(staff_client: Client, order: Any) -> None:
    names = ["dead", "held", "doubtful", "refused", "unmatched", "unrefunded", "unmailed", "held-back"]
    assert queued(staff_client) == {name: [] for name in names}
    assert staff_client.get("/support/queues/").content.decode().count("Nothing waits here.") == len(names)


@pytest.mark.parametrize("state", ["dead", "doubtful", "held", "refused"])
def test_a_withdrawal_stands_in_its_own_queue(staff_client: Client, order: Any, state: str) -> None:
    settle(declare(order, state=state, why="late", message="Not today", query_id="EU.1"))
    assert {name: found for name, found in queued(staff_client).items() if found} == {state: [4711]}
    page = staff_client.get("/support/queues/").content.decode()
    assert "/support/orders/am1-ovh/4711/" in page
    assert "Not today" in page
    assert "EU.1" in page
    assert ("declared after the last day" in page) == (state in ("held", "dead"))


@pytest.mark.parametrize("state", ["waiting", "sending", "accepted"])
def test_what_goes_its_way_waits_for_nobody(staff_client: Client, order: Any, state: str) -> None:
    settle(declare(order, state=state))
    assert not any(queued(staff_client).values())


def test_a_refusal_that_a_later_declaration_took_up_again_leaves_the_queue(staff_client: Client, order: Any) -> None:
    settle(declare(order, state="refused"))
    settle(declare(order, state="accepted"))
    assert not any(queued(staff_client).values())


def test_a_receipt_waits_for_a_person_from_its_first_failure_on(staff_client: Client, order: Any) -> None:
    intent = declare(order, state="accepted")
    assert queued(staff_client)["unmailed"] == [4711]
    page = staff_client.get("/support/queues/").content.decode()
    assert "550 no such box" in page
    receipts = Receipt.objects.filter(retraction__intent=intent)
    receipts.update(attempts=0, last_error="")
    assert queued(staff_client)["unmailed"] == []


@pytest.mark.parametrize("count", [1, 50])
def test_one_query_a_queue_however_long(staff_client: Client, count: int) -> None:
    for number in range(count):
        order = make_order(make_nichandle(), 5000 + number)
        for state in ("refused", "held"):
            declare(order, state=state)
    with CaptureQueriesContext(connection) as queries:
        staff_client.get("/support/queues/")
    # Session, user, the audit line, and the eight queues.
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 11


def test_a_checkout_without_an_order_is_found_by_its_account(staff_client: Client) -> None:
    account = make_nichandle("am1-ovh")
    Intent.objects.create(kind="checkout", nichandle=account, state="dead", why="unclear", message="two look like it")
    assert queued(staff_client)["dead"] == [""]
    page = staff_client.get("/support/queues/").content.decode()
    assert 'href="/support/?q=am1-ovh"' in page
    assert "two look like it" in page
    assert "asked for" in page


def test_a_refused_payment_waits_while_its_order_can_be_paid(staff_client: Client, order: Any) -> None:
    Order.objects.update(status="notPaid", was_paid=False)
    Intent.objects.create(kind="payment", nichandle=order.nichandle, order=order, state="refused")
    assert queued(staff_client)["refused"] == [4711]
    assert "asked for" in staff_client.get("/support/queues/").content.decode()
    Order.objects.update(status="checking")
    assert queued(staff_client)["refused"] == []
