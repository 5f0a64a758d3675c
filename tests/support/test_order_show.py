"""One order as staff see it: what happened, what was asked and answered, and nothing to act with."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Link
from orders.models import Intent, OrderEvent, Receipt, Retraction
from tests.factories import make_canary, make_customer, make_detail, make_event, make_nichandle, make_order

pytestmark = pytest.mark.django_db
URL = "/support/orders/am1-ovh/238097502/"


@pytest.fixture
def order() -> Any:
    """An order under way, of a customer with a key, two products and something to tell."""
    customer = make_customer("am1-ovh")
    order = make_order(
        customer.nichandle,
        238097502,
        status="delivering",
        last_error="Internal error",
        last_error_query_id="EU.ext-3.a1",
    )
    make_detail(order, description="VPS Comfort", domain="vps-1.example")
    make_detail(order, description="Backup", domain="*001", cancelled=True)
    make_event(order, before="checking", after="delivering", source="GET /me/order/{orderId}/status")
    make_canary()
    return order


def declare(order: Any, **intent: Any) -> Intent:
    row = Intent.objects.create(kind="retraction", nichandle=order.nichandle, order=order, **intent)
    retraction = Retraction.objects.create(
        order=order,
        intent=row,
        nichandle=order.nichandle.nichandle,
        order_number=order.order_id,
        name="Anna Martin",
        email="anna@example.com",
        statement="I withdraw.",
        statement_version="1",
        language="en",
        late=True,
    )
    Receipt.objects.create(retraction=retraction, address="anna@example.com", attempts=3, last_error="550 no such box")
    return row


def show(client: Client, url: str = URL) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return str(answer.content.decode()).replace("\xa0", " ")


def test_it_tells_what_the_order_is_and_why_it_waits(staff_client: Client, order: Any) -> None:
    page = show(staff_client)
    for words in (
        "It waits for the delivery, for",
        "Anna Martin",
        "VPS Comfort",
        "vps-1.example",
        "Status changed from Confirmation to Being processed",
        "Internal error",
        "EU.ext-3.a1",
        "€11.99",
        "Checked",
    ):
        assert words in page, words
    assert "*001" not in page
    assert page.count("data-order-id") == page.count("data-status") == 1
    assert 'data-order-id="238097502" data-status="delivering"' in page
    assert re.findall(r'data-state="(\w+)"', page) == ["done", "done", "doing", "todo"]


def test_it_holds_no_form_but_the_frames_and_checking(staff_client: Client, order: Any) -> None:
    declare(order)
    forms = re.findall(r'<form[^>]*action="([^"]*)"', show(staff_client))
    assert set(forms) <= {"/sign-out/", "/i18n/setlang/", f"{URL}check/"}
    assert len(re.findall("<form", show(staff_client))) == len(forms)


def test_a_withdrawal_is_told_with_ovhclouds_words_and_the_mail_that_failed(staff_client: Client, order: Any) -> None:
    intent = declare(
        order, state="refused", message="This order can't be retracted", query_id="EU.ext-9.zz", attempts=1
    )
    page = show(staff_client)
    for words in (
        "refused by OVHcloud",
        "This order can&#x27;t be retracted",
        "EU.ext-9.zz",
        "550 no such box",
        "not sent, 3 attempts",
        intent.retractions.get().reference,
        "late",
    ):
        assert words in page, words


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "valid"}, "valid"),
        ({"state": "revoked", "revoked_at": timezone.now()}, "the customer must sign in again"),
        ({"expiration": timezone.now() - timedelta(days=1)}, "the customer must sign in again"),
    ],
)
def test_the_key_is_told_and_never_shown(staff_client: Client, order: Any, change: dict[str, Any], words: str) -> None:
    Link.objects.update(**change)
    page = show(staff_client)
    assert words in page
    assert Link.objects.get().encrypted_key not in page


def test_an_unreachable_account_is_told_first(staff_client: Client, order: Any) -> None:
    imported = order.nichandle.order_import
    imported.unreachable_since, imported.unreachable_why = timezone.now() - timedelta(hours=1), "unavailable"
    imported.save()
    page = show(staff_client)
    assert page.index("OVHcloud, unreachable since") < page.index("the delivery, for")


@pytest.mark.parametrize("kind", OrderEvent.Kind.values)
def test_every_kind_of_event_has_words(staff_client: Client, order: Any, kind: str) -> None:
    when = timezone.now().isoformat()
    make_event(order, kind, before=when if kind == "retractionDate" else "someNewWord", note="their own words")
    page = show(staff_client)
    assert "their own words" in page
    assert when not in page


@pytest.mark.parametrize(
    "path",
    [
        "am1-ovh/1", "am2-ovh/238097502", "am1-ovh/0", "am1-ovh/-1", f"am1-ovh/{2**63}", "am1-ovh/238097502x",
        "am1-ovh/०१२", "am1-ovh/0238097502", "am1-ovh%00/238097502", "%27%20or%201=1/238097502", f"am1-ovh/{'9' * 999}",
    ],
)  # fmt: skip
def test_an_unknown_order_is_one_and_the_same_404_and_written_down(staff_client: Client, order: Any, path: str) -> None:
    make_nichandle("am2-ovh")
    answer = staff_client.get(f"/support/orders/{path}/")
    unknown = staff_client.get("/support/orders/nobody-ovh/4/")
    assert answer.status_code == unknown.status_code == 404
    assert answer.content == unknown.content
    assert AuditEvent.objects.filter(action="staff_order", result="failed").count() == 2


def test_an_account_of_another_region_is_unknown_here(staff_client: Client) -> None:
    make_order(make_nichandle("us1-ovh", endpoint="ovh-us"), 77)
    assert staff_client.get("/support/orders/us1-ovh/77/").status_code == 404


def test_markup_from_ovhcloud_is_text(staff_client: Client, order: Any) -> None:
    evil = "<img src=x onerror=alert(1)>{{ 7|add:7 }}"
    make_detail(order, description=evil, domain=evil)
    make_event(order, OrderEvent.Kind.REFUSED, note=evil, source=evil, query_id=evil)
    order.last_error = order.status = evil[:40]
    order.save()
    page = show(staff_client)
    assert "<img src=x" not in page
    assert "{{ 7|add:7 }}" in page


@pytest.mark.parametrize("count", [1, 40])
def test_it_costs_the_same_however_much_there_is_to_tell(staff_client: Client, order: Any, count: int) -> None:
    for _ in range(count):
        make_detail(order)
        make_event(order)
        declare(order, state="refused")
    with CaptureQueriesContext(connection) as queries:
        show(staff_client)
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) == 13


def test_a_payment_stands_with_its_state_and_a_supervisor_may_close_it(staff_client: Client, order: Any) -> None:
    arguments = {"key": "m1", "mean": "creditCard", "mean_id": 1, "method_id": 1}
    Intent.objects.create(
        kind="payment", nichandle=order.nichandle, order=order, state="dead", why="unclear", arguments=arguments
    )
    make_event(order, kind="givenUp", after="unclear", source="POST /me/order/{orderId}/pay")
    page = show(staff_client)
    assert "<h2>Payment <span" in page
    assert "nobody can tell whether OVHcloud took it" in page
    assert "Payment not confirmed by OVHcloud; a person looks at it" in page
