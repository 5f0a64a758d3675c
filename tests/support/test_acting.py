"""What staff can set going: a check, and an intent of the customer's own that waits for a person."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent
from orders import relay
from orders.models import Intent, Order, OrderEvent
from tests.factories import make_canary, make_customer, make_event, make_order, make_staff
from tests.support.test_order_show import declare

pytestmark = pytest.mark.django_db
State = Intent.State


@pytest.fixture
def order() -> Any:
    make_canary()
    return make_order(make_customer("am1-ovh").nichandle, 4711)


@pytest.fixture
def supervisor(db: None) -> Client:
    client = Client()
    client.force_login(make_staff(role="supervisor"))
    return client


def given_up(order: Order, **fields: Any) -> Intent:
    values = {"state": State.DEAD, "why": "unclear", "attempts": 2, "attempted_at": timezone.now()}
    return declare(order, **(values | {"next_attempt_at": None} | fields))


def ring(client: Client, intent: Intent) -> Any:
    return client.post(f"/support/intents/{intent.pk}/ring/", follow=True)


def close(client: Client, intent: Intent, note: str = "OVHcloud cancelled it by phone.") -> Any:
    return client.post(f"/support/intents/{intent.pk}/close/", {"note": note}, follow=True)


# --- Ring again, close ------------------------------------------------------------------------------------------------
def test_what_was_given_up_stands_in_its_queue_with_its_reason(supervisor, order):
    given_up(order)
    answer = supervisor.get("/support/queues/")
    page = answer.content.decode()
    assert [entry.number for entry in answer.context["queues"][0].entries] == [4711]
    for words in ("nobody can tell whether OVHcloud took it", "Ring again", "Close with a note"):
        assert words in page, words


def test_ringing_again_looks_before_it_sends(supervisor, order):
    intent = given_up(order)
    assert "taken up again" in ring(supervisor, intent).content.decode()
    intent.refresh_from_db()
    assert (intent.state, intent.why, intent.attempts) == (State.DOUBTFUL, "", 1)
    assert intent.next_attempt_at <= timezone.now()
    assert order.events.get().kind == OrderEvent.Kind.RUNG


def test_what_never_left_is_sent_when_it_is_rung_again(supervisor, order):
    intent = given_up(order, why="too-long", attempts=0, attempted_at=None)
    ring(supervisor, intent)
    intent.refresh_from_db()
    assert intent.state == State.WAITING


def test_a_closed_one_is_not_sent_and_its_customer_reads_why(supervisor, order):
    intent = given_up(order)
    close(supervisor, intent, " Cancelled\n by <b>phone</b>. ")
    intent.refresh_from_db()
    assert (intent.state, intent.note, intent.next_attempt_at) == (State.CLOSED, "Cancelled by <b>phone</b>.", None)
    assert relay.relay_due() == 0
    mine = Client()
    mine.force_login(order.nichandle.user)
    page = mine.get("/orders/4711/withdrawal/").content.decode()
    for words in ("Not passed on any more", "Cancelled by &lt;b&gt;phone&lt;/b&gt;.", "Your declaration stands"):
        assert words in page, words
    assert "Declare once more" in page


def test_a_closed_one_leaves_the_queues(supervisor, order):
    close(supervisor, given_up(order))
    queues = supervisor.get("/support/queues/").context["queues"]
    assert not [entry for queue in queues[:4] for entry in queue.entries]


def test_each_act_leaves_its_line(supervisor, order):
    ring(supervisor, given_up(order))
    Intent.objects.update(state=State.DEAD)
    close(supervisor, Intent.objects.get())
    rung, closed = AuditEvent.objects.filter(action__in=["staff_ring", "staff_close"]).order_by("pk")
    for line in (rung, closed):
        assert (line.subject, line.target, line.result) == ("am1-ovh", "order 4711", "done")
        assert line.actor.startswith("staff")
    assert closed.detail["note"] == "OVHcloud cancelled it by phone."


@pytest.mark.parametrize("state", ["waiting", "sending", "doubtful", "accepted", "refused", "closed"])
def test_what_waits_for_nobody_is_left_alone(supervisor, order, state):
    intent = declare(order, state=state)
    for act in (ring, close):
        assert "Nothing was done" in act(supervisor, intent).content.decode()
    before = intent.state
    intent.refresh_from_db()
    assert intent.state == before
    assert not order.events.exists()


def test_what_waits_for_a_key_is_the_customers_own_to_mend(supervisor, order):
    intent = declare(order, state="held", why="key", next_attempt_at=None)
    assert "Ring again" not in supervisor.get("/support/queues/").content.decode()
    assert "Nothing was done" in ring(supervisor, intent).content.decode()


def test_one_that_would_meet_another_under_way_stays(supervisor, order):
    intent = given_up(order)
    Intent.objects.create(kind="another", nichandle=order.nichandle, order=order, state="sending")
    assert "Nothing was done" in ring(supervisor, intent).content.decode()
    intent.refresh_from_db()
    assert intent.state == State.DEAD
    assert not order.events.exists()


def test_a_note_is_asked_for(supervisor, order):
    intent = given_up(order)
    assert "Write a note first" in close(supervisor, intent, " \n").content.decode()
    intent.refresh_from_db()
    assert intent.state == State.DEAD


def test_support_reads_but_does_not_decide(staff_client, order):
    intent = given_up(order)
    page = staff_client.get("/support/queues/").content.decode()
    assert "A supervisor can ring it again or close it." in page
    assert "Ring again" not in page
    for act in (ring, close):
        answer = act(staff_client, intent)
        assert answer.status_code == 403
        assert "Only a supervisor" in answer.content.decode()
    intent.refresh_from_db()
    assert intent.state == State.DEAD
    assert AuditEvent.objects.filter(result="refused").count() == 2


@pytest.mark.parametrize("number", ["999999", str(2**63), "9" * 40])
def test_an_unknown_number_is_a_404(supervisor, number):
    assert supervisor.post(f"/support/intents/{number}/ring/").status_code == 404
    assert supervisor.post(f"/support/intents/{number}/close/", {"note": "x"}).status_code == 404


# --- Check now --------------------------------------------------------------------------------------------------------
def test_an_order_is_checked_and_the_page_waits_for_the_answer(staff_client, order):
    url = "/support/orders/am1-ovh/4711/"
    answer = staff_client.post(f"{url}check/", follow=True)
    page = answer.content.decode()
    assert "OVHcloud is being asked now" in page
    assert 'hx-trigger="load delay:2s" hx-select="#desk-order"' in page
    order.refresh_from_db()
    assert order.next_poll_at <= timezone.now()
    assert "asked a moment ago" in staff_client.post(f"{url}check/", follow=True).content.decode()
    lines = AuditEvent.objects.filter(action="staff_check").values_list("subject", "target", "result")
    assert set(lines) == {("am1-ovh", "order 4711", "done"), ("am1-ovh", "order 4711", "refused")}


def test_a_whole_account_is_checked(staff_client, order):
    other = make_order(order.nichandle, 4712, status="delivering")
    final = make_order(order.nichandle, 4713, next_poll_at=None)
    answer = staff_client.post("/support/orders/am1-ovh/4711/check/", {"what": "account"}, follow=True)
    assert "2 orders of this account are being asked about" in answer.content.decode()
    for row in (order, other, final):
        row.refresh_from_db()
    assert order.next_poll_at <= timezone.now() >= other.next_poll_at
    assert final.next_poll_at is None
    line = AuditEvent.objects.get(action="staff_resync")
    assert (line.subject, line.detail["orders"]) == ("am1-ovh", 2)


def test_an_unknown_order_is_checked_by_nobody(staff_client, order):
    assert staff_client.post("/support/orders/am1-ovh/1/check/").status_code == 404
    assert AuditEvent.objects.get(action="staff_check").result == "failed"


# --- What OVHcloud answered -------------------------------------------------------------------------------------------
def test_the_last_answers_are_under_a_disclosure(staff_client, order):
    order.evidence.create(
        route="GET /me/order/{orderId}/status", status_code=200, query_id="EU.ext-1", body="<b>x", digest=b"1"
    )
    page = staff_client.get("/support/orders/am1-ovh/4711/").content.decode()
    assert "OVHcloud’s last answers" in page
    assert "EU.ext-1" in page
    assert "&lt;b&gt;x" in page


def test_an_event_says_when_ovhcloud_dates_it(staff_client, order):
    make_event(order, said_at=timezone.now() - timedelta(days=400), after="delivered", query_id="EU.9")
    page = staff_client.get("/support/orders/am1-ovh/4711/").content.decode()
    assert "OVHcloud dates it" in page
    assert "EU.9" in page
