"""What only a browser shows of the pages of orders: swaps, the way back, menus, the phone, scripts switched off."""

import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from tests.factories import make_canary, make_customer, make_detail, make_order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def customer(transactional_db: None) -> Any:
    make_canary()
    return make_customer()


@pytest.fixture
def visit(live_server: Any, customer: Any, reader: Any) -> Any:
    """Open a page as the signed-in customer: visit(path, width=…) gives their browser."""

    def open_page(path: str, **options: Any) -> Any:
        client = Client()
        client.force_login(customer)
        person = reader(**options)
        session = client.cookies["panel_session"].value
        person.page.context.add_cookies([{"name": "panel_session", "value": session, "url": live_server.url}])
        person.page.goto(f"{live_server.url}{path}")
        return person

    return open_page


def fill(nichandle: Any) -> Any:
    """Orders of every kind, with the long words and strange amounts that break layouts."""
    now = timezone.now()
    for status in ("checking", "documentsRequested", "delivering", "cancelling", "cancelled", "aNewWord"):
        make_order(nichandle, status=status, was_paid=True)
    make_order(nichandle, 201234567890, price="1234567.89", first_description="W" * 80, product_count=12)
    make_order(nichandle, price="1200000", currency_code="points")
    make_order(nichandle, price="-11.99", currency_code="N/A", retraction_date=now + timedelta(days=9))
    unpaid = make_order(nichandle, status="notPaid", expiration_date=now + timedelta(days=6, hours=1))
    make_detail(unpaid, description="VPS Comfort, rental for 12 months", domain="vps.example")
    make_detail(unpaid, total="-11.99", description="First order", domain="vps.example", detail_type="GIFT")
    make_detail(unpaid, description="x" * 200, domain="y" * 250)
    return unpaid


def test_older_orders_swap_the_rows_and_back_returns_to_the_newer_ones(visit, customer):
    for number in range(45):
        make_order(customer.nichandle, 1000 + number, date=timezone.now() - timedelta(hours=45 - number))
    person = visit("/orders/")
    page = person.page
    first = page.locator("[data-order-id]").first
    expect(first).to_have_attribute("data-order-id", "1044")
    page.evaluate("window.same = true")
    page.get_by_role("link", name="Older orders").click()
    expect(first).to_have_attribute("data-order-id", "1024")
    assert page.evaluate("window.same"), "the page was loaded anew"
    assert "after=" in page.url
    page.get_by_role("link", name="Older orders").click()
    expect(first).to_have_attribute("data-order-id", "1004")
    expect(page.get_by_role("link", name="Older orders")).to_have_count(0)
    page.go_back()
    expect(first).to_have_attribute("data-order-id", "1024")
    expect(page.get_by_role("heading", level=1)).to_have_text("My orders")
    page.reload()
    expect(first).to_have_attribute("data-order-id", "1024")
    # htmx remembers the address it last swapped, and no page.
    assert page.evaluate("Object.keys(localStorage)") == []
    assert page.evaluate("Object.keys(sessionStorage)") == ["htmx-current-path-for-history"]
    assert person.complaints == []


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_row_menu_opens_by_keyboard_and_closes_on_escape(visit, customer, width):
    order = make_order(customer.nichandle)
    page = visit("/orders/", width=width).page
    button = page.get_by_role("button", name=f"Actions for order {order.order_id}")
    entry = page.get_by_role("link", name="View order in HTML format")
    button.press("Enter")
    expect(entry).to_be_visible()
    box = entry.bounding_box()
    assert box["height"] >= 44
    assert 0 <= box["x"] <= box["x"] + box["width"] <= page.viewport_size["width"]
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.mouse.click(5, 5)
    expect(entry).to_be_hidden()


PAGES = ["/", "/orders/", "/orders/?q=zzz&min=x", "/orders/{}/", "/orders/{}/tracking/", "/orders/{}/pay/", "/account/"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "desk"])
def test_pages_are_whole_and_within_everybodys_reach(visit, customer, live_server, width, scheme):
    order = fill(customer.nichandle)
    person = visit("/orders/", width=width, color_scheme=scheme)
    page = person.page
    for path in PAGES:
        page.goto(live_server.url + path.format(order.order_id))
        found = Axe().run(page).response["violations"]
        assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
    assert person.complaints == []


@pytest.mark.parametrize(("width", "text"), [(320, 100), (640, 200), (320, 200), (700, 100), (1280, 200)])
def test_nothing_scrolls_sideways_however_narrow_the_page_or_large_the_text(visit, customer, live_server, width, text):
    order = fill(customer.nichandle)
    page = visit("/orders/").page
    page.set_viewport_size({"width": width, "height": 700})
    for path in PAGES:
        page.goto(live_server.url + path.format(order.order_id))
        page.evaluate("size => document.documentElement.style.fontSize = `${size}%`", text)
        beyond = page.evaluate(
            """() => [...document.querySelectorAll("body *")]
                .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth)
                .map((element) => `${element.tagName} ${element.className}`)"""
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, beyond)


def test_targets_are_large_enough_for_a_thumb(visit, customer, live_server):
    order = fill(customer.nichandle)
    page = visit("/orders/", width="phone").page
    for path in PAGES:
        page.goto(live_server.url + path.format(order.order_id))
        small = page.evaluate(
            """() => [...document.querySelectorAll("button, summary, input, select, .places a, .tabs a, .button")]
                .filter((element) => element.offsetParent && !element.closest("label"))
                .filter((element) => element.getBoundingClientRect().height < 43.5)
                .filter((element) => !element.matches(".linklike"))
                .map((element) => element.outerHTML)"""
        )
        assert small == [], path


def test_tracking_moves_by_itself_and_then_stops_asking(visit, customer):
    order = make_order(customer.nichandle, status="delivering")
    page = visit(f"/orders/{order.order_id}/tracking/").page
    expect(page.locator("[data-step=DELIVERING]")).to_have_attribute("data-state", "doing")
    customer.nichandle.orders.update(status="delivered")
    expect(page.locator("[data-step=AVAILABLE]")).to_have_attribute("data-state", "done", timeout=10_000)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(5_000)
    assert asked == []


def test_an_open_import_shows_its_rows_as_they_come(visit, customer):
    row = customer.nichandle.order_import
    row.finished_at, row.total, row.done = None, 312, 40
    row.save()
    page = visit("/orders/").page
    expect(page.get_by_text("Importing 40 of 312 orders")).to_be_visible()
    make_order(customer.nichandle, 777)
    row.done, row.finished_at = 312, timezone.now()
    row.save()
    expect(page.locator("[data-order-id='777']")).to_be_visible(timeout=10_000)
    expect(page.locator("progress")).to_have_count(0)


def test_without_javascript_everything_is_still_there(visit, customer):
    for _ in range(21):
        make_order(customer.nichandle)
    page = visit("/orders/", java_script_enabled=False).page
    page.get_by_role("link", name="Older orders").click()
    assert "after=" in page.url
    expect(page.locator("[data-order-id]")).to_have_count(1)
    page.get_by_role("button", name=re.compile("Actions for order")).click()
    page.get_by_role("link", name="Order tracking").click()
    expect(page.locator("[data-step]")).to_have_count(4)
    page.get_by_role("button", name="Check now").click()
    expect(page.get_by_text("OVHcloud is being asked now")).to_be_visible()
    page.get_by_role("button", name="Anna Martin").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_the_purchase_order_prints_without_the_frame(visit, customer):
    order = fill(customer.nichandle)
    page = visit(f"/orders/{order.order_id}/").page
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    for gone in (".bar", ".footer", "button", ".button", "#freshness form"):
        assert page.locator(gone).filter(visible=True).count() == 0, gone
