"""Ordering a cart: once, by what the page showed, and what the customer reads until there is an order."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone

from accounts.models import AuditEvent, Link
from carts.models import Cart, Checkout, Configuration
from orders.models import Intent, OrderImport
from tests.accounts.test_links import hold
from tests.carts.made import line, make_cart, make_name, make_vps, may_order, put_quote, quote
from tests.carts.test_summary import DEFAULT
from tests.factories import make_customer, make_nichandle, make_order
from tests.security.conftest import browser_of

pytestmark = pytest.mark.django_db

ALL = {"contracts": "on", "waive": "on"}


@pytest.fixture
def cart(customer: Any) -> Cart:
    """A name that may be ordered."""
    may_order(customer)
    cart = make_cart(customer.nichandle)
    item = make_name(cart)
    Configuration.objects.create(item=item, label="OWNER_LEGAL_AGE", value="true", is_mirrored=True)
    return put_quote(cart)


def seen(client: Any) -> str:
    """What the open page would send along."""
    told = client.get("/cart/summary/").content.decode()
    found = re.search(r'name="seen" value="([^"]+)"', told)
    assert found, "the page has no button"
    return found[1]


def order(client: Any, **fields: str) -> Any:
    return client.post("/cart/order/", {"seen": seen(client)} | ALL | fields)


def words(answer: Any) -> str:
    return unescape(answer.content.decode())


# --- Once -------------------------------------------------------------------------------------------------------------
def test_ordering_writes_an_intent_with_all_that_was_shown(cart, customer, customer_client):
    answer = order(customer_client)
    checkout = Checkout.objects.get()
    assert answer["Location"] == f"/cart/ordered/{checkout.pk}/"
    intent = checkout.intent
    assert (intent.kind, intent.state, intent.order, intent.nichandle) == (
        Intent.Kind.CHECKOUT,
        Intent.State.WAITING,
        None,
        customer.nichandle,
    )
    assert checkout.waived
    assert "L221-28" in checkout.waiver_words
    assert not checkout.pay_at_once
    assert checkout.language == "en"
    assert checkout.contracts[0]["content"] == "Terms of service (FR)"
    assert checkout.quote["prices"] == cart.quote["prices"]
    cart.refresh_from_db()
    assert cart.state == Cart.State.ORDERING


def test_a_double_click_finds_the_order_that_is_under_way(cart, customer_client):
    fields = {"seen": seen(customer_client)} | ALL
    answers = [customer_client.post("/cart/order/", fields)["Location"] for _click in range(2)]
    assert answers[0] == answers[1]
    assert Checkout.objects.count() == Intent.objects.count() == 1


def test_a_refused_order_can_be_ordered_again_as_a_new_one(cart, customer_client):
    order(customer_client)
    Intent.objects.update(state=Intent.State.REFUSED, next_attempt_at=None)
    Checkout.objects.update(ended=True)
    Cart.objects.update(state=Cart.State.OPEN)
    order(customer_client)
    assert Checkout.objects.count() == Intent.objects.count() == 2
    assert Checkout.objects.filter(ended=False).count() == 1


def test_ordering_leaves_a_line_in_the_trail(cart, customer, customer_client):
    order(customer_client)
    told = AuditEvent.objects.get(action="order_cart")
    assert (told.actor, told.subject, told.result) == (customer.username, customer.nichandle.nichandle, "done")
    assert told.detail["waived"] is True


# --- Not without the customer's own hand ------------------------------------------------------------------------------
@pytest.mark.parametrize(("left_out", "said"), [("contracts", "accept the contracts"), ("waive", "Tick the box")])
def test_a_box_that_is_not_ticked_orders_nothing_and_keeps_the_others(cart, customer_client, left_out, said):
    kept = {name: value for name, value in ALL.items() if name != left_out}
    answer = customer_client.post("/cart/order/", {"seen": seen(customer_client)} | kept)
    told = words(answer)
    assert answer.status_code == 200
    assert said in told
    assert "Nothing was ordered." in told
    for name in ALL:
        assert bool(re.search(rf'name="{name}"[^>]* checked', told)) == (name in kept)
    assert not Intent.objects.exists()


def test_no_right_is_given_up_where_no_box_asked_for_it(cart, customer_client):
    cart.items.all().delete()
    make_vps(cart, requirements=[])
    put_quote(cart, quote([line("VPS-1 - 1 month", "4.20")], tax="0.84"))
    order(customer_client)
    checkout = Checkout.objects.get()
    assert not checkout.waived
    assert checkout.waiver_words == ""


def test_it_is_paid_at_once_only_if_that_was_chosen_and_can_be(cart, customer_client):
    order(customer_client, pay_now="on")
    assert not Checkout.objects.get().pay_at_once, "there is no default method"
    Checkout.objects.all().delete()
    Intent.objects.all().delete()
    Cart.objects.update(state=Cart.State.OPEN)
    OrderImport.objects.update(payment_methods=DEFAULT)
    order(customer_client, pay_now="on")
    assert Checkout.objects.get().pay_at_once


# --- What changed meanwhile -------------------------------------------------------------------------------------------
def test_a_price_that_changed_is_told_and_nothing_is_ordered(cart, customer_client):
    shown = seen(customer_client)
    put_quote(cart, quote([line("montagne.fr - .fr registration - 12 months", "7.99", domain="*001")], tax="1.60"))
    told = words(customer_client.post("/cart/order/", {"seen": shown} | ALL))
    assert "montagne.fr - .fr registration - 12 months cost €6.99 and costs €7.99 now." in told
    assert "The total with tax was €8.39 and is €9.59." in told
    assert not Intent.objects.exists()
    assert not re.search(r'type="checkbox"[^>]* checked', told), "what was agreed to was another thing"


def test_a_contract_that_changed_is_agreed_to_anew(cart, customer_client):
    shown = seen(customer_client)
    changed = quote()
    changed["contracts"][0] |= {"content": "Other terms", "sha256": "0" * 64}
    put_quote(cart, changed)
    assert "The contracts, or what you filled in" in words(customer_client.post("/cart/order/", {"seen": shown} | ALL))
    assert not Intent.objects.exists()


def test_another_renewal_price_is_told_and_nothing_is_ordered(cart, customer_client):
    shown = seen(customer_client)
    item = cart.items.get()
    item.prices = item.prices | {"RENEW": {"value": "9.99", "currency_code": "EUR"}}
    item.save()
    told = words(customer_client.post("/cart/order/", {"seen": shown} | ALL))
    assert "What this renews at is not the price that the page showed." in told
    assert not Intent.objects.exists()
    order(customer_client)
    assert Intent.objects.exists()


def test_another_default_method_than_was_shown_pays_nothing(cart, customer_client):
    OrderImport.objects.update(payment_methods=DEFAULT)
    shown = seen(customer_client)
    OrderImport.objects.update(payment_methods=[DEFAULT[0] | {"label": "5XXX"}])
    told = words(customer_client.post("/cart/order/", {"seen": shown, "pay_now": "on"} | ALL))
    assert "Your default payment method is not the one that the page showed." in told
    assert not Intent.objects.exists()
    # Whoever pays later is not concerned.
    customer_client.post("/cart/order/", {"seen": shown} | ALL)
    assert not Checkout.objects.get().pay_at_once


def test_what_another_tab_changed_is_not_ordered_unseen(cart, customer_client):
    shown = seen(customer_client)
    cart.revision = 2
    put_quote(cart)
    told = words(customer_client.post("/cart/order/", {"seen": shown} | ALL))
    assert "Since you opened this page something changed" in told
    assert not Intent.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"trouble": "refused"}, {"revision": 2}, {"quoted_at": timezone.now() - timedelta(hours=1)}]
)
def test_without_a_fresh_judgement_nothing_is_ordered(cart, customer_client, fields):
    shown = seen(customer_client)
    Cart.objects.update(**fields)
    answer = customer_client.post("/cart/order/", {"seen": shown} | ALL)
    assert answer.status_code in (200, 302)
    assert not Intent.objects.exists()


@pytest.mark.parametrize("forged", ["", "nonsense", "of another cart", "x" * 99_000])
def test_what_our_page_did_not_show_orders_nothing(cart, customer_client, forged):
    if forged == "of another cart":
        forged = signing.dumps({"cart": 0, "revision": 1}, salt="carts.summary", compress=True)
    answer = customer_client.post("/cart/order/", {"seen": forged} | ALL)
    assert answer.status_code == 200
    assert not Intent.objects.exists()


# --- Who --------------------------------------------------------------------------------------------------------------
def test_whoever_was_not_there_lately_orders_nothing(cart, customer_client):
    shown = seen(customer_client)
    session = customer_client.session
    session["shown_at"] = 0
    session.save()
    answer = customer_client.post("/cart/order/", {"seen": shown} | ALL)
    assert answer["Location"] == "/account/sure/?next=%2Fcart%2Forder%2F"
    assert customer_client.get("/cart/order/")["Location"] == "/cart/summary/"
    assert not Intent.objects.exists()


def test_whoever_may_not_order_orders_nothing(cart, customer, customer_client):
    shown = seen(customer_client)
    customer.links.update(rules=[])
    answer = customer_client.post("/cart/order/", {"seen": shown} | ALL)
    assert answer["Location"].startswith("/account/rights/")
    assert not Intent.objects.exists()


def test_another_customers_order_is_an_unknown_one(cart, customer_client):
    order(customer_client)
    theirs = browser_of(make_customer())
    assert theirs.get(f"/cart/ordered/{Checkout.objects.get().pk}/").status_code == 404
    assert theirs.get(f"/cart/ordered/{10**30}/").status_code == 404


def test_an_order_for_another_account_i_hold_is_followed_to_its_page(cart, customer, customer_client):
    """Another tab has switched the browser to another account meanwhile: forms name theirs, and so does this page."""
    fields = {"seen": seen(customer_client), "account": customer.nichandle.nichandle} | ALL
    hold(customer, make_nichandle("other9-ovh"))
    customer_client.post("/account/switch/", {"to": "other9-ovh"})
    page = customer_client.post("/cart/order/", fields, follow=True)
    assert page.status_code == 200
    assert "Your order is being sent to OVHcloud." in words(page)
    assert "another account you hold" in words(page)


# --- Being ordered ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "said", "asks_again"),
    [
        ({"state": "waiting"}, "Your order is being sent to OVHcloud.", True),
        ({"state": "sending"}, "is sent once, even if you close this page", True),
        ({"state": "doubtful"}, "We are looking whether your order was taken.", True),
        ({"state": "held", "why": "key"}, "Sign in with OVHcloud once more, and it is sent by itself.", False),
        ({"state": "dead", "why": "unclear"}, "A person looks at it.", False),
        ({"state": "refused", "message": "The domain cannot be ordered"}, "The domain cannot be ordered", False),
        ({"state": "needless", "why": "prices"}, "The price changed just as you ordered.", False),
        ({"state": "closed", "note": "You asked us to"}, "You asked us to", False),
        ({"state": "accepted"}, "It appears among your orders in a moment.", True),
    ],
)
def test_each_state_has_its_words_and_asks_again_while_it_can_change(cart, customer_client, fields, said, asks_again):
    order(customer_client)
    Intent.objects.update(**fields)
    path = f"/cart/ordered/{Checkout.objects.get().pk}/"
    told = words(customer_client.get(path))
    assert said in told
    assert ('hx-trigger="every 2s"' in told) == asks_again
    fragment = customer_client.get(path, headers={"HX-Request": "true"})
    assert said in words(fragment)
    assert b"<html" not in fragment.content


def test_an_order_that_waits_for_more_rights_leads_to_them(cart, customer, customer_client):
    """The key was renewed by a sign-in, which asks for less: one more sign-in would send nothing."""
    order(customer_client)
    Intent.objects.update(state="held", why="key")
    Link.objects.filter(user=customer).update(rules=[{"method": "GET", "path": "/me"}])
    path = f"/cart/ordered/{Checkout.objects.get().pk}/"
    told = words(customer_client.get(path))
    assert f'href="/account/rights/?next=%2Fcart%2Fordered%2F{Checkout.objects.get().pk}%2F' in told
    assert "Sign in with OVHcloud once more" not in told


@pytest.mark.parametrize("state", ["doubtful", "dead"])
def test_whoever_must_not_order_again_is_told_so(cart, customer_client, state):
    order(customer_client)
    Intent.objects.update(state=state)
    assert "Do not order again" in words(customer_client.get(f"/cart/ordered/{Checkout.objects.get().pk}/"))


def test_once_there_is_an_order_the_page_moves_to_it(cart, customer, customer_client):
    order(customer_client)
    checkout = Checkout.objects.get()
    Intent.objects.update(state=Intent.State.ACCEPTED)
    Checkout.objects.update(ovh_order_id=238_999_001)
    path = f"/cart/ordered/{checkout.pk}/"
    assert "as number 238999001. Its page appears in a moment." in words(customer_client.get(path))
    make_order(customer.nichandle, 238_999_001)
    assert customer_client.get(path)["Location"] == "/orders/238999001/"
    assert customer_client.get(path, headers={"HX-Request": "true"})["HX-Redirect"] == "/orders/238999001/"


def test_the_summary_of_what_is_being_ordered_leads_there(cart, customer_client):
    order(customer_client)
    assert customer_client.get("/cart/summary/")["Location"] == f"/cart/ordered/{Checkout.objects.get().pk}/"


def test_the_page_costs_few_queries(cart, customer_client, django_assert_num_queries):
    order(customer_client)
    path = f"/cart/ordered/{Checkout.objects.get().pk}/"
    customer_client.get(path)
    with django_assert_num_queries(3):
        customer_client.get(path)
