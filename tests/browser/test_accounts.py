"""
Accounts in a real browser, by keyboard alone: each link, button and field is reached by Tab. Signing in, a second
account, a passkey, an app, a recovery code, sessions, one's data, being forgotten, a key taken back, a lured victim.
"""

import re
import time
import zipfile
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Link, Session, User
from accounts.ovh import application
from accounts.sessions import SessionStore
from gateway import Gateway
from tests.browser.journeys import WORDS, enter, reach, scrolls_sideways, type_into
from tests.browser.places import places
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.rows(1)]

CHECK_NOW = {"en": "Check now", "fr": "Vérifier maintenant"}
DO_NOT_FOLLOW = {"en": "do not follow it", "fr": "ne le suivez pas"}
NO_LONGER = {"en": "no longer lets this panel act for you", "fr": "ne laisse plus ce panneau agir pour vous"}


def at_ovhcloud(page: Page, who: dict[str, Any], language: str) -> None:
    """From the page before leaving to the page after coming back."""
    enter(page.get_by_role("link", name=WORDS[language]["go"]))
    at_its_page(page, who)
    enter(page.locator("#continue button[type=submit]"))


def at_its_page(page: Page, who: dict[str, Any]) -> None:
    type_into(page.locator("[name=nichandle]"), who["nichandle"])
    type_into(page.locator("[name=password]"), who["password"])
    page.keyboard.press("Enter")


def come_in(page: Page, panel: Stack, who: dict[str, Any], language: str) -> None:
    """From the first page on, as far as OVHcloud leads."""
    page.goto(panel.base)
    enter(page.get_by_role("main").get_by_role("button", name=WORDS[language]["sign_in"]))
    at_ovhcloud(page, who, language)


def sign_in(page: Page, panel: Stack, who: dict[str, Any], language: str) -> None:
    come_in(page, panel, who, language)
    expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["orders"])


def press(page: Page, path: str) -> None:
    """The link of the page that leads there."""
    enter(page.locator(f'main a[href="{path}"]').first)


def virtual_authenticator(page: Page) -> None:
    """A fingerprint reader that always says yes, built into this browser."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


@places
def test_a_second_account_is_linked_switched_to_and_let_go(
    panel: Stack, ovh: Any, reader: Any, width: str, language: str
):
    first, second = ovh.customers[:2]
    me = reader(width, language)
    page = me.page
    sign_in(page, panel, first, language)
    page.goto(f"{panel.base}/account/")
    assert not scrolls_sideways(page)
    press(page, "/account/link/")
    enter(page.locator("main button[type=submit]"))
    at_ovhcloud(page, second, language)
    expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["orders"])
    # The account one is in now is always to be seen.
    enter(page.locator('[popovertarget="account-menu"]'))
    menu = page.locator("#account-menu")
    expect(menu).to_contain_text(second["nichandle"])
    enter(menu.get_by_role("button", name=first["nichandle"]))
    enter(page.locator('[popovertarget="account-menu"]'))
    expect(page.locator("#account-menu p")).to_have_text(first["nichandle"])
    page.goto(f"{panel.base}/account/")
    assert not scrolls_sideways(page)
    press(page, f"/account/links/{second['nichandle']}/{first['nichandle']}/end/")
    enter(page.locator("main button[type=submit]"))
    expect(page.locator("main")).not_to_contain_text(second["nichandle"])
    assert me.complaints == []


@places
def test_a_passkey_is_added_and_shows_who_is_there(panel: Stack, ovh: Any, reader: Any, width: str, language: str):
    who = ovh.customers[0]
    me = reader(width, language)
    page = me.page
    virtual_authenticator(page)
    sign_in(page, panel, who, language)
    page.goto(f"{panel.base}/account/factors/")
    press(page, "/account/factors/passkey/")
    type_into(page.locator("[name=name]"), "My phone")
    page.keyboard.press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    page.goto(f"{panel.base}/account/factors/")
    expect(page.locator("main")).to_contain_text("My phone")
    assert not scrolls_sideways(page)
    # The next way in asks for it after OVHcloud.
    enter(page.locator('[popovertarget="account-menu"]'))
    enter(page.locator('form[action="/sign-out/"] button'))
    expect(page.get_by_role("main").get_by_role("button", name=WORDS[language]["sign_in"])).to_be_visible()
    come_in(page, panel, who, language)
    enter(page.locator("form[data-passkey] button"))
    expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["orders"])
    assert me.complaints == []


@places
def test_an_app_and_a_recovery_code_let_in(panel: Stack, ovh: Any, reader: Any, width: str, language: str):
    who = ovh.customers[0]
    page = reader(width, language).page
    sign_in(page, panel, who, language)
    page.goto(f"{panel.base}/account/factors/app/")
    assert not scrolls_sideways(page)
    secret = page.locator("#secret").input_value()
    type_into(page.locator("[name=code]"), pyotp.TOTP(secret).now())
    page.keyboard.press("Enter")
    code = page.locator(".codes code").first.inner_text()
    other = reader(width, language).page
    come_in(other, panel, who, language)
    type_into(other.locator("[name=code]"), "000000")
    other.keyboard.press("Enter")
    expect(other.locator(".error:visible")).to_have_count(1)
    type_into(other.locator("[name=code]"), code)
    other.keyboard.press("Enter")
    expect(other.get_by_role("heading", level=1)).to_have_text(WORDS[language]["orders"])
    # Both browsers are listed; the first ends the second.
    page.goto(f"{panel.base}/account/")
    enter(page.locator('form[action="/account/sessions/end/"] button').first)
    other.goto(f"{panel.base}/orders/")
    expect(other.get_by_role("button", name=WORDS[language]["sign_in"])).to_be_visible()


@places
def test_a_lured_victim_signs_nobody_in(panel: Stack, ovh: Any, reader: Any, width: str, language: str):
    victim = ovh.customers[1]
    thief, lured = reader().page, reader(width, language).page
    thief.goto(panel.base)
    enter(thief.get_by_role("main").get_by_role("button", name=WORDS["en"]["sign_in"]))
    address = thief.get_by_role("link", name=WORDS["en"]["go"]).get_attribute("href")
    lured.goto(str(address))
    at_its_page(lured, victim)
    expect(lured.locator("main")).to_contain_text(DO_NOT_FOLLOW[language])
    assert axe(lured) == []
    assert not scrolls_sideways(lured)
    for page, spoken in ((thief, "en"), (lured, language)):
        page.goto(f"{panel.base}/orders/")
        expect(page.get_by_role("main").get_by_role("button", name=WORDS[spoken]["sign_in"])).to_be_visible()


def axe(page: Page) -> list[str]:
    """What an accessibility checker complains about."""
    return [found["id"] for found in Axe().run(page).response["violations"]]


def grow_old() -> None:
    """Every sign-in is some time ago: whoever wants more than to look is asked who they are."""
    for row in Session.objects.exclude(user=None):
        store = SessionStore(row.session_key)
        store["shown_at"] = time.time() - 3600
        store.save()


@places
def test_data_is_taken_and_its_person_forgotten_after_showing_who_they_are_at_ovhcloud(
    panel: Stack, ovh: Any, reader: Any, width: str, language: str
):
    who = ovh.customers[0]
    me = reader(width, language)
    page = me.page
    sign_in(page, panel, who, language)
    grow_old()
    page.goto(f"{panel.base}/account/")
    press(page, "/account/export/")
    # Neither factor nor password: the journey to OVHcloud once more, then on to where one was going.
    expect(page).to_have_url(re.compile("/account/sure/"))
    assert axe(page) == []
    enter(page.locator("main button[type=submit]"))
    at_ovhcloud(page, who, language)
    expect(page).to_have_url(f"{panel.base}/account/export/")
    assert axe(page) == []
    enter(page.locator("main form button").first)
    take = page.locator('form[action="/account/export/take/"] button')
    expect(take).to_be_visible(timeout=40_000)
    with page.expect_download() as download:
        enter(take)
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert {"account.json", "orders.json", "orders.csv", "trail.json"} <= set(names)
    for path in ("/account/", "/account/link/", "/account/factors/", "/account/settings/", "/account/erase/"):
        page.goto(f"{panel.base}{path}")
        assert axe(page) == [], path
        assert not scrolls_sideways(page), path
    reach(page.locator("[name=sure]"))
    page.keyboard.press("Space")
    enter(page.locator("main form button[type=submit]"))
    expect(page.locator("main h1")).to_be_visible()
    assert axe(page) == []
    page.goto(f"{panel.base}/orders/")
    expect(page.get_by_role("button", name=WORDS[language]["sign_in"])).to_be_visible()
    assert not User.objects.filter(nichandle__nichandle=who["nichandle"]).exists()
    assert me.complaints == []


@places
def test_a_key_taken_back_at_ovhcloud_ends_the_session_and_the_page_leads_back_in(
    panel: Stack, ovh: Any, reader: Any, width: str, language: str
):
    who = ovh.customers[0]
    me = reader(width, language)
    page = me.page
    sign_in(page, panel, who, language)
    Gateway(application(), Link.objects.get().consumer_key()).log_out()
    Link.objects.update(renewed_at=timezone.now() - timedelta(hours=1))
    enter(page.get_by_role("button", name=CHECK_NOW[language]).first)
    until(lambda: Link.objects.get().state == Link.State.REVOKED, 40, "the worker hears that the key is gone")
    # The page that lies open asks by itself, and is loaded anew to say it.
    expect(page.get_by_role("heading", level=1)).to_contain_text(NO_LONGER[language], timeout=40_000)
    assert axe(page) == []
    assert not scrolls_sideways(page)
    enter(page.locator("main form button[type=submit]"))
    at_ovhcloud(page, who, language)
    expect(page).to_have_url(f"{panel.base}/orders/")
