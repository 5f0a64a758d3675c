"""The withdrawal page of one order: what it says, what it takes, and what it refuses."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Link, Nichandle, User
from orders.models import Intent, Order, OrderEvent, Receipt, Retraction, Status
from tests.factories import make_canary, make_customer, make_detail, make_nichandle, make_order, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def nichandle(customer: User) -> Nichandle:
    make_canary()
    assert customer.nichandle
    return customer.nichandle


def open_order(nichandle: Nichandle, **fields: Any) -> Order:
    """A delivered order of three days ago that OVHcloud lets be withdrawn from for eleven more days."""
    placed = timezone.now() - timedelta(days=3)
    values = {"date": placed, "retraction_date": placed + timedelta(days=14), "price": "24.00"} | fields
    order = make_order(nichandle, **values)
    make_detail(order, total="20.00", description="VPS Comfort", extension={"duration": "P30D"})
    return order


def path(order: Order | int) -> str:
    return f"/orders/{order if isinstance(order, int) else order.order_id}/withdrawal/"


def declare(client: Client, order: Order, **fields: str) -> Any:
    return client.post(path(order), {"email": "anna@example.com", "confirm": "on"} | fields)


def text(response: Any) -> str:
    """The page's words: what is in <main>, without markup and runs of blanks."""
    page = response.content.decode()
    main = page[page.index("<main") : page.index("</main>")] if "<main" in page else page
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", main)))


def the_form(response: Any) -> str:
    found = re.findall(r'<form id="withdrawal".*?</form>', response.content.decode(), re.S)
    assert len(found) == 1
    return found[0]


# --- What it shows ----------------------------------------------------------------------------------------------------
def test_an_open_order_shows_the_last_day_its_working_and_the_refund(customer_client, nichandle):
    order = open_order(nichandle)
    page = text(customer_client.get(path(order)))
    assert "You can withdraw from this order until" in page
    assert "23:59:59" in page
    assert "that day does not count" in page
    assert "3 of 30 days used" in page
    assert "€21.60" in page


def test_the_form_has_one_box_and_it_is_not_ticked(customer_client, nichandle):
    form = the_form(customer_client.get(path(open_order(nichandle))))
    boxes = re.findall(r'<input[^>]*type="checkbox"[^>]*>', form)
    assert len(boxes) == 1
    assert "checked" not in boxes[0]
    assert 'value="anna@example.com"' in form
    assert "Yes, I want to cancel this order" in form
    assert re.findall(r"<button[^>]*>(.*?)</button>", form, re.S) == ["Confirm withdrawal"]


def test_one_element_carries_order_and_status(customer_client, nichandle):
    page = customer_client.get(path(open_order(nichandle))).content.decode()
    assert re.findall(r'data-order-id="\d+" data-status="(\w+)"', page) == ["delivered"]
    assert page.count("data-order-id") == page.count('id="freshness"') == page.count('id="withdrawal"') == 1


def test_every_own_order_has_the_page(customer_client, nichandle):
    for status in [*Status.values, "somethingNew"]:
        order = make_order(nichandle, status=status)
        assert customer_client.get(path(order)).status_code == 200, status


def test_a_closed_order_says_why_and_offers_to_declare_all_the_same(customer_client, nichandle):
    placed = timezone.now() - timedelta(days=30)
    order = open_order(nichandle, date=placed, retraction_date=placed + timedelta(days=14))
    response = customer_client.get(path(order))
    assert "The time to withdraw ended on" in text(response)
    assert "Declare all the same" in text(response)
    assert the_form(response)


def test_what_could_not_be_checked_is_never_called_not_eligible(customer_client, nichandle):
    order = open_order(nichandle, retraction_date=None, poll_failures=3, last_error="Service unavailable")
    page = text(customer_client.get(path(order)))
    assert "We could not check just now" in page
    assert "not open" not in page


def test_no_reason_is_asked_for(customer_client, nichandle):
    page = customer_client.get(path(open_order(nichandle))).content.decode()
    assert "<select" not in page
    assert "<textarea" not in page


def test_the_page_costs_a_known_number_of_queries(customer_client, nichandle, django_assert_num_queries):
    order = open_order(nichandle)
    for number in range(30):
        make_detail(order, description=f"Option {number}")
    customer_client.get(path(order))
    # Session, user, order, details, declaration.
    with django_assert_num_queries(5):
        customer_client.get(path(order))


def test_product_text_with_markup_is_shown_as_text(customer_client, nichandle):
    order = open_order(nichandle)
    make_detail(order, description="<script>alert(1)</script>")
    page = customer_client.get(path(order)).content.decode()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_french(customer_client, nichandle):
    page = text(customer_client.get(path(open_order(nichandle)), headers={"accept-language": "fr"}))
    assert "Oui, je désire annuler cette commande" in page
    assert "Confirmer la rétractation" in page


# --- Declaring --------------------------------------------------------------------------------------------------------
def test_declaring_stores_the_words_shown_and_leads_back_to_the_page(customer_client, nichandle):
    order = open_order(nichandle)
    shown = text(customer_client.get(path(order)))
    response = declare(customer_client, order, email="other@example.org")
    assert response.status_code == 302
    assert response.url == path(order) + "#declared"
    declared = Retraction.objects.get()
    assert declared.statement in shown
    assert (declared.name, declared.email, declared.language) == ("Anna Martin", "other@example.org", "en")
    assert declared.order_number == order.order_id
    assert not declared.late
    assert declared.snapshot["estimate"]["total"] == "21.60"
    assert declared.snapshot["deadline"]["working"]
    assert declared.intent.state == Intent.State.WAITING
    assert list(order.events.values_list("kind", flat=True)) == [OrderEvent.Kind.DECLARED]
    audit = AuditEvent.objects.get(action="declare_withdrawal")
    assert audit.detail["reference"] == declared.reference


def test_the_receipt_goes_where_the_customer_says_and_the_account_is_told(customer_client, nichandle):
    declare(customer_client, open_order(nichandle), email="other@example.org")
    assert set(Receipt.objects.values_list("address", flat=True)) == {"other@example.org", "anna@example.com"}


def test_one_receipt_where_both_addresses_are_one(customer_client, nichandle):
    declare(customer_client, open_order(nichandle), email="Anna@Example.com")
    assert [receipt.address for receipt in Receipt.objects.all()] == ["Anna@Example.com"]


def test_after_declaring_the_page_shows_the_receipt_and_no_form(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    response = customer_client.get(path(order))
    declared = Retraction.objects.get()
    page = text(response)
    assert declared.reference in page
    assert declared.statement in page
    assert "Received" in page
    assert 'id="withdrawal"' not in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()


def test_a_declaration_is_in_the_language_of_its_page(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order, language="fr")
    assert Retraction.objects.get().language == "fr"


def test_without_the_box_nothing_is_stored_and_the_form_says_so(customer_client, nichandle):
    order = open_order(nichandle)
    response = customer_client.post(path(order), {"email": "typed@example.com"})
    assert response.status_code == 200
    assert "Tick the box" in text(response)
    assert 'value="typed@example.com"' in the_form(response)
    assert not Retraction.objects.exists()
    assert not Intent.objects.exists()


@pytest.mark.parametrize(
    "email", ["", "anna", "a@b\r\nBcc: x@y.example", "x" * 300 + "@example.com", "a\0@example.com"]
)
def test_an_address_that_is_none_is_said_and_kept(customer_client, nichandle, email):
    order = open_order(nichandle)
    response = declare(customer_client, order, email=email)
    assert response.status_code == 200
    assert "Nothing was declared yet" in text(response)
    assert not Retraction.objects.exists()


def test_the_same_form_twice_is_one_declaration(customer_client, nichandle):
    order = open_order(nichandle)
    for _ in range(3):
        assert declare(customer_client, order).status_code == 302
    assert Retraction.objects.count() == Intent.objects.count() == Receipt.objects.count() == 1


def test_after_the_window_it_is_stored_flagged_and_held_and_the_page_says_so(customer_client, nichandle):
    placed = timezone.now() - timedelta(days=40)
    order = open_order(nichandle, date=placed, retraction_date=placed + timedelta(days=14))
    declare(customer_client, order)
    declared = Retraction.objects.get()
    assert declared.late
    assert (declared.intent.state, declared.intent.why) == (Intent.State.HELD, "late")
    assert declared.intent.next_attempt_at is None
    assert "after the last day" in text(customer_client.get(path(order)))


def test_between_ovhclouds_date_and_ours_it_is_sent_like_any_other(customer_client, nichandle):
    # The fourteenth day is today, so ours ends tonight; OVHcloud's ended a minute ago.
    now = timezone.now()
    order = open_order(nichandle, date=now - timedelta(days=14), retraction_date=now - timedelta(minutes=1))
    declare(customer_client, order)
    declared = Retraction.objects.get()
    assert not declared.late
    assert declared.intent.state == Intent.State.WAITING


def test_where_ovhcloud_sees_no_right_it_is_held(customer_client, nichandle):
    order = open_order(nichandle, retraction_date=None)
    declare(customer_client, order)
    intent = Intent.objects.get()
    assert (intent.state, intent.why) == (Intent.State.HELD, "no-right")


@pytest.mark.parametrize("status", [Status.NOT_PAID, Status.CANCELLED, Status.CANCELLING])
def test_no_state_of_an_order_turns_a_declaration_away(customer_client, nichandle, status):
    order = open_order(nichandle, status=status)
    assert declare(customer_client, order).status_code == 302
    assert Retraction.objects.get().intent.state == Intent.State.HELD


def test_a_refused_one_may_be_followed_by_another_but_not_by_its_own_repeat(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    Intent.objects.update(state=Intent.State.REFUSED, message="No", next_attempt_at=None)
    declare(customer_client, order)
    assert Retraction.objects.count() == 1
    form = the_form(customer_client.get(path(order)))
    reference = re.search(r'name="after" value="([^"]+)"', form)
    assert reference
    declare(customer_client, order, after=reference[1])
    assert Retraction.objects.count() == Intent.objects.count() == 2


def test_ovhclouds_words_of_a_refusal_are_shown(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    Intent.objects.update(
        state=Intent.State.REFUSED, message="Not <b>eligible</b>", query_id="EU.ext-1", next_attempt_at=None
    )
    page = text(customer_client.get(path(order)))
    assert "Not <b>eligible</b>" in page
    assert "EU.ext-1" in page
    assert "Your declaration stands" in page


def test_a_doubtful_one_is_never_called_failed(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    Intent.objects.update(state=Intent.State.DOUBTFUL)
    page = text(customer_client.get(path(order)))
    assert "Sent, waiting for OVHcloud" in page
    assert "failed" not in page


# --- Who, and what is refused -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("number", ["0", "-1", str(2**63), "१२", "1e3", "9" * 60, "abc", "%00"])
def test_a_number_that_nobody_has_is_the_same_404(customer_client, nichandle, number):
    response = customer_client.get(f"/orders/{number}/withdrawal/")
    assert response.status_code == 404
    unknown = customer_client.get(path(999_999_999_999))
    assert response.content == unknown.content


def test_another_customers_order_is_a_404_and_nothing_is_stored(customer_client, nichandle):
    theirs = open_order(make_nichandle())
    assert customer_client.get(path(theirs)).status_code == 404
    assert declare(customer_client, theirs).status_code == 404
    assert not Retraction.objects.exists()


def test_a_post_without_token_is_refused(customer, nichandle):
    order = open_order(nichandle)
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)
    assert declare(client, order).status_code == 403
    assert not Retraction.objects.exists()


def test_what_else_is_sent_along_changes_nothing(customer_client, nichandle):
    order = open_order(nichandle)
    extra = {"reason": "performance", "comment": "x", "orderId": "1", "name": "Eve", "late": "1", "state": "accepted"}
    extra |= {"declared_at": "2000-01-01", "statement": "I waive", "nichandle": "eve-ovh", "id": "7", "pk": "7"}
    declare(customer_client, order, **extra)
    declared = Retraction.objects.get()
    assert (declared.name, declared.order_number, declared.late) == ("Anna Martin", order.order_id, False)
    assert declared.intent.state == Intent.State.WAITING
    assert "hereby give notice" in declared.statement


def test_staff_and_visitors_cannot_declare(nichandle):
    order = open_order(nichandle)
    staff = Client()
    staff.force_login(make_staff())
    assert declare(staff, order).status_code == 404
    assert declare(Client(), order).status_code == 302
    assert not Retraction.objects.exists()


def test_a_revoked_key_stops_no_declaration(customer, customer_client, nichandle):
    order = open_order(nichandle)
    Link.objects.update(state=Link.State.REVOKED)
    assert customer_client.get(path(order)).status_code == 200
    assert declare(customer_client, order).status_code == 302
    assert Retraction.objects.count() == 1


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_405(customer_client, nichandle, method):
    assert getattr(customer_client, method)(path(open_order(nichandle))).status_code == 405


# --- The fragment -----------------------------------------------------------------------------------------------------
def test_htmx_gets_the_region_alone_and_it_stops_asking_when_settled(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    htmx = {"HX-Request": "true"}
    fragment = customer_client.get(path(order), headers=htmx).content.decode()
    assert "<html" not in fragment
    assert fragment.lstrip().startswith('<div id="retraction"')
    assert "hx-trigger" in fragment
    Order.objects.update(status=Status.CANCELLED)
    Intent.objects.update(state=Intent.State.ACCEPTED)
    fragment = customer_client.get(path(order), headers=htmx).content.decode()
    assert "hx-trigger" not in fragment
    assert "Order cancelled" in fragment


# --- Beside it --------------------------------------------------------------------------------------------------------
def test_the_model_form_is_filled_in(customer_client, nichandle):
    order = open_order(nichandle)
    page = text(customer_client.get(path(order) + "model-form/"))
    assert "I hereby give notice that I withdraw" in page
    assert str(order.order_id) in page
    assert "Anna Martin" in page


@pytest.mark.parametrize("count", [1, 25])
def test_the_list_of_open_orders_costs_the_same_however_long(
    customer_client, nichandle, count, django_assert_num_queries
):
    for _ in range(count):
        open_order(nichandle)
    make_order(nichandle)
    customer_client.get("/withdraw/")
    # Session, user, orders, and how fresh they are.
    with django_assert_num_queries(4):
        response = customer_client.get("/withdraw/")
    assert response.content.decode().count("data-order-id") == count


def test_a_declared_order_leads_to_its_declaration(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    assert "See your declaration" in text(customer_client.get("/withdraw/"))


def test_no_refund_is_spoken_of_where_nothing_was_paid(customer_client, nichandle):
    unpaid = open_order(nichandle, status=Status.NOT_PAID, was_paid=False)
    page = text(customer_client.get(path(unpaid)))
    assert "There is nothing to withdraw from" in page
    assert "refund is due" not in page
    assert "€" not in page


def test_withdraw_signed_out_offers_the_sign_in_and_the_words(client):
    page = text(client.get("/withdraw/"))
    assert "Sign in with OVHcloud" in page
    assert "Without signing in" in page


def test_withdraw_for_staff_sends_nobody_away(client):
    client.force_login(make_staff())
    assert client.get("/withdraw/").status_code == 200


def test_a_customer_without_open_orders_is_told_the_next_step(customer_client, nichandle):
    assert "No order is open to withdrawal" in text(customer_client.get("/withdraw/"))


def test_a_receipt_verifies_for_anybody_and_tells_no_more(client, customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    declared = Retraction.objects.get()
    page = text(client.get(f"/receipts/{declared.reference}/"))
    assert declared.reference in page
    assert "UTC" in page
    for secret in (str(order.order_id), "Anna", "Martin", nichandle.nichandle, "anna@example.com"):
        assert secret not in page


@pytest.mark.parametrize("reference", ["W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA", "x", "W-%00", "9" * 500, "W-é"])
def test_an_unknown_reference_is_a_404(client, db, reference):
    assert client.get(f"/receipts/{reference}/").status_code == 404


def test_a_customer_of_another_account_sees_only_their_own_orders(nichandle):
    open_order(nichandle)
    other = make_customer()
    client = Client()
    client.force_login(other)
    assert "data-order-id" not in client.get("/withdraw/").content.decode()


# --- Afterwards -------------------------------------------------------------------------------------------------------
def set_intent(**values: Any) -> None:
    Intent.objects.update(**values)


def test_a_repeat_with_another_address_sends_the_receipt_there_too(customer_client, nichandle):
    order = open_order(nichandle)
    for email in ("anna@example.com", "second@example.org", "SECOND@example.org", "anna@example.com"):
        declare(customer_client, order, email=email)
    assert Retraction.objects.count() == Intent.objects.count() == 1
    assert [row.address for row in Receipt.objects.order_by("pk")] == ["anna@example.com", "second@example.org"]


def test_the_receipt_again_to_the_same_address_or_another(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    Receipt.objects.update(sent_at=timezone.now(), next_attempt_at=None)
    for email in ("anna@example.com", "second@example.org"):
        assert customer_client.post(f"{path(order)}receipt/", {"email": email}).status_code == 302
    waiting = Receipt.objects.filter(sent_at=None).order_by("pk")
    assert [row.address for row in waiting] == ["anna@example.com", "second@example.org"]
    assert AuditEvent.objects.filter(action="send_receipt").count() == 2


def test_an_undelivered_one_is_tried_at_once_and_not_written_twice(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    later = timezone.now() + timedelta(hours=5)
    Receipt.objects.update(last_error="451 later", attempts=9, next_attempt_at=later)
    assert "the mail server did not take it yet" in text(customer_client.get(path(order)))
    customer_client.post(f"{path(order)}receipt/", {"email": "anna@example.com"})
    row = Receipt.objects.get()
    assert row.next_attempt_at <= timezone.now()


def test_no_more_receipts_than_anybody_needs(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    for number in range(30):
        customer_client.post(f"{path(order)}receipt/", {"email": f"a{number}@example.com"})
    assert Receipt.objects.count() == 10
    assert "as many addresses as it may" in text(customer_client.get(path(order)))


def test_an_address_that_is_none_comes_back(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    answer = customer_client.post(f"{path(order)}receipt/", {"email": "second"})
    assert answer.status_code == 200
    assert "This is not an e-mail address" in text(answer)
    assert 'value="second"' in answer.content.decode()


@pytest.mark.parametrize("name", ["receipt/", "refund/", "letter/"])
def test_nothing_of_it_before_anything_is_declared(customer_client, nichandle, name):
    url = path(open_order(nichandle)) + name
    answer = customer_client.get(url) if name == "letter/" else customer_client.post(url)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"state": "waiting"}, "You need not keep this page open"),
        ({"state": "doubtful"}, "We look at the order three times within a minute"),
        ({"state": "held", "why": "late"}, "Nobody here can refuse it"),
        ({"state": "held", "why": "key"}, "Sign in with OVHcloud again"),
        ({"state": "dead", "why": "unclear"}, "Nobody here can refuse it"),
        ({"state": "refused"}, "takes it up with OVHcloud"),
        ({"state": "closed"}, "It is not passed on by itself any more"),
        ({"state": "accepted"}, "OVHcloud cancels the order"),
    ],
)
def test_what_happens_next_is_of_the_very_state(customer_client, nichandle, values, said):
    order = open_order(nichandle)
    declare(customer_client, order)
    set_intent(**values)
    assert said in text(customer_client.get(path(order)))


def test_while_ovhcloud_is_away_the_page_says_that_it_goes_on_trying(customer_client, nichandle):
    order = open_order(nichandle)
    declare(customer_client, order)
    set_intent(failures=1900, next_attempt_at=timezone.now() + timedelta(seconds=90))
    page = text(customer_client.get(path(order)))
    assert "we go on trying by ourselves" in page
    assert "OVHcloud is asked again at" in page
    assert "failed" not in page


def test_open_when_shown_and_over_when_sent_it_is_stored_and_says_so(customer_client, nichandle):
    order = open_order(nichandle)
    assert "You can withdraw from this order until" in text(customer_client.get(path(order)))
    Order.objects.update(date=timezone.now() - timedelta(days=40), retraction_date=timezone.now() - timedelta(days=1))
    declare(customer_client, order)
    assert Retraction.objects.get().late
    page = text(customer_client.get(path(order)))
    assert "Your declaration is stored with its date and time" in page


def test_an_order_that_ovhcloud_no_longer_lists_takes_a_declaration(customer_client, nichandle):
    order = open_order(nichandle, gone_at=timezone.now())
    declare(customer_client, order)
    assert Intent.objects.get().state == Intent.State.HELD


def test_lists_orders_and_this_page_count_the_same_calendar_days(customer_client, nichandle):
    order = open_order(nichandle, retraction_date=timezone.now() + timedelta(days=9, hours=1))
    last = timezone.localtime(order.retraction_date, nichandle.zone).date()
    days = (max(last, words_last(order, nichandle)) - timezone.localtime(timezone=nichandle.zone).date()).days
    for url in ("/orders/", "/withdraw/", path(order)):
        page = text(customer_client.get(url)).replace("\N{NO-BREAK SPACE}", " ")
        assert f"in {days} days" in page, url


def words_last(order: Order, nichandle: Nichandle) -> Any:
    from orders.retraction.eligibility import last_day

    return last_day(order, nichandle)


def test_every_part_says_what_withdrawing_means_for_it(customer_client, nichandle):
    order = open_order(nichandle)
    make_detail(order, description="Set-up", detail_type="INSTALLATION")
    make_detail(order, total="-2.00", description="First order", detail_type="GIFT")
    page = text(customer_client.get(path(order)))
    for meaning in ("Ends, with its data", "refunded with what it set up", "what it took off is not refunded"):
        assert meaning in page
    assert "OVHcloud takes none for single parts" in page
