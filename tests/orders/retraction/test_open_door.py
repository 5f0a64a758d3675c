"""Declaring without signing in: two steps, never turned away, and the same answer whether or not there is an order."""

import re
import threading
import uuid
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, Nichandle
from orders.models import Intent, Matching, Order, OrderEvent, Receipt, Refund, Retraction
from orders.retraction import limits, matching, open_door, receipt
from tests.factories import make_canary, make_customer, make_detail, make_nichandle, make_order

pytestmark = pytest.mark.django_db

ADDRESS = "/withdraw/declare/"


@pytest.fixture
def order() -> Order:
    make_canary()
    return open_order(make_customer().nichandle)


def open_order(nichandle: Any, number: int | None = None, **fields: Any) -> Order:
    placed = timezone.now() - timedelta(days=3)
    values = {"date": placed, "retraction_date": placed + timedelta(days=14), "price": "24.00"} | fields
    order = make_order(nichandle, number, **values)
    make_detail(order, total="20.00", description="VPS Comfort", extension={"duration": "P30D"})
    return order


def fields(order: Order | str, **other: str) -> dict[str, str]:
    number = order if isinstance(order, str) else str(order.order_id)
    return {"order_number": number, "name": "Anna Martin", "email": "anna@example.com", "language": "en"} | other


def read(client: Client, order: Order | str, **other: str) -> Any:
    """The first step, sent: the page to read and confirm."""
    return client.post(ADDRESS, fields(order, **other))


def declare(client: Client, order: Order | str, **other: str) -> Any:
    """Both steps."""
    page = read(client, order, **other).content.decode()
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    return client.post(ADDRESS, fields(order, **other) | {"step": "confirm", "confirm": "on", "key": key})


def text(response: Any) -> str:
    page = response.content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


# --- The two steps ----------------------------------------------------------------------------------------------------
def test_signed_out_one_may_sign_in_or_declare(client):
    page = client.get("/withdraw/").content.decode()
    assert "Sign in with OVHcloud" in page
    assert 'id="declaration"' in page
    assert 'action="/withdraw/declare/"' in page


def test_the_second_step_shows_the_words_and_one_box_unticked(client, order):
    response = read(client, order)
    page = response.content.decode()
    words = f"I, Anna Martin, hereby give notice that I withdraw from my contract with OVHcloud for order {order}."
    assert words in text(response)
    [form] = re.findall(r'<form id="withdrawal".*?</form>', page, re.S)
    boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*>', form)
    assert len(boxes) == 1
    assert "checked" not in boxes[0]
    assert "Yes, I want to cancel this order" in form
    assert re.findall(r"<button[^>]*>(.*?)</button>", form, re.S) == ["Confirm withdrawal"]
    assert not Retraction.objects.exists()


def test_the_french_words(client, order):
    page = read(client, order, language="fr")
    assert page.status_code == 200
    page = text(client.post(ADDRESS, fields(order), headers={"accept-language": "fr"}))
    assert "Oui, je désire annuler cette commande" in page
    assert "Confirmer la rétractation" in page


def test_declaring_stores_the_very_words_that_were_shown_and_nothing_of_ours(client, order):
    shown = text(read(client, order))
    response = declare(client, order)
    assert response.status_code == 302
    row = Retraction.objects.get()
    assert row.statement in shown
    assert (row.channel, row.order, row.intent, row.nichandle) == ("public", None, None, "")
    assert (row.order_number, row.order_typed, row.name) == (order.order_id, str(order.order_id), "Anna Martin")
    assert AuditEvent.objects.get(action="declare_without_sign_in").detail["reference"] == row.reference


def test_the_page_after_it_holds_the_receipt_and_only_what_was_typed(client, order):
    response = client.get(declare(client, order, email="Anna@Example.com")["Location"])
    row = Retraction.objects.get()
    page = text(response)
    for fact in (row.reference, row.statement, receipt.fingerprint(row), "Anna@Example.com", "Paris time"):
        assert fact in page
    for secret in ("VPS Comfort", "24.00", "21.60", order.nichandle.nichandle, "delivered", "Complete"):
        assert secret not in page


def test_without_the_box_nothing_is_stored_and_what_was_typed_comes_back(client, order):
    response = client.post(ADDRESS, fields(order, name="Anna O’Hara") | {"step": "confirm"})
    assert "Tick the box" in text(response)
    assert 'value="Anna O’Hara"' in unescape(response.content.decode())
    assert not Retraction.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"email": "anna"}, {"email": ""}, {"name": ""}, {"order_number": " "}, {"name": "a\0b"}]
)
@pytest.mark.parametrize("step", ["", "confirm"])
def test_a_field_that_will_not_do_is_said_and_the_rest_is_kept(client, order, wrong, step):
    response = client.post(ADDRESS, fields(order, **wrong) | {"step": step, "confirm": "on"})
    assert response.status_code == 200
    assert "Nothing was declared yet" in text(response)
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Retraction.objects.exists()


def test_going_back_to_change_keeps_what_was_typed(client, order):
    page = client.post(ADDRESS, fields(order, name="Änna") | {"step": "change"}).content.decode()
    assert 'value="Änna"' in page
    assert "Nothing was declared" not in page


@pytest.mark.parametrize("typed", ["the VPS of last week", "№ ٣٤", "238 000 123", "#238000123", "9" * 60, "-1", "0"])
def test_whatever_is_typed_as_a_number_is_taken(client, db, typed):
    assert declare(client, typed).status_code == 302
    row = Retraction.objects.get()
    assert row.order_typed == typed
    assert row.order_number == (238000123 if "238" in typed else None)


def test_names_in_every_script_and_line_breaks_in_none(client, order):
    declare(client, order, name="Мартен 馬丁 مارتن\r\nBcc: x@example.net")
    assert Retraction.objects.get().name == "Мартен 馬丁 مارتن Bcc: x@example.net"


def test_markup_is_shown_as_text(client, order):
    response = client.get(declare(client, order, name="<b onclick=x>Anna</b>")["Location"])
    assert "<b onclick" not in response.content.decode()


# --- Twice, by others, later ------------------------------------------------------------------------------------------
def test_the_same_page_sent_twice_is_one_declaration(client, order):
    page = read(client, order).content.decode()
    [key] = re.findall(r'name="key" value="([^"]+)"', page)
    both = [client.post(ADDRESS, fields(order) | {"step": "confirm", "confirm": "on", "key": key}) for _ in "ab"]
    assert [answer.status_code for answer in both] == [302, 302]
    assert Retraction.objects.count() == Receipt.objects.count() == 1


def test_that_page_with_other_words_is_another_declaration(client, order):
    key = str(uuid.uuid4())
    for name in ("Anna", "Bruno"):
        client.post(ADDRESS, fields(order, name=name) | {"step": "confirm", "confirm": "on", "key": key})
    assert set(Retraction.objects.values_list("name", flat=True)) == {"Anna", "Bruno"}


@pytest.mark.parametrize("key", ["", "x", "0" * 500])
def test_a_page_without_its_key_declares_all_the_same(client, order, key):
    answer = client.post(ADDRESS, fields(order) | {"step": "confirm", "confirm": "on", "key": key})
    assert answer.status_code == (302 if not key else 200)
    if key:
        # Not a key of ours: the page comes back with a good one, and nothing that was typed is lost.
        assert "Confirm withdrawal" in text(answer)


def test_the_link_opens_for_its_holder_and_nothing_else_does(client, order):
    link = declare(client, order)["Location"]
    reference = Retraction.objects.get().reference
    assert Client().get(link).status_code == 200
    for other in (f"/withdraw/declared/{reference}/", link[:-2] + "/", "/withdraw/declared/x/"):
        assert client.get(other).status_code == 404


def test_a_signed_in_person_may_use_the_door_too(customer_client, order):
    assert declare(customer_client, order).status_code == 302


def test_a_post_without_token_is_refused(order):
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(ADDRESS, fields(order) | {"step": "confirm", "confirm": "on"}).status_code == 403


def test_reading_makes_no_session(client, order):
    client.get("/withdraw/")
    client.get(ADDRESS)
    declare(client, order)
    assert not Session.objects.exists()


# --- The same for an order that is there and one that is not ----------------------------------------------------------
def shape(response: Any) -> str:
    """The page without what was typed or drawn by lot."""
    page = response.content.decode()
    for pattern in (r"W(-[2-9A-Z]{9}){3}", r"[0-9a-f]{64}", r'value="[^"]*"', r"\d\d:\d\d:\d\d", r"23\d{7}|999999999"):
        page = re.sub(pattern, "·", page)
    return re.sub(r'(action|href)="/withdraw/declared/[^"]+"', "·", page)


def test_known_unknown_and_mismatching_are_answered_alike_with_the_same_queries(client, order):
    seen = []
    for number, email in [(str(order), "anna@example.com"), ("999999999", "anna@example.com"), (str(order), "x@y.fr")]:
        Client().get("/withdraw/")
        with CaptureQueriesContext(connection) as queries:
            first = read(client, number, email=email)
            answer = declare(client, number, email=email)
            last = client.get(answer["Location"])
        page = shape(last).replace(email, "·")
        seen.append(
            (
                shape(first).replace(email, "·"),
                answer.status_code,
                page,
                [q["sql"].partition(chr(34) + "s1")[0][:40] for q in queries],
            )
        )
    assert seen[0] == seen[1] == seen[2]


def test_no_order_is_looked_up_while_somebody_waits(client, order):
    with CaptureQueriesContext(connection) as queries:
        declare(client, order)
    assert not [query["sql"] for query in queries if 'FROM "orders_order"' in query["sql"]]


# --- Whose it is ------------------------------------------------------------------------------------------------------
def test_number_and_address_of_one_order_link_it_and_it_is_sent_like_any_other(client, order):
    declare(client, order, email="ANNA@example.com")
    assert matching.match_due() == 1
    row = Matching.objects.exclude(order=None).get()
    assert (row.order, row.by) == (order, "")
    assert (row.intent.state, row.intent.order) == (Intent.State.WAITING, order)
    assert order.events.filter(kind=OrderEvent.Kind.DECLARED).count() == 1
    assert Refund.objects.get().due_on == (timezone.now().astimezone(order.nichandle.zone) + timedelta(days=14)).date()
    assert matching.match_due() == 0


def test_the_account_is_told_at_its_own_address_and_the_typed_one_learns_nothing(client, order):
    Nichandle.objects.update(email="anna.kept@example.com")
    declare(client, order, email="typed@example.net", name="Eve Elsewhere")
    matching.match_due()
    mails = {row.kind: row for row in Receipt.objects.select_related("retraction", "order__nichandle")}
    notice = receipt.mail(mails["notice"], None)
    assert notice.to == ["anna.kept@example.com"]
    for typed in ("Eve", "Elsewhere", "typed@example.net"):
        assert typed not in notice.body + notice.subject
    theirs = receipt.mail(mails["receipt"], None)
    assert theirs.to == ["typed@example.net"]
    for secret in ("anna.kept", "VPS Comfort", order.nichandle.nichandle, "24.00", "€"):
        assert secret not in theirs.body + theirs.subject


@pytest.mark.parametrize("kept", ["mike@example.com", "mıke@example.com"])
@pytest.mark.parametrize("typed", ["mıke@example.com", "ｍike@example.com", "mike@example.co", "mİke@example.com"])
def test_look_alike_addresses_are_not_the_same(kept, typed):
    assert matching.is_same_address(kept, typed) == (kept == typed)


def test_an_empty_address_agrees_with_none():
    assert not matching.is_same_address("", "")


def test_a_number_that_two_accounts_have_waits_for_a_person(client, order):
    open_order(make_nichandle(), order.order_id)
    declare(client, order)
    assert matching.match_due() == 0
    assert matching.waiting().count() == 1
    assert not Intent.objects.exists()


def test_what_a_machine_cannot_match_waits_for_a_person(client, order):
    declare(client, order, email="other@example.org")
    declare(client, "999999999")
    declare(client, "my VPS")
    assert matching.match_due() == 0
    assert matching.waiting().count() == 3
    assert not Intent.objects.exists()


def test_an_order_that_we_meet_later_finds_its_declaration(client, db):
    """Declared before its customer ever signed in here: their orders come, and it is linked without a person."""
    make_canary()
    declare(client, "238777001")
    assert matching.match_due() == matching.match_due() == 0
    assert Matching.objects.count() == 1, "looked at once, not every few seconds"
    order = open_order(make_customer().nichandle, 238_777_001)
    assert matching.match_due() == 1
    assert Matching.objects.exclude(order=None).get().order == order


def test_what_a_person_judged_no_machine_judges_again(client, db):
    make_canary()
    declare(client, "238777002")
    matching.match_due()
    matching.leave_unmatched(Retraction.objects.get(), by="sam@example.net", note="a joke", request=None)
    open_order(make_customer().nichandle, 238_777_002)
    assert matching.match_due() == 0


def test_staff_attach_it_and_what_follows_is_the_customers_own(client, order):
    declare(client, order, email="other@example.org")
    matching.match_due()
    row = matching.attach(Retraction.objects.get(), order, by="sam@example.net", note="knew the domain")
    assert row.intent.state == Intent.State.WAITING
    assert not matching.waiting().exists()
    assert matching.attach(Retraction.objects.get(), order, by="sam@example.net") == row
    with pytest.raises(matching.AlreadyMatched):
        matching.attach(Retraction.objects.get(), open_order(make_nichandle()), by="sam@example.net")


def test_unmatched_with_a_note_leaves_the_queue_and_may_still_be_matched(client, order):
    declare(client, "my VPS")
    matching.match_due()
    declaration = Retraction.objects.get()
    matching.leave_unmatched(declaration, by="sam@example.net", note="no answer", request=None)
    assert not matching.waiting().exists()
    assert matching.attach(declaration, order, by="sam@example.net").order == order


def test_the_day_of_declaring_counts_however_late_the_match(client, order):
    """Declared on the last day, matched a week later: in time, so it is sent."""
    declare(client, order, email="other@example.org")
    matching.match_due()
    # The declaration cannot be moved back, so the order is: its time ended an hour after the declaration.
    over = timezone.now() + timedelta(hours=1)
    Order.objects.update(date=over - timedelta(days=40), retraction_date=over)
    row = matching.attach(Retraction.objects.get(), order, by="sam@example.net")
    assert row.intent.state == Intent.State.WAITING


def test_a_late_one_is_held_for_a_person(client, order):
    Order.objects.update(date=timezone.now() - timedelta(days=60), retraction_date=timezone.now() - timedelta(days=46))
    declare(client, order)
    matching.match_due()
    intent = Intent.objects.get()
    assert (intent.state, intent.why) == (Intent.State.HELD, "late")


def test_an_order_that_was_declared_before_is_told_to_ovhcloud_once(client, order):
    from orders.retraction.declaration import retract_order

    first = retract_order(order, email="anna@example.com", language="en", request=None).retraction
    declare(client, order)
    declare(client, order, email="ANNA@EXAMPLE.COM")
    matching.match_due()
    assert Intent.objects.count() == 1
    assert set(Matching.objects.exclude(order=None).values_list("intent", flat=True)) == {first.intent_id}


def test_the_owner_sees_it_without_what_was_typed_and_may_declare_too(customer, customer_client):
    make_canary()
    order = open_order(customer.nichandle)
    declare(Client(), order, name="Eve Elsewhere")
    matching.match_due()
    page = text(customer_client.get(f"/orders/{order}/withdrawal/"))
    assert "Declared without signing in" in page
    assert "Eve Elsewhere" not in page
    assert "Declare it yourself, too" in page
    assert (
        customer_client.post(f"/orders/{order}/withdrawal/", {"email": "anna@example.com", "confirm": "on"}).status_code
        == 302
    )
    assert Intent.objects.count() == 1
    assert Retraction.objects.filter(channel="account").get().intent == Intent.objects.get()


# --- Limits hold back mails and matches, never declarations -----------------------------------------------------------
def test_a_flood_from_many_networks_at_one_address_sends_it_few_mails(order):
    for number in range(30):
        browser = Client(REMOTE_ADDR=f"203.0.{number}.7")
        assert declare(browser, "999999999", email="victim@example.com").status_code == 302
    assert Retraction.objects.count() == 30
    going = Receipt.objects.filter(held_back=False)
    assert going.count() == limits.PER_ADDRESS
    assert not Receipt.objects.filter(held_back=True).exclude(next_attempt_at=None).exists()


def test_a_flood_of_one_network_matches_nothing_by_machine_beyond_its_limit(order):
    for number in range(limits.PER_NETWORK + 3):
        declare(Client(REMOTE_ADDR=f"198.51.100.{number + 1}"), "999999999", email=f"a{number}@example.com")
    declare(Client(REMOTE_ADDR="198.51.100.200"), order)
    assert matching.match_due() == 0
    assert Retraction.objects.count() == limits.PER_NETWORK + 4
    # Another network is not held up by it.
    declare(Client(REMOTE_ADDR="203.0.113.9"), order)
    assert matching.match_due() == 1


def test_a_forwarded_address_is_not_believed(order):
    for number in range(limits.PER_NETWORK + 1):
        browser = Client(headers={"x-forwarded-for": f"203.0.{number}.1"})
        declare(browser, "999999999", email=f"a{number}@example.com")
    assert Receipt.objects.filter(held_back=True).count() == 1


def test_an_account_is_not_flooded_with_notices(order):
    for number in range(limits.PER_ACCOUNT + 4):
        declare(Client(REMOTE_ADDR=f"203.0.{number}.7"), order, email=f"a{number}@example.net")
    matching.match_due()
    assert Receipt.objects.filter(kind="notice").count() == limits.PER_ACCOUNT


def test_while_redis_is_away_declarations_are_stored_and_mails_are_counted_by_rows(client, order, settings):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://127.0.0.1:9/0"}}
    for number in range(limits.PER_NETWORK + 5):
        assert declare(client, "999999999", email=f"a{number}@example.com").status_code == 302
    assert Retraction.objects.count() == limits.PER_NETWORK + 5
    assert Receipt.objects.filter(held_back=False).count() == limits.PER_NETWORK


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("", "unknown"),
    ],
)
def test_networks(address, network):
    assert limits.network_of(address) == network


def test_the_page_says_that_its_mail_is_held_back(client, order):
    for number in range(limits.PER_ADDRESS + 1):
        last = declare(Client(REMOTE_ADDR=f"203.0.{number}.7"), "999999999")
    assert "not mailed by itself" in text(client.get(last["Location"]))


# --- For ever ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("change", [{"order_number": 1}, {"email": "x@example.com"}, {"channel": "account"}])
def test_the_database_refuses_to_change_it(client, order, change):
    declare(client, order)
    with pytest.raises(DatabaseError), transaction.atomic():
        Retraction.objects.update(**change)


def test_the_database_refuses_to_change_or_drop_a_matching(client, order):
    declare(client, order)
    matching.match_due()
    with pytest.raises(DatabaseError), transaction.atomic():
        Matching.objects.update(note="another")
    with pytest.raises(DatabaseError), transaction.atomic():
        Matching.objects.all().delete()


def test_the_receipt_again_to_another_address(client, order):
    link = declare(client, order)["Location"]
    assert client.post(link, {"email": "second@example.org"}).status_code == 302
    assert set(Receipt.objects.values_list("address", flat=True)) == {"anna@example.com", "second@example.org"}
    assert "This is not an e-mail address" in text(client.post(link, {"email": "second"}))


def test_the_receipt_as_pdf_for_the_links_holder_alone(client, order):
    link = declare(client, order)["Location"]
    answer = client.get(f"{link}receipt.pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content[:5] == b"%PDF-"
    assert client.get("/withdraw/declared/x/receipt.pdf").status_code == 404


def test_the_links_are_signed_and_end(order, client):
    declare(client, order)
    token = open_door.link_of(Retraction.objects.get())
    assert open_door.by_link(token)
    assert open_door.by_link(token + "x") is None
    assert open_door.by_link("") is None


@pytest.mark.django_db(transaction=True)
def test_the_same_page_sent_at_the_same_moment_is_one_declaration():
    """Two of eight can both find nothing and store; the row that comes second is refused, and the first is shown."""
    key, links, gate = str(uuid.uuid4()), [], threading.Barrier(8)
    sent = fields("999999999") | {"step": "confirm", "confirm": "on", "key": key}

    def press() -> None:
        gate.wait()
        links.append(Client().post(ADDRESS, sent)["Location"])
        connection.close()

    people = [threading.Thread(target=press) for _ in range(8)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert len(links) == 8
    assert Retraction.objects.count() == Receipt.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_match_it_once(client):
    make_canary()
    order = open_order(make_customer().nichandle)
    declare(client, order)
    found, gate = [], threading.Barrier(4)

    def work() -> None:
        gate.wait()
        found.append(matching.match_due())
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(found) == 1
    assert Matching.objects.count() == Intent.objects.count() == 1
    assert Receipt.objects.filter(kind="notice").count() == 1
