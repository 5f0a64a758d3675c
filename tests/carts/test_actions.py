"""What somebody can do with a cart; whose it is before and after sign-in."""

import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from carts import actions
from carts.actions import AlreadyThere, CartClosed, CartFull, CartMoved, Wanted
from carts.models import Cart, CartItem, Configuration, DomainCheck, Plan
from tests.accounts.test_links import hold
from tests.carts.made import make_cart, make_name, make_vps, may_order, price
from tests.factories import make_customer, make_nichandle

pytestmark = pytest.mark.django_db


def name(domain: str = "montagne.fr", **fields: Any) -> Wanted:
    values = {"product": "domain", "plan_code": "fr", "duration": "P1Y", "pricing_mode": "create-default"}
    return Wanted(domain=domain, **(values | fields))


def vps(**fields: Any) -> Wanted:
    return Wanted(**({"product": "vps", "plan_code": "vps-1-2026", "duration": "P1M"} | fields))


@pytest.fixture
def cart(customer: Any) -> Cart:
    return make_cart(customer.nichandle)


def test_something_added_raises_the_revision_and_is_to_be_copied(cart):
    item = actions.add_item(cart, name(prices={"TOTAL": price("4.99")}))
    cart.refresh_from_db()
    assert (cart.revision, cart.next_mirror_at is not None) == (2, True)
    assert item.chosen_at_prices == {"TOTAL": {"value": "4.99", "currency_code": "EUR"}}
    assert item.action == "create"


def test_a_visitors_cart_is_our_rows_only():
    cart = Cart.objects.create(visitor=uuid.uuid4(), subsidiary="FR")
    actions.add_item(cart, vps())
    cart.refresh_from_db()
    assert (cart.revision, cart.next_mirror_at) == (2, None)


def test_options_come_with_their_product_and_go_with_it(cart):
    item = actions.add_item(cart, vps(), [vps(plan_code="vps-os-debian", family="os")])
    assert [one.plan_code for one in item.options.all()] == ["vps-os-debian"]
    actions.remove_item(item)
    assert not cart.items.exists()


def test_a_name_is_had_once(cart):
    actions.add_item(cart, name())
    with pytest.raises(AlreadyThere):
        actions.add_item(cart, name(pricing_mode="transfer-default"))
    assert cart.items.count() == 1


def test_a_full_cart_takes_no_more(cart):
    CartItem.objects.bulk_create(
        [CartItem(cart=cart, product="vps", plan_code="vps-1-2026", duration="P1M") for _ in range(99)]
    )
    with pytest.raises(CartFull):
        actions.add_item(cart, vps(), [vps()])
    actions.add_item(cart, vps())


def test_an_ordered_cart_is_left_alone(cart):
    item = make_name(cart)
    Cart.objects.update(state=Cart.State.ORDERING)
    for change in (
        lambda: actions.add_item(cart, vps()),
        lambda: actions.remove_item(item),
        lambda: actions.set_quantity(item, 2),
        lambda: actions.add_coupon(cart, "WELCOME10"),
        lambda: actions.try_again(cart),
    ):
        with pytest.raises(CartClosed):
            change()
    assert Cart.objects.get().revision == 1


def test_a_number_is_changed_with_the_options_that_had_the_same(cart):
    item = actions.add_item(cart, vps(), [vps(plan_code="vps-backup"), vps(plan_code="disk", quantity=3)])
    CartItem.objects.filter(pk=item.pk).update(prices={"TOTAL": price("1")}, problem="old")
    actions.set_quantity(item, 2, was=1)
    item.refresh_from_db()
    assert (item.quantity, item.prices, item.problem) == (2, {}, "")
    assert dict(item.options.values_list("plan_code", "quantity")) == {"vps-backup": 2, "disk": 3}


def test_a_duration_is_changed_with_its_mode_and_price(cart):
    item = actions.add_item(cart, vps(), [vps(plan_code="vps-backup")])
    actions.change_item(item, duration="P1Y", pricing_mode="upfront12", prices={"PRICE": price("45.36")})
    item.refresh_from_db()
    assert (item.duration, item.pricing_mode) == ("P1Y", "upfront12")
    assert item.chosen_at_prices == {"PRICE": {"value": "45.36", "currency_code": "EUR"}}
    assert item.options.get().duration == "P1Y"


def test_a_stale_form_changes_nothing(cart):
    item = make_vps(cart, quantity=5)
    with pytest.raises(CartMoved):
        actions.set_quantity(item, 3, was=1)
    with pytest.raises(CartMoved):
        actions.set_duration(item, "P1Y", was="P2Y")
    item.refresh_from_db()
    assert item.quantity == 5
    CartItem.objects.all().delete()
    for change in (lambda: actions.set_quantity(item, 3), lambda: actions.remove_item(item)):
        with pytest.raises(CartMoved):
            change()
    assert Cart.objects.get().revision == 1


def test_no_change_is_no_revision(cart):
    actions.set_quantity(make_vps(cart), 1)
    assert Cart.objects.get().revision == 1


def test_what_was_removed_comes_back_as_it_was(cart):
    item = make_name(cart, without_zone=False, chosen_at_prices={"TOTAL": price("4.99")})
    option = CartItem.objects.create(cart=cart, parent=item, product="domain", plan_code="dnssec", duration="P1Y")
    CartItem.objects.create(
        cart=cart, product="dns", plan_code="zone", duration="P1Y", domain=item.domain, came_by_itself=True
    )
    Configuration.objects.create(item=item, label="OWNER_LEGAL_AGE", value="true", is_mirrored=True)
    Configuration.objects.create(item=item, label="AUTH_INFO", encrypted_value="sealed for this key")
    taken = actions.remove_item(item)
    assert not cart.items.exists()
    back = actions.put_back(cart, taken)
    assert (back.key, back.domain, back.chosen_at_prices) == (item.key, "montagne.fr", {"TOTAL": price("4.99")})
    assert back.options.get().key == option.key
    filled_in = dict(back.configurations.values_list("label", "encrypted_value"))
    assert filled_in == {"OWNER_LEGAL_AGE": "", "AUTH_INFO": "sealed for this key"}
    assert not back.configurations.filter(is_mirrored=True).exists()
    # A second click finds it there.
    assert actions.put_back(cart, taken).pk == back.pk


def test_an_option_comes_back_to_what_it_was_an_option_of(cart):
    item = actions.add_item(cart, vps(), [vps(plan_code="vps-os-debian", family="os")])
    taken = actions.remove_item(item.options.get())
    actions.put_back(cart, taken)
    assert [(one.plan_code, one.parent_id) for one in cart.items.exclude(pk=item.pk)] == [("vps-os-debian", item.pk)]
    # Chosen anew, it is there once; without what it belonged to it is nothing.
    taken = actions.remove_item(item.options.get())
    actions.add_option(item, vps(plan_code="vps-os-debian", family="os"))
    actions.put_back(cart, taken)
    assert item.options.count() == 1
    actions.remove_item(item)
    with pytest.raises(CartMoved):
        actions.put_back(cart, taken)
    assert not cart.items.exists()


def test_what_was_removed_comes_back_into_the_same_accounts_cart(cart, customer, customer_client):
    may_order(customer)
    other = make_nichandle("other9-ovh")
    hold(customer, other)
    item = make_name(cart)
    Configuration.objects.create(item=item, label="OWNER_CONTACT", value="/me/contact/1")
    own = {"account": customer.nichandle.nichandle}
    customer_client.post(f"/cart/{item.key}/", {"do": "remove"} | own)
    customer_client.post("/account/switch/", {"to": "other9-ovh"})
    assert b"was removed." not in customer_client.get("/cart/").content
    customer_client.post("/cart/undo/", {"account": "other9-ovh"})
    assert not CartItem.objects.exists()
    customer_client.post("/cart/undo/", own)
    assert CartItem.objects.get().cart == cart


def test_of_a_family_only_one_may_be_chosen_also_by_two_tabs(cart, customer_client):
    def sold(code: str) -> dict[str, Any]:
        prices = [{"pricing_mode": "default", "duration": "P1M", "price": price("1.00")}]
        return {"plan_code": code, "name": code, "family": "os", "exclusive": True, "mandatory": True, "prices": prices}

    options = [sold("vps-os-debian"), sold("vps-os-windows")]
    Plan.objects.create(
        subsidiary="FR", product="vps", plan_code="vps-1-2026", name="VPS-1", options=options, read_at=timezone.now()
    )
    item = actions.add_item(cart, vps())
    for code in ("vps-os-debian", "vps-os-windows"):
        customer_client.post(f"/cart/{item.key}/", {"do": "add", "plan_code": code})
    assert [one.plan_code for one in item.options.all()] == ["vps-os-debian"]


def test_the_zone_is_left_out_for_good(cart):
    item = make_name(cart)
    CartItem.objects.create(
        cart=cart, product="dns", plan_code="zone", duration="P1Y", domain=item.domain, came_by_itself=True
    )
    actions.leave_zone_out(item)
    assert [(one.domain, one.without_zone) for one in cart.items.all()] == [("montagne.fr", True)]


def test_coupons_are_tried_again_when_entered_again(cart):
    actions.add_coupon(cart, "WELCOME10")
    Cart.objects.update(coupons=[{"coupon": "WELCOME10", "problem": "not valid"}, {"coupon": "FIVE", "problem": ""}])
    actions.add_coupon(cart, "WELCOME10")
    assert Cart.objects.get().coupons == [
        {"coupon": "FIVE", "problem": ""},
        {"coupon": "WELCOME10", "problem": ""},
    ]
    actions.remove_coupon(cart, "FIVE")
    actions.remove_coupon(cart, "never there")
    assert [one["coupon"] for one in Cart.objects.get().coupons] == ["WELCOME10"]
    assert Cart.objects.get().revision == 4


def test_new_prices_are_taken_as_chosen(cart):
    item = make_vps(cart, chosen_at_prices={"PRICE": price("4.00")}, prices={"PRICE": price("4.20")})
    Cart.objects.update(expired_once=True)
    actions.accept_prices(cart)
    item.refresh_from_db()
    assert item.chosen_at_prices == item.prices
    cart.refresh_from_db()
    assert (cart.expired_once, cart.revision) == (False, 1)


# --- Sign-in ----------------------------------------------------------------------------------------------------------
def visitors_cart(*wanted: Wanted) -> Cart:
    cart = Cart.objects.create(visitor=uuid.uuid4(), subsidiary="DE", coupons=[{"coupon": "FIVE", "problem": ""}])
    for one in wanted:
        actions.add_item(cart, one, [vps(plan_code="option")] if one.product == "vps" else [])
    return cart


def test_a_visitors_cart_becomes_the_accounts(customer):
    theirs = visitors_cart(name(), vps())
    own = actions.adopt(customer.nichandle, theirs.visitor)
    assert (own.nichandle, own.visitor, own.subsidiary) == (customer.nichandle, None, "FR")
    assert own.items.count() == 3
    assert own.coupons == [{"coupon": "FIVE", "problem": ""}]
    assert own.next_mirror_at is not None
    assert Cart.objects.count() == 1
    # Its names are asked about anew, with the account's own key and price list.
    assert list(DomainCheck.objects.values_list("nichandle", "subsidiary", "domain")) == [
        (customer.nichandle.pk, "FR", "montagne.fr")
    ]


def test_a_visitors_cart_is_merged_and_nothing_is_lost(customer, cart):
    make_name(cart, "montagne.fr")
    make_vps(cart)
    Cart.objects.update(coupons=[{"coupon": "FIVE", "problem": "no"}, {"coupon": "OLD", "problem": ""}])
    theirs = visitors_cart(name("montagne.fr"), name("colline.fr"), vps())
    own = actions.adopt(customer.nichandle, theirs.visitor)
    assert own.pk == cart.pk
    assert sorted(own.items.exclude(domain="").values_list("domain", flat=True)) == ["colline.fr", "montagne.fr"]
    assert own.items.filter(product="vps", parent=None).count() == 2
    assert [one["coupon"] for one in own.coupons] == ["FIVE", "OLD"]
    assert actions.adopt(customer.nichandle, theirs.visitor) is None


def test_signing_in_brings_the_cart_along(customer):
    theirs = visitors_cart(name())
    client = Client()
    session: Any = client.session
    session[actions.VISITOR] = str(theirs.visitor)
    session.save()
    request = client.get("/cart/").wsgi_request
    assert actions.cart_of(request) == theirs
    client.force_login(customer)
    assert [one.domain for one in customer.nichandle.carts.get().items.all()] == ["montagne.fr"]
    # On another device it is there as well: it is the account's.
    elsewhere = Client()
    elsewhere.force_login(customer)
    assert "montagne.fr" in elsewhere.get("/cart/").content.decode()
    # And the browser it was chosen with has none of its own any more.
    client.logout()
    assert actions.cart_of(client.get("/cart/").wsgi_request) is None


@pytest.mark.django_db(transaction=True)
def test_two_tabs_make_one_cart():
    nichandle = make_customer().nichandle
    made, ready = [], threading.Barrier(4)

    def add(number: int) -> None:
        ready.wait()
        try:
            cart, _made = Cart.objects.get_or_create(
                nichandle=nichandle, state=Cart.State.OPEN, defaults={"subsidiary": "FR"}
            )
            made.append(actions.add_item(cart, name(f"name{number}.fr")).cart_id)
        finally:
            connection.close()

    threads = [threading.Thread(target=add, args=[number]) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    cart = Cart.objects.get()
    assert made == [cart.pk] * 4
    assert (cart.items.count(), cart.revision) == (4, 5)


@pytest.mark.django_db(transaction=True)
def test_what_was_chosen_before_sign_in_does_not_go_into_a_cart_that_is_being_ordered(customer):
    cart, visitor = make_cart(customer.nichandle), uuid.uuid4()
    make_name(Cart.objects.create(visitor=visitor, subsidiary="FR"))
    raised: list[BaseException] = []

    def sign_in() -> None:
        try:
            actions.adopt(customer.nichandle, visitor)
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    signing_in = threading.Thread(target=sign_in)
    with transaction.atomic():
        Cart.objects.select_for_update().get(pk=cart.pk)
        signing_in.start()
        # It has found the open cart by now, and waits for its row.
        wait_for_a_lock()
        Cart.objects.filter(pk=cart.pk).update(state=Cart.State.ORDERING)
    signing_in.join(10)
    assert raised == []
    assert not cart.items.exists()
    assert CartItem.objects.get().cart.state == Cart.State.OPEN


def wait_for_a_lock() -> None:
    for _attempt in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.05)
    raise AssertionError("nobody waits")


# --- Searching --------------------------------------------------------------------------------------------------------
def test_a_name_is_asked_about_once_and_kept_for_minutes(customer):
    now = timezone.now()
    first = actions.ask_about(customer.nichandle, "FR", ["one.fr", "two.fr", "one.fr"])
    assert [check.domain for check in first] == ["one.fr", "two.fr"]
    DomainCheck.objects.filter(domain="one.fr").update(
        state="answered", answered_at=now - timedelta(minutes=4), next_attempt_at=None, offers=[{"action": "create"}]
    )
    DomainCheck.objects.filter(domain="two.fr").update(
        state="answered", answered_at=now - timedelta(minutes=6), next_attempt_at=None
    )
    one, two = actions.ask_about(customer.nichandle, "FR", ["one.fr", "two.fr"])
    assert (one.state, one.next_attempt_at) == ("answered", None)
    assert two.state == "waiting"
    assert two.next_attempt_at is not None
    assert DomainCheck.objects.count() == 2


def test_a_name_that_was_given_up_is_asked_about_again(customer):
    actions.ask_about(customer.nichandle, "FR", ["one.fr"])
    DomainCheck.objects.update(state="failed", next_attempt_at=None, failures=3, message="no")
    (check,) = actions.ask_about(customer.nichandle, "FR", ["one.fr"])
    assert (check.state, check.message) == ("failed", "no")
    DomainCheck.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    (check,) = actions.ask_about(customer.nichandle, "FR", ["one.fr"])
    assert (check.state, check.failures, check.message) == ("waiting", 0, "")


def test_answers_are_each_accounts_own():
    one, other = make_nichandle(), make_nichandle()
    actions.ask_about(one, "FR", ["one.fr"])
    actions.ask_about(other, "FR", ["one.fr"])
    actions.ask_about(None, "FR", ["one.fr"])
    actions.ask_about(None, "FR", ["one.fr"])
    assert DomainCheck.objects.count() == 3


@pytest.mark.parametrize("count", [1, 40])
def test_a_search_costs_three_queries_however_many_names(customer, count, django_assert_num_queries):
    with django_assert_num_queries(5):  # a savepoint's two, made, renewed, read
        actions.ask_about(customer.nichandle, "FR", [f"name{number}.fr" for number in range(count)])
