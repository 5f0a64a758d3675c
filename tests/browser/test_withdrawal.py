"""Withdrawing in a real browser: signed in and at the open door, by keyboard, without scripts, within reach of all."""

import re
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Breaker
from orders.models import Intent, Order, Refund, RefundSeen, Retraction
from orders.retraction.declaration import retract_order
from tests.browser.journeys import WORDS, scrolls_sideways, sign_in
from tests.browser.places import places, places_and_scripts
from tests.factories import make_canary, make_customer, make_detail, make_order
from tests.processes.stack import Stack, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

State = Intent.State


@pytest.fixture
def customer(transactional_db: None) -> Any:
    make_canary()
    return make_customer()


@pytest.fixture
def visit(live_server: Any, customer: Any, reader: Any) -> Any:
    """Open a page; as the customer unless signed_in=False."""

    def open_page(path: str, *, signed_in: bool = True, **options: Any) -> Any:
        person = reader(**options)
        if signed_in:
            client = Client()
            client.force_login(customer)
            session = client.cookies["panel_session"].value
            person.page.context.add_cookies([{"name": "panel_session", "value": session, "url": live_server.url}])
        person.page.goto(f"{live_server.url}{path}")
        return person

    return open_page


def an_order(customer: Any, **fields: Any) -> Order:
    placed = timezone.now() - timedelta(days=3)
    values = {"date": placed, "retraction_date": placed + timedelta(days=14), "price": "24.00"} | fields
    order = make_order(customer.nichandle, **values)
    make_detail(order, total="20.00", description="VPS Comfort, 30 days", extension={"duration": "P30D"})
    make_detail(order, total="0.00", description="Set-up of a server", detail_type="INSTALLATION")
    make_detail(order, total="5.00", description="a-very-long-domain-name-for-a-small-telephone.example .com")
    return order


def declared(customer: Any, **change: Any) -> Order:
    """An order withdrawn from; change: of its intent."""
    order = an_order(customer)
    retract_order(order, email="anna@example.com", language="en", request=None)
    Intent.objects.filter(order=order).update(settled_at=timezone.now(), **change)
    return order


def in_each_state(customer: Any) -> dict[str, Order]:
    """Orders in every state that their withdrawal page tells apart."""
    refused = {"state": State.REFUSED, "message": "This order cannot be retracted", "query_id": "EU.ext-1.6921"}
    found = {
        "open": an_order(customer),
        "over": an_order(customer, date=timezone.now() - timedelta(days=90), retraction_date=None),
        "unpaid": an_order(customer, status="notPaid", retraction_date=None),
        "waiting": declared(customer),
        "unreachable": declared(customer, failures=9),
        "doubtful": declared(customer, state=State.DOUBTFUL),
        "held": declared(customer, state=State.HELD, why="late"),
        "key": declared(customer, state=State.HELD, why="key"),
        "refused": declared(customer, **refused),
        "closed": declared(customer, state=State.CLOSED, note="Withdrawn by telephone"),
        "dead": declared(customer, state=State.DEAD, why="unclear"),
        "accepted": declared(customer, state=State.ACCEPTED),
        "overdue": declared(customer, state=State.ACCEPTED),
        "refunded": declared(customer, state=State.ACCEPTED),
    }
    Refund.objects.filter(order=found["overdue"]).update(due_on=timezone.now().date() - timedelta(days=3))
    Order.objects.filter(pk__in=[found["refunded"].pk, found["overdue"].pk]).update(status="cancelled")
    seen = Refund.objects.get(order=found["refunded"])
    RefundSeen.objects.create(refund=seen, ovh_id="FR1234", amount="21.60", currency_code="EUR", date=timezone.now())
    return found


def faults(page: Page) -> list[Any]:
    violations = Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in violations]


# --- Within everybody's reach -----------------------------------------------------------------------------------------
@places
def test_every_state_is_whole_and_accessible(visit, customer, live_server, width, language):
    orders = in_each_state(customer)
    person = visit("/withdraw/", width=width, language=language)
    page = person.page
    paths = ["/withdraw/", "/withdraw/declare/", f"/orders/{orders['refused']}/withdrawal/letter/"]
    paths += [f"/orders/{orders['overdue']}/withdrawal/letter/?about=refund"]
    for path in paths + [f"/orders/{order}/withdrawal/" for order in orders.values()]:
        page.goto(live_server.url + path)
        page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
        assert faults(page) == [], path
        assert not scrolls_sideways(page), path
    assert person.complaints == []


@places_and_scripts
def test_the_open_door_by_keyboard_alone(visit, width, language, scripts):
    """From the first page to the receipt with Tab, letters, blank and Enter; what is wrong is said where focus goes."""
    words = WORDS[language]
    person = visit("/withdraw/", signed_in=False, width=width, language=language, java_script_enabled=scripts)
    page = person.page
    whole = (lambda: faults(page) == [] and not scrolls_sideways(page)) if scripts else lambda: True
    assert whole()
    tab_to(page, "#id_order_number")
    page.keyboard.type("238000123")
    page.keyboard.press("Tab")
    page.keyboard.type("Ἄννα Мартен")
    page.keyboard.press("Tab")
    page.keyboard.type("anna")
    page.keyboard.press("Enter")
    expect(page.locator("#id_email")).to_have_attribute("aria-invalid", "true")
    assert whole()
    expect(page.locator(".errors")).to_be_focused()
    expect(page.locator("#id_name")).to_have_value("Ἄννα Мартен")
    tab_to(page, "#id_email")
    page.keyboard.type("anna@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("#withdrawal")).to_be_visible()
    assert whole()
    expect(page.get_by_role("checkbox")).to_have_count(1)
    expect(page.get_by_role("checkbox")).not_to_be_checked()
    expect(page.get_by_role("button", name=words["confirm"], exact=True)).to_have_count(1)
    tab_to(page, "#withdrawal button")
    page.keyboard.press("Enter")
    expect(page.locator(".errors")).to_be_focused()
    assert whole()
    assert not Retraction.objects.exists()
    tab_to(page, "#id_confirm")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#receipt")).to_contain_text(re.compile(r"W(-[2-9A-Z]{9}){3}"))
    assert whole()
    row = Retraction.objects.get()
    assert (row.channel, row.name, row.language) == ("public", "Ἄννα Мартен", language)
    expect(page.locator("#receipt")).to_contain_text(row.statement)
    assert person.complaints == []


@places_and_scripts
def test_signed_in_by_keyboard_alone(visit, customer, width, language, scripts):
    order = an_order(customer)
    person = visit(f"/orders/{order}/withdrawal/", width=width, language=language, java_script_enabled=scripts)
    page = person.page
    tab_to(page, "#id_confirm")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".errors")).to_be_focused()
    assert not Retraction.objects.exists()
    tab_to(page, "#id_confirm")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#receipt")).to_contain_text(re.compile(r"W(-[2-9A-Z]{9}){3}"))
    # Where it stands now is where one is, also after the region has renewed itself.
    arrived = page.locator("#declared")
    expect(arrived).to_be_focused()
    page.wait_for_timeout(2_500)
    expect(arrived).to_be_focused()
    assert arrived.get_attribute("aria-labelledby") == "withdrawal-heading withdrawal-state"
    expect(page.locator("#withdrawal-state")).not_to_be_empty()
    assert Retraction.objects.get().language == language
    assert not scrolls_sideways(page)
    assert person.complaints == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until that element has the focus, as somebody without a mouse does."""
    wanted = page.locator(selector).first
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_a_refused_money_note_comes_back_with_its_words(visit, customer):
    order = declared(customer, state=State.ACCEPTED)
    page = visit(f"/orders/{order}/withdrawal/", java_script_enabled=False).page
    page.locator("#refund summary").last.click()
    page.locator("#id_words").fill("by cheque")
    page.locator("#refund button").click()
    expect(page.locator("#id_words")).to_have_value("by cheque")
    expect(page.locator("#id_day")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("width", ["phone", "desk"])
def test_the_letter_prints_without_the_frame(visit, customer, width):
    order = declared(customer, state=State.REFUSED, message="No")
    page = visit(f"/orders/{order}/withdrawal/letter/", width=width).page
    page.emulate_media(media="print")
    expect(page.locator(".letter")).to_be_visible()
    for gone in (".bar", ".footer", "button", ".no-print"):
        assert page.locator(gone).filter(visible=True).count() == 0, gone


# --- With everything running ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("language", "width"), [("en", "phone"), ("fr", "desk")])
def test_declared_at_the_open_door_an_order_is_cancelled_and_two_mails_arrive(panel, ovh, reader, language, width):
    """Somebody who has lost access: the order is withdrawn from, and each address is told what it may know."""
    words, who = WORDS[language], ovh.customers[0]
    number = ovh.make_order(nichandle=who["nichandle"], status="delivered", price="24.00", products=["VPS Comfort"])
    mine = reader(width, language)
    sign_in(mine.page, panel, who, language)
    expect(mine.page.locator(f'[data-order-id="{number}"]')).to_be_visible(timeout=20_000)

    lost = reader(width, language)
    page = lost.page
    page.goto(f"{panel.base}/withdraw/")
    page.locator("#id_order_number").fill(str(number))
    page.locator("#id_name").fill("Anna Martin")
    page.locator("#id_email").fill("Anna.Martin@example.com")
    page.locator("#declaration button").click()
    page.get_by_label(words["box"]).check()
    page.get_by_role("button", name=words["confirm"], exact=True).click()
    reference = re.search(r"W(-[2-9A-Z]{9}){3}", page.locator("#receipt").inner_text())
    assert reference

    until(lambda: "retraction_accepted" in ovh.events(number), 20, "OVHcloud takes it")
    assert ovh.events(number).count("retraction_accepted") == 1
    mails = until(lambda: len(ovh.mail()) >= 2 and ovh.mail(), 20, "both mails arrive")
    receipt = next(mail for mail in mails if reference[0] in mail["text"])
    notice = next(mail for mail in mails if reference[0] not in mail["text"])
    assert "VPS Comfort" not in receipt["text"]
    assert who["nichandle"] not in receipt["text"]
    assert str(number) in notice["text"]
    assert lost.complaints == []


def test_three_days_without_ovhcloud(panel: Stack, ovh: Any, reader: Any):
    """Declared while nothing answers: the page says that it goes on trying, and it arrives when OVHcloud is back."""
    who = ovh.customers[0]
    number = ovh.make_order(nichandle=who["nichandle"], status="delivered", price="24.00", products=["VPS Comfort"])
    me = reader()
    sign_in(me.page, panel, who)
    expect(me.page.locator(f'[data-order-id="{number}"]')).to_be_visible(timeout=20_000)
    ovh.arm("reset", path="*", count=100_000)
    me.page.goto(f"{panel.base}/orders/{number}/withdrawal/")
    me.page.get_by_role("checkbox").check()
    me.page.get_by_role("button", name="Confirm withdrawal", exact=True).click()
    expect(me.page.get_by_text(re.compile(r"W(-[2-9A-Z]{9}){3}")).first).to_be_visible()
    assert "retraction_accepted" not in ovh.events(number)
    ovh.disarm()
    # As if three days had gone by, each with its attempts: the next one is due now, and so is the next probe.
    gone = timedelta(days=3)
    Breaker.objects.update(probe_at=timezone.now())
    for row in Intent.objects.filter(order__order_id=number):
        values = {"created_at": row.created_at - gone, "next_attempt_at": timezone.now(), "leased_until": None}
        Intent.objects.filter(pk=row.pk).update(**values)
    until(lambda: "retraction_accepted" in ovh.events(number), 120, "OVHcloud takes it")
    assert ovh.events(number).count("retraction_accepted") == 1
