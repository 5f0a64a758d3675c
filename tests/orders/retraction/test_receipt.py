"""The receipt on its way: through a real mail server, in the declaration's language, again and again until taken."""

import hashlib
import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Nichandle
from orders.models import Order, Receipt, Retraction
from orders.retraction import receipt
from orders.retraction.declaration import retract_order
from tests.factories import make_detail, make_nichandle, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def mails(sandbox: Any, settings: Any) -> Any:
    """The sandbox's mail server, with the panel aimed at it."""
    host, _, port = sandbox.smtp.rpartition(":")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = host, int(port)
    return sandbox


def declared(language: str = "en", email: str = "anna@example.com", **fields: Any) -> Retraction:
    order = order_of(make_nichandle(**fields))
    return retract_order(order, email=email, language=language, request=None).retraction


def order_of(nichandle: Nichandle, **fields: Any) -> Order:
    placed = timezone.now() - timedelta(days=3)
    order = make_order(nichandle, **{"date": placed, "retraction_date": placed + timedelta(days=14)} | fields)
    make_detail(order, description="VPS Comfort")
    return order


def later(**span: float) -> None:
    Receipt.objects.update(next_attempt_at=F("next_attempt_at") - timedelta(**span))


def test_it_holds_content_date_time_zone_reference_and_fingerprint(mails):
    declaration = declared()
    assert receipt.send_due() == 1
    [mail] = mails.mail()
    assert mail["to"] == ["anna@example.com"]
    assert mail["subject"] == f"Receipt of your withdrawal from order {declaration.order_number}"
    for fact in (
        declaration.statement,
        declaration.reference,
        str(declaration.order_number),
        receipt.fingerprint(declaration),
        "Paris time (UTC+0",
        "VPS Comfort",
        f"/receipts/{declaration.reference}/",
    ):
        assert fact in mail["text"]
    row = Receipt.objects.get()
    assert (row.attempts, row.next_attempt_at, row.last_error) == (1, None, "")
    assert row.sent_at is not None


def test_it_is_sent_once(mails):
    declared()
    receipt.send_due()
    later(days=2)
    assert receipt.send_due() == 0
    assert len(mails.mail()) == 1


def test_a_receipt_of_a_held_declaration_says_so(mails):
    placed = timezone.now() - timedelta(days=40)
    order = order_of(make_nichandle(), date=placed, retraction_date=placed + timedelta(days=14))
    retract_order(order, email="anna@example.com", language="en", request=None)
    receipt.send_due()
    [mail] = mails.mail()
    assert "a person looks at it" in mail["text"]
    assert "The time to withdraw ended on" in mail["text"]


def test_a_refusal_of_the_mail_server_is_kept_and_tried_again(mails):
    mails.refuse_mail()
    declared()
    assert receipt.send_due() == 0
    row = Receipt.objects.get()
    assert row.sent_at is None
    assert row.last_error[:1] in ("4", "5")
    assert row.next_attempt_at > timezone.now() + timedelta(seconds=20)
    mails.refuse_mail(False)
    assert receipt.send_due() == 0, "not before its time"
    later(seconds=31)
    assert receipt.send_due() == 1
    assert Receipt.objects.get().last_error == ""


def test_a_mail_server_that_is_away_is_tried_again_ever_more_slowly(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    declared()
    waits = []
    for _ in range(4):
        receipt.send_due()
        row = Receipt.objects.get()
        assert "ConnectionRefusedError" in row.last_error
        waits.append(row.next_attempt_at - timezone.now())
        later(days=1)
    assert waits == sorted(waits)
    assert waits[-1] > 3 * waits[0]


def test_a_worker_that_died_with_a_mail_in_hand_leaves_it_to_the_next(mails):
    declared()
    assert len(receipt._claim(10)) == 1
    assert receipt.send_due() == 0
    later(seconds=61)
    assert receipt.send_due() == 1


def test_the_same_receipt_has_the_same_message_id():
    declared()
    row = Receipt.objects.get()
    first, second = receipt.mail(row, None).message(), receipt.mail(row, None).message()
    assert first["Message-ID"] == second["Message-ID"]
    assert Retraction.objects.get().reference.lower() in first["Message-ID"]


def test_a_name_with_line_breaks_makes_no_header(mails):
    declared(name="Martin\r\nBcc: eve@example.net", firstname="Anna")
    receipt.send_due()
    [mail] = mails.mail()
    assert mail["to"] == ["anna@example.com"]


def test_names_in_every_script_arrive(mails):
    declaration = declared(firstname="Ἄννα", name="Мартен 馬丁 مارتن")
    receipt.send_due()
    assert declaration.name in mails.mail()[0]["text"]


def test_the_fingerprint_can_be_computed_from_the_receipts_facts():
    declaration = declared()
    facts = {
        "reference": declaration.reference,
        "declared_at": declaration.declared_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "nichandle": declaration.nichandle,
        "order": declaration.order_number,
        "name": declaration.name,
        "email": declaration.email,
        "statement": declaration.statement,
        "statement_version": declaration.statement_version,
        "language": declaration.language,
    }
    text = json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert receipt.fingerprint(Retraction.objects.get()) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("change", [{"late": True}, {"declared_at": timezone.now()}, {"statement": "I waive"}])
def test_the_database_refuses_to_change_a_declaration(change):
    declared()
    with pytest.raises(DatabaseError), transaction.atomic():
        Retraction.objects.update(**change)


def test_the_database_refuses_to_delete_a_declaration():
    declared()
    Receipt.objects.all().delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        Retraction.objects.all().delete()
