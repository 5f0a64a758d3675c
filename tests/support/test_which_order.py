"""Which order a checkout made, said by a supervisor where OVHcloud's answer was lost and several orders are like it."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Nichandle
from accounts.ovh import gateway_for
from carts import sync
from carts.models import Cart, Checkout
from orders import relay
from orders import sync as orders_sync
from orders.models import Intent
from tests.carts.made import make_cart
from tests.carts.shop import checkouts, order, orders_of, quoted_cart, shopper
from tests.factories import make_import, make_nichandle, make_order, make_staff
from tests.orders.test_relay import pass_time
from tests.sandboxes import Sandbox
from tests.support.test_checkouts import asked_for

pytestmark = pytest.mark.django_db
State = Intent.State
SAID = {"note": "OVHcloud says so, case 77.", "sure": "on"}


@pytest.fixture
def supervisor(db: None) -> Client:
    client = Client()
    client.force_login(make_staff("chief@example.net", role="supervisor"))
    return client


@pytest.fixture
def doubted() -> Checkout:
    """Given up, with two orders that it may have made."""
    cart = make_cart(make_nichandle("am1-ovh"), state=Cart.State.ORDERING)
    return offered(asked_for(cart))


def offered(checkout: Checkout, *numbers: int) -> Checkout:
    Checkout.objects.filter(pk=checkout.pk).update(candidates=list(numbers or (4711, 4712)))
    return checkout


def say(client: Client, checkout: Checkout, number: Any = 4711, **more: Any) -> Any:
    sent = {"order": str(number)} | SAID | more
    sent = {name: value for name, value in sent.items() if value is not None}
    return client.post(f"/support/intents/{checkout.intent_id}/order/", sent, follow=True)


def look_at(checkout: Checkout) -> Checkout:
    return Checkout.objects.select_related("cart", "intent", "order").get(pk=checkout.pk)


def assert_undecided(checkout: Checkout, state: str = "dead") -> None:
    found = look_at(checkout)
    assert (found.intent.state, found.ovh_order_id, found.cart.state) == (state, None, Cart.State.ORDERING)
    assert not AuditEvent.objects.filter(action="staff_name_order").exists()


# --- The whole way ----------------------------------------------------------------------------------------------------
def test_the_look_names_them_a_supervisor_chooses_and_the_customer_is_led_there(ovh: Sandbox, supervisor: Client):
    anna = shopper(ovh)
    make_import(anna)
    make_order(anna)
    checkout = order(quoted_cart(anna))
    ovh.settings(checkout_repeats=True)
    ovh.arm("accept_then_reset", method="POST", path="/order/cart/*/checkout", count=1)
    relay.relay_due()
    # The same cart once more, by other hands.
    gateway_for(anna).check_out(checkout.cart.ovh_cart_id, pay_at_once=False, waive_withdrawal=True)
    pass_time(seconds=61)
    relay.relay_due()
    made = orders_of(ovh, checkout.cart)
    assert (look_at(checkout).intent.state, look_at(checkout).candidates) == (State.DEAD, sorted(made))
    asked = checkouts(ovh, checkout.cart)
    page = unescape(supervisor.get("/support/queues/").content.decode())
    assert "Say which order it made" in page
    assert sorted(map(int, re.findall(r'name="order" value="(\d+)"', page))) == sorted(made)
    told = say(supervisor, checkout, made[1]).content.decode()
    assert f"Order {made[1]} is the one." in told
    found = look_at(checkout)
    assert (found.intent.state, found.intent.why, found.intent.next_attempt_at) == (State.ACCEPTED, "", None)
    assert (found.ovh_order_id, found.cart.state, found.ended) == (made[1], Cart.State.ORDERED, False)
    assert found.intent.settled_at is not None
    # Its page leads to the order as soon as we have that.
    her = Client()
    her.force_login(anna.user)
    ordered = f"/cart/ordered/{checkout.pk}/"
    assert f"number {made[1]}" in unescape(her.get(ordered).content.decode())
    orders_sync.find_orders()
    Checkout.objects.update(next_look_at=timezone.now())
    sync.mirror_due()
    assert her.get(ordered)["Location"] == f"/orders/{made[1]}/"
    assert look_at(checkout).order is not None
    # And nothing was sent for it.
    pass_time(hours=1)
    relay.relay_due()
    assert checkouts(ovh, checkout.cart) == asked
    assert Intent.objects.get(pk=checkout.intent_id).state == State.ACCEPTED


def test_it_leaves_its_line(supervisor: Client, doubted: Checkout):
    say(supervisor, doubted)
    line = AuditEvent.objects.get(action="staff_name_order")
    assert (line.actor, line.subject, line.result) == ("chief@example.net", "am1-ovh", "done")
    assert line.target == f"intent {doubted.intent_id}"
    assert (line.detail["order"], line.detail["note"]) == ("4711", "OVHcloud says so, case 77.")
    queues = supervisor.get("/support/queues/").context["queues"]
    assert not [entry for queue in queues for entry in queue.entries]


# --- What cannot be said ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"order": None}, "Choose the order that it made."),
        ({"order": "4711x"}, "Enter a whole number."),
        ({"order": str(2**63)}, "less than or equal to"),
        ({"note": None}, "Write how you know"),
        ({"note": " "}, "Write how you know"),
        ({"note": "x" * 1001}, "at most 1000 characters"),
        ({"sure": None}, "Tick the box"),
    ],
)
def test_a_number_a_reason_and_a_tick_are_asked_for(supervisor: Client, doubted: Checkout, more: Any, words: str):
    told = unescape(
        supervisor.post(
            f"/support/intents/{doubted.intent_id}/order/",
            {name: value for name, value in ({"order": "4711"} | SAID | more).items() if value is not None},
            follow=True,
        ).content.decode()
    )
    assert words in told
    assert_undecided(doubted)


def test_only_one_that_the_look_named(supervisor: Client, doubted: Checkout):
    make_order(doubted.nichandle, 4713)
    assert "none of those" in say(supervisor, doubted, 4713).content.decode()
    assert_undecided(doubted)
    line = AuditEvent.objects.get(action="staff_decide")
    assert (line.result, line.detail["order"]) == ("refused", "4713")


def test_never_one_of_another_account(supervisor: Client, doubted: Checkout):
    make_order(make_nichandle("bm2-ovh"), 4711)
    assert "none of those" in say(supervisor, doubted).content.decode()
    assert_undecided(doubted)


def test_never_one_that_another_checkout_made(supervisor: Client, doubted: Checkout):
    other = offered(asked_for(make_cart(doubted.nichandle, state=Cart.State.ORDERING)))
    say(supervisor, other)
    assert look_at(other).ovh_order_id == 4711
    assert "none of those" in say(supervisor, doubted).content.decode()
    assert look_at(doubted).ovh_order_id is None
    say(supervisor, doubted, 4712)
    assert look_at(doubted).ovh_order_id == 4712


def test_what_was_decided_stays(supervisor: Client, doubted: Checkout):
    say(supervisor, doubted)
    assert "Nothing was done" in say(supervisor, doubted, 4712).content.decode()
    assert look_at(doubted).ovh_order_id == 4711


@pytest.mark.parametrize("state", ["waiting", "sending", "held", "refused", "closed", "needless"])
def test_only_while_its_answer_is_lost(supervisor: Client, doubted: Checkout, state: str):
    Intent.objects.update(state=state)
    assert "Nothing was done" in say(supervisor, doubted).content.decode()
    assert_undecided(doubted, state)


def test_one_that_never_left_made_nothing(supervisor: Client, doubted: Checkout):
    Intent.objects.update(attempts=0)
    assert "Say which order" not in supervisor.get("/support/queues/").content.decode()
    assert "Nothing was done" in say(supervisor, doubted).content.decode()
    assert_undecided(doubted)


def test_not_while_a_worker_looks(supervisor: Client, doubted: Checkout):
    lease = {"lease": "0b1e37a0-0000-4000-8000-000000000001", "state": State.DOUBTFUL}
    Intent.objects.update(leased_until=timezone.now() + relay.LEASE, **lease)
    assert "Nothing was done" in say(supervisor, doubted).content.decode()
    assert_undecided(doubted, "doubtful")
    # A worker that died holds nobody, and should it live it writes nothing any more.
    Intent.objects.update(leased_until=timezone.now())
    say(supervisor, doubted)
    found = look_at(doubted)
    assert (found.intent.state, found.ovh_order_id, found.intent.lease) == (State.ACCEPTED, 4711, None)


def test_a_withdrawal_is_no_checkout(supervisor: Client):
    account: Nichandle = make_nichandle("am1-ovh")
    intent = Intent.objects.create(
        kind="retraction",
        nichandle=account,
        order=make_order(account, 4711),
        state=State.DEAD,
        why="unclear",
        attempts=1,
    )
    url = f"/support/intents/{intent.pk}/order/"
    assert "none of those" in supervisor.post(url, {"order": "4711"} | SAID, follow=True).content.decode()
    intent.refresh_from_db()
    assert intent.state == State.DEAD


def test_an_unknown_intent_is_a_404(supervisor: Client):
    for number in ("999999", str(2**63), "9" * 40):
        assert supervisor.post(f"/support/intents/{number}/order/", {"order": "4711"} | SAID).status_code == 404


@pytest.mark.parametrize("role", ["support", "administrator"])
def test_others_at_the_desk_do_not_decide(doubted: Checkout, role: str):
    client = Client()
    client.force_login(make_staff(role=role))
    assert say(client, doubted).status_code == 403
    assert_undecided(doubted)
    assert AuditEvent.objects.get(action="intent_order").result == "refused"
    if role == "support":
        page = client.get("/support/queues/").content.decode()
        assert "Say which order it made" not in page


def test_customers_and_strangers_do_not_find_it(doubted: Checkout):
    from tests.factories import make_customer

    customer = Client()
    customer.force_login(make_customer(doubted.nichandle))
    assert say(customer, doubted).status_code == 404
    assert Client().post(f"/support/intents/{doubted.intent_id}/order/", {"order": "4711"} | SAID).status_code == 302
    assert_undecided(doubted)
