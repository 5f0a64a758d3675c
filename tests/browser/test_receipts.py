"""The receipt in a real browser: it downloads, anybody verifies it, and the working of the date is on paper, too."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import expect

from orders.models import Order, Retraction
from orders.retraction.declaration import retract_order
from orders.retraction.facts import fingerprint
from tests.factories import make_canary, make_customer, make_detail, make_order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BOTH = pytest.mark.parametrize(("width", "language"), [("phone", "fr"), ("desk", "en")])


@pytest.fixture
def order(transactional_db: None) -> Order:
    make_canary()
    placed = timezone.now() - timedelta(days=3)
    nichandle = make_customer().nichandle
    assert nichandle
    order = make_order(nichandle, date=placed, retraction_date=placed + timedelta(days=14), price="24.00")
    make_detail(order, description="VPS Comfort", extension={"duration": "P30D"})
    return order


def sign_in(person: Any, order: Order, live_server: Any) -> None:
    client = Client()
    client.force_login(order.nichandle.user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}
    person.page.context.add_cookies([cookie])


def declare(order: Order, language: str) -> Retraction:
    return retract_order(order, email="anna@example.com", language=language, request=None).retraction


@BOTH
def test_it_downloads_and_opens(reader: Any, live_server: Any, order: Order, tmp_path: Path, width: str, language: str):
    retraction = declare(order, language)
    person = reader(width, language)
    sign_in(person, order, live_server)
    person.page.goto(f"{live_server.url}/orders/{order.order_id}/withdrawal/")
    with person.page.expect_download() as download:
        person.page.locator("#receipt a[href$='.pdf']").click()
    download.value.save_as(tmp_path / "receipt.pdf")
    assert download.value.suggested_filename == f"withdrawal-{retraction.reference}.pdf"
    with pikepdf.open(tmp_path / "receipt.pdf") as pdf:
        assert str(pdf.Root.Lang) == language
        assert list(pdf.attachments) == ["declaration.json"]


@BOTH
def test_a_stranger_verifies_it_on_a_page_within_everybodys_reach(
    reader: Any, live_server: Any, order: Order, width: str, language: str
):
    retraction = declare(order, language)
    person = reader(width, language, java_script_enabled=width == "desk")
    person.page.goto(f"{live_server.url}/receipts/{retraction.reference}/")
    expect(person.page.get_by_text(fingerprint(retraction))).to_be_visible()
    sideways = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    if width == "desk":
        for path in (f"/receipts/{retraction.reference}/", "/receipts/W-1/"):
            person.page.goto(live_server.url + path)
            found = Axe().run(person.page).response["violations"]
            assert not found, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
            assert not person.page.evaluate(sideways)
    assert [text for text in person.complaints if "404" not in text] == []


@BOTH
def test_the_working_of_the_date_is_printed_though_it_is_folded(
    reader: Any, live_server: Any, order: Order, width: str, language: str
):
    person = reader(width, language)
    sign_in(person, order, live_server)
    person.page.goto(f"{live_server.url}/orders/{order.order_id}/withdrawal/")
    first = person.page.locator("details.print-open ol li").first
    expect(first).not_to_be_visible()
    person.page.emulate_media(media="print")
    expect(first).to_be_visible()
