"""Ordering in a real browser: each field, and each word on what became of an order, within reach of all."""

from typing import Any

import pytest
from playwright.sync_api import expect

from carts.models import Cart, Checkout
from orders.models import Intent
from tests.browser.buyers import assert_usable, come_in
from tests.browser.places import places
from tests.carts import made
from tests.carts.made import OF_A_NAME, requirement
from tests.processes.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
def test_every_kind_of_field_is_within_reach_of_all(panel: Stack, buyer: Any, reader: Any, width: str, language: str):
    account = buyer.nichandle
    item = made.make_name(made.make_cart(account), "mybrand.fr", requirements=EVERYTHING)
    contact = made.make_contact(account)
    made.make_contact(account, path="", lastName="Refused")
    account.contacts.filter(path="").update(problem="Invalid phone number")
    item.configurations.create(label="DNS", value="ns1.example.net", problem="too few")
    me = reader(width, language)
    come_in(me.page, panel, buyer)
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
    panel: Stack, buyer: Any, reader: Any, width: str, language: str
):
    account = buyer.nichandle
    cart = made.make_cart(account, state=Cart.State.ORDERING)
    kind = Intent.Kind.CHECKOUT
    intent = Intent.objects.create(kind=kind, nichandle=account, state="dead", next_attempt_at=None)
    checkout = Checkout.objects.create(cart=cart, intent=intent, nichandle=account, quote=made.quote(), language="en")
    me = reader(width, language)
    come_in(me.page, panel, buyer)
    for state in ("dead", "held", "refused", "closed"):
        Intent.objects.filter(pk=intent.pk).update(state=state, why="key" if state == "held" else "", message="No")
        me.page.goto(f"{panel.base}/cart/ordered/{checkout.pk}/")
        expect(me.page.locator(f"#ordered[data-stage={state}]")).to_be_visible()
        assert_usable(me.page)
