"""
Ordering in a real browser, the panel running as it really does: filled in, summed up, ordered once, and there is the
order. Found by what the pages are made of, so that both languages walk the same way.
"""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from carts import actions
from carts.actions import Wanted
from carts.models import Cart, Checkout
from orders import sync
from orders.models import Intent
from tests.browser.journeys import reach, scrolls_sideways
from tests.browser.places import places, places_and_scripts
from tests.browser.test_choosing import come_in
from tests.browser.test_choosing import customer as customer
from tests.carts import made
from tests.carts.made import OF_A_NAME, requirement
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_name(customer: Any, domain: str) -> Cart:
    """In the customer's cart, as if chosen a moment ago."""
    account = customer.nichandle
    sync.begin_import(account)
    cart = Cart.objects.create(nichandle=account, subsidiary="FR")
    actions.add_item(cart, Wanted("domain", "fr", "P1Y", "create-default", domain=domain))
    return cart


def look_until(page: Page, what: str, *, scripts: bool) -> None:
    """Until it is on the page: by itself, or where there are no scripts by looking again."""
    if scripts:
        expect(page.locator(what).first).to_be_visible(timeout=40_000)
        return

    def there() -> bool:
        page.reload()
        return page.locator(what).count() > 0

    until(there, 40, what)


def assert_usable(page: Page) -> None:
    assert not scrolls_sideways(page)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:150]) for one in found] == []


@places_and_scripts
def test_from_the_cart_to_the_page_of_the_order(
    panel: Stack, customer: Any, reader: Any, width: str, language: str, scripts: bool
):
    a_name(customer, "rivage.fr")
    me = reader(width, language, java_script_enabled=scripts)
    page = me.page
    come_in(page, panel, customer)
    page.goto(f"{panel.base}/cart/summary/")
    look_until(page, "#summary-to-do", scripts=scripts)
    if scripts:
        assert_usable(page)
    page.locator("#summary-to-do a").click()
    look_until(page, "#at-OWNER_LEGAL_AGE", scripts=scripts)
    box = page.locator("#at-OWNER_LEGAL_AGE")
    expect(box).not_to_be_checked()
    reach(box) if scripts else box.focus()
    page.keyboard.press("Space")
    if scripts:
        # Kept at once, before any button: it is still there on the page opened anew.
        expect(page.locator("#configure-status")).not_to_be_empty()
        page.reload()
        expect(page.locator("#at-OWNER_LEGAL_AGE")).to_be_checked()
        assert_usable(page)
    page.locator("#configure form button").first.click()
    page.goto(f"{panel.base}/cart/summary/")
    look_until(page, "form#order button", scripts=scripts)
    if scripts:
        assert_usable(page)
    order = page.locator("form#order button")
    for name in ("contracts", "waive"):
        expect(page.locator(f"#id_{name}")).not_to_be_checked()
    order.click()
    expect(page.locator(".errors a")).to_have_count(2)
    assert not Checkout.objects.exists()
    for name in ("contracts", "waive"):
        page.locator(f"#id_{name}").check()
    shown = page.locator("form#order .figure").inner_text()
    page.locator("form#order button").press("Enter")
    page.wait_for_url(re.compile("/(cart/ordered|orders)/"))
    look_until(page, "#purchase-order", scripts=scripts)
    checkout = Checkout.objects.get()
    expect(page.locator("#purchase-order")).to_have_attribute("data-order-id", str(checkout.ovh_order_id))
    look_until(page, "#order-details tfoot", scripts=scripts)
    expect(page.locator("#order-details tfoot tr").last).to_contain_text(shown)
    assert checkout.waived
    assert me.complaints == []


# Every kind of field there is, and one that nobody has heard of.
EVERYTHING = [
    *OF_A_NAME,
    *(requirement(label) for label in ("DOMAIN_CONFIG", "REASON", "PROTECTED_CODE", "CLAIMS_NOTICE", "AUTH_INFO")),
    requirement("ACCEPT_CONDITIONS", "bool", required=True),
    requirement("KEEP_DNS", "bool"),
    requirement("SOME.new word", required=True),
    requirement("some_flag", "bool"),
    requirement("vps_datacenter", values=["GRA", "SBG"]),
    requirement("country", values=[f"value {number}" for number in range(12)]),
]


@places
def test_every_kind_of_field_is_within_reach_of_all(
    panel: Stack, customer: Any, reader: Any, width: str, language: str
):
    account = customer.nichandle
    item = made.make_name(made.make_cart(account), "mybrand.fr", requirements=EVERYTHING)
    contact = made.make_contact(account)
    made.make_contact(account, path="", lastName="Refused")
    account.contacts.filter(path="").update(problem="Invalid phone number")
    item.configurations.create(label="DNS", value="ns1.example.net", problem="too few")
    me = reader(width, language)
    come_in(me.page, panel, customer)
    for path in (f"/cart/{item.key}/configure/", f"/cart/contacts/{contact.pk}/", "/cart/contacts/new/"):
        me.page.goto(panel.base + path)
        expect(me.page.locator("main h1")).to_be_visible()
        for fold in me.page.locator("details:not([open]) > summary").all():
            fold.click()
        assert_usable(me.page)
    me.page.goto(f"{panel.base}/cart/{item.key}/configure/")
    me.page.locator('[name="at-SOME.new word"]').fill("anything")
    me.page.locator('[name="at-SOME.new word"]').press("Tab")
    expect(me.page.locator("#configure-status")).not_to_be_empty()
    assert item.configurations.get(label="SOME.new word").value == "anything"
    assert me.complaints == []


@places
def test_each_word_on_what_became_of_an_order_is_within_reach_of_all(
    panel: Stack, customer: Any, reader: Any, width: str, language: str
):
    account = customer.nichandle
    cart = made.make_cart(account, state=Cart.State.ORDERING)
    kind = Intent.Kind.CHECKOUT
    intent = Intent.objects.create(kind=kind, nichandle=account, state="dead", next_attempt_at=None)
    checkout = Checkout.objects.create(cart=cart, intent=intent, nichandle=account, quote=made.quote(), language="en")
    me = reader(width, language)
    come_in(me.page, panel, customer)
    for state in ("dead", "held", "refused", "closed"):
        Intent.objects.filter(pk=intent.pk).update(state=state, why="key" if state == "held" else "", message="No")
        me.page.goto(f"{panel.base}/cart/ordered/{checkout.pk}/")
        expect(me.page.locator(f"#ordered[data-stage={state}]")).to_be_visible()
        assert_usable(me.page)
