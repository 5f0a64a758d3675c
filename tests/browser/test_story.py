"""The whole story, as a customer and then the desk live it."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.journeys import WORDS, row_of, scrolls_sideways, sign_in, staff_sign_in
from tests.browser.places import places
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.rows(1)]


@places
def test_from_signing_in_to_a_cancelled_order(panel: Stack, ovh: Any, reader: Any, width: str, language: str):
    words, who = WORDS[language], ovh.customers[0]
    number = ovh.make_order(nichandle=who["nichandle"], status="delivering", price="24.00", products=["VPS Comfort"])
    me = reader(width, language)
    page = me.page

    sign_in(page, panel, who, language)
    expect(row_of(page, number)).to_be_visible(timeout=20_000)
    assert not scrolls_sideways(page)

    page.goto(f"{panel.base}/orders/{number}/")
    expect(page.get_by_role("heading", level=1)).to_contain_text(words["purchase_order"])
    expect(page.locator(f'[data-order-id="{number}"]')).to_have_attribute("data-status", "delivering")
    expect(page.get_by_text("VPS Comfort").first).to_be_visible(timeout=15_000)
    assert not scrolls_sideways(page)

    page.goto(f"{panel.base}/orders/{number}/tracking/")
    expect(page.locator("[data-step]")).to_have_count(4)
    expect(page.locator('[data-step="DELIVERING"]')).to_have_attribute("data-state", "doing")
    ovh.pace(30)
    # Nobody touches the page: it moves by itself.
    expect(page.locator('[data-step="AVAILABLE"]')).to_have_attribute("data-state", "done", timeout=45_000)
    assert not scrolls_sideways(page)

    page.goto(f"{panel.base}/orders/{number}/")
    page.get_by_role("link", name=words["withdraw"]).first.click()
    box = page.get_by_role("checkbox")
    expect(box).to_have_count(1)
    expect(box).not_to_be_checked()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name=words["confirm"], exact=True).click()
    assert ovh.events(number).count("retraction_accepted") == 0
    page.goto(f"{panel.base}/orders/{number}/withdrawal/")
    page.get_by_label(words["box"]).check()
    page.get_by_role("button", name=words["confirm"], exact=True).click()
    expect(page.get_by_role("status").filter(has_text=words["accepted"])).to_be_visible(timeout=30_000)
    assert not scrolls_sideways(page)
    assert ovh.events(number).count("retraction_accepted") == 1

    receipt = until(lambda: [mail for mail in ovh.mail() if str(number) in mail["text"]], 20, "the receipt is mailed")[
        0
    ]
    reference = page.locator("body").inner_text().split("W-")[1][:29]
    assert f"W-{reference}" in receipt["text"]
    assert receipt["to"] == ["anna.martin@example.com"]

    def cancelled() -> bool:
        page.goto(f"{panel.base}/orders/")
        return bool(row_of(page, number).get_attribute("data-status") == "cancelled")

    until(cancelled, 60, "the list shows the order as cancelled")
    assert me.complaints == []

    desk = reader(width, language)
    panel.add_staff("desk@example.net", "a long pass phrase")
    staff_sign_in(desk.page, panel, "desk@example.net", "a long pass phrase")
    desk.page.locator("[name=q]").fill(str(number))
    desk.page.locator("[name=q]").press("Enter")
    desk.page.get_by_role("link", name=str(number)).first.click()
    expect(desk.page.locator(f'[data-order-id="{number}"]')).to_have_attribute("data-status", "cancelled")
    expect(desk.page.get_by_text(f"W-{reference}").first).to_be_visible()
    assert desk.page.locator("#withdrawal").count() == 0
    assert not scrolls_sideways(desk.page)
    assert desk.complaints == []
