"""Each answer of OVHcloud, and each silence, to the one call that makes an order, and how many orders it comes to."""

import os
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Link, Nichandle
from accounts.ovh import gateway_for
from accounts.signals import forgetting
from carts import actions, sync
from carts.checkout.kind import CheckoutKind
from carts.models import Cart, CartItem, Checkout
from carts.prices import amount
from orders import relay
from orders import sync as orders_sync
from orders.models import Intent, Order
from tests.carts.shop import (
    a_name,
    calls,
    checkouts,
    fill_in,
    known_shopper,
    mirror,
    open_cart,
    order,
    orders_of,
    quoted_cart,
)
from tests.orders.test_relay import pass_time
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db

State = Intent.State
PATH = "/order/cart/*/checkout"


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return known_shopper(ovh)


@pytest.fixture
def checkout(anna: Nichandle) -> Checkout:
    return order(quoted_cart(anna))


def carry(checkout: Checkout, times: int = 1, **span: float) -> Checkout:
    """So much time goes by and a worker has its turn, so many times."""
    for _ in range(times):
        if span:
            pass_time(**span)
        relay.relay_due()
    return look_at(checkout)


def look_at(checkout: Checkout) -> Checkout:
    """The rows as they stand."""
    return Checkout.objects.select_related("cart", "intent", "order").get(pk=checkout.pk)


# --- All well ---------------------------------------------------------------------------------------------------------
def test_a_cart_is_ordered_and_its_order_is_found_at_once(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    before = ovh.last_request()
    found = carry(checkout)
    assert calls(ovh, before) == ["GET /order/cart/{}/checkout", "POST /order/cart/{}/checkout"]
    assert (found.intent.state, found.cart.state) == (State.ACCEPTED, Cart.State.ORDERED)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]
    assert found.answered is None
    orders_sync.find_orders()
    assert anna.orders.filter(order_id=found.ovh_order_id).exists()
    # Its checkout gets it in the transaction that wrote it down.
    found = look_at(found)
    assert found.order
    assert found.order.order_id == found.ovh_order_id
    assert found.next_look_at is None
    # It is over, and the next cart is another.
    assert carry(found, times=3, hours=1).intent.state == State.ACCEPTED
    assert checkouts(ovh, found.cart) == 1
    assert open_cart(anna).pk != found.cart.pk


def test_from_a_search_to_an_order_in_the_guides_sequence(ovh: Sandbox, anna: Nichandle) -> None:
    before = ovh.last_request()
    actions.ask_about(anna, "FR", ["lavande.fr"])
    sync.ask_domains_due()
    found = carry(order(quoted_cart(anna)))
    made = calls(ovh, before)
    guide = [
        "POST /order/cart",
        "GET /order/cart/{}/domain",
        "POST /order/cart/{}/domain",
        "POST /order/cart/{}/assign",
        "GET /order/cart/{}/item/{}/requiredConfiguration",
        "POST /order/cart/{}/item/{}/configuration",
        "GET /order/cart/{}/checkout",
        "POST /order/cart/{}/checkout",
    ]
    assert [call for call in dict.fromkeys(made) if call in guide] == guide
    assert [call for call in made if call.startswith("POST")] == [call for call in guide if call.startswith("POST")]
    # Two dry runs: what the page showed, and that it still is so.
    assert len(made) == 14
    assert found.ovh_order_id


def test_an_order_that_is_not_listed_yet_is_looked_for_again(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    carry(checkout)
    for _ in range(2):
        Checkout.objects.update(next_look_at=timezone.now())
        anna.order_import.next_find_at = timezone.now() + timedelta(hours=1)
        anna.order_import.save()
        sync.mirror_due()
        anna.order_import.refresh_from_db()
        assert anna.order_import.next_find_at <= timezone.now()
        found = look_at(checkout)
        assert found.next_look_at
        assert found.next_look_at > timezone.now() + timedelta(seconds=5)


def test_what_was_waived_and_chosen_goes_along(ovh: Sandbox, anna: Nichandle) -> None:
    checkout = order(quoted_cart(anna), waived=True, pay_at_once=True)
    found = carry(checkout)
    assert found.ovh_order_id
    assert "paid" in " ".join(ovh.events(found.ovh_order_id))


# --- Refused ----------------------------------------------------------------------------------------------------------
def test_refused_nothing_is_lost_and_it_can_be_ordered_again(ovh: Sandbox, anna: Nichandle) -> None:
    checkout = order(quoted_cart(anna), waived=False)
    found = carry(checkout)
    assert (found.intent.state, found.cart.state, found.ended) == (State.REFUSED, Cart.State.OPEN, True)
    assert "waiveRetractationPeriod" in found.cart.message
    assert found.cart.trouble == Cart.Trouble.REFUSED
    assert found.cart.items.count() == 2
    cart = mirror(found.cart)
    assert (cart.trouble, cart.quote["is_dry_run"], cart.checkout) == ("", True, None)
    again = carry(order(cart))
    assert again.intent.state == State.ACCEPTED
    assert orders_of(ovh, cart) == [again.ovh_order_id]


@pytest.mark.parametrize("at", ["the dry run", "the call"])
def test_a_code_in_the_words_of_a_refusal_is_kept_nowhere(ovh: Sandbox, anna: Nichandle, at: str) -> None:
    cart = open_cart(anna)
    item = a_name(cart, "taken.fr", pricing_mode="transfer-default")
    code = "invalid value" if at == "the dry run" else "must be true"
    fill_in(item, OWNER_LEGAL_AGE="true", AUTH_INFO=code)
    mirror(cart)
    assert cart.quote["is_dry_run"]
    if at == "the dry run":
        # Somebody changed the copy elsewhere; the words of OVHcloud's no have the code in them.
        gateway = gateway_for(anna, ordering=True)
        item.refresh_from_db()
        assert item.ovh_item_id
        gateway.configure(cart.ovh_cart_id, item.ovh_item_id, "TECH_ACCOUNT", "nobody-ovh")
    found = carry(order(cart, waived=False))
    assert orders_of(ovh, cart) == []
    assert "…" in found.intent.message
    assert code not in f"{found.intent.message}{found.cart.message}"


def test_refused_with_another_cart_begun_meanwhile(ovh: Sandbox, anna: Nichandle) -> None:
    checkout = order(quoted_cart(anna), waived=False)
    newer = open_cart(anna)
    a_name(newer, "romarin.com")
    a_name(newer, "lavande.fr")
    actions.add_coupon(newer, "FIVE")
    mirror(newer)
    found = carry(checkout)
    assert found.cart.state == Cart.State.OPEN
    assert Cart.objects.get(pk=newer.pk).state == Cart.State.LEFT
    cart = mirror(found.cart)
    names = cart.items.filter(product="domain").values_list("domain", flat=True)
    assert sorted(names) == ["lavande.fr", "romarin.com"]
    assert [one["coupon"] for one in cart.coupons] == ["FIVE"]
    assert cart.items.filter(came_by_itself=True).count() == 2
    assert not cart.items.filter(ovh_item_id=None).exists()


def test_a_price_that_changed_since_is_not_ordered(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    cart.quote["prices"]["with_tax"]["value"] = "5.98"
    cart.save()
    found = carry(order(cart))
    assert (found.intent.state, found.intent.why, found.cart.state) == (State.NEEDLESS, "prices", Cart.State.OPEN)
    assert checkouts(ovh, cart) == 0
    assert mirror(found.cart).quote["prices"]["with_tax"]["value"] == "5.99"


def test_where_the_price_cannot_be_asked_for_nothing_is_ordered(ovh: Sandbox, anna: Nichandle) -> None:
    """The call itself might be taken, at a price that nobody saw."""
    cart = quoted_cart(anna)
    cart.quote["prices"]["with_tax"]["value"] = "5.98"
    cart.save()
    ovh.arm("status", method="GET", path=PATH, status=400, count=1)
    found = carry(order(cart))
    assert orders_of(ovh, cart) == []
    assert (found.intent.state, found.intent.why, found.cart.state) == (State.NEEDLESS, "refused", Cart.State.OPEN)
    assert (found.cart.trouble, found.cart.message) == (Cart.Trouble.REFUSED, found.intent.message)
    assert found.intent.message
    assert mirror(found.cart).quote["prices"]["with_tax"]["value"] == "5.99"


def test_a_copy_that_is_gone_is_not_ordered(ovh: Sandbox, checkout: Checkout) -> None:
    ovh.clock(3 * 86_400)
    found = carry(checkout)
    assert (found.intent.state, found.intent.why, found.cart.state) == (State.NEEDLESS, "copy", Cart.State.OPEN)
    first = found.cart.ovh_cart_id
    cart = mirror(found.cart)
    assert cart.ovh_cart_id != first
    assert cart.expired_once


def test_a_copy_of_something_else_is_not_ordered(ovh: Sandbox, checkout: Checkout) -> None:
    Cart.objects.update(revision=9)
    found = carry(checkout)
    assert (found.intent.state, found.intent.why) == (State.NEEDLESS, "copy")
    assert checkouts(ovh, found.cart) == 0


# --- Without an answer ------------------------------------------------------------------------------------------------
# OVHcloud made the order before its answer was lost.
TAKEN = ("accept_then_reset", "truncated", "latency")
FAULTS: list[dict[str, Any]] = [
    {"kind": "accept_then_reset"},
    {"kind": "truncated"},
    {"kind": "reset"},
    {"kind": "html"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 408},
    # Longer than anybody waits: ten seconds each time, so not every day.
    *([{"kind": "latency", "ms": 11_000}] if os.environ.get("PROVE") == "1" else []),
]


@pytest.mark.rows(4)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip())
def test_whatever_answer_is_lost_there_is_one_order(ovh: Sandbox, checkout: Checkout, fault: dict[str, Any]) -> None:
    # Were it repeated blindly, there would be two.
    ovh.settings(checkout_repeats=True)
    ovh.arm(method="POST", path=PATH, count=1, **fault)
    found = carry(checkout)
    if fault["kind"] != "latency":
        # After ten seconds of silence the first look is due already.
        assert (found.intent.state, found.cart.state) == (State.DOUBTFUL, Cart.State.ORDERING)
    found = carry(checkout, times=4, seconds=61)
    assert (found.intent.state, found.cart.state) == (State.ACCEPTED, Cart.State.ORDERED)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]
    assert checkouts(ovh, found.cart) == (1 if fault["kind"] in TAKEN else 2)


@pytest.mark.parametrize("fault", [{"kind": "status", "status": 429, "retry_after": "1"}])
def test_what_was_turned_away_at_the_door_is_sent_later(ovh: Sandbox, checkout: Checkout, fault: Any) -> None:
    ovh.arm(method="POST", path=PATH, count=1, **fault)
    assert carry(checkout).intent.state == State.WAITING
    found = carry(checkout, times=2, seconds=120)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


@pytest.mark.rows(2)
@pytest.mark.parametrize("path", ["/order/cart/*", "/me/order", "/me/order/*"])
@pytest.mark.parametrize("kind", ["reset", "html"])
def test_a_look_that_fails_is_no_answer(ovh: Sandbox, checkout: Checkout, path: str, kind: str) -> None:
    ovh.settings(checkout_repeats=True)
    ovh.arm("accept_then_reset", method="POST", path=PATH, count=1)
    carry(checkout)
    fault = ovh.arm(kind, method="GET", path=path)
    assert fault
    assert carry(checkout, times=2, seconds=61).intent.state == State.DOUBTFUL
    ovh.disarm()
    found = carry(checkout, times=3, seconds=121)
    assert (found.intent.state, checkouts(ovh, found.cart)) == (State.ACCEPTED, 1)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


def test_the_dry_run_before_it_fails(ovh: Sandbox, checkout: Checkout) -> None:
    ovh.arm("status", method="GET", path=PATH, status=500, count=3)
    found = carry(checkout)
    assert (found.intent.state, found.intent.attempts, checkouts(ovh, found.cart)) == (State.WAITING, 0, 0)
    found = carry(checkout, times=2, seconds=121)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


def test_without_its_key_it_waits_for_one(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    Link.objects.update(state=Link.State.REVOKED)
    found = carry(checkout)
    assert (found.intent.state, found.intent.why, found.cart.state) == (State.HELD, "key", Cart.State.ORDERING)
    Link.objects.update(state=Link.State.VALID)
    relay.release_waiting_for_key(anna)
    found = carry(checkout)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


# --- Which order it was -----------------------------------------------------------------------------------------------
def doubtful(ovh: Sandbox, checkout: Checkout) -> Checkout:
    ovh.arm("accept_then_reset", method="POST", path=PATH, count=1)
    return carry(checkout)


def test_orders_that_were_known_before_are_not_it(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    first = carry(order(cart))
    second_cart = quoted_cart(anna)
    second = carry(doubtful(ovh, order(second_cart)), times=2, seconds=61)
    assert second.intent.state == State.ACCEPTED
    assert orders_of(ovh, second_cart) == [second.ovh_order_id]
    assert second.ovh_order_id != first.ovh_order_id


@pytest.mark.parametrize("afterwards", [-7200, 0])
def test_an_order_dated_by_a_clock_behind_ours_is_recognised(ovh: Sandbox, checkout: Checkout, afterwards: int) -> None:
    """Two hours behind all the time; or 400 s, and right again when it is looked for."""
    ovh.clock(afterwards or -400)
    doubtful(ovh, checkout)
    if not afterwards:
        ovh.clock(0)
    found = carry(checkout, times=3, seconds=61)
    assert found.intent.state == State.ACCEPTED
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


def test_orders_of_another_amount_or_other_lines_are_not_it(ovh: Sandbox, checkout: Checkout) -> None:
    doubtful(ovh, checkout)
    ovh.make_order(ovh.anna, price="7.00", products=["lavande.fr"], status="notPaid")
    # And one of the same amount with other lines.
    ovh.make_order(ovh.anna, price="5.99", products=["romarin.fr", "thym.fr"], status="notPaid")
    found = carry(checkout, seconds=61)
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


def test_two_that_could_be_it_are_for_a_person(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    doubtful(ovh, checkout)
    # The same cart once more, by other hands.
    ovh.settings(checkout_repeats=True)
    gateway_for(anna).check_out(checkout.cart.ovh_cart_id, pay_at_once=False, waive_withdrawal=True)
    ovh.settings(checkout_repeats=False)
    found = carry(checkout, seconds=61)
    assert (found.intent.state, found.intent.why, found.cart.state) == (State.DEAD, "unclear", Cart.State.ORDERING)
    for number in orders_of(ovh, checkout.cart):
        assert str(number) in found.intent.message
    assert "5.99 EUR" in found.intent.message
    assert carry(checkout, times=3, hours=1).intent.state == State.DEAD
    assert checkouts(ovh, checkout.cart) == 2


def test_none_that_could_be_it_is_for_a_person_too(ovh: Sandbox, checkout: Checkout) -> None:
    doubtful(ovh, checkout)
    # It lapsed before anybody looked.
    (number,) = orders_of(ovh, checkout.cart)
    Order.objects.create(
        nichandle=checkout.nichandle,
        order_id=number,
        date=timezone.now(),
        price_with_tax=1,
        price_without_tax=1,
        tax=0,
        currency_code="EUR",
    )
    Order.objects.update(created_at=timezone.now() - timedelta(hours=1))
    # At first it may only not be listed yet.
    found = carry(checkout, seconds=6)
    assert found.intent.state == State.DOUBTFUL
    found = carry(checkout, times=2, seconds=61)
    assert (found.intent.state, found.intent.why) == (State.DEAD, "unclear")
    assert "no new order is like it" in found.intent.message


def test_a_cart_that_is_gone_is_looked_for_among_orders(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    doubtful(ovh, checkout)
    gateway_for(anna).delete_cart(checkout.cart.ovh_cart_id)
    found = carry(checkout, seconds=61)
    assert found.intent.state == State.ACCEPTED
    assert orders_of(ovh, found.cart) == [found.ovh_order_id]


def test_staff_close_it_and_the_cart_is_open_again(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    doubtful(ovh, checkout)
    Order.objects.all().delete()
    Intent.objects.update(state=State.DEAD, why="unclear", next_attempt_at=None)
    relay.close(checkout.intent.pk, "It did not happen.")
    sync.mirror_due()
    found = look_at(checkout)
    assert (found.cart.state, found.ended) == (Cart.State.OPEN, True)
    assert found.cart.items.count() == 2
    # The old copy was ordered, so there is another.
    assert found.cart.ovh_cart_id != checkout.cart.ovh_cart_id


def test_what_ovhcloud_ordered_otherwise_is_noted(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    checkout = order(cart)
    checkout.quote["prices"]["with_tax"]["value"] = "1.00"
    checkout.save()
    outcome = CheckoutKind().send(gateway_for(anna), checkout.intent)
    assert amount(outcome["answered"]["prices"]["with_tax"])[0] > 5
    CheckoutKind().accepted(checkout.intent, outcome)
    assert look_at(checkout).answered == outcome["answered"]


def test_whoever_is_forgotten_leaves_no_cart(ovh: Sandbox, anna: Nichandle, checkout: Checkout) -> None:
    found = carry(checkout)
    orders_sync.find_orders()
    Checkout.objects.update(next_look_at=timezone.now())
    sync.mirror_due()
    assert look_at(found).order
    forgetting.send(sender=Nichandle, nichandle=anna)
    assert not Checkout.objects.exists()
    assert not Cart.objects.exists()
    assert not CartItem.objects.exists()
    assert not anna.orders.exists()
