"""
From a wish to a paid order, in a real browser and by keyboard alone, with scripts and without, the panel running as
it really does.
"""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from carts.models import Cart, CartItem, Checkout
from orders.models import Order
from tests.browser.buyers import (
    allow_ordering,
    assert_usable,
    at_ovhcloud,
    come_in,
    fill_in,
    follow,
    keep,
    look_until,
    order,
    pay,
    put_in,
    search,
    sum_up,
)
from tests.browser.journeys import choose, enter, row_of, scrolls_sideways, tick, type_into
from tests.browser.places import places_and_scripts
from tests.carts.guide import assert_followed, journey
from tests.factories import make_order
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.rows(1)]


@places_and_scripts
def test_a_name_is_searched_registered_and_paid(
    panel: Stack, ovh: Any, reader: Any, width: str, language: str, scripts: bool
):
    """By somebody who signs in on the way, and lets the panel order."""
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    since = ovh.last_request()
    page.goto(f"{panel.base}/domains/?ext=fr")
    search(page, "rivage")
    # Nobody is signed in, and what was typed is kept.
    follow(page.locator("main form[action='/sign-in/'] button"))
    at_ovhcloud(page, ovh.anna)
    expect(page.locator("#q")).to_have_value("rivage")
    allow_ordering(page, ovh.anna)
    expect(page.locator("#q")).to_have_value("rivage")
    put_in(page, "rivage.fr", scripts=scripts)
    fill_in(page, scripts=scripts)
    tick(page.locator("#at-OWNER_LEGAL_AGE"))
    if scripts:
        # Kept at once, before any button: it is still there on the page opened anew.
        expect(page.locator("#configure-status")).not_to_be_empty()
        page.reload()
        expect(page.locator("#at-OWNER_LEGAL_AGE")).to_be_checked()
        assert_usable(page)
    keep(page)
    shown = sum_up(page, scripts=scripts)
    if scripts:
        assert_usable(page)
    # Nothing is ordered before each box was ticked.
    follow(page.locator("form#order button"))
    expect(page.locator(".errors a")).to_have_count(2)
    assert not Checkout.objects.exists()
    number = order(page, "contracts", "waive", scripts=scripts)
    expect(page.locator("#order-details tfoot tr").last).to_contain_text(shown)
    assert not scrolls_sideways(page)
    follow(page.locator("main a[href$='/pay/']").first)
    pay(page, scripts=scripts)
    if scripts:
        assert_usable(page)
    page.goto(f"{panel.base}/orders/")
    expect(row_of(page, number)).not_to_have_attribute("data-status", "notPaid")
    expect(row_of(page, number)).to_contain_text(shown)
    assert ovh.events(number).count("created") == ovh.events(number).count("paid") == 1
    assert Checkout.objects.get().waived
    assert_followed(journey(ovh, Checkout.objects.get(), since))
    assert me.complaints == []


CODE = "kJ8-very-secret"


@places_and_scripts
def test_a_name_is_transferred_and_its_code_never_seen_again(
    panel: Stack, ovh: Any, buyer: Any, reader: Any, width: str, language: str, scripts: bool
):
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    come_in(page, panel, buyer)
    page.goto(f"{panel.base}/domains/")
    # A name typed with its extension is looked up as it is.
    search(page, "taken-jardin.fr")
    put_in(page, "taken-jardin.fr", scripts=scripts)
    fill_in(page, scripts=scripts)
    form = page.url
    tick(page.locator("#at-OWNER_LEGAL_AGE"))
    type_into(page.locator("#at-AUTH_INFO"), CODE)
    expect(page.locator("#at-AUTH_INFO")).to_have_attribute("type", "password")
    keep(page)
    sum_up(page, scripts=scripts)
    for path in (form, f"{panel.base}/cart/", f"{panel.base}/cart/summary/"):
        _never(page, path)
    number = order(page, "contracts", "waive", scripts=scripts)
    for path in (f"/orders/{number}/", f"/orders/{number}/pay/", "/orders/", "/cart/", "/account/"):
        _never(page, panel.base + path)
    sent = CartItem.objects.get(domain="taken-jardin.fr", product="domain").configurations.get(label="AUTH_INFO")
    assert CODE not in sent.value
    assert not scrolls_sideways(page)
    assert me.complaints == []


def _never(page: Page, address: str) -> None:
    """Not in what the browser is sent, be it shown or not."""
    answer = page.goto(address)
    assert answer is not None
    assert CODE not in answer.text()
    assert CODE not in page.content()


@places_and_scripts
def test_a_vps_with_options_is_ordered(
    panel: Stack, ovh: Any, buyer: Any, reader: Any, width: str, language: str, scripts: bool
):
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    come_in(page, panel, buyer)
    page.goto(f"{panel.base}/catalogue/")
    plan = 'main a[href$="/vps/vps-1-2026/"]'
    look_until(page, plan, scripts=scripts)
    follow(page.locator(plan))
    choose(page.locator('[value="upfront12|P1Y"]'))
    tick(page.locator('[value="vps-backup"]'))
    if scripts:
        expect(page.locator("#plan-total .figure")).to_contain_text("83", timeout=5_000)
    follow(page.locator("#put-in"))
    # The system is missing: said at its place, and what was chosen stays.
    expect(page.locator(".errors")).to_be_visible()
    expect(page.locator('[value="vps-backup"]')).to_be_checked()
    choose(page.locator('[value="vps-os-debian"]'))
    follow(page.locator("#put-in"))
    expect(page.locator("[data-item]")).to_have_count(1)
    expect(page.locator("[data-item] .parts > li")).to_have_count(2)
    assert not scrolls_sideways(page)
    fill_in(page, scripts=scripts)
    choose(page.locator("[name=at-vps_datacenter][value=GRA]"))
    keep(page)
    shown = sum_up(page, scripts=scripts)
    # The right of withdrawal is kept: nothing is to be ticked for it.
    expect(page.locator("#id_waive")).to_have_count(0)
    number = order(page, "contracts", scripts=scripts)
    expect(page.locator("#order-details tfoot tr").last).to_contain_text(shown)
    assert not Checkout.objects.get().waived
    assert ovh.events(number).count("created") == 1
    assert not scrolls_sideways(page)
    assert me.complaints == []


@places_and_scripts
def test_an_abandoned_cart_is_found_again_after_signing_in(
    panel: Stack, ovh: Any, reader: Any, width: str, language: str, scripts: bool
):
    """Filled by a visitor, who signs in; left for two days; found on another device, made again at OVHcloud."""
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    page.goto(f"{panel.base}/catalogue/")
    plan = 'main a[href$="/emailpro/emailpro2026/"]'
    look_until(page, plan, scripts=scripts)
    follow(page.locator(plan))
    choose(page.locator('[value="default|P1M"]'))
    type_into(page.locator("#how-many"), "3")
    follow(page.locator("#put-in"))
    expect(page.locator("[data-item]")).to_have_count(1)
    follow(page.locator("#cart form[action$='/sign-in/'] button"))
    at_ovhcloud(page, ovh.anna)
    page.wait_for_url("**/cart/")
    # Reading was all that was allowed so far: the page says so and shows the way.
    look_until(page, "a[href^='/account/rights/']", scripts=scripts)
    allow_ordering(page, ovh.anna)
    look_until(page, "#cart-total", scripts=scripts)
    total = page.locator("#cart-total").inner_text()
    assert not scrolls_sideways(page)

    ovh.clock(2 * 86_400)
    other = reader(width, language, java_script_enabled=scripts)
    page = other.page
    page.goto(f"{panel.base}/cart/")
    expect(page.locator("[data-item]")).to_have_count(0)
    follow(page.locator("#cart form[action$='/sign-in/'] button"))
    at_ovhcloud(page, ovh.anna)
    page.wait_for_url("**/cart/")
    expect(page.locator("[data-item]")).to_have_count(1)
    assert Cart.objects.get().items.get().quantity == 3
    look_until(page, "#cart-total", scripts=scripts)
    expect(page.locator("#cart-total")).to_have_text(total)
    assert me.complaints == other.complaints == []


@places_and_scripts
def test_an_order_is_paid_later_from_the_lists_menu(
    panel: Stack, ovh: Any, buyer: Any, reader: Any, width: str, language: str, scripts: bool
):
    number = ovh.make_order(ovh.anna, price="11.99")
    make_order(buyer.nichandle, number, status="notPaid", was_paid=False, payment_date=None, price="11.99")
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    come_in(page, panel, buyer)
    page.goto(f"{panel.base}/orders/")
    enter(row_of(page, number).locator("button.more"))
    follow(page.locator(f"#menu-{number} a[href$='/pay/']"))
    page.wait_for_url(f"**/orders/{number}/pay/")
    pay(page, scripts=scripts)
    assert not scrolls_sideways(page)
    assert ovh.events(number).count("paid") == 1
    until(lambda: Order.objects.get(order_id=number).was_paid, 20, "the panel shows it as paid")
    page.goto(f"{panel.base}/orders/")
    expect(row_of(page, number)).not_to_have_attribute("data-status", "notPaid")
    enter(row_of(page, number).locator("button.more"))
    expect(page.locator(f"#menu-{number} a[href$='/pay/']")).to_have_count(0)
    assert me.complaints == []
