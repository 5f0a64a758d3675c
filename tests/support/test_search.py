"""Staff find any customer's order by whatever the caller can say."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent
from orders.models import Order
from support.search import LIMIT, PAGE, clean, order_number, orders_found
from tests.factories import make_nichandle, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def orders() -> Any:
    """Three people, an order each."""
    martin = make_nichandle("am12345-ovh", email="Anna.Martin@example.fr", firstname="Anna", name="Martin")
    li = make_nichandle("lw77-ovh", email="wei@li.example", firstname="Wei", name="Li", organisation="Northwind Ltd")
    muller = make_nichandle("hm9-ovh", email="h@example.de", firstname="Hans", name="Müller_50%")
    return {
        "martin": make_order(martin, 238097502, search_text="VPS Comfort, 12 months\nmartin-photo.fr"),
        "li": make_order(li, 238011946, search_text="Dedicated server Rise-1\nnorthwind.example"),
        "muller": make_order(muller, 5501, search_text="SSL certificate 100% safe", status="delivering"),
    }


def numbers(client: Client, q: str, **more: Any) -> list[int]:
    answer = client.get("/support/", {"q": q, **more})
    assert answer.status_code == 200
    return [row.number for row in answer.context.get("rows", [])]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("238097502", [238097502]),
        ("n° 238 097 502", [238097502]),
        ("#5501", [5501]),
        ("238", [238097502, 238011946]),
        ("am12345-ovh", [238097502]),
        ("AM12345", [238097502]),
        ("anna.martin@EXAMPLE.fr", [238097502]),
        ("anna.martin@", [238097502]),
        ("anna martin", [238097502]),
        ("MARTIN", [238097502]),
        ("arti", [238097502]),
        ("li", [238011946]),
        ("northwind", [238011946]),
        ("müller", [5501]),
        ("martin-photo.fr", [238097502]),
        ("rise-1", [238011946]),
        ("anna comfort", [238097502]),
        ("comfort martin", [238097502]),
        ("anna comfort months", [238097502]),
        ("anna rise-1", []),
        ("100% safe", [5501]),
        ("müller_50%", [5501]),
        ("%%%", []),
        ("m_rtin", []),
        ("nobody", []),
        ("Delivery in progress", [5501]),
        ("being processed", [5501]),
        ("999999999", []),
    ],
)
def test_each_kind_of_word_finds_its_order(staff_client: Client, orders: Any, q: str, found: list[int]) -> None:
    assert sorted(numbers(staff_client, q)) == sorted(found)


@pytest.mark.parametrize(
    "q", ["0", "-1", str(2**63), "9" * 400, "१२३", "1e3", "\x00", "\ud800", "%", "'; drop table x --", "a" * 5000]
)
def test_strange_words_find_nothing_and_break_nothing(staff_client: Client, q: str) -> None:
    q = q.encode("utf-8", "surrogatepass").decode("latin-1") if "\ud800" in q else q
    assert numbers(staff_client, q) == []


@pytest.mark.parametrize("number", ["-1", "x", "99999999999", "²", ""])
def test_an_unknown_page_is_the_first_one(staff_client: Client, number: str) -> None:
    assert numbers(staff_client, "martin", page=number) == [238097502]


def test_nothing_typed_says_what_to_type_and_writes_nothing(staff_client: Client) -> None:
    assert "Any customer, any order" in staff_client.get("/support/").content.decode()
    assert not AuditEvent.objects.filter(action="staff_search").exists()


def test_no_hit_says_what_else_to_try_and_is_written_down(staff_client: Client) -> None:
    assert "Nothing is known of “nobody”" in staff_client.get("/support/?q=nobody").content.decode()
    assert AuditEvent.objects.get(action="staff_search").target == "nobody"


def test_a_single_letter_is_too_little(staff_client: Client) -> None:
    assert "at least three letters" in staff_client.get("/support/?q=a").content.decode()


def test_a_row_says_what_a_caller_asks(staff_client: Client) -> None:
    page = staff_client.get("/support/?q=5501").content.decode()
    for words in ("5501", "Hans Müller_50%", "hm9-ovh", "Being processed", "the delivery, for", "11.99"):
        assert words in page, words
    assert page.count('data-order-id="5501"') == 1
    assert 'data-status="delivering"' in page


def test_markup_in_what_ovhcloud_says_is_text(staff_client: Client) -> None:
    evil = "<img src=x onerror=alert(1)><b hx-get=/account/ hx-trigger=load>{{ 7|add:7 }}"
    make_order(make_nichandle("evil-ovh", name=evil[:200]), 666, first_description=evil, search_text=evil)
    for q in ("666", "onerror", evil[:100]):
        page = staff_client.get("/support/", {"q": q}).content.decode()
        assert "<img src=x" not in page
        assert "<b hx-get" not in page
    assert "{{ 7|add:7 }}" in staff_client.get("/support/?q=666").content.decode()


def test_the_newest_come_first_and_older_ones_on_further_pages(staff_client: Client) -> None:
    busy = make_nichandle("busy-ovh")
    now = timezone.now()
    for number in range(1, PAGE + 11):
        make_order(busy, 9000 + number, date=now - timedelta(days=number))
    first = numbers(staff_client, "busy-ovh")
    assert first == list(range(9001, 9001 + PAGE))
    assert "page=1" in staff_client.get("/support/?q=busy-ovh").content.decode()
    assert numbers(staff_client, "busy-ovh", page=1) == list(range(9001 + PAGE, 9011 + PAGE))
    assert numbers(staff_client, "busy-ovh", page=2) == []


def test_of_one_customers_thousands_the_newest_are_shown(staff_client: Client) -> None:
    busy = make_nichandle("busy-ovh")
    newest = make_order(busy, 9_000_000, date=timezone.now() + timedelta(hours=1))
    old = timezone.now() - timedelta(days=400)
    Order.objects.bulk_create(
        Order(
            nichandle=busy, order_id=1_000_000 + n, date=old, price_with_tax=1, price_without_tax=1, tax=0,
            currency_code="EUR",
        )
        for n in range(LIMIT + 5)
    )  # fmt: skip
    answer = staff_client.get("/support/?q=busy-ovh")
    assert answer.context["rows"][0].number == newest.order_id
    assert "More than 1000 orders match" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 200])
@pytest.mark.parametrize("q", ["busy-ovh", "bulk product", "77", "770", "busy@example.org"])
def test_a_search_costs_at_most_six_queries_however_many_are_found(staff_client: Client, q: str, count: int) -> None:
    busy = make_nichandle("busy-ovh", email="busy@example.org")
    for number in range(count):
        make_order(busy, 770_000 + number, search_text="bulk product")
    with CaptureQueriesContext(connection) as queries:
        answer = staff_client.get("/support/", {"q": q})
    assert answer.status_code == 200
    # Savepoints are the test's own: in production the transaction is the request's only one.
    assert len([query for query in queries if "SAVEPOINT" not in query["sql"]]) <= 6


def test_a_fragment_is_the_region_alone(staff_client: Client) -> None:
    answer = staff_client.get("/support/?q=martin", headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<section id="found"')
    assert "HX-Request" in answer["Vary"]


def test_each_branch_uses_an_index(orders: Any) -> None:
    """With sequential scans made dear, no search falls back to one."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    for q in ("238097502", "am12345", "anna.martin@example.fr", "martin", "martin-photo.fr", "anna comfort"):
        with CaptureQueriesContext(connection) as queries:
            orders_found(clean(q), timezone.now())
        for query in queries:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN " + query["sql"])
                plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, f"{q}: {query['sql']}\n{plan}"


@pytest.mark.parametrize(
    ("text", "number"),
    [("238097502", "238097502"), ("No. 238.097.502", "238097502"), ("commande 12", "12"), ("12 boxes", ""), ("0", "")],
)
def test_a_number_is_read_as_people_write_it(text: str, number: str) -> None:
    assert order_number(text) == number
