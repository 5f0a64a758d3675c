"""
Take the pictures of README and guides from a running demo: `READY=ready.json make demo`, then in another terminal
`.venv/bin/python docs/pictures.py ready.json`. It declares a withdrawal from two orders of the demo's world.
"""

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.browser.journeys import WORDS
from tests.chromium import ARGUMENTS, find_chromium

IMAGES = Path(__file__).resolve().parent / "images"
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 800}


def main(ready: dict[str, Any]) -> None:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(find_chromium()), args=ARGUMENTS)
        for language, locale in (("en", "en-GB"), ("fr", "fr-FR")):
            page = chromium.new_context(viewport=DESK, locale=locale).new_page()
            _sign_in(page, ready, language)
            _orders(page, ready["panel"], language)
            _withdrawal(page, ready["panel"], language)
        chromium.close()


def _take(page: Page, name: str, *, whole: bool = False) -> None:
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)  # menus fade in
    page.screenshot(path=IMAGES / f"{name}.png", full_page=whole)


def _sign_in(page: Page, ready: dict[str, Any], language: str) -> None:
    words, who = WORDS[language], ready["customers"][0]
    page.goto(ready["panel"])
    page.get_by_role("button", name=words["sign_in"]).click()
    page.get_by_role("link", name=words["go"]).wait_for()
    _take(page, f"guide-{language}-sign-in")
    page.get_by_role("link", name=words["go"]).click()
    page.locator("[name=nichandle]").fill(who["nichandle"])
    page.locator("[name=password]").fill(who["password"])
    page.locator("[name=password]").press("Enter")
    page.locator("#continue button").click()
    page.locator("#order-rows [data-order-id]").nth(19).wait_for()
    page.wait_for_timeout(8000)  # the products' names follow the orders
    page.reload()


def _orders(page: Page, panel: str, language: str) -> None:
    _take(page, f"guide-{language}-list")
    if language == "en":
        _take(page, "list-1280")
        page.set_viewport_size(PHONE)
        _take(page, "list-360")
        page.set_viewport_size(DESK)
    unpaid = page.locator('[data-status="notPaid"]').first
    number = unpaid.get_attribute("data-order-id")
    unpaid.get_by_role("button").last.click()
    _take(page, f"guide-{language}-menu")
    page.goto(f"{panel}/orders/{number}/")
    _take(page, f"guide-{language}-order", whole=True)
    page.goto(f"{panel}/orders/")
    moving = page.locator('[data-status="delivering"]').first.get_attribute("data-order-id")
    page.goto(f"{panel}/orders/{moving}/tracking/")
    _take(page, f"guide-{language}-tracking", whole=True)


def _withdrawal(page: Page, panel: str, language: str) -> None:
    words = WORDS[language]
    page.goto(f"{panel}/withdraw/")
    page.locator("main a[href$='/withdrawal/']").first.click()
    page.locator("#withdrawal").wait_for()
    _take(page, f"guide-{language}-withdrawal", whole=True)
    page.get_by_label(words["box"]).check()
    page.get_by_role("button", name=words["confirm"], exact=True).click()
    page.get_by_role("status").filter(has_text=words["accepted"]).wait_for(timeout=60_000)
    _take(page, f"guide-{language}-confirmed", whole=True)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
