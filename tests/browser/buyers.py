"""Steps of whoever orders and pays, by keyboard alone. Found by what the pages are made of, in both languages alike."""

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Locator, Page, expect

from tests.browser.journeys import enter, scrolls_sideways, tick, type_into
from tests.processes.stack import Stack, until

SEARCH = ".ask button"
ORDER = "form#order button"


def come_in(page: Page, panel: Stack, customer: Any) -> None:
    """As if signed in; what the session held before is not taken along."""
    client = Client()
    client.force_login(customer)
    value = client.cookies["panel_session"].value
    page.context.add_cookies([{"name": "panel_session", "value": value, "url": panel.base}])


def follow(target: Locator) -> None:
    """Reach a link or a button, press Enter, and be on the page that it leads to."""
    with target.page.expect_navigation():
        enter(target)


def at_ovhcloud(page: Page, who: dict[str, Any]) -> None:
    """From the page before leaving, through OVHcloud's own, as far as the panel leads after it."""
    follow(page.locator("main a.button-main").first)
    type_into(page.locator("[name=nichandle]"), who["nichandle"])
    type_into(page.locator("[name=password]"), who["password"])
    with page.expect_navigation():
        page.keyboard.press("Enter")
    follow(page.locator("#continue button[type=submit]"))


def allow_ordering(page: Page, who: dict[str, Any]) -> None:
    """From a page that asks for the rights to order, back to it."""
    follow(page.locator("main a[href^='/account/rights/']").first)
    follow(page.locator("form[action='/account/rights/'] button"))
    at_ovhcloud(page, who)


def look_until(page: Page, what: str, *, scripts: bool = True, within_s: float = 40) -> None:
    """Until it is on the page: by itself, or where there are no scripts by looking again."""
    if scripts:
        expect(page.locator(what).first).to_be_visible(timeout=within_s * 1000)
        return

    def there() -> bool:
        if page.locator(what).count():
            return True
        # As fast as a thumb: whoever looks thirty times a minute is asked to wait.
        page.wait_for_timeout(2_000)
        page.reload()
        return False

    until(there, within_s, what)


def search(page: Page, typed: str) -> None:
    type_into(page.locator("#q"), typed)
    follow(page.locator(SEARCH))


def put_in(page: Page, domain: str, *, scripts: bool) -> None:
    """The name that a search has found, and on to the cart."""
    answer = f'[data-domain="{domain}"]'
    look_until(page, f"{answer} form button", scripts=scripts)
    follow(page.locator(f"{answer} form button"))
    expect(page.locator(f"{answer} form")).to_have_count(0)
    follow(page.locator(".to-cart a"))
    expect(page.locator("[data-item]")).to_have_count(1)


def fill_in(page: Page, *, scripts: bool) -> None:
    """From the cart to what its product still wants to know."""
    look_until(page, "[data-item] a[href$='/configure/']", scripts=scripts)
    follow(page.locator("[data-item] a[href$='/configure/']"))
    look_until(page, "#configure form", scripts=scripts)


def keep(page: Page) -> None:
    """What was filled in; back to the cart, and on to the summary."""
    follow(page.locator("#configure form button").first)
    expect(page.locator("#cart")).to_be_visible()


def sum_up(page: Page, *, scripts: bool) -> str:
    """From the cart to a summary that can be ordered by; the amount that it names above its button."""
    follow(page.locator("main a[href='/cart/summary/']"))
    look_until(page, ORDER, scripts=scripts)
    return page.locator("form#order .figure").inner_text()


def order(page: Page, *boxes: str, scripts: bool) -> int:
    """Tick what there is to tick, press the button, and wait for the order's page; its number."""
    expect(page.locator("form#order [type=checkbox]:checked")).to_have_count(0)
    for name in boxes:
        tick(page.locator(f"#id_{name}"))
    follow(page.locator(ORDER))
    page.wait_for_url(re.compile("/(cart/ordered|orders)/"))
    look_until(page, "#purchase-order", scripts=scripts)
    look_until(page, "#order-details tfoot", scripts=scripts)
    return int(page.locator("#purchase-order").get_attribute("data-order-id") or 0)


def pay(page: Page, *, scripts: bool) -> None:
    """On an order's payment page: with the default method, until OVHcloud shows the order as paid."""
    look_until(page, "form#pay button", scripts=scripts)
    follow(page.locator("form#pay button"))
    look_until(page, "#payment-state .pill.success", scripts=scripts)


def assert_usable(page: Page) -> None:
    assert not scrolls_sideways(page)
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:150]) for one in found] == []
