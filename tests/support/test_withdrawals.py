"""What staff do with declarations made without signing in, with mails that do not go, and with refunds."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Link
from orders.models import Intent, Matching, Order, Receipt, Refund, RefundNote, Retraction
from orders.retraction import matching, receipt
from orders.retraction.declaration import retract_order
from tests.factories import make_canary, make_customer, make_detail, make_nichandle, make_order
from tests.orders.retraction.test_open_door import declare, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def order() -> Order:
    make_canary()
    placed = timezone.now() - timedelta(days=3)
    order = make_order(
        make_nichandle("am1-ovh"), 4711, date=placed, retraction_date=placed + timedelta(days=14), price="24.00"
    )
    make_detail(order, description="VPS Comfort")
    return order


@pytest.fixture
def unmatched(order: Order) -> Retraction:
    """Declared from another mailbox than the account's, and looked at by the machine."""
    declare(Client(), order, email="lost@example.net", name="Anna M")
    matching.match_due()
    return Retraction.objects.get()


def url(row: Retraction) -> str:
    return f"/support/declarations/{row.reference}/"


def queue(client: Client, name: str) -> list[Any]:
    return next(queue.entries for queue in client.get("/support/queues/").context["queues"] if queue.name == name)


def test_it_waits_in_its_queue_and_its_page_shows_the_order_it_may_mean(staff_client, unmatched):
    [entry] = queue(staff_client, "unmatched")
    assert (entry.number, entry.url) == (unmatched.reference, url(unmatched))
    page = text(staff_client.get(url(unmatched)))
    for words in ("Anna M", "lost@example.net", "4711", "am1-ovh", "another e-mail", "VPS Comfort"):
        assert words in page
    assert AuditEvent.objects.filter(action="staff_declaration", target=unmatched.reference).exists()


def test_attaching_it_makes_the_customers_own_intent(staff_client, unmatched, order):
    answer = staff_client.post(url(unmatched), {"nichandle": "AM1-ovh", "number": "4711", "note": "knew the domain"})
    assert answer.status_code == 302
    row = Matching.objects.exclude(order=None).get()
    assert (row.order, row.note) == (order, "knew the domain")
    assert row.by.endswith("@example.net")
    assert row.intent.state == Intent.State.WAITING
    assert queue(staff_client, "unmatched") == []
    assert Receipt.objects.filter(kind="notice", order=order, address="anna@example.com").count() == 1
    assert AuditEvent.objects.filter(action="match_declaration", subject="am1-ovh").count() == 1
    page = text(staff_client.get(f"/support/orders/am1-ovh/{order}/"))
    assert unmatched.reference in page


def test_nobody_can_tell(staff_client, unmatched):
    staff_client.post(url(unmatched), {"unmatched": "on", "note": "no answer to two mails"})
    assert queue(staff_client, "unmatched") == []
    assert not Intent.objects.exists()
    assert "no answer to two mails" in text(staff_client.get(url(unmatched)))


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"note": ""},
        {"nichandle": "am1-ovh", "note": "x"},
        {"number": "4711", "note": "x"},
        {"nichandle": "am1-ovh", "number": "4712", "note": "x"},
        {"nichandle": "other", "number": "4711", "note": "x"},
        {"nichandle": "am1-ovh", "number": "4711", "unmatched": "on", "note": "x"},
        {"nichandle": "am1-ovh", "number": "9" * 30, "note": "x"},
        {"nichandle": "am1-ovh", "number": "4711"},
    ],
)
def test_a_judgement_that_is_none_changes_nothing(staff_client, unmatched, wrong):
    before = Matching.objects.count()
    answer = staff_client.post(url(unmatched), wrong)
    assert answer.status_code == 200
    assert "Nothing was noted yet" in text(answer)
    assert Matching.objects.count() == before


def test_a_second_judgement_changes_nothing(staff_client, unmatched):
    other = make_order(make_nichandle("bm2-ovh"), 4712)
    for who, number in (("am1-ovh", "4711"), ("bm2-ovh", "4712"), ("am1-ovh", "4711")):
        assert staff_client.post(url(unmatched), {"nichandle": who, "number": number, "note": "x"}).status_code == 302
    assert Matching.objects.exclude(order=None).count() == 1
    assert not other.intents.exists()


@pytest.mark.parametrize("reference", ["W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA", "x", "9" * 500])
def test_an_unknown_one_is_a_404(staff_client, reference):
    assert staff_client.get(f"/support/declarations/{reference}/").status_code == 404


def test_a_declaration_of_a_signed_in_customer_has_no_such_page(staff_client, order):
    row = retract_order(order, email="anna@example.com", language="en", request=None).retraction
    assert staff_client.get(url(row)).status_code == 404


def test_a_receipt_that_a_limit_held_back_is_released_by_a_person(staff_client, unmatched):
    mail = Receipt.objects.get(kind="receipt")
    Receipt.objects.filter(pk=mail.pk).update(held_back=True, next_attempt_at=None)
    [entry] = queue(staff_client, "held-back")
    assert staff_client.post(entry.action_url).status_code == 302
    mail.refresh_from_db()
    assert not mail.held_back
    assert mail.next_attempt_at <= timezone.now()
    assert queue(staff_client, "held-back") == []


# --- A match that was wrong -------------------------------------------------------------------------------------------
def matched(client: Client, row: Retraction) -> Intent:
    client.post(url(row), {"nichandle": "am1-ovh", "number": "4711", "note": "sounded like her"})
    return Intent.objects.get()


def test_a_wrong_match_is_undone_while_ovhcloud_has_not_heard_of_it(staff_client, unmatched, order):
    intent = matched(staff_client, unmatched)
    assert queue(staff_client, "unmatched") == []
    answer = staff_client.post(url(unmatched), {"wrong": "it was another Anna"})
    assert answer.status_code == 302
    intent.refresh_from_db()
    assert (intent.state, intent.next_attempt_at) == (Intent.State.CLOSED, None)
    assert list(Retraction.objects.of(order)) == []
    [entry] = queue(staff_client, "unmatched")
    assert entry.number == unmatched.reference
    page = text(staff_client.get(url(unmatched)))
    assert "it was another Anna" in page
    assert "Say which order is meant" in page
    assert AuditEvent.objects.get(action="call_match_wrong").detail["ended"] is True


def test_the_account_of_a_wrong_match_is_told_and_nothing_of_what_was_typed(staff_client, unmatched, order):
    matched(staff_client, unmatched)
    staff_client.post(url(unmatched), {"wrong": "it was another Anna"})
    amends = receipt.mail(Receipt.objects.select_related("retraction", "order__nichandle").get(kind="amends"), None)
    assert amends.to == [order.nichandle.email]
    assert "4711" in amends.subject
    # In the language of the account it goes to.
    assert "par erreur" in amends.body
    for typed in ("lost@example.net", "Anna M", "another Anna"):
        assert typed not in amends.subject + amends.body


def test_it_may_be_matched_again_and_then_goes_with_its_own_date(staff_client, unmatched, order):
    wrong = matched(staff_client, unmatched)
    staff_client.post(url(unmatched), {"wrong": "it was another Anna"})
    right = make_order(make_nichandle("am2-ovh"), 4712, date=order.date, retraction_date=order.retraction_date)
    staff_client.post(url(unmatched), {"nichandle": "am2-ovh", "number": "4712", "note": "her second account"})
    intent = Intent.objects.exclude(pk=wrong.pk).get()
    assert (intent.order, intent.state) == (right, Intent.State.WAITING)
    assert list(Retraction.objects.of(right)) == [unmatched]
    assert queue(staff_client, "unmatched") == []


def test_what_ovhcloud_may_have_heard_of_is_not_called_back(staff_client, unmatched, order):
    intent = matched(staff_client, unmatched)
    Intent.objects.update(state=Intent.State.SENDING, attempts=1)
    staff_client.post(url(unmatched), {"wrong": "it was another Anna"})
    intent.refresh_from_db()
    assert intent.state == Intent.State.SENDING
    assert AuditEvent.objects.get(action="call_match_wrong").detail["ended"] is False


def test_another_declaration_of_that_order_goes_on(staff_client, unmatched, order):
    retract_order(order, email="anna@example.com", language="en", request=None)
    intent = matched(staff_client, unmatched)
    staff_client.post(url(unmatched), {"wrong": "it was another Anna"})
    intent.refresh_from_db()
    assert intent.state == Intent.State.WAITING


@pytest.mark.parametrize("why", ["", "   "])
def test_a_wrong_match_is_explained(staff_client, unmatched, order, why):
    matched(staff_client, unmatched)
    answer = staff_client.post(url(unmatched), {"wrong": why})
    assert answer.status_code == 200
    assert "Write what you know" in text(answer)
    assert Matching.objects.exclude(order=None).count() == Matching.objects.filter(turn=0).count() - 1


def test_what_is_not_matched_cannot_be_called_wrong(staff_client, unmatched):
    before = Matching.objects.count()
    assert staff_client.post(url(unmatched), {"wrong": "no idea"}).status_code == 302
    assert Matching.objects.count() == before


def test_a_worker_that_has_it_in_hand_makes_no_call_for_what_was_ended(ovh, staff_client, order):
    """Claimed, then ended by staff, then on with it: without its lease no attempt is noted, and no call is made."""
    from orders import relay

    class Slow(relay.Relay):
        def _note(self, intent: Intent) -> bool:
            assert relay.end_unsent(intent.pk, note="by mistake")
            return super()._note(intent)

    user = make_customer(nichandle=ovh.anna["nichandle"])
    link = Link.objects.get(user=user)
    link.keep_key(ovh.anna["consumer_key"])
    link.save()
    assert user.nichandle
    number = ovh.make_order(ovh.anna, status="delivered", price="24.00", products=["VPS"])
    mine = make_order(user.nichandle, number, price="24.00", retraction_date=timezone.now() + timedelta(days=10))
    retract_order(mine, email="a@example.com", language="en", request=None)
    Slow().run(1)
    assert Intent.objects.get(order=mine).state == Intent.State.CLOSED
    assert "retraction_accepted" not in ovh.events(number)


def test_an_undelivered_one_is_seen_with_the_mail_servers_words_and_tried_at_once(
    staff_client, sandbox, settings, order
):
    host, _, port = sandbox.smtp.rpartition(":")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, int(port)
    sandbox.refuse_mail()
    retract_order(order, email="anna@example.com", language="en", request=None)
    receipt.send_due()
    [entry] = queue(staff_client, "unmailed")
    assert entry.said[:1] in ("4", "5")
    assert entry.said in text(staff_client.get("/support/queues/"))
    sandbox.refuse_mail(False)
    assert receipt.send_due() == 0
    staff_client.post(entry.action_url)
    assert receipt.send_due() == 1
    assert queue(staff_client, "unmailed") == []
    assert [mail["to"] for mail in sandbox.mail()] == [["anna@example.com"]]


def test_a_mail_that_went_without_its_document_is_seen_until_that_follows(staff_client, order, settings, tmp_path):
    full = tmp_path / "disk"
    full.write_text("no directory")
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    retract_order(order, email="anna@example.com", language="en", request=None)
    with pytest.MonkeyPatch.context() as disk:
        disk.setattr("tempfile.tempdir", str(full))
        assert receipt.send_due() == 1
    [entry] = queue(staff_client, "unmailed")
    assert "its PDF could not be made yet" in entry.why
    assert entry.said
    staff_client.post(entry.action_url)
    assert receipt.send_due() == 1
    assert queue(staff_client, "unmailed") == []


def test_a_mail_that_went_is_not_sent_again_by_its_number(staff_client, unmatched):
    Receipt.objects.update(sent_at=timezone.now(), next_attempt_at=None)
    mail = Receipt.objects.first()
    assert mail
    assert staff_client.post(f"/support/mails/{mail.pk}/").status_code == 404
    assert staff_client.post("/support/mails/999999/").status_code == 404


def test_an_overdue_refund_waits_until_somebody_says_something(staff_client, order):
    retract_order(order, email="anna@example.com", language="en", request=None)
    Intent.objects.update(state=Intent.State.ACCEPTED)
    assert queue(staff_client, "unrefunded") == []
    Refund.objects.update(due_on=timezone.now().date() - timedelta(days=1))
    [entry] = queue(staff_client, "unrefunded")
    assert entry.number == 4711
    page = staff_client.get(f"/support/orders/am1-ovh/{order}/").content.decode()
    assert 'data-refund="overdue"' in page
    said = {"kind": "withheld", "day": "2026-11-20", "words": "OVHcloud waits for a form"}
    assert staff_client.post(f"/support/orders/am1-ovh/{order}/refund/", said).status_code == 302
    assert queue(staff_client, "unrefunded") == []
    note = RefundNote.objects.get()
    assert (note.kind, note.words, note.by_staff) == ("withheld", "OVHcloud waits for a form", True)


@pytest.mark.parametrize("said", [{}, {"kind": "paid", "words": "x"}, {"kind": "withheld", "words": ""}])
def test_a_note_that_is_none_is_not_kept(staff_client, order, said):
    retract_order(order, email="anna@example.com", language="en", request=None)
    staff_client.post(f"/support/orders/am1-ovh/{order}/refund/", said)
    assert not RefundNote.objects.exists()


def test_no_note_without_a_clock(staff_client, order):
    said = {"kind": "withheld", "words": "x"}
    assert staff_client.post(f"/support/orders/am1-ovh/{order}/refund/", said).status_code == 404
    assert staff_client.post("/support/orders/nobody/1/refund/", said).status_code == 404
