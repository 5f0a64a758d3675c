"""What waits for a person."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Receipt
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
    Receipt.objects.filter(retraction__intent=intent).update(sent_at=timezone.now())
    return intent


def test_nothing_waits_at_first(staff_client: Client, order: Any) -> None:
    assert queued(staff_client) == {"doubtful": [], "held": [], "refused": [], "unmailed": []}
    assert staff_client.get("/support/queues/").content.decode().count("Nothing waits here.") == 4


@pytest.mark.parametrize("state", ["doubtful", "held", "refused"])
def test_a_withdrawal_stands_in_its_own_queue(staff_client: Client, order: Any, state: str) -> None:
    settle(declare(order, state=state, why="late", message="Not today", query_id="EU.1"))
    assert {name: found for name, found in queued(staff_client).items() if found} == {state: [4711]}
    page = staff_client.get("/support/queues/").content.decode()
    assert "/support/orders/am1-ovh/4711/" in page
    assert "Not today" in page
    assert "EU.1" in page
    assert ("declared after the last day" in page) == (state == "held")


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
    # Session, user, the audit line, and the four queues.
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 7
