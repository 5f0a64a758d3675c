"""Names that somebody looks up: one call and one row each, answered one by one."""

import threading
import time
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import Link, Nichandle
from carts import actions, sync
from carts.models import Cart, DomainCheck, SearchCart
from carts.prices import amount
from carts.retention import let_carts_go
from tests.carts.shop import calls, let_order, open_cart, shopper
from tests.orders.test_relay_races import at_once
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db

State = DomainCheck.State
TWELVE = [f"lavande.{one}" for one in "fr com net org eu bzh blog shop berlin paris de uk".split()]


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    return shopper(ovh)


def ask(nichandle: Nichandle | None, *names: str, subsidiary: str = "FR") -> dict[str, DomainCheck]:
    """Look these up, as often as they are due."""
    actions.ask_about(nichandle, subsidiary, names)
    sync.ask_domains_due()
    return told(*names)


def told(*names: str) -> dict[str, DomainCheck]:
    return {check.domain: check for check in DomainCheck.objects.filter(domain__in=names)}


def due_again() -> None:
    forget_trouble()
    past = timezone.now() - timedelta(seconds=1)
    DomainCheck.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=past, leased_until=None)


def test_a_free_name_with_its_price(ovh: Sandbox, anna: Nichandle) -> None:
    before = ovh.last_request()
    check = ask(anna, "lavande.fr")["lavande.fr"]
    assert calls(ovh, before) == ["POST /order/cart", "GET /order/cart/{}/domain"]
    assert (check.state, check.next_attempt_at, check.leased_until) == (State.ANSWERED, None, None)
    (offer,) = check.offers
    assert amount(offer["prices"].pop("TOTAL")) == (Decimal("4.99"), "EUR")
    assert set(offer.pop("prices")) == {"PRICE", "RENEW", "FEE", "DISCOUNT"}
    assert offer == {
        "action": "create",
        "pricing_mode": "create-default",
        "offer_id": "fr-create",
        "orderable": True,
        "phase": "ga",
        "durations": ["P1Y"],
        "recommended_duration": "P1Y",
        "delivery_time": "",
        "is_transfer_locked": None,
        "nameservers": None,
        "quantity_max": 1,
    }
    # The cart it was looked up in is the account's own.
    assert open_cart(anna).ovh_cart_id


def test_twelve_extensions_are_twelve_calls_in_one_cart(ovh: Sandbox, anna: Nichandle) -> None:
    before = ovh.last_request()
    found = ask(anna, *TWELVE)
    assert {check.state for check in found.values()} == {State.ANSWERED}
    assert sorted(calls(ovh, before)) == sorted(["POST /order/cart", *["GET /order/cart/{}/domain"] * 12])
    before = ovh.last_request()
    ask(anna, *TWELVE)
    assert calls(ovh, before) == []


def test_all_ways_to_have_a_name(anna: Nichandle) -> None:
    found = ask(anna, "several.com", "locked.com", "lavande.nowhere")
    modes = [offer["pricing_mode"] for offer in found["several.com"].offers]
    assert modes == ["transfer-default", "transfer-aftermarket1", "transfer-aftermarket2"]
    assert found["locked.com"].offers[0]["is_transfer_locked"]
    assert found["lavande.nowhere"].offers == []
    assert found["lavande.nowhere"].state == State.ANSWERED


@pytest.mark.django_db(transaction=True)
def test_a_slow_one_holds_nobody(ovh: Sandbox, anna: Nichandle) -> None:
    """Each is written as it is answered, while the turn still waits for the slow one."""
    open_cart(anna)
    ask(anna, "erste.fr")
    actions.ask_about(anna, "FR", TWELVE)
    ovh.arm("latency", method="GET", path="/order/cart/*/domain", ms=4000, count=1)
    began = time.monotonic()

    def turn() -> None:
        sync.ask_domains_due()
        connection.close()

    worker = threading.Thread(target=turn)
    worker.start()
    answered = DomainCheck.objects.filter(domain__in=TWELVE, state=State.ANSWERED)
    while answered.count() < 11 and time.monotonic() - began < 10:
        time.sleep(0.05)
    took = time.monotonic() - began
    assert answered.count() == 11
    assert took < 4
    worker.join()
    assert answered.count() == 12


@pytest.mark.django_db(transaction=True)
def test_the_page_is_there_at_once_and_its_first_answer_within_one_call_and_a_second(
    ovh: Sandbox, anna: Nichandle
) -> None:
    """Twelve extensions, each of which OVHcloud takes a second to look up."""
    open_cart(anna)
    ask(anna, "erste.fr")
    ovh.arm("latency", method="GET", path="/order/cart/*/domain*", ms=1000)
    client = Client()
    client.force_login(anna.user)
    client.get("/domains/?q=erste.fr")
    ask(anna)
    before, began = ovh.last_request(), time.monotonic()
    page = client.get("/domains/?q=lavande").content.decode()
    assert time.monotonic() - began < 1
    assert page.count('data-state="waiting"') == 12
    assert calls(ovh, before) == []

    def turn() -> None:
        sync.ask_domains_due()
        connection.close()

    worker = threading.Thread(target=turn)
    began = time.monotonic()
    worker.start()
    answered = DomainCheck.objects.filter(domain__startswith="lavande.", state=State.ANSWERED)
    while not answered.exists() and time.monotonic() - began < 10:
        time.sleep(0.02)
    assert time.monotonic() - began < 1 + 1
    worker.join()
    assert answered.count() == 12


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_cart_and_ask_once(ovh: Sandbox, anna: Nichandle) -> None:
    before = ovh.last_request()
    actions.ask_about(anna, "FR", TWELVE)
    ovh.arm("latency", method="POST", path="/order/cart", ms=200)
    assert at_once(sync.ask_domains_due, lambda: sync.ask_domains_due(6)) == []
    for _ in range(2):
        due_again()
        sync.ask_domains_due()
    assert calls(ovh, before).count("POST /order/cart") == 1
    assert calls(ovh, before).count("GET /order/cart/{}/domain") == 12
    assert {check.state for check in told(*TWELVE).values()} == {State.ANSWERED}


# --- Before sign-in ---------------------------------------------------------------------------------------------------
def test_visitors_are_answered_by_the_operators_key(ovh: Sandbox, anna: Nichandle, settings: Any) -> None:
    settings.SEARCH_NICHANDLE = anna.nichandle
    Link.objects.update(rules=[{"method": "GET", "path": "/order/cart/*"}])
    before = ovh.last_request()
    check = ask(None, "lavande.fr", subsidiary="GB")["lavande.fr"]
    assert check.state == State.ANSWERED
    assert amount(check.offers[0]["prices"]["PRICE"]) == (Decimal("6.49"), "GBP")
    ask(None, "romarin.fr", subsidiary="GB")
    assert calls(ovh, before).count("POST /order/cart") == 1
    # Nobody's: it is not the operator's own, either.
    assert SearchCart.objects.get().ovh_cart_id
    assert not Cart.objects.exists()


def test_without_an_operators_key_visitors_are_not_answered(ovh: Sandbox, anna: Nichandle) -> None:
    before = ovh.last_request()
    check = ask(None, "lavande.fr")["lavande.fr"]
    assert (check.state, check.offers, check.next_attempt_at) == (State.FAILED, [], None)
    assert calls(ovh, before) == []


def test_customers_do_not_wait_for_what_visitors_look_for(ovh: Sandbox, anna: Nichandle) -> None:
    """Whoever is nobody may ask for any number of names; those wait in a line of their own."""
    actions.ask_about(None, "FR", [f"name{number}.fr" for number in range(5)])
    actions.ask_about(anna, "FR", ["lavande.fr"])
    sync.ask_domains_due(limit=1)
    assert told("lavande.fr")["lavande.fr"].state == State.ANSWERED


def test_what_visitors_looked_for_long_ago_costs_no_call_and_is_let_go(
    ovh: Sandbox, anna: Nichandle, settings: Any
) -> None:
    settings.SEARCH_NICHANDLE = anna.nichandle
    now = timezone.now()
    for owner, domain, age in ((None, "late.fr", 11), (None, "old.fr", 1500), (anna, "own.fr", 1500)):
        actions.ask_about(owner, "FR", [domain])
        DomainCheck.objects.filter(domain=domain).update(asked_at=now - timedelta(minutes=age))
    before = ovh.last_request()
    sync.ask_domains_due()
    assert calls(ovh, before).count("GET /order/cart/{}/domain") == 1
    states = {name: check.state for name, check in told("late.fr", "old.fr", "own.fr").items()}
    assert states == {"late.fr": State.FAILED, "old.fr": State.FAILED, "own.fr": State.ANSWERED}
    let_carts_go(now - timedelta(days=90))
    assert set(told("late.fr", "old.fr", "own.fr")) == {"late.fr", "own.fr"}


# --- Trouble ----------------------------------------------------------------------------------------------------------
def test_offers_that_fail_now_and_then_are_read_thrice(ovh: Sandbox, anna: Nichandle) -> None:
    ovh.arm("status", method="GET", path="/order/cart/*/domain", status=500, count=2)
    assert ask(anna, "lavande.fr")["lavande.fr"].state == State.ANSWERED


def test_one_that_fails_is_asked_again_and_given_up_with_ovhclouds_words(ovh: Sandbox, anna: Nichandle) -> None:
    ask(anna, "romarin.fr")
    ovh.arm("status", method="GET", path="/order/cart/*/domain", status=500)
    check = ask(anna, "lavande.fr")["lavande.fr"]
    assert (check.state, check.failures) == (State.WAITING, 1)
    for _ in range(2):
        due_again()
        sync.ask_domains_due()
    check.refresh_from_db()
    assert (check.state, check.next_attempt_at) == (State.FAILED, None)
    assert check.message
    ovh.disarm()
    forget_trouble()
    DomainCheck.objects.update(asked_at=timezone.now() - timedelta(minutes=1))
    assert ask(anna, "lavande.fr")["lavande.fr"].state == State.ANSWERED


def test_a_cart_that_has_expired_is_made_again(ovh: Sandbox, anna: Nichandle, settings: Any) -> None:
    settings.SEARCH_NICHANDLE = anna.nichandle
    ask(anna, "lavande.fr")
    ask(None, "lavande.fr")
    ovh.clock(2 * 86_400)
    Cart.objects.update(expires_at=timezone.now() + timedelta(days=1))
    for whose in (anna, None):
        ask(whose, "romarin.fr")
        due_again()
        sync.ask_domains_due()
        check = DomainCheck.objects.get(nichandle=whose, domain="romarin.fr")
        assert (check.state, check.offers[0]["orderable"]) == (State.ANSWERED, True)


def test_without_rights_the_cart_says_so_and_goes_on_once_they_are_given(ovh: Sandbox, anna: Nichandle) -> None:
    Link.objects.update(rules=[])
    before = ovh.last_request()
    assert ask(anna, "lavande.fr")["lavande.fr"].state == State.FAILED
    assert open_cart(anna).trouble == Cart.Trouble.RIGHTS
    assert calls(ovh, before) == []
    let_order(anna)
    sync.key_granted(anna)
    sync.ask_domains_due()
    assert told("lavande.fr")["lavande.fr"].state == State.ANSWERED


def test_a_key_that_is_no_more(ovh: Sandbox, anna: Nichandle) -> None:
    ask(anna, "romarin.fr")
    ovh.arm("status", method="GET", path="/order/cart/*/domain", status=403, count=1)
    check = ask(anna, "lavande.fr")["lavande.fr"]
    assert (check.state, check.next_attempt_at) == (State.FAILED, None)


def test_too_many_calls_wait_and_do_not_fail(ovh: Sandbox, anna: Nichandle) -> None:
    ask(anna, "romarin.fr")
    ovh.arm("status", method="GET", path="/order/cart/*/domain", status=429, retry_after="9", count=1)
    check = ask(anna, "lavande.fr")["lavande.fr"]
    assert (check.state, check.failures) == (State.WAITING, 0)
    assert check.next_attempt_at
    assert check.next_attempt_at > timezone.now() + timedelta(seconds=6)
