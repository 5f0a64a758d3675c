"""What somebody with bad intent types at the open door, or asks of what is another's."""

import io
import json
import re
import statistics
import time
from email import message_from_bytes
from email.policy import default as modern
from typing import Any

import pikepdf
import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent
from orders.models import Intent, Matching, Order, Receipt, Retraction
from orders.retraction import document, limits, matching, open_door, receipt
from orders.retraction.declaration import retract_order
from orders.retraction.facts import declaration_json
from orders.retraction.form import DeclarationForm
from tests.factories import make_canary, make_customer, make_nichandle
from tests.orders.retraction.test_open_door import ADDRESS, declare, fields, open_order, text

pytestmark = pytest.mark.django_db

EVIL = [
    "<script>alert(1)</script>",
    "{{ settings.SECRET_KEY }}{% debug %}",
    '#read("/etc/passwd") $x^2$ *bold* @cite <label> \\ // /* */ #let x = 1',
    '=HYPERLINK("http://evil.example";"x")',
    "Anna\r\nBcc: victim@example.org\r\n\r\nwhole body",
    "Anna\u2028Bcc: victim@example.org\u0085Cc: x@example.org",
    "‮gpj.exe ⁦Ann‏a",
    "%s %(name)s {0} {name}",
    "'; DROP TABLE orders_retraction; --",
    "Zoë 馬丁 مارتن Мартен 👩‍🚀",
]
# Addresses that look like mike@example.com, or hide more than one.
LOOK_ALIKE = [
    "mıke@example.com",
    "mi\u212ae@example.com",
    "ｍike@example.com",
    "mike@еxample.com",
    "m\u200bike@example.com",
]
SEVERAL = [
    "a@example.com,b@example.com",
    "a@example.com;b@example.com",
    "a@example.com\nb@example.com",
    "a@example.com\r\nBcc: b@example.com",
    "a@example.com%0ab@example.com",
    "<a@example.com>, b@example.com",
    '"b@example.org, x"@example.com',
    '"b@example.org>, <c"@example.com',
    "a@example.com b@example.com",
    "a@[127.0.0.1]",
]


@pytest.fixture
def order() -> Order:
    make_canary()
    return open_order(make_customer(email="mike@example.com").nichandle)


# --- Who learns what --------------------------------------------------------------------------------------------------
def test_look_alikes_match_nothing_by_machine(order):
    for number, address in enumerate(LOOK_ALIKE):
        declare_if_taken(Client(REMOTE_ADDR=f"203.0.{number}.7"), order, email=address)
    matching.match_due()
    assert not Matching.objects.exclude(order=None).exists()
    assert not Intent.objects.exists()


def test_letter_case_is_the_same_mailbox(order):
    declare(Client(), order, email="MIKE@Example.COM")
    assert matching.match_due() == 1


def test_answers_take_as_long_whether_or_not_there_is_an_order(order):
    """Of the same class: no median is a fifth beyond the other, and some milliseconds for the machine."""
    taken: dict[str, list[float]] = {"known": [], "unknown": []}
    for turn in range(12):
        for name, number in (("known", str(order)), ("unknown", "999999999")):
            browser = Client(REMOTE_ADDR=f"198.51.{turn}.7")
            begun = time.perf_counter()
            browser.post(
                ADDRESS, fields(number, email=f"{name}{turn}@example.com") | {"step": "confirm", "confirm": "on"}
            )
            taken[name].append(time.perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in taken.values())
    assert abs(known - unknown) < 0.2 * max(known, unknown) + 0.01


def test_pages_are_as_long_and_cost_as_many_queries(order):
    seen = set()
    for number in (str(order), "999999999"):
        link = declare(Client(), number)["Location"]
        with CaptureQueriesContext(connection) as queries:
            page = Client().get(link)
        seen.add((page.status_code, len(page.content), len(queries)))
    statuses, sizes, counts = zip(*seen, strict=True)
    assert len(set(statuses)) == len(set(counts)) == 1
    # The link itself, signed with the moment, and a CSRF token of one length: within a few characters.
    assert max(sizes) - min(sizes) <= 16


def test_old_and_forged_links_and_those_of_signed_in_declarations_open_nothing(client, order, settings):
    link = declare(client, order)["Location"]
    reference = Retraction.objects.get().reference
    own = retract_order(order, email="mike@example.com", language="en", request=None).retraction
    settings.SECRET_KEY, key = "another", settings.SECRET_KEY
    forged = signing.dumps(reference, salt="orders.declared")
    settings.SECRET_KEY = key
    for token in (
        forged,
        signing.dumps(reference, salt="another"),
        signing.dumps(own.reference, salt="orders.declared"),
        signing.dumps([reference], salt="orders.declared"),
        signing.dumps({"a": "\0"}, salt="orders.declared"),
        "é" * 50,
        "a" * 4000,
        "%00",
    ):
        for rest in ("", "receipt.pdf"):
            assert client.get(f"/withdraw/declared/{token}/{rest}").status_code == 404, token[:30]
    assert client.get(link).status_code == 200


def test_another_customer_reaches_nothing_of_a_withdrawal(order):
    row = retract_order(order, email="mike@example.com", language="en", request=None).retraction
    eve = Client()
    eve.force_login(make_customer(nichandle="eve1-ovh"))
    base = f"/orders/{order}/withdrawal/"
    for path in ("", f"{row.reference}.pdf", "model-form/", "letter/"):
        assert eve.get(base + path).status_code == 404, path
        assert Client().get(base + path).status_code in (302, 404), path
    before = (Receipt.objects.count(), AuditEvent.objects.filter(action="note_refund").count())
    for path in ("", "receipt/", "refund/"):
        answer = eve.post(base + path, {"email": "eve@example.org", "confirm": "on", "day": "2026-01-01"})
        assert answer.status_code == 404, path
    assert before == (Receipt.objects.count(), AuditEvent.objects.filter(action="note_refund").count())


# --- Floods -----------------------------------------------------------------------------------------------------------
def test_one_mailbox_is_one_however_its_address_is_tagged(order):
    for number in range(limits.PER_ADDRESS + 5):
        declare(Client(REMOTE_ADDR=f"203.0.{number}.7"), "999999999", email=f"Victim+{number}@example.com")
    assert Receipt.objects.filter(held_back=False).count() == limits.PER_ADDRESS


def test_who_uses_up_anothers_limit_delays_a_mail_and_no_declaration(order):
    """The victim's own declaration is stored and shown with its receipt, and waits for a person in two queues."""
    for number in range(limits.PER_ADDRESS):
        declare(Client(REMOTE_ADDR=f"203.0.{number}.7"), "999999999", email="mike@example.com")
    link = declare(Client(REMOTE_ADDR="192.0.2.1"), order, email="mike@example.com")["Location"]
    assert "not mailed by itself" in text(Client().get(link))
    assert matching.match_due() == 0
    row = Retraction.objects.get(order_number=order.order_id)
    assert row in matching.waiting()
    assert row.receipts.get(kind="receipt").held_back
    assert row.receipts.filter(kind="notice").count() == 0


def test_the_second_address_is_within_the_limits_too(order):
    link = declare(Client(REMOTE_ADDR="192.0.2.1"), "999999999", email="a@example.com")["Location"]
    for number in range(limits.PER_ADDRESS + 4):
        Client(REMOTE_ADDR=f"203.0.{number}.7").post(link, {"email": "victim@example.com"})
    assert Receipt.objects.filter(address="victim@example.com").count() == 1


# --- What is typed ----------------------------------------------------------------------------------------------------
def declare_if_taken(client: Client, order: Order | str, **other: str) -> Any:
    """Both steps, without minding whether the first was refused."""
    return client.post(ADDRESS, fields(order, **other) | {"step": "confirm", "confirm": "on"})


@pytest.mark.parametrize("address", LOOK_ALIKE + SEVERAL)
def test_a_mail_goes_to_one_address_or_the_address_is_refused(order, mailoutbox, address):
    form = DeclarationForm(fields(order, email=address))
    answer = declare_if_taken(Client(), order, email=address)
    assert answer.status_code == (302 if form.is_valid() else 200)
    if not form.is_valid():
        assert not Retraction.objects.exists()
        return
    receipt.send_due()
    for mail in mailoutbox:
        assert mail.recipients() == [Retraction.objects.get().email]
        sent = message_from_bytes(mail.message().as_bytes(), policy=modern)
        assert sent["Bcc"] is None
        assert sent["Cc"] is None
        assert len(sent["To"].addresses) == 1
        assert not re.search("b@example.org", sent["To"].addresses[0].domain)


@pytest.mark.parametrize("evil", EVIL)
@pytest.mark.parametrize("field", ["name", "order_number"])
def test_what_is_typed_stays_text_in_page_mail_document_and_json(order, mailoutbox, evil, field):
    evil = evil[:100]
    answer = declare(Client(), order, **({"name": evil} if field == "name" else {"order_number": evil}))
    page = Client().get(answer["Location"]).content.decode()
    assert "<script>alert" not in page
    row = Retraction.objects.get()
    kept = row.name if field == "name" else row.order_typed
    assert not re.search(r"[\r\n\x85\u2028\u2029]", kept)
    receipt.send_due()
    [mail] = mailoutbox
    sent = message_from_bytes(mail.message().as_bytes(), policy=modern)
    assert sent["Bcc"] is sent["Cc"] is None
    assert evil.split()[0] not in sent["Subject"]
    assert kept in sent.get_body().get_content()
    with pikepdf.open(io.BytesIO(document.document_of(row).pdf)) as pdf:
        [attached] = pdf.attachments.values()
        inside = attached.get_file().read_bytes()
    assert inside == declaration_json(row)
    assert kept in json.dumps(json.loads(inside), ensure_ascii=False).encode().decode() or kept in _strings(inside)
    assert "root:" not in inside.decode()


def _strings(content: bytes) -> set[str]:
    return {value for value in json.loads(content).values() if isinstance(value, str)}


@pytest.mark.parametrize(
    "data",
    [
        {"name": "a" * 1_000_000},
        {"order_number": "\0"},
        {"email": "\ud800@example.com".encode("utf-8", "surrogatepass").decode("latin-1")},
        {f"field{number}": "x" for number in range(200)},
        {"language": "xx"},
        {"language": "../../etc"},
        {"key": "0" * 1000},
        {"step": "confirm\0"},
    ],
)
def test_bad_bodies_are_answered_and_store_nothing(order, data):
    for step in ("", "confirm"):
        answer = Client().post(ADDRESS, fields(order) | {"step": step, "confirm": "on"} | data)
        assert answer.status_code in (200, 302, 400)
        if answer.status_code == 302:
            Retraction.objects.get()
            assert "field0" in data


def test_more_fields_than_django_reads_are_a_bad_request(order):
    many = fields(order) | {f"field{number}": "x" for number in range(2000)}
    assert Client().post(ADDRESS, many).status_code == 400


def test_each_form_of_the_open_door_wants_its_token(order):
    browser = Client(enforce_csrf_checks=True)
    link = declare(Client(), order)["Location"]
    for path, data in ((ADDRESS, fields(order) | {"step": "confirm", "confirm": "on"}), (link, {"email": "x@y.fr"})):
        assert browser.post(path, data).status_code == 403
    assert Receipt.objects.count() == Retraction.objects.count() == 1


def test_a_match_tells_no_other_account(order):
    """The same number under two accounts: neither is told by what the other's e-mail was typed."""
    open_order(make_nichandle(), order.order_id)
    declare(Client(), order, email="mike@example.com")
    matching.match_due()
    assert not Receipt.objects.filter(kind="notice").exists()
    assert open_door.number_of(str(order)) == order.order_id
