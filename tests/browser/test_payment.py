"""Paying in a real browser: by keyboard, without scripts, at both widths, within reach of all."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import expect

from accounts.models import User
from orders import relay, sync
from orders.models import Intent, Order
from tests.browser.journeys import scrolls_sideways
from tests.factories import make_canary
from tests.orders.payment.paying import paid, payer, unpaid
from tests.sandboxes import Sandbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def order(ovh: Sandbox, transactional_db: None) -> Order:
    make_canary()
    return unpaid(ovh, payer(ovh))


@pytest.fixture
def visit(live_server: Any, order: Order, reader: Any) -> Any:
    """Open the order's payment page as its customer."""

    def open_page(**options: Any) -> Any:
        person, client = reader(**options), Client()
        client.force_login(User.objects.get(nichandle=order.nichandle))
        session = client.cookies["panel_session"].value
        person.page.context.add_cookies([{"name": "panel_session", "value": session, "url": live_server.url}])
        person.page.goto(f"{live_server.url}/orders/{order.order_id}/pay/")
        return person

    return open_page


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_by_keyboard_and_the_page_follows_by_itself(visit, order, ovh, width):
    person = visit(width=width)
    page = person.page
    page.locator("[name=method]:checked").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#payment-state")).to_have_text("Being sent to OVHcloud")
    assert page.evaluate("document.activeElement.id") in ("payment", "")
    assert Intent.objects.get().arguments["type"] == "SEPA_DIRECT_DEBIT"
    relay.relay_due()
    expect(page.locator("#payment-state")).to_have_text("Accepted by OVHcloud", timeout=10_000)
    sync.check_orders([order.pk])
    expect(page.locator("#payment-state")).to_have_text("Paid", timeout=10_000)
    assert not scrolls_sideways(page)
    assert paid(ovh, order) == 1
    assert person.complaints == []


def test_without_scripts(visit, order, ovh):
    page = visit(java_script_enabled=False).page
    page.get_by_role("button", name="Pay €11.99").click()
    relay.relay_due()
    sync.check_orders([order.pk])
    page.reload()
    expect(page.locator("#payment-state")).to_have_text("Paid")
    assert paid(ovh, order) == 1


@pytest.mark.parametrize("state", ["", "doubtful", "refused", "dead"])
def test_within_reach_of_all(visit, order, state):
    if state:
        page = visit(width="phone").page
        page.get_by_role("button", name="Pay €11.99").click()
        Intent.objects.update(state=state, why="unclear", message="This order can't be paid with 'creditCard'")
    person = visit(width="phone")
    found = Axe().run(person.page)
    assert found.violations_count == 0, found.generate_report()
    assert not scrolls_sideways(person.page)
