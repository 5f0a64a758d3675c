"""OVHcloud's copy of a cart: made equal to our rows, whatever happens on the way."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.db import connection
from django.utils import timezone

from accounts import rotation
from accounts.models import Link, Nichandle
from accounts.ovh import SIGN_IN_RULES, gateway_for, gateway_with
from carts import actions, sync
from carts.models import Cart, CartItem, Configuration
from carts.prices import amount
from carts.sync import copies
from gateway import AccessRule
from tests.carts.shop import (
    DEBIAN,
    VPS,
    a_name,
    a_vps,
    calls,
    fill_in,
    let_order,
    mirror,
    open_cart,
    problems,
    quoted_cart,
    shopper,
)
from tests.processes.stack import until
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return shopper(ovh)


@pytest.fixture
def cart(anna: Nichandle) -> Cart:
    return open_cart(anna)


def due_again(cart: Cart) -> None:
    """As if pauses and leases had run out."""
    forget_trouble()
    past = timezone.now() - timedelta(seconds=1)
    Cart.objects.filter(pk=cart.pk).update(next_mirror_at=past)
    Cart.objects.filter(pk=cart.pk, lease__isnull=False).update(leased_until=past)


def at_ovh(ovh: Sandbox, anna: Nichandle, cart: Cart) -> list[dict[str, Any]]:
    """The items of OVHcloud's copy, as it has them."""
    cart.refresh_from_db()
    gateway = gateway_for(anna)
    found = []
    for number in gateway.cart_item_ids(cart.ovh_cart_id):
        item = gateway.cart_item(cart.ovh_cart_id, number)
        filled = [gateway.configuration(cart.ovh_cart_id, number, one) for one in item.configurations]
        found.append(
            {
                "plan": item.plan_code,
                "quantity": item.quantity,
                "duration": item.duration,
                "is_option": item.parent_item_id is not None,
                "filled_in": sorted((one.label, one.value) for one in filled),
            }
        )
    return found


# --- The guide's order ------------------------------------------------------------------------------------------------
def test_a_name_is_copied_in_the_guides_order_and_quoted(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    before = ovh.last_request()
    mirror(cart)
    assert calls(ovh, before) == [
        "POST /order/cart",
        "POST /order/cart/{}/domain",
        "GET /order/cart/{}/item",
        "GET /order/cart/{}/item/{}",
        "POST /order/cart/{}/assign",
        "GET /order/cart/{}/item/{}/requiredConfiguration",
        "GET /order/cart/{}/item/{}/requiredConfiguration",
        "POST /order/cart/{}/item/{}/configuration",
        "GET /order/cart/{}/checkout",
    ]
    assert cart.is_quoted
    assert cart.mirrored_revision == cart.revision
    assert (cart.next_mirror_at, cart.lease, cart.trouble) == (None, None, "")
    assert cart.quote["is_dry_run"]
    assert amount(cart.quote["prices"]["with_tax"]) == (Decimal("5.99"), "EUR")
    assert [len(one["sha256"]) for one in cart.quote["contracts"]] == [64, 64]
    item, zone = cart.items.all()
    assert (zone.came_by_itself, zone.domain, zone.product) == (True, "lavande.fr", "dns")
    assert {line["item"] for line in cart.quote["lines"]} == {str(item.key), str(zone.key)}
    assert amount(item.prices["TOTAL"])[0] == Decimal("4.99")
    assert item.requirements[0] == {
        "label": "OWNER_LEGAL_AGE",
        "type": "bool",
        "required": True,
        "fields": None,
        "allowed_values": ["true", "false"],
    }


def test_a_cart_that_did_not_change_is_left_alone(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    before = ovh.last_request()
    assert sync.mirror_due() == 0
    assert calls(ovh, before) == []
    assert cart.quote


def test_what_is_missing_is_not_tried(ovh: Sandbox, cart: Cart) -> None:
    a_name(cart)
    before = ovh.last_request()
    mirror(cart)
    assert "GET /order/cart/{}/checkout" not in calls(ovh, before)
    assert cart.is_quoted
    assert not cart.quote["is_dry_run"]
    assert cart.quote["contracts"] == []


def test_options_quantities_and_coupons(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    item = a_vps(cart)
    actions.add_coupon(cart, "WELCOME10")
    actions.add_coupon(cart, "NOTHING")
    mirror(cart)
    assert [(one["coupon"], bool(one["problem"])) for one in cart.coupons] == [("WELCOME10", False), ("NOTHING", True)]
    assert "not valid" in cart.coupons[1]["problem"]
    assert amount(cart.quote["prices"]["without_tax"])[0] == Decimal("3.78")
    assert [one["plan"] for one in at_ovh(ovh, anna, cart)] == ["vps-1-2026", "vps-os-debian"]
    actions.set_quantity(item, 3)
    actions.remove_coupon(cart, "WELCOME10")
    before = ovh.last_request()
    mirror(cart)
    assert [call for call in calls(ovh, before) if not call.startswith("GET")] == [
        "PUT /order/cart/{}/item/{}",
        "PUT /order/cart/{}/item/{}",
        "DELETE /order/cart/{}/coupon",
        "POST /order/cart/{}/coupon",
    ]
    assert amount(cart.quote["prices"]["without_tax"])[0] == Decimal("12.60")


def test_another_price_list_for_the_same_plan_is_another_item(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    item = a_vps(cart)
    mirror(cart)
    actions.change_item(item, duration="P1Y", pricing_mode="upfront12")
    mirror(cart)
    assert [(one["plan"], one["duration"]) for one in at_ovh(ovh, anna, cart)] == [
        ("vps-1-2026", "P1Y"),
        ("vps-os-debian", "P1Y"),
    ]
    assert at_ovh(ovh, anna, cart)[0]["filled_in"] == [("vps_datacenter", "GRA")]
    assert cart.quote["is_dry_run"]


def test_what_is_taken_out_is_taken_out_there(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    name, vps = a_name(cart), a_vps(cart)
    mirror(cart)
    actions.remove_item(name)
    mirror(cart)
    assert [one["plan"] for one in at_ovh(ovh, anna, cart)] == ["vps-1-2026", "vps-os-debian"]
    actions.remove_item(CartItem.objects.get(pk=vps.pk))
    mirror(cart)
    assert at_ovh(ovh, anna, cart) == []
    assert cart.quote is None


def test_zones_belong_to_their_names(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_name(cart, "lavande.fr")
    a_name(cart, "romarin.com")
    mirror(cart)
    zones = {zone.domain: zone.ovh_item_id for zone in cart.items.filter(came_by_itself=True)}
    names = {name.domain: name.ovh_item_id for name in cart.items.filter(product="domain")}
    assert names["lavande.fr"] < zones["lavande.fr"] < names["romarin.com"] < zones["romarin.com"]
    zone = cart.items.get(came_by_itself=True, domain="romarin.com")
    actions.add_option(zone, actions.Wanted("dns", "dns-anycast", "P1Y", family="anycast"))
    mirror(cart)
    assert [one["plan"] for one in at_ovh(ovh, anna, cart)] == ["fr", "zone", "com", "zone", "dns-anycast"]
    assert cart.items.filter(came_by_itself=True).count() == 2


def test_a_zone_that_is_not_wanted_does_not_come_back(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_name(cart)
    mirror(cart)
    zone = cart.items.get(came_by_itself=True)
    CartItem.objects.filter(cart=cart, product="domain").update(without_zone=True)
    actions.remove_item(zone)
    mirror(cart)
    assert [one["plan"] for one in at_ovh(ovh, anna, cart)] == ["fr"]
    assert cart.items.count() == 1


# --- What is filled in ------------------------------------------------------------------------------------------------
def test_another_value_takes_the_place_of_the_first(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    item = a_name(cart)
    fill_in(item, OWNER_LEGAL_AGE="true", DNS="a.example;b.example")
    mirror(cart)
    fill_in(item, DNS="c.example;d.example")
    mirror(cart)
    filled = [("DNS", "c.example;d.example"), ("OWNER_LEGAL_AGE", "true")]
    assert at_ovh(ovh, anna, cart)[0]["filled_in"] == filled
    fill_in(item, DNS="")
    mirror(cart)
    assert at_ovh(ovh, anna, cart)[0]["filled_in"] == filled[1:]
    assert not item.configurations.filter(label="DNS").exists()


def test_a_code_goes_to_ovhcloud_and_nowhere_else(ovh: Sandbox, anna: Nichandle, cart: Cart, caplog: Any) -> None:
    item = a_name(cart, "taken.fr", pricing_mode="transfer-default")
    fill_in(item, OWNER_LEGAL_AGE="true", AUTH_INFO="s3cr3t code")
    mirror(cart)
    assert ("AUTH_INFO", "s3cr3t code") in at_ovh(ovh, anna, cart)[0]["filled_in"]
    row = item.configurations.get(label="AUTH_INFO")
    assert "s3cr3t" not in f"{row.value}{row.encrypted_value}{cart.quote}{caplog.text}"
    assert cart.quote["is_dry_run"]


def test_a_code_in_ovhclouds_own_words_is_kept_nowhere(anna: Nichandle, cart: Cart) -> None:
    item = a_name(cart, "taken.fr", pricing_mode="transfer-default")
    # As if OVHcloud repeated the code: what it says has this very word in it.
    fill_in(item, OWNER_LEGAL_AGE="true", AUTH_INFO="an invalid value", TECH_ACCOUNT="nobody-ovh")
    mirror(cart)
    assert problems(cart) == {"TECH_ACCOUNT": "Custom field TECH_ACCOUNT has … for product taken.fr"}


def test_codes_are_encrypted_anew_with_the_keys(ovh: Sandbox, anna: Nichandle, cart: Cart, settings: Any) -> None:
    item = a_name(cart, "taken.fr", pricing_mode="transfer-default")
    fill_in(item, OWNER_LEGAL_AGE="true", AUTH_INFO="s3cr3t code")
    newer = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [newer, *settings.CREDENTIAL_KEYS]
    list(rotation.rotate())
    settings.CREDENTIAL_KEYS = [newer]
    mirror(cart)
    assert ("AUTH_INFO", "s3cr3t code") in at_ovh(ovh, anna, cart)[0]["filled_in"]


def test_a_code_that_opens_no_more_is_asked_for_again(cart: Cart) -> None:
    item = a_name(cart, "taken.fr", pricing_mode="transfer-default")
    fill_in(item, OWNER_LEGAL_AGE="true", AUTH_INFO="a code")
    Configuration.objects.filter(label="AUTH_INFO").update(encrypted_value="00000000:nothing")
    mirror(cart)
    assert not cart.quote["is_dry_run"]
    assert not item.configurations.filter(label="AUTH_INFO").exists()


# --- What the dry run refuses -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "filled", "label", "words"),
    [
        ("lavande.fr", {"DNS": "a.example; b.example"}, "DNS", "Custom field DNS has an invalid value"),
        ("lavande.fr", {"OWNER_LEGAL_AGE": "false"}, "OWNER_LEGAL_AGE", "must be accepted"),
        ("lavande.fr", {"COLOUR": "red"}, "COLOUR", "is not allowed"),
        ("lavande.fr", {"TECH_ACCOUNT": "nobody-ovh"}, "TECH_ACCOUNT", "has an invalid value"),
        ("lavande.fr", {"OWNER_CONTACT": "/me/contact/1"}, "OWNER_CONTACT", "has an invalid value"),
    ],
)
def test_a_refusal_stands_at_its_label(cart: Cart, name: str, filled: dict[str, str], label: str, words: str) -> None:
    fill_in(a_name(cart, name), **({"OWNER_LEGAL_AGE": "true"} | filled))
    mirror(cart)
    assert words in problems(cart)[label]
    assert list(problems(cart)) == [label]
    assert (cart.trouble, cart.message) == ("", "")
    assert not cart.quote["is_dry_run"]


def test_a_label_that_nobody_announced_gets_a_place(cart: Cart) -> None:
    item = a_vps(cart)
    item.configurations.all().delete()
    item.requirements = []
    item.save()
    mirror(cart)
    assert problems(cart) == {"vps_datacenter": "in customFields there must be a field with name 'vps_datacenter'"}
    # An unrelated change does not hide it.
    actions.add_coupon(cart, "FIVE")
    mirror(cart)
    assert problems(cart)
    fill_in(item, vps_datacenter="GRA")
    mirror(cart)
    assert problems(cart) == {}
    assert cart.quote["is_dry_run"]


def test_a_refusal_about_an_item_stands_at_it(cart: Cart) -> None:
    vps = actions.add_item(cart, VPS)
    fill_in(vps, vps_datacenter="GRA")
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    mirror(cart)
    vps.refresh_from_db()
    assert vps.problem == "An option of family os is mandatory for product vps-1-2026"
    actions.add_option(vps, DEBIAN)
    mirror(cart)
    vps.refresh_from_db()
    assert (vps.problem, cart.quote["is_dry_run"]) == ("", True)


def test_a_refusal_about_nothing_we_know_stands_at_the_cart(cart: Cart) -> None:
    fill_in(a_name(cart, "lavande.berlin"), OWNER_LEGAL_AGE="true")
    mirror(cart)
    assert cart.trouble == Cart.Trouble.REFUSED
    assert "Berlin" in cart.message


def test_an_item_that_cannot_be_had_any_more(cart: Cart) -> None:
    gone = a_name(cart, "unavailable.fr")
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    mirror(cart)
    gone.refresh_from_db()
    assert gone.problem == "The domain unavailable.fr cannot be ordered"
    assert cart.quote is None
    assert (cart.trouble, cart.next_mirror_at) == ("", None)
    actions.remove_item(gone)
    mirror(cart)
    assert cart.quote["is_dry_run"]


def test_what_stands_there_twice_is_filled_in_once(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    item = cart.items.get(product="domain")
    assert item.ovh_item_id
    gateway_for(anna).configure(cart.ovh_cart_id, item.ovh_item_id, "OWNER_LEGAL_AGE", "false")
    actions.add_coupon(cart, "FIVE")
    mirror(cart)
    assert at_ovh(ovh, anna, cart)[0]["filled_in"] == [("OWNER_LEGAL_AGE", "true")]
    assert cart.quote["is_dry_run"]


# --- Trouble on the way -----------------------------------------------------------------------------------------------
CARTS = "/order/cart"
WRITES = [CARTS, *(f"{CARTS}/*/{part}" for part in ("domain", "vps", "vps/options", "assign", "coupon"))]
WRITES += [f"{CARTS}/*/item/*/configuration"]


@pytest.mark.rows(5)
@pytest.mark.parametrize("kind", ["accept_then_reset", "status"])
@pytest.mark.parametrize("path", WRITES)
def test_whatever_answer_is_lost_the_copy_is_right_in_the_end(
    ovh: Sandbox, anna: Nichandle, cart: Cart, path: str, kind: str
) -> None:
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    a_vps(cart)
    actions.add_coupon(cart, "FIVE")
    ovh.arm(kind, method="POST", path=path, count=1, status=503)
    mirror(cart)
    assert cart.trouble == Cart.Trouble.AWAY
    assert cart.next_mirror_at is not None
    due_again(cart)
    mirror(cart)
    assert (cart.trouble, cart.failures) == ("", 0)
    assert cart.quote["is_dry_run"]
    assert [(one["plan"], one["filled_in"]) for one in at_ovh(ovh, anna, cart)] in (
        [("fr", [("OWNER_LEGAL_AGE", "true")]), ("zone", []), ("vps-1-2026", [("vps_datacenter", "GRA")]), OS],
        [("vps-1-2026", [("vps_datacenter", "GRA")]), OS, ("fr", [("OWNER_LEGAL_AGE", "true")]), ("zone", [])],
    )


OS = ("vps-os-debian", [])


def test_an_item_added_by_a_worker_that_died_is_not_added_twice(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_vps(cart)
    mirror(cart)
    # Its number was never written down, and the lease is still its.
    CartItem.objects.filter(cart=cart).update(ovh_item_id=None, prices={})
    Configuration.objects.update(is_mirrored=False, ovh_configuration_id=None)
    Cart.objects.filter(pk=cart.pk).update(lease=cart.items.get(parent=None).key)
    due_again(cart)
    mirror(cart)
    assert [one["plan"] for one in at_ovh(ovh, anna, cart)] == ["vps-1-2026", "vps-os-debian"]
    assert at_ovh(ovh, anna, cart)[0]["filled_in"] == [("vps_datacenter", "GRA")]


def test_offers_and_sums_that_fail_now_and_then_are_read_again(ovh: Sandbox, cart: Cart) -> None:
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    ovh.arm("status", method="GET", path="/order/cart/*", status=500, count=2)
    mirror(cart)
    assert cart.quote["is_dry_run"]


def test_a_copy_that_is_gone_is_made_again_and_prices_can_be_compared(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    first = cart.ovh_cart_id
    item = cart.items.get(product="domain")
    item.chosen_at_prices = {"TOTAL": {"value": "1.00", "currency_code": "EUR"}}
    item.save()
    ovh.clock(2 * 86_400)
    Cart.objects.filter(pk=cart.pk).update(expires_at=timezone.now() + timedelta(days=1))
    actions.try_again(cart)
    mirror(cart)
    assert cart.ovh_cart_id != first
    assert cart.expired_once
    assert cart.quote["is_dry_run"]
    item.refresh_from_db()
    assert amount(item.chosen_at_prices["TOTAL"])[0] == Decimal(1)
    assert amount(item.prices["TOTAL"])[0] == Decimal("4.99")
    assert cart.items.count() == 2


def test_a_copy_past_its_time_is_not_asked_about(ovh: Sandbox, anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    Cart.objects.filter(pk=cart.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    actions.try_again(cart)
    before = ovh.last_request()
    mirror(cart)
    assert calls(ovh, before)[0] == "POST /order/cart"
    assert cart.expired_once


def test_without_a_key_or_the_rights_the_cart_says_so(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_name(cart)
    Link.objects.update(rules=[])
    mirror(cart)
    assert (cart.trouble, cart.next_mirror_at) == (Cart.Trouble.RIGHTS, None)
    Link.objects.update(state=Link.State.REVOKED)
    actions.try_again(cart)
    mirror(cart)
    assert (cart.trouble, cart.next_mirror_at) == (Cart.Trouble.KEY, None)
    Link.objects.update(state=Link.State.VALID)
    let_order(anna)
    sync.key_granted(anna)
    # Whoever comes back from allowing it is not asked for it once more.
    cart.refresh_from_db()
    assert cart.trouble == ""
    mirror(cart)
    assert (cart.trouble, cart.is_quoted) == ("", True)


def keep_a_narrow_key(ovh: Sandbox, *more: AccessRule) -> None:
    """One that may read only, and what is named, whatever our row says of it."""
    request = gateway_with("").request_credential((*SIGN_IN_RULES, *more), "http://localhost/")
    ovh.validate(request.validation_url)
    link = Link.objects.get()
    link.keep_key(request.consumer_key)
    link.save()


@pytest.mark.django_db(transaction=True)
def test_a_key_that_comes_while_a_turn_still_has_the_old_one(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_name(cart)
    keep_a_narrow_key(ovh, AccessRule("POST", "/order/cart"))
    ovh.arm("latency", method="POST", path="/order/cart", ms=1500)

    def turn() -> None:
        sync.mirror_due()
        connection.close()

    worker = threading.Thread(target=turn)
    worker.start()
    until(lambda: Cart.objects.filter(pk=cart.pk, lease__isnull=False).exists(), 5, "a worker has the cart")
    link = Link.objects.get()
    link.keep_key(ovh.anna["consumer_key"])
    link.save()
    sync.key_granted(anna)
    worker.join()
    cart.refresh_from_db()
    assert (cart.trouble, cart.is_quoted) == ("", True)


def test_rights_that_ovhcloud_does_not_grant_after_all(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    a_name(cart)
    keep_a_narrow_key(ovh)
    mirror(cart)
    assert (cart.trouble, cart.next_mirror_at) == (Cart.Trouble.RIGHTS, None)


def test_while_ovhcloud_is_away_nothing_is_lost(ovh: Sandbox, cart: Cart) -> None:
    a_name(cart)
    ovh.arm("reset", path="/order/cart*")
    mirror(cart)
    assert cart.trouble == Cart.Trouble.AWAY
    assert cart.items.count() == 1
    first = cart.next_mirror_at
    due_again(cart)
    mirror(cart)
    assert cart.failures == 2
    assert first
    ovh.disarm()
    due_again(cart)
    mirror(cart)
    assert (cart.trouble, cart.failures, cart.is_quoted) == ("", 0, True)


def test_too_many_calls_is_no_trouble(ovh: Sandbox, cart: Cart) -> None:
    a_name(cart)
    ovh.arm("status", method="POST", path="/order/cart/*/domain", status=429, count=1, retry_after="7")
    mirror(cart)
    assert (cart.trouble, cart.failures) == ("", 0)
    assert cart.next_mirror_at
    assert cart.next_mirror_at > timezone.now() + timedelta(seconds=5)


# --- Changed meanwhile ------------------------------------------------------------------------------------------------
def test_a_change_in_the_middle_is_the_next_turns(ovh: Sandbox, anna: Nichandle, cart: Cart) -> None:
    """What was copied is of an older revision, so it is not shown as this one's."""
    fill_in(a_name(cart), OWNER_LEGAL_AGE="true")
    found = sync.mirror._claim()
    assert found
    actions.add_coupon(cart, "FIVE")
    sync.mirror._mirror(*found)
    cart.refresh_from_db()
    assert cart.next_mirror_at is not None
    assert not cart.is_quoted
    mirror(cart)
    assert cart.is_quoted
    assert amount(cart.quote["prices"]["reduction"])[0] == Decimal("5")


def test_a_cart_that_is_being_ordered_is_nobodys_to_change(anna: Nichandle) -> None:
    cart = quoted_cart(anna)
    actions.try_again(cart)
    found = sync.mirror._claim()
    assert found
    Cart.objects.filter(pk=cart.pk).update(state=Cart.State.ORDERING)
    ours = cart.ovh_cart_id
    with pytest.raises(copies.LeaseLost):
        copies.forget(found[0])
    sync.mirror._mirror(*found)
    cart.refresh_from_db()
    assert (cart.ovh_cart_id, cart.state) == (ours, Cart.State.ORDERING)
    assert sync.mirror_due() == 0


def test_an_empty_cart_is_not_made_at_ovhcloud(ovh: Sandbox, cart: Cart) -> None:
    actions.add_coupon(cart, "FIVE")
    before = ovh.last_request()
    mirror(cart)
    assert calls(ovh, before) == []
    assert (cart.next_mirror_at, cart.quote) == (None, None)


def test_a_turn_with_nothing_due_costs_three_queries(
    cart: Cart, django_assert_num_queries: Callable[[int], Any]
) -> None:
    # What was ordered, what staff closed, what is due; and the two of a transaction within the test's own.
    with django_assert_num_queries(5):
        assert sync.mirror_due() == 0
