"""Ways through the panel that several browser tests walk. Everything is found as a person finds it: by its words."""

import re
from typing import TYPE_CHECKING, Any

import pyotp
from playwright.sync_api import Locator, Page, expect

from tests.given import TOTP_SECRET

if TYPE_CHECKING:
    from tests.processes.stack import Stack

WORDS: dict[str, dict[str, Any]] = {
    "en": {
        "sign_in": "Sign in with OVHcloud",
        "go": "Continue at OVHcloud",
        "continue": "Continue",
        "orders": "My orders",
        "purchase_order": "Purchase order",
        "tracking": "Order tracking",
        "status": {"delivered": "Complete", "cancelled": "Cancelled"},
        "withdraw": "withdraw from contract here",
        "box": "Yes, I want to cancel this order",
        "confirm": "Confirm withdrawal",
        "accepted": re.compile("Accepted by OVHcloud|Order cancelled"),
    },
    "fr": {
        "sign_in": "Se connecter avec OVHcloud",
        "go": "Continuer chez OVHcloud",
        "continue": "Continuer",
        "orders": "Mes commandes",
        "purchase_order": "Bon de commande",
        "tracking": "Suivi de commande",
        "status": {"delivered": "Finalisée", "cancelled": "Annulée"},
        "withdraw": "renoncer au contrat ici",
        "box": "Oui, je désire annuler cette commande",
        "confirm": "Confirmer la rétractation",
        "accepted": re.compile("Acceptée par OVHcloud|Commande annulée"),
    },
}


def sign_in(page: Page, panel: "Stack", who: dict[str, Any], language: str = "en") -> None:
    """From the first page to the list of orders, through OVHcloud's own page."""
    words = WORDS[language]
    page.goto(panel.base)
    page.get_by_role("button", name=words["sign_in"]).click()
    page.get_by_role("link", name=words["go"]).click()
    page.locator("[name=nichandle]").fill(who["nichandle"])
    page.locator("[name=password]").fill(who["password"])
    page.locator("[name=password]").press("Enter")
    page.locator("#continue").get_by_role("button", name=words["continue"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(words["orders"])


def reach(target: Locator) -> None:
    """Go there by Tab alone, as somebody without a mouse does; fails where the focus never comes by."""
    expect(target).to_be_visible()
    for _ in range(150):
        if target.evaluate("node => node === document.activeElement"):
            return
        target.page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def enter(target: Locator) -> None:
    """Reach it and press Enter."""
    reach(target)
    target.page.keyboard.press("Enter")


def tick(target: Locator) -> None:
    """Reach a box and press the space bar. It was empty: nothing is ticked beforehand."""
    expect(target).not_to_be_checked()
    reach(target)
    target.page.keyboard.press("Space")
    expect(target).to_be_checked()


def choose(target: Locator) -> None:
    """A radio button: Tab leads to its group, arrows to itself."""
    expect(target).to_be_visible()
    keyboard, name = target.page.keyboard, target.get_attribute("name")
    for _ in range(150):
        if target.page.evaluate("document.activeElement.name") == name:
            break
        keyboard.press("Tab")
    for _ in range(30):
        if target.evaluate("node => node === document.activeElement"):
            keyboard.press("Space")
            expect(target).to_be_checked()
            return
        keyboard.press("ArrowDown")
    raise AssertionError(f"arrows do not lead to {target}")


def type_into(target: Locator, text: str) -> None:
    reach(target)
    target.page.keyboard.press("Control+A")
    target.page.keyboard.type(text)


def staff_sign_in(page: Page, panel: "Stack", email: str, password: str) -> None:
    page.goto(f"{panel.base}/staff/sign-in/")
    page.locator("[name=login]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("[name=password]").press("Enter")
    page.locator("[name=code]").fill(pyotp.TOTP(TOTP_SECRET).now())
    page.locator("[name=code]").press("Enter")
    expect(page.locator("[name=q]")).to_be_visible()


def row_of(page: Page, number: int) -> Any:
    return page.locator(f'#order-rows [data-order-id="{number}"]')


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
