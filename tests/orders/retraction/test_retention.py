"""Declarations go after ten years with all that hangs on them; what is younger, and every seal, stays."""

from datetime import date, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from accounts import seals
from accounts.models import AuditEvent, Link, Seal
from orders import refunds
from orders.models import (
    Intent,
    Matching,
    Order,
    Receipt,
    ReceiptDocument,
    Refund,
    RefundNote,
    RefundSeen,
    Retraction,
)
from orders.retraction import document, matching
from orders.retraction.declaration import retract_order
from tests.factories import make_canary, make_detail, make_nichandle, make_order
from tests.orders.retraction.test_open_door import declare

pytestmark = pytest.mark.django_db

# What somebody with every right might do to each.
CHANGES = {
    Retraction: "UPDATE orders_retraction SET name = 'Eve'",
    Matching: "UPDATE orders_matching SET by = 'eve'",
    ReceiptDocument: "UPDATE orders_receiptdocument SET pdf = 'forged'",
    RefundSeen: "UPDATE orders_refundseen SET amount = 0",
    RefundNote: "UPDATE orders_refundnote SET day = '2020-01-01'",
}


def an_order() -> Order:
    make_canary()
    placed = timezone.now() - timedelta(days=3)
    nichandle = make_nichandle()
    Link.objects.filter(nichandle=nichandle).delete()
    order = make_order(nichandle, date=placed, retraction_date=placed + timedelta(days=14), price="24.00")
    make_detail(order, description="VPS Comfort")
    return order


def withdrawn_and_refunded() -> Retraction:
    """A declaration with everything that may hang on one."""
    order = an_order()
    retraction = retract_order(order, email="anna@example.com", language="en", request=None).retraction
    document.document_of(retraction)
    clock = Refund.objects.get(order=order)
    RefundSeen.objects.create(
        refund=clock, ovh_id=f"FR{order}", amount="21.60", currency_code="EUR", date=timezone.now()
    )
    refunds.note(clock, "elsewhere", day=date(2026, 1, 1), words="too", by="anna", by_staff=False, request=None)
    return retraction


def unmatched(client: Any) -> Retraction:
    declare(client, "999999999")
    matching.match_due()
    row = Retraction.objects.order_by("-pk").first()
    assert row
    document.document_of(row)
    return row


def years_ago(years: float) -> Any:
    return time_machine.travel(timezone.now() - timedelta(days=365.25 * years), tick=True)


def purge(**options: int) -> str:
    out = StringIO()
    call_command("purge_declarations", stdout=out, **options)
    assert list(seals.verify()) == []
    return out.getvalue()


def test_after_ten_years_everything_of_it_goes_and_every_seal_stays():
    with years_ago(10.1):
        old = [withdrawn_and_refunded(), unmatched(Client())]
        seals.seal_due()
    with years_ago(9.9):
        young = [withdrawn_and_refunded(), unmatched(Client())]
        seals.seal_due()
    before = Seal.objects.count()
    assert purge() == "2 declarations went; their seals stay.\n"
    assert set(Retraction.objects.all()) == set(young)
    assert not Order.objects.filter(pk=old[0].order_id).exists(), "kept for it alone: its account is forgotten"
    for model in (ReceiptDocument, Matching, Receipt):
        assert set(model.objects.values_list("retraction", flat=True)) <= {row.pk for row in young}
    for model in (Refund, RefundSeen, RefundNote):
        assert model.objects.count() == 1
    assert Intent.objects.get().pk == young[0].intent_id
    assert Seal.objects.count() == before + len(CHANGES)
    assert AuditEvent.objects.get(action="purge_declarations").detail["removed"] == 2
    assert purge() == "0 declarations went; their seals stay.\n"
    with pytest.raises(DatabaseError), transaction.atomic():
        Retraction.objects.all()._raw_delete("default")


def test_the_order_of_an_account_that_is_still_here_stays():
    with years_ago(11):
        row = withdrawn_and_refunded()
        assert row.order
        Link.objects.create(user=_somebody(), nichandle=row.order.nichandle)
        seals.seal_due()
    assert purge().startswith("1 ")
    assert Order.objects.filter(pk=row.order_id).exists()


def _somebody() -> Any:
    from tests.factories import make_customer

    return make_customer()


def test_an_operator_may_keep_them_for_another_time():
    with years_ago(6):
        withdrawn_and_refunded()
        seals.seal_due()
    assert purge(years=7).startswith("0 ")
    assert purge(years=5).startswith("1 ")


def test_one_that_a_person_matched_years_later_stays_with_its_match():
    with years_ago(11):
        row = unmatched(Client())
        seals.seal_due()
    with years_ago(2):
        matching.attach(row, an_order(), by="sam@example.net", note="found at last")
        seals.seal_due()
    assert purge().startswith("0 ")
    assert Matching.objects.count() == 2
    assert ReceiptDocument.objects.count() == 1, "whole or not at all"


def test_what_was_not_sealed_yet_stays():
    with years_ago(11):
        withdrawn_and_refunded()
    assert purge().startswith("0 ")


@pytest.mark.parametrize("model", CHANGES)
def test_what_was_tampered_with_is_not_purged(model):
    with years_ago(11):
        withdrawn_and_refunded()
        unmatched(Client())
        seals.seal_due()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(CHANGES[model])
        assert cursor.rowcount
        cursor.execute("SET session_replication_role = origin")
    kept = Retraction.objects.count()
    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command("purge_declarations")
    assert Retraction.objects.count() == kept


@pytest.mark.parametrize("years", [-1, 0, 2, 100_000])
def test_no_proof_goes_while_it_may_be_needed(years):
    with pytest.raises(CommandError, match="may be disputed"):
        call_command("purge_declarations", years=years)


# --- What hangs on a declaration is sealed like it --------------------------------------------------------------------
# A removed declaration: tests/accounts/test_seals.py, for here others refer to it.
@pytest.mark.parametrize(
    ("model", "remove"),
    [(model, remove) for model in CHANGES for remove in (False, True) if not (remove and model is Retraction)],
)
def test_what_follows_from_it_is_found_when_changed_or_removed(model, remove):
    withdrawn_and_refunded()
    unmatched(Client())
    seals.seal_due()
    assert list(seals.verify()) == []
    sql = f"DELETE FROM {model._meta.db_table}" if remove else CHANGES[model]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(sql)
        cursor.execute("SET session_replication_role = origin")
    assert [trouble.table for trouble in seals.verify()] == [model._meta.db_table]
