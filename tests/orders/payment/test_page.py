"""The page that pays: who may, what it offers, what it asks for, and what it says of what became of it."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Link
from accounts.models import User as Person
from orders import relay, sync
from orders.models import Intent, Order, PaymentChoices
from orders.payment import choices
from tests.factories import make_customer, make_order, make_staff
from tests.orders.payment.paying import WIDE, calls, keys, paid, unpaid
from tests.orders.test_relay import pass_time
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db
State = Intent.State


@pytest.fixture
def order(ovh: Sandbox, db: None) -> Order:
    return unpaid(ovh)


@pytest.fixture
def browser(order: Order) -> Client:
    client = Client()
    client.force_login(Person.objects.get(nichandle=order.nichandle))
    return client


def page_of(order: Order) -> str:
    return f"/orders/{order.order_id}/pay/"


def read(browser: Client, order: Order) -> str:
    answer = browser.get(page_of(order))
    assert answer.status_code == 200
    return answer.content.decode()


def form(browser: Client, order: Order, **chosen: str) -> dict[str, str]:
    """What the page's form sends, the preselected method unless told."""
    context = browser.get(page_of(order)).context
    sent = {"way": "here", "method": context["picked"], "attempts": str(context["attempts"])}
    return sent | {"amount": context["amount_sent"]} | chosen


def pay(browser: Client, order: Order, **chosen: str) -> Any:
    return browser.post(page_of(order), form(browser, order, **chosen))


# --- What it offers ---------------------------------------------------------------------------------------------------
def test_it_offers_the_saved_methods_with_the_default_chosen_and_says_the_amount(browser, order):
    page = read(browser, order)
    assert page.count('name="method"') == 3
    assert page.count(" checked") == 1
    assert f'value="{keys(order)["00"]}" checked' in page
    assert "Pay €11.99</button>" in page
    assert "nothing is owed" in page
    assert "VAT included" in page


def test_it_never_waits_for_ovhcloud_and_shows_methods_once_they_are_read(browser, order, ovh):
    PaymentChoices.objects.all().delete()
    since = ovh.last_request()
    page = read(browser, order)
    assert ovh.requests(since) == []
    assert "being read from OVHcloud" in page
    assert 'hx-trigger="every 2s"' in page
    choices.read_choices(order.pk)
    page = read(browser, order)
    assert 'hx-trigger="every 2s"' not in page, "a form does not change under somebody's hands"
    assert page.count('name="method"') == 3


def test_methods_that_could_not_be_read_are_said_with_the_other_way(browser, order, ovh):
    PaymentChoices.objects.all().delete()
    ovh.arm("status", path="/me/order/*/availableRegisteredPaymentMean", status=503)
    choices.read_choices(order.pk)
    page = read(browser, order)
    assert "could not be read" in page
    assert 'hx-trigger="every 2s"' not in page
    assert "Pay at OVHcloud" in page
    ovh.disarm()
    forget_trouble()
    choices.read_choices(order.pk)
    assert read(browser, order).count('name="method"') == 3


def test_a_method_that_is_not_taken_for_this_order_cannot_be_chosen(browser, order):
    row = PaymentChoices.objects.get()
    row.choices[0]["available"] = False
    row.save()
    page = read(browser, order)
    assert "not taken for this order" in page
    assert pay(browser, order, method=row.choices[0]["key"]).status_code == 200
    assert not Intent.objects.exists()


def test_nobody_saved_a_method(browser, order):
    PaymentChoices.objects.update(choices=[])
    page = read(browser, order)
    assert "saved no payment method" in page
    assert "Add one at OVHcloud" in page
    assert "Pay at OVHcloud" in page


def test_a_free_order_has_one_button_and_no_methods(ovh):
    order = unpaid(ovh, price="0.00")
    browser = Client()
    browser.force_login(Person.objects.get(nichandle=order.nichandle))
    page = read(browser, order)
    assert "Confirm the free order" in page
    assert "Confirm the free order" in browser.get(f"/orders/{order.order_id}/").content.decode()
    assert "Pay €0.00" not in page
    assert 'name="method"' not in page
    assert pay(browser, order).status_code == 302
    relay.relay_due()
    assert paid(ovh, order) == 1


def test_the_number_of_queries_does_not_depend_on_what_is_there(browser, order):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            read(browser, order)
        return len([query for query in seen if "SAVEPOINT" not in query["sql"]])

    read(browser, order)
    few = queries()
    PaymentChoices.objects.update(choices=PaymentChoices.objects.get().choices * 20)
    for _ in range(10):
        Intent.objects.create(
            kind="payment",
            nichandle=order.nichandle,
            order=order,
            state=State.REFUSED,
            arguments=PaymentChoices.objects.get().choices[0],
        )
    assert queries() <= few + 1, "one more: what happened to the last"


# --- What it asks for -------------------------------------------------------------------------------------------------
def test_pressed_it_is_sent_accepted_and_paid(browser, order, ovh):
    answer = pay(browser, order)
    assert (answer.status_code, answer.url) == (302, f"{page_of(order)}#payment")
    page = read(browser, order)
    assert "Being sent to OVHcloud" in page
    assert 'hx-trigger="every 2s"' in page
    assert "Pay at OVHcloud" not in page
    assert 'name="method"' not in page
    relay.relay_due()
    assert "Accepted by OVHcloud" in read(browser, order)
    sync.check_orders([order.pk])
    page = read(browser, order)
    assert "OVHcloud has your payment" in page
    assert 'hx-trigger="every 2s"' not in page
    assert f"/orders/{order.order_id}/tracking/" in page
    assert page.count("data-order-id") == 1
    line = AuditEvent.objects.get(action="pay_order")
    assert (line.target, line.subject) == (f"order {order.order_id}", order.nichandle.nichandle)
    assert paid(ovh, order) == 1


def test_the_fragment_is_the_region_alone(browser, order):
    pay(browser, order)
    fragment = browser.get(page_of(order), headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith("<article")
    assert "<html" not in fragment


def test_a_double_click_and_a_second_tab_ask_once(browser, order, ovh):
    sent = form(browser, order)
    other = sent | {"method": keys(order)["42"]}
    for each in (sent, sent, other):
        assert browser.post(page_of(order), each).status_code == 302
    assert Intent.objects.count() == 1
    relay.relay_due()
    assert browser.post(page_of(order), other).status_code == 302
    assert Intent.objects.count() == 1
    assert (len(calls(ovh, order)), paid(ovh, order)) == (1, 1)


def test_after_the_banks_no_it_says_so_and_another_method_pays(browser, order, ovh):
    pay(browser, order, method=keys(order)["02"])
    old = form(browser, order)
    relay.relay_due()
    page = read(browser, order)
    assert "did not take this payment" in page
    assert "can&#x27;t be paid with" in page
    assert "Pay at OVHcloud" in page
    assert f'value="{keys(order)["00"]}" checked' in page, "not what was just refused"
    # A page from before the refusal pays nothing: whoever presses has not read it.
    answer = browser.post(page_of(order), old | {"attempts": "0"})
    assert "Your last payment was not taken" in answer.content.decode()
    assert Intent.objects.count() == 1
    assert pay(browser, order, method=keys(order)["42"]).status_code == 302
    relay.relay_due()
    assert paid(ovh, order) == 1


def test_another_amount_than_was_shown_is_not_paid(browser, order):
    sent = form(browser, order)
    Order.objects.update(price_with_tax="13.99")
    answer = browser.post(page_of(order), sent)
    assert "The amount of this order changed" in answer.content.decode()
    assert not Intent.objects.exists()


@pytest.mark.parametrize(
    "change",
    [{"method": "m0"}, {"method": "x" * 5000}, {"method": "\0"}, {"attempts": "x"}, {"attempts": "-1"}, {"amount": ""}],
)
def test_a_form_that_says_nothing_we_know_asks_for_nothing(browser, order, change):
    assert pay(browser, order, **change).status_code == 200
    assert not Intent.objects.exists()


def test_an_order_that_expired_while_the_page_was_open(browser, order):
    sent = form(browser, order)
    Order.objects.update(expiration_date=timezone.now() - timedelta(seconds=1))
    assert "nothing to pay" in browser.post(page_of(order), sent).content.decode()
    assert not Intent.objects.exists()


# --- Who may ----------------------------------------------------------------------------------------------------------
def test_without_the_rights_it_offers_to_allow_it_and_one_form_to_pay_at_ovhcloud(browser, order):
    Link.objects.update(rules=[])
    page = read(browser, order)
    assert "/account/rights/?next=" in page
    assert "Allow paying from here" in page
    assert page.count("Pay at OVHcloud</button>") == 1
    assert 'name="method"' not in page
    sent = {"way": "here", "method": keys(order)["00"], "attempts": "0", "amount": "11.99 EUR"}
    assert browser.post(page_of(order), sent).url.startswith("/account/rights/?next=%2Forders%2F")
    assert not Intent.objects.exists()


def test_the_other_way_needs_no_wider_rights(browser, order):
    Link.objects.update(rules=[])
    assert browser.post(page_of(order)).context["leave_url"]


def test_it_asks_first_who_is_there_and_keeps_what_was_chosen(browser, order):
    sent = form(browser, order, method=keys(order)["42"])
    session = browser.session
    session["shown_at"] = time.time() - 16 * 60
    session.save()
    answer = browser.post(page_of(order), sent)
    assert answer.url.startswith("/account/sure/?next=")
    assert not Intent.objects.exists()
    page = browser.get(f"{page_of(order)}?method={keys(order)['42']}").content.decode()
    assert f'value="{keys(order)["42"]}" checked' in page


def test_a_linked_person_pays_by_a_key_of_their_own_alone(order):
    person = make_customer("helper1-ovh")
    link = Link(user=person, nichandle=order.nichandle)
    link.keep_key("a key of no use")
    link.save()
    browser = Client()
    browser.force_login(person)
    sent = {"way": "here", "method": keys(order)["00"], "attempts": "0", "amount": "11.99 EUR"}
    sent["account"] = order.nichandle.nichandle
    assert browser.post(page_of(order), sent).url.startswith("/account/rights/")
    Link.objects.filter(pk=link.pk).update(rules=WIDE)
    assert browser.post(page_of(order), sent).status_code == 302
    assert Intent.objects.count() == 1


def test_nobody_elses_and_never_staff(browser, order):
    other = make_order(make_customer("other1-ovh").nichandle, status="notPaid")
    sent = {"way": "here", "method": keys(order)["00"], "attempts": "0", "amount": "11.99 EUR"}
    assert browser.post(page_of(other), sent).status_code == 404
    staff = Client()
    staff.force_login(make_staff())
    assert staff.post(page_of(order), sent).status_code in (302, 404)
    assert not Intent.objects.exists()


# --- What it says -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"state": State.WAITING, "failures": 2}, "OVHcloud does not answer now"),
        ({"state": State.DOUBTFUL}, "nothing is paid twice"),
        ({"state": State.HELD, "why": "key"}, "Give it leave again"),
        ({"state": State.DEAD, "why": "unclear"}, "a person looks at it"),
        ({"state": State.REFUSED, "message": "Insufficient funds"}, "There was not enough money"),
        ({"state": State.CLOSED, "note": "Nothing arrived there."}, "Nothing arrived there."),
        ({"state": State.ACCEPTED, "settled_at": timezone.now() - timedelta(hours=1)}, "Your bank may want"),
        ({"state": State.NEEDLESS, "why": "paid"}, "paid already"),
        ({"state": State.NEEDLESS, "why": "stale"}, "let go"),
        ({"state": State.NEEDLESS, "why": "withdrawn"}, "You withdrew"),
    ],
)
def test_each_state_in_words(browser, order, change, sentence):
    pay(browser, order)
    Intent.objects.update(**change)
    page = read(browser, order)
    assert sentence in page
    assert ("Pay at OVHcloud</button>" in page) == (change["state"] not in (State.WAITING, State.DOUBTFUL))


def test_while_it_may_be_arriving_the_other_way_is_closed(browser, order):
    pay(browser, order)
    assert "leave_url" not in browser.post(page_of(order)).context


def test_a_link_from_before_a_payment_leads_to_how_that_stands(browser, order, ovh):
    link = browser.post(page_of(order)).context["leave_url"]
    pay(browser, order)
    since = ovh.last_request()
    answer = browser.get(link)
    assert (answer.status_code, answer["Location"]) == (302, page_of(order))
    assert ovh.requests(since) == []
    pass_time(seconds=1)
