"""Each page of accounts, factors and people within everybody's reach: by axe, at both widths, in both languages."""

import os
from typing import Any

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Page, expect

from accounts.models import Link, Notice, User
from tests.browser.journeys import scrolls_sideways
from tests.factories import make_canary, make_customer, make_kept, make_order, make_staff

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EVERYWHERE = [("phone", "en"), ("desk", "fr"), ("phone", "fr"), ("desk", "en")]
places = pytest.mark.parametrize(("width", "language"), EVERYWHERE if os.environ.get("PROVE") else EVERYWHERE[:2])
OF_THE_ACCOUNT = """/account/ /account/settings/ /account/link/ /account/rights/ /account/export/ /account/forget/
    /account/erase/ /account/factors/""".split()


@pytest.fixture
def visit(live_server: Any, reader: Any) -> Any:
    """visit(user, width, language) is the browser of somebody who has just signed in."""

    def browser_of(user: User, width: str, language: str) -> Any:
        client = Client()
        client.force_login(user)
        person = reader(width, language)
        session = client.cookies["panel_session"].value
        person.page.context.add_cookies([{"name": "panel_session", "value": session, "url": live_server.url}])
        person.open = lambda path: person.page.goto(live_server.url + path)
        return person

    return browser_of


def look(person: Any, path: str) -> None:
    """Open it, and find nothing that keeps anybody out."""
    assert person.open(path).status == 200, path
    whole(person.page, path)


def whole(page: Page, path: str) -> None:
    found = Axe().run(page).response["violations"]
    assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
    assert not scrolls_sideways(page), path


@places
def test_pages_of_a_customer_and_their_factors(visit: Any, transactional_db: None, width: str, language: str):
    make_canary()
    me, other = make_customer("anna1-ovh"), make_customer("long-name-of-somebody-elses-account-ovh")
    make_order(me.nichandle)
    for user, account in ((me, other.nichandle), (other, me.nichandle)):
        link = Link(user=user, nichandle=account)
        link.keep_key("a consumer key that OVHcloud never gave")
        link.save()
    for kind in Notice.Kind:
        Notice.objects.create(nichandle=me.nichandle, to=me.nichandle, kind=kind, who=other.nichandle.nichandle)
    person = visit(me, width, language)
    for path in OF_THE_ACCOUNT:
        look(person, path)
    look(person, f"/account/links/{other.nichandle.nichandle}/{me.nichandle.nichandle}/end/")
    # An app from its first page to its last, then what can be done with it.
    look(person, "/account/factors/app/")
    page = person.page
    page.locator("[name=code]").fill("000000")
    page.locator("[name=code]").press("Enter")
    expect(page.locator(".error:visible")).to_have_count(1)
    whole(page, "a wrong code")
    page.locator("[name=code]").fill(pyotp.TOTP(page.locator("#secret").input_value()).now())
    page.locator("[name=code]").press("Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    whole(page, "recovery codes")
    for path in ("", "codes/", "codes/new/", "app/remove/", "passkey/"):
        look(person, f"/account/factors/{path}")
    assert person.complaints == []


@places
def test_pages_of_an_administrator(visit: Any, transactional_db: None, width: str, language: str):
    boss = make_staff("boss@example.net", role="administrator")
    make_staff("somebody.with.a.very.long.name.indeed@department.of.a.company.example.net")
    left = make_staff("left@example.net", role="supervisor", factor=False)
    User.objects.filter(pk=left.pk).update(is_active=False)
    make_kept("kurt3-ovh")
    person = visit(boss, width, language)
    for path in ("/support/people/", "/support/accounts/", "/support/accounts/kurt3-ovh/drop/", "/account/factors/"):
        look(person, path)
    for email in ("boss@example.net", left.username):
        look(person, f"/support/people/{email}/")
    # Forms that were refused say so where everybody hears it.
    for path, field in (("/support/people/", "email"), ("/support/accounts/", "consumer_key")):
        person.open(path)
        person.page.locator(f"[name={field}]").fill("no such thing@")
        person.page.locator(f"form:has([name={field}])").evaluate("form => { form.noValidate = true; form.submit() }")
        expect(person.page.locator(".error:visible").first).to_be_visible()
        whole(person.page, f"{path} refused")
    assert person.complaints == []


def test_pages_of_the_account_are_marked_as_such_in_the_menu(visit: Any, transactional_db: None):
    make_canary()
    person = visit(make_customer(), "phone", "en")
    here = person.page.locator("header [aria-current]")
    for path, marked in (("/account/", "page"), ("/account/export/", "true"), ("/account/factors/", "true")):
        person.open(path)
        assert here.get_attribute("aria-current") == marked, path
        assert here.get_attribute("href") == "/account/"
    person.open("/orders/")
    assert here.get_attribute("href") == "/orders/"
