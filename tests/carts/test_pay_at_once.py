"""Ordered with "Pay now": OVHcloud pays as it makes the order, and nobody is led to pay it a second time."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from accounts.models import Nichandle, User
from carts.models import Checkout
from carts.sync import ordered
from orders import relay
from orders import sync as orders_sync
from orders.models import Intent, Order, OrderImport
from orders.payment import at_checkout
from orders.payment.asking import Asked, NotPaid, amount_of, pay_order
from orders.payment.choices import read_choices
from orders.relay import outcomes
from tests.carts.shop import known_shopper, order, quoted_cart
from tests.factories import make_order
from tests.orders.payment.paying import keys, paid
from tests.orders.test_relay import pass_time
from tests.sandbox.client import real_client
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db
State = Intent.State
PATH = "/order/cart/*/checkout"


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return known_shopper(ovh)


@pytest.fixture
def browser(anna: Nichandle) -> Client:
    client = Client()
    client.force_login(User.objects.get(nichandle=anna))
    return client


def find(anna: Nichandle) -> None:
    """New orders are looked for, whenever that was to be."""
    OrderImport.objects.filter(nichandle=anna).update(next_find_at=timezone.now())
    orders_sync.find_orders()


def placed(ovh: Sandbox, anna: Nichandle, *, refused: bool = False) -> Order:
    """Ordered with "Pay now", carried, found. refused: the default method is the card that every bank refuses."""
    if refused:
        refuse_the_default(ovh)
    checkout = order(quoted_cart(anna), pay_at_once=True)
    relay.relay_due()
    find(anna)
    checkout.refresh_from_db()
    assert checkout.order
    assert checkout.next_look_at is None
    read_choices(checkout.order.pk)
    return checkout.order


def refuse_the_default(ovh: Sandbox) -> None:
    customer = real_client(ovh, ovh.customers[0]["consumer_key"])
    methods = [customer.get(f"/me/payment/method/{number}") for number in customer.get("/me/payment/method")]
    refusing = next(method["paymentMethodId"] for method in methods if method["label"].endswith("XX02"))
    customer.put(f"/me/payment/method/{refusing}", default=True)


def still_unpaid(ovh: Sandbox, order: Order) -> None:
    """OVHcloud has the payment, and its status follows later."""
    ovh.change_order(order.order_id, status="notPaid")
    Order.objects.filter(pk=order.pk).update(status="notPaid", was_paid=False, payment_date=None)
    order.refresh_from_db()


def page_of(browser: Client, order: Order) -> str:
    answer = browser.get(f"/orders/{order.order_id}/pay/")
    assert answer.status_code == 200
    return answer.content.decode()


def pay(order: Order) -> Intent:
    """The button, as the page shows it now, with the customer's first card."""
    attempts = Intent.objects.filter(order=order, kind=Intent.Kind.PAYMENT).count()
    return pay_order(None, order, Asked(keys(order)["00"], attempts, amount_of(order)))


def test_its_payment_stands_from_the_moment_its_row_is_there(ovh: Sandbox, anna: Nichandle, browser: Client) -> None:
    found = placed(ovh, anna)
    still_unpaid(ovh, found)
    standing = Intent.objects.get(order=found)
    assert (standing.kind, standing.state) == (Intent.Kind.PAYMENT, State.ACCEPTED)
    page = page_of(browser, found)
    assert "Being paid at OVHcloud" in page
    assert "with the default method of your account" in page
    assert 'name="way"' not in page, "neither here nor at OVHcloud"
    assert pay(found) == standing
    relay.relay_due()
    assert paid(ovh, found) == 1


def test_what_does_not_show_may_be_paid_and_is_not_paid_twice(ovh: Sandbox, anna: Nichandle, browser: Client) -> None:
    found = placed(ovh, anna)
    still_unpaid(ovh, found)
    pass_time(seconds=at_checkout.SHOWS_WITHIN.total_seconds() + 1)
    page = page_of(browser, found)
    assert "Not paid yet" in page
    assert 'name="way" value="here"' in page
    assert 'name="way" value="ovhcloud"' in page
    asked = pay(found)
    relay.relay_due()
    asked.refresh_from_db()
    # OVHcloud has a payment of it, whatever its status says.
    assert (asked.state, asked.why) == (State.NEEDLESS, "paid")
    assert paid(ovh, found) == 1


def test_what_the_bank_refused_is_paid_with_another_method(ovh: Sandbox, anna: Nichandle, browser: Client) -> None:
    found = placed(ovh, anna, refused=True)
    assert paid(ovh, found) == 0
    first = Intent.objects.get(order=found)
    assert pay(found) == first
    pass_time(seconds=at_checkout.SHOWS_WITHIN.total_seconds() + 1)
    asked = pay(found)
    first.refresh_from_db()
    assert (first.state, first.why, first.next_attempt_at) == (State.NEEDLESS, "unseen", None)
    relay.relay_due()
    asked.refresh_from_db()
    assert asked.state == State.ACCEPTED
    assert paid(ovh, found) == 1
    assert "Paid" in page_of(browser, found)


@pytest.mark.parametrize("late", [False, True], ids=["found before", "found after"])
def test_while_the_answer_is_lost_no_new_order_is_paid(
    ovh: Sandbox, anna: Nichandle, browser: Client, late: bool
) -> None:
    """Which order was made is not known yet, and may be the one whose row just came."""
    ovh.arm("accept_then_reset", method="POST", path=PATH, count=1)
    checkout = order(quoted_cart(anna), pay_at_once=True)
    relay.relay_due()
    find(anna)
    found = anna.orders.latest("order_id")
    still_unpaid(ovh, found)
    read_choices(found.pk)
    checkout.refresh_from_db()
    assert (checkout.intent.state, checkout.order) == (State.DOUBTFUL, None)
    if late:
        # Told to its row, which the answer's transaction did not see.
        Intent.objects.filter(pk=checkout.intent_id).update(state=State.ACCEPTED, settled_at=timezone.now())
    page = page_of(browser, found)
    assert "just being made" in page
    assert 'hx-trigger="every 2s"' in page
    assert 'name="way"' not in page
    with pytest.raises(NotPaid, match="being-made"):
        pay(found)
    answer = browser.post(f"/orders/{found.order_id}/pay/", {"way": "ovhcloud"})
    assert "Pay at OVHcloud" not in answer.content.decode()
    assert not Intent.objects.filter(order=found).exists()
    if not late:
        # A look finds the order, and its row was there already.
        Intent.objects.filter(pk=checkout.intent_id).update(next_attempt_at=F("next_attempt_at") - timedelta(minutes=1))
        pass_time(seconds=1)
        relay.relay_due()
        checkout.refresh_from_db()
        assert checkout.order == found
        assert Intent.objects.get(order=found).arguments["type"] == at_checkout.TYPE
    assert paid(ovh, found) == 1


@pytest.mark.parametrize("state", [State.HELD, State.DEAD])
def test_while_a_person_is_to_tell_which_it_was_it_waits_a_while(
    ovh: Sandbox, anna: Nichandle, browser: Client, state: str
) -> None:
    """With a person or without a key nobody looks again, and OVHcloud's payment may show any moment."""
    checkout = order(quoted_cart(anna), pay_at_once=True)
    values = {"state": state, "attempts": 1, "attempted_at": timezone.now(), "next_attempt_at": None}
    Intent.objects.filter(pk=checkout.intent_id).update(**values)
    number = ovh.make_order(price="11.99")
    found = make_order(anna, number, status="notPaid", was_paid=False, payment_date=None, price="11.99")
    read_choices(found.pk)
    assert "just being made" in page_of(browser, found)
    with pytest.raises(NotPaid, match="being-made"):
        pay(found)
    late = timezone.now() - at_checkout.SHOWS_WITHIN
    Intent.objects.filter(pk=checkout.intent_id).update(attempted_at=late)
    assert "just being made" not in page_of(browser, found)
    since = ovh.last_request()
    pay(found)
    relay.relay_due()
    assert paid(ovh, found) == 1
    looked = [call["path"].rpartition("/")[2] for call in ovh.requests(since) if str(number) in call["path"]]
    assert looked == ["status", "payment", "payWithRegisteredPaymentMean"], "it may have been that one after all"


def test_whoever_has_it_in_hand_cannot_bring_back_what_was_let_go(ovh: Sandbox, anna: Nichandle) -> None:
    found = placed(ovh, anna, refused=True)
    pass_time(seconds=at_checkout.SHOWS_WITHIN.total_seconds() + 1)
    claimed = relay.Relay()._claim()
    assert claimed
    assert claimed.arguments["type"] == at_checkout.TYPE
    asked = pay(found)
    outcomes.ask_until_it_shows(claimed)
    claimed.refresh_from_db()
    assert (claimed.state, claimed.next_attempt_at, claimed.lease) == (State.NEEDLESS, None, None)
    relay.relay_due()
    asked.refresh_from_db()
    assert asked.state == State.ACCEPTED
    assert paid(ovh, found) == 1


def test_an_order_that_lapsed_is_not_asked_about_for_it(ovh: Sandbox, anna: Nichandle, browser: Client) -> None:
    found = placed(ovh, anna, refused=True)
    past = timezone.now() - timedelta(minutes=1)
    Order.objects.filter(pk=found.pk).update(expiration_date=past, next_poll_at=timezone.now() + timedelta(hours=1))
    Intent.objects.filter(order=found).update(next_attempt_at=timezone.now())
    relay.relay_due()
    found.refresh_from_db()
    assert found.next_poll_at
    assert found.next_poll_at > timezone.now()
    assert Intent.objects.get(order=found).next_attempt_at is None
    page = page_of(browser, found)
    assert "never showed that it did" in page
    assert "Not paid" in page
    assert "Not sent" not in page, "it was"
    assert "pay below" not in page


def test_a_checkout_that_got_its_order_meanwhile_is_looked_for_no_more(ovh: Sandbox, anna: Nichandle) -> None:
    found = placed(ovh, anna)
    Checkout.objects.update(next_look_at=timezone.now())
    ordered.follow_up()
    checkout = Checkout.objects.get()
    assert (checkout.order, checkout.next_look_at) == (found, None)


def test_an_older_order_is_paid_meanwhile(ovh: Sandbox, anna: Nichandle) -> None:
    number = ovh.make_order(price="11.99")
    older = make_order(anna, number, status="notPaid", was_paid=False, payment_date=None, price="11.99")
    read_choices(older.pk)
    order(quoted_cart(anna), pay_at_once=True)
    ovh.arm("accept_then_reset", method="POST", path=PATH, count=1)
    relay.relay_due()
    pay(older)
    relay.relay_due()
    assert paid(ovh, older) == 1


def test_without_pay_now_the_order_is_paid_by_its_page(ovh: Sandbox, anna: Nichandle, browser: Client) -> None:
    order(quoted_cart(anna))
    relay.relay_due()
    find(anna)
    found = Checkout.objects.get().order
    assert found
    read_choices(found.pk)
    assert 'name="way" value="here"' in page_of(browser, found)
    pay(found)
    relay.relay_due()
    assert paid(ovh, found) == 1


def test_an_order_that_costs_nothing_has_no_payment(ovh: Sandbox, anna: Nichandle, customer: Any) -> None:
    free = make_order(anna, price="0.00", status="notPaid")
    asked = Intent.objects.create(kind=Intent.Kind.CHECKOUT, nichandle=anna, arguments={"pay_at_once": True})
    at_checkout.pay_with_the_order(free, asked)
    assert not Intent.objects.filter(order=free).exists()
