"""
Choosing in a real browser, the panel running as it really does: names come one by one, a cart fills, signing in loses
nothing. Found by what the pages are made of, so that both languages walk the same way.
"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.buyers import come_in
from tests.browser.journeys import scrolls_sideways
from tests.browser.places import places
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SUBMIT = ".ask button"


def row(page: Page, domain: str) -> Any:
    return page.locator(f'[data-domain="{domain}"]')


@pytest.mark.rows(1)
@places
def test_from_a_wish_to_a_total(panel: Stack, ovh: Any, buyer: Any, reader: Any, width: str, language: str):
    me = reader(width, language)
    page = me.page
    come_in(page, panel, buyer)
    # A slow registry holds nobody: others are there while it is still waited for.
    ovh.arm("latency", "GET", "/order/cart/*/domain*", ms=8000, count=1)
    page.goto(f"{panel.base}/domains/")
    page.locator("#q").fill("montagne")
    page.locator(SUBMIT).press("Enter")
    expect(page.locator("[data-domain]")).to_have_count(12)
    expect(page.locator("[data-state=answered]").first).to_be_visible(timeout=8_000)
    expect(page.locator("[data-state=waiting]")).not_to_have_count(0)
    expect(page.locator("[data-state=answered]")).to_have_count(12, timeout=20_000)
    expect(page.locator("progress")).to_have_count(0)
    assert not scrolls_sideways(page)

    row(page, "montagne.fr").locator("form button").click()
    expect(row(page, "montagne.fr").locator("form")).to_have_count(0)
    page.locator(".to-cart a").click()
    expect(page.locator("[data-item]")).to_have_count(1)
    expect(page.locator("#cart-total")).to_contain_text("5", timeout=20_000)
    expect(page.locator("#cart [hx-trigger]")).to_have_count(0)
    expect(page.locator("#cart[hx-trigger]")).to_have_count(0)
    assert not scrolls_sideways(page)
    assert me.complaints == []


def test_without_a_script_and_by_keyboard(panel: Stack, ovh: Any, buyer: Any, reader: Any):
    page = reader("phone", "fr", java_script_enabled=False).page
    come_in(page, panel, buyer)
    page.goto(f"{panel.base}/domains/?ext=fr")
    page.locator("#q").focus()
    page.keyboard.type("sommet")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-domain]")).not_to_have_count(0)

    def answered() -> bool:
        # As fast as a thumb: whoever looks thirty times a minute is asked to wait.
        page.wait_for_timeout(2_000)
        page.reload()
        return row(page, "sommet.fr").get_attribute("data-state") == "answered"

    until(answered, 20, "the name is answered")
    button = row(page, "sommet.fr").locator("form button")
    button.focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.goto(f"{panel.base}/cart/")
    expect(page.locator("[data-item]")).to_have_count(1)

    def totalled() -> bool:
        page.reload()
        return page.locator("#cart-total").count() == 1

    until(totalled, 15, "the total is there")
    page.locator("[data-item] button[name=do][value=remove]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-item]")).to_have_count(0)
    page.locator(".undo button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-item]")).to_have_count(1)


PAGES = (
    "/domains/?q=café.fr, a-name-that-is-as-long-as-names-may-be-and-is-still-one.com, taken.fr",
    "/catalogue/",
    "/catalogue/vps/vps-1-2026/",
    "/cart/",
)


def test_everybody_can_use_it(panel: Stack, ovh: Any, buyer: Any, reader: Any):
    me = reader("desk")
    page = me.page
    come_in(page, panel, buyer)
    page.goto(panel.base + PAGES[0])
    expect(page.locator("[data-state=waiting]")).to_have_count(0, timeout=20_000)
    row(page, "café.fr".encode("idna").decode()).locator("form button").click()
    page.goto(f"{panel.base}/catalogue/")
    expect(page.locator("#plans[hx-trigger]")).to_have_count(0, timeout=20_000)
    for width, text in ((360, 100), (320, 100), (320, 200), (700, 100), (1280, 200)):
        page.set_viewport_size({"width": width, "height": 740})
        for path in PAGES:
            page.goto(panel.base + path)
            page.evaluate("size => document.documentElement.style.fontSize = `${size}%`", text)
            beyond = page.evaluate(
                """() => [...document.querySelectorAll("main *, .places *")]
                    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
                    .map((one) => `${one.tagName}.${one.className}`)"""
            )
            assert not scrolls_sideways(page), (path, width, text, beyond)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in PAGES:
            page.goto(panel.base + path)
            found = Axe().run(page).response["violations"]
            assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
    page.set_viewport_size({"width": 360, "height": 740})
    for path in PAGES:
        page.goto(panel.base + path)
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, summary, input, select, .places a, .button")]
                .filter((one) => one.offsetParent && !one.closest("label") && !one.matches(".linklike"))
                .filter((one) => one.getBoundingClientRect().height < 43.5)
                .map((one) => one.outerHTML)"""
        )
        assert small == [], path
