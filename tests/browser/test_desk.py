"""The desk in a real browser: numbers of the checking, what waits for a person, and what OVHcloud answered."""

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import Breaker, CallMinute
from accounts.ovh import application
from orders.models import Intent
from tests.browser.journeys import scrolls_sideways
from tests.factories import make_canary, make_customer, make_detail, make_event, make_order, make_staff
from tests.support.test_order_show import declare

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ORDER = "/support/orders/am1-ovh/238097502/"
PAGES = ["/support/sync/", "/support/queues/", ORDER]


@pytest.fixture
def desk(live_server: Any, transactional_db: None, reader: Any) -> Any:
    """Open a page as a supervisor: desk(path, width=…) gives their browser."""
    supervisor = make_staff(role="supervisor")

    def open_page(path: str, **options: Any) -> Any:
        client = Client()
        client.force_login(supervisor)
        person = reader(**options)
        session = client.cookies["panel_session"].value
        person.page.context.add_cookies([{"name": "panel_session", "value": session, "url": live_server.url}])
        person.page.goto(f"{live_server.url}{path}")
        return person

    return open_page


@pytest.fixture
def trouble(transactional_db: None) -> Any:
    """An hour with a silent OVHcloud, and a withdrawal that was given up."""
    make_canary(timezone.now() - timedelta(minutes=4))
    customer = make_customer("am1-ovh")
    order = make_order(customer.nichandle, 238097502, status="delivering", next_poll_at=timezone.now())
    make_detail(order, description="VPS Comfort", domain="vps-1.example")
    make_event(
        order, before="checking", after="delivering", source="GET /me/order/{orderId}/status", query_id="EU.ext-3"
    )
    intent = declare(order, state="dead", why="unclear", attempts=2, next_attempt_at=None, message="Internal error")
    minute = timezone.now().replace(second=0, microsecond=0)
    for ago in range(1, 60):
        CallMinute.objects.create(
            minute=minute - timedelta(minutes=ago), calls=20 + (ago * 37) % 90, limited=4 if ago in (12, 13) else 0
        )
    Breaker.objects.create(
        address=application().address, state="open", failing_since=minute - timedelta(minutes=3), why="no connection"
    )
    body = {"orderId": 238097502, "priceWithTax": {"value": 11.99, "currencyCode": "EUR", "text": "11.99 €" * 20}}
    for number, answer in enumerate(["delivering", body, {"message": "Internal error"}]):
        order.evidence.create(
            route="GET /me/order/{orderId}/status",
            status_code=200,
            query_id="EU.ext-3." + "9f3c" * 12,
            body=answer,
            digest=bytes([number]),
        )
    return intent


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_desks_pages_are_whole_and_within_everybodys_reach(desk, trouble, live_server, width, scheme):
    person = desk("/support/", width=width, color_scheme=scheme)
    page = person.page
    for path in PAGES:
        page.goto(live_server.url + path)
        for fold in page.locator("summary").all():
            fold.click()
        found = Axe().run(page).response["violations"]
        assert not found, (path, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
        assert not scrolls_sideways(page), path
    assert person.complaints == []


def test_numbers_renew_themselves_and_stand_without_javascript(desk, trouble):
    page = desk("/support/sync/").page
    expect(page.locator("[data-dead]")).to_have_attribute("data-dead", "1")
    Intent.objects.update(state="closed")
    expect(page.locator("[data-dead]")).to_have_attribute("data-dead", "0", timeout=15_000)
    plain = desk("/support/sync/", java_script_enabled=False).page
    expect(plain.get_by_text("OVHcloud does not answer; only a probe is sent now and then.")).to_be_visible()
    expect(plain.locator("svg.chart rect")).not_to_have_count(0)


def test_a_supervisor_closes_with_a_note(desk, trouble):
    page = desk("/support/queues/").page
    page.get_by_text("Close with a note").click()
    page.get_by_label("Note").fill("OVHcloud cancelled it by phone.")
    page.get_by_role("button", name="Close it").click()
    expect(page.get_by_text("It is closed and not sent any more.")).to_be_visible()
    trouble.refresh_from_db()
    assert trouble.state == "closed"


def test_a_supervisor_rings_again(desk, trouble):
    page = desk(ORDER).page
    page.get_by_role("button", name="Ring again").click()
    expect(page.get_by_text("It is taken up again.")).to_be_visible()
    trouble.refresh_from_db()
    assert trouble.state == "doubtful"
