"""Seals: whoever changes, moves or removes a sealed row, or a seal, is found; who only writes is never in the way."""

import json
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts import audit, rights, seals
from accounts.models import AuditEvent, Seal
from orders.models import Retraction
from orders.retraction.declaration import retract_order
from panel.logs import LOGGING
from tests.factories import make_nichandle, make_order

pytestmark = pytest.mark.django_db

AUDIT = "accounts_auditevent"
DECLARATIONS = "orders_retraction"
# Three rows a batch, so that a few rows are several.
SMALL = 3


def line(number: int = 0, days_ago: float = 1) -> AuditEvent:
    event = AuditEvent(actor="anna", action="see", target=f"order {number}", detail={"n": number})
    event.at = timezone.now() - timedelta(days=days_ago)
    event.save()
    return event


def lines(count: int, days_ago: float = 1) -> list[AuditEvent]:
    return [line(number, days_ago) for number in range(count)]


def declared() -> Retraction:
    placed = timezone.now() - timedelta(days=3)
    order = make_order(make_nichandle(), date=placed, retraction_date=placed + timedelta(days=14))
    return retract_order(order, email="anna@example.com", language="en", request=None).retraction


@contextmanager
def a_superuser_without_triggers() -> Iterator[Any]:
    """Somebody with every right, for whom no trigger of ours runs."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield cursor
        finally:
            cursor.execute("SET session_replication_role = origin")


def tamper(sql: str, *values: Any) -> None:
    with a_superuser_without_triggers() as cursor:
        cursor.execute(sql, values)
        assert cursor.rowcount


def found(told: seals.Told | None = None) -> list[str]:
    return [str(trouble) for trouble in seals.verify(told)]


@pytest.fixture
def log(caplog: Any, django_capture_on_commit_callbacks: Any) -> Callable[[int], list[str]]:
    """Seal what is due, and return the log's lines as the panel writes them."""
    formatter = structlog.stdlib.ProcessorFormatter(
        **{key: value for key, value in LOGGING["formatters"]["json"].items() if key != "()"}  # type: ignore[index]
    )

    def seal_and_read(batch: int) -> list[str]:
        with caplog.at_level(logging.INFO), django_capture_on_commit_callbacks(execute=True):
            seals.seal_due(batch)
        return [formatter.format(record) for record in caplog.records]

    return seal_and_read


# --- Sealing ----------------------------------------------------------------------------------------------------------
def test_batches_follow_one_another():
    lines(7)
    assert seals.seal_due(SMALL) == 3
    made = list(Seal.objects.filter(table=AUDIT).order_by("number"))
    assert [(seal.number, seal.count) for seal in made] == [(1, 3), (2, 3), (3, 1)]
    assert [seal.previous for seal in made] == ["", made[0].seal, made[1].seal]
    assert found() == []


def test_what_is_sealed_is_not_sealed_again():
    lines(2)
    assert seals.seal_due() == 1
    assert seals.seal_due() == 0


def test_young_lines_wait_for_more_and_declarations_do_not():
    declared()
    assert AuditEvent.objects.exists()
    assert seals.seal_due() == 1
    assert [seal.table for seal in Seal.objects.all()] == [DECLARATIONS]


def test_nothing_is_nothing():
    assert seals.seal_due() == 0
    assert found() == []


def test_a_column_that_comes_later_breaks_no_seal():
    lines(2)
    seals.seal_due()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_auditevent ADD COLUMN later text")
    assert found() == []
    assert "detail" in Seal.objects.get().fields


# --- What is found ----------------------------------------------------------------------------------------------------
def test_a_changed_line_is_found():
    lines(3)
    seals.seal_due()
    tamper("UPDATE accounts_auditevent SET actor = 'eve' WHERE target = 'order 1'")
    assert re.fullmatch(r"accounts_auditevent: .*seal 1.*: at least one was changed or moved", *found())


@pytest.mark.parametrize(
    "change",
    [
        "at = at + interval '1 microsecond'",
        "actor = ''",
        "subject = 'x'",
        "action = 'x'",
        "target = target || ' '",
        "result = 'failed'",
        "address = '::1'",
        "request_id = 'x'",
        "detail = '{}'",
    ],
)
def test_no_column_of_a_line_can_change_unseen(change):
    lines(2)
    seals.seal_due()
    tamper(f"UPDATE accounts_auditevent SET {change} WHERE id = (SELECT min(id) FROM accounts_auditevent)")
    assert len(found()) == 1


def test_a_removed_line_is_found():
    lines(3)
    seals.seal_due()
    tamper("DELETE FROM accounts_auditevent WHERE target = 'order 1'")
    assert "1 of 3 are missing" in found()[0]


def test_the_last_lines_removed_are_found():
    lines(3)
    seals.seal_due()
    tamper("DELETE FROM accounts_auditevent WHERE target IN ('order 1', 'order 2')")
    assert "2 of 3 are missing" in found()[0]


def test_two_lines_that_changed_places_are_found():
    first, second = line(1), line(2)
    seals.seal_due()
    tamper("UPDATE accounts_auditevent SET id = -1 WHERE id = %s", first.pk)
    tamper("UPDATE accounts_auditevent SET id = %s WHERE id = %s", first.pk, second.pk)
    tamper("UPDATE accounts_auditevent SET id = %s WHERE id = -1", second.pk)
    assert "changed or moved" in found()[0]


def test_a_line_moved_out_of_its_batch_is_found():
    made = lines(6)
    seals.seal_due(SMALL)
    tamper("UPDATE accounts_auditevent SET id = id + 1000 WHERE id = %s", made[0].pk)
    assert "1 of 3 are missing" in found()[0]


def test_a_line_slipped_in_is_found():
    made = lines(3)
    seals.seal_due()
    tamper(
        "INSERT INTO accounts_auditevent (id, at, actor, subject, action, target, result, address, request_id, detail)"
        " SELECT %s, at, actor, subject, action, target, result, address, request_id, detail"
        " FROM accounts_auditevent WHERE id = %s",
        made[0].pk - 1,
        made[0].pk,
    )
    assert "1 were added to 3" in found()[0]


@pytest.mark.parametrize(
    "change",
    ["statement = 'I waive'", "declared_at = declared_at + interval '1 day'", "late = NOT late", "snapshot = '{}'"],
)
def test_a_changed_declaration_is_found(change):
    declared()
    seals.seal_due()
    tamper(f"UPDATE orders_retraction SET {change}")
    assert found()[0].startswith("orders_retraction: rows from the first to")


def test_a_removed_declaration_is_found():
    declared()
    declared()
    seals.seal_due()
    tamper("DELETE FROM orders_receipt")
    tamper("DELETE FROM orders_retraction WHERE id = (SELECT min(id) FROM orders_retraction)")
    assert "1 of 2 are missing" in found()[0]


def test_declarations_that_changed_places_are_found():
    first, second = declared(), declared()
    seals.seal_due()
    tamper("UPDATE orders_retraction SET id = -1 WHERE id = %s", first.pk)
    tamper("UPDATE orders_retraction SET id = %s WHERE id = %s", first.pk, second.pk)
    tamper("UPDATE orders_retraction SET id = %s WHERE id = -1", second.pk)
    assert "changed or moved" in found()[0]


# --- Seals themselves -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "change",
    ["count = 2", "digest = repeat('0', 64)", "last_pk = last_pk + 1", "sealed_at = now()", "previous = 'x'"],
)
def test_a_changed_seal_is_found(change):
    lines(6)
    seals.seal_due(SMALL)
    tamper(f"UPDATE accounts_seal SET {change} WHERE number = 1")
    assert any("seal 1 was changed" in trouble for trouble in found())


def test_a_removed_seal_is_found():
    lines(9)
    seals.seal_due(SMALL)
    tamper("DELETE FROM accounts_seal WHERE number = 2")
    assert any("seal 2 is missing before seal 3" in trouble for trouble in found())


def test_a_row_changed_and_sealed_anew_does_not_fit_the_next_seal():
    lines(6)
    seals.seal_due(SMALL)
    tamper("UPDATE accounts_auditevent SET actor = 'eve' WHERE target = 'order 1'")
    tamper("DELETE FROM accounts_seal WHERE number = 1")
    forged = Seal.objects.get(number=2)
    forged.pk, forged.number, forged.previous, forged.last_pk = None, 1, "", forged.last_pk - 3
    sealed = next(sealed for sealed in seals.sealed_tables() if sealed.table == AUDIT)
    forged.digest = seals._digest(seals._rows(sealed, forged.fields, after=None, upto=forged.last_pk))
    forged.seal = seals._seal_of(forged)
    forged.save(force_insert=True)
    assert found() == ["accounts_auditevent: seal 2 does not follow the one before it"]


# --- The log ----------------------------------------------------------------------------------------------------------
def test_each_seal_stands_in_the_log(log):
    lines(4)
    told = seals.told_by(log(SMALL))
    assert told == {(seal.table, seal.number): seal.seal for seal in Seal.objects.all()}
    assert len(told) == 2
    assert found(told) == []


def test_a_cut_tail_is_found_by_the_log_and_by_nothing_else(log):
    lines(6)
    told = seals.told_by(log(SMALL))
    tamper("DELETE FROM accounts_seal WHERE number = 2")
    tamper("DELETE FROM accounts_auditevent WHERE id > (SELECT last_pk FROM accounts_seal)")
    assert found() == []
    assert found(told) == ["accounts_auditevent: seal 2 stands in the log and is gone"]


def test_a_tail_cut_off_and_sealed_anew_is_found_by_the_log(log):
    lines(6)
    told = seals.told_by(log(SMALL))
    tamper("UPDATE accounts_auditevent SET actor = 'eve' WHERE target = 'order 5'")
    tamper("DELETE FROM accounts_seal WHERE number = 2")
    seals.seal_due(SMALL)
    assert found() == []
    assert found(told) == ["accounts_auditevent: seal 2 is not the one in the log"]


def test_a_log_that_begins_late_is_no_trouble(log):
    lines(9)
    whole = seals.told_by(log(SMALL))
    assert found({key: seal for key, seal in whole.items() if key[1] > 1}) == []
    without_the_middle = {key: seal for key, seal in whole.items() if key[1] != 2}
    assert found(without_the_middle) == ["accounts_auditevent: seal 2 never stood in the log"]


def test_a_log_is_read_whatever_stands_in_it():
    event = {"event": "sealed", "logger": "accounts.seals", "table": "t", "number": 1, "seal": "abc"}
    log = [
        "",
        "{",
        '{"event": "sealed"',
        '{"event": "sealed", "logger": "elsewhere"}',
        f"Nov 21 08:00:00 host celery[1]: {json.dumps(event)}\n",
        "{ not json sealed }",
    ]
    assert seals.told_by(log) == {("t", 1): "abc"}


# --- Commands ---------------------------------------------------------------------------------------------------------
def verify(*args: str) -> str:
    out = StringIO()
    call_command("verify", *args, stdout=out)
    return out.getvalue()


def test_verify_says_that_all_is_well():
    lines(2)
    declared()
    seals.seal_due()
    said = verify()
    assert "accounts_auditevent: 1 seals hold." in said
    assert "orders_retraction: 1 seals hold." in said
    assert "Without --log" in said


def test_verify_ends_badly_when_something_is_wrong():
    lines(2)
    seals.seal_due()
    tamper("UPDATE accounts_auditevent SET actor = 'eve'")
    with pytest.raises(CommandError, match="1 found"):
        verify()


def test_verify_reads_logs(log, tmp_path: Path):
    lines(6)
    written = log(SMALL)
    (tmp_path / "old.log").write_text("\n".join(written[:1]))
    (tmp_path / "new.log").write_text("\n".join(written[1:]))
    files = ["--log", str(tmp_path / "old.log"), "--log", str(tmp_path / "new.log")]
    assert "Without --log" not in verify(*files)
    tamper("DELETE FROM accounts_seal WHERE number = 2")
    with pytest.raises(CommandError, match="1 found"):
        verify(*files)
    (tmp_path / "empty.log").write_text("")
    with pytest.raises(CommandError, match="No seal stands in this log"):
        verify("--log", str(tmp_path / "empty.log"))
    with pytest.raises(CommandError, match="No such file"):
        verify("--log", str(tmp_path / "nowhere.log"))


# --- Letting go -------------------------------------------------------------------------------------------------------
def test_purging_leaves_the_seals():
    lines(4, days_ago=500)
    lines(5, days_ago=100)
    seals.seal_due(SMALL)
    out = StringIO()
    call_command("purge_audit", stdout=out)
    assert out.getvalue() == "3 lines went; their seals stay.\n", "by whole batches: the fourth shares one with younger"
    assert AuditEvent.objects.count() == 6
    assert [seal.kind for seal in Seal.objects.order_by("number")] == ["batch", "batch", "batch", "purge"]
    assert found() == []
    lines(2, days_ago=1)
    seals.seal_due(SMALL)
    assert found() == []
    call_command("purge_audit", stdout=out)
    assert AuditEvent.objects.count() == 8
    call_command("purge_audit", days=60, stdout=out)
    assert AuditEvent.objects.count() == 2
    assert found() == []
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEvent.objects.all().delete()


def test_what_was_tampered_with_is_not_purged():
    lines(3, days_ago=500)
    seals.seal_due(SMALL)
    tamper("DELETE FROM accounts_auditevent WHERE target = 'order 1'")
    with pytest.raises(CommandError, match="Nothing was deleted"):
        call_command("purge_audit")
    assert AuditEvent.objects.count() == 2


def test_a_row_that_comes_back_after_a_purge_is_found():
    made = lines(3, days_ago=500)
    seals.seal_due(SMALL)
    seals.purge(AuditEvent, timezone.now() - timedelta(days=365))
    made[0].save(force_insert=True)
    assert "were purged, and some are there" in found()[0]


def test_no_trail_of_a_few_days():
    with pytest.raises(CommandError, match="proves nothing"):
        call_command("purge_audit", days=1)


# --- The database refuses ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_seal", "orders_retraction"])
@pytest.mark.parametrize("sql", ["UPDATE {} SET id = id", "DELETE FROM {}"])
def test_the_database_refuses_to_change_or_delete(table, sql):
    declared()
    lines(1)
    seals.seal_due()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(table))


@contextmanager
def the_panels_own_role() -> Iterator[Any]:
    """A role that owns nothing, with the rights that a migration gives it."""
    name = f"panel_app_{os.getpid()}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {name}")
        rights.grant(name)
        cursor.execute(f"SET ROLE {name}")
        try:
            yield cursor
        finally:
            cursor.execute("RESET ROLE")


def refused(cursor: Any, sql: str) -> bool:
    try:
        with transaction.atomic():
            cursor.execute(sql)
    except DatabaseError as error:
        return "permission denied" in str(error) or "must be owner" in str(error)
    return False


def test_by_rights_the_panels_role_only_adds():
    lines(2)
    declared()
    with the_panels_own_role() as cursor:
        for table in ("accounts_auditevent", "accounts_seal", "orders_retraction", "orders_receiptdocument"):
            for sql in (
                "UPDATE {} SET id = id",
                "DELETE FROM {}",
                "TRUNCATE {}",
                "ALTER TABLE {} DISABLE TRIGGER USER",
            ):
                assert refused(cursor, sql.format(table)), sql.format(table)
        audit.record(None, "see", target="by the panel's own role")
        declared()
        assert seals.seal_due() == 2
        assert found() == []
        assert refused(cursor, "DROP TABLE accounts_seal")
        cursor.execute("UPDATE orders_receipt SET attempts = 1")
        cursor.execute("DELETE FROM accounts_session")


def test_only_sealed_tables_can_be_locked_by_who_owns_nothing():
    with the_panels_own_role() as cursor, pytest.raises(DatabaseError, match="is not sealed"), transaction.atomic():
        cursor.execute("SELECT lock_to_seal('accounts_user')")


def test_the_append_only_tables_are_known_by_their_triggers():
    both = {(table, right) for table in (AUDIT, DECLARATIONS, "accounts_seal") for right in ("UPDATE", "DELETE")}
    assert both <= set(rights.refused())


# --- Beside those who write -------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_line_that_is_committed_late_is_not_left_out():
    """Its number is lower than that of a line which is there already: a seal made meanwhile would miss it for ever."""
    wrote, may_commit = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with transaction.atomic():
            line(1)
            wrote.set()
            may_commit.wait(20)
        connection.close()

    slow = threading.Thread(target=write_slowly)
    slow.start()
    try:
        assert wrote.wait(20)
        line(2)
        assert seals.seal_due() == 0, "somebody still writes"
    finally:
        may_commit.set()
        slow.join(20)
    assert seals.seal_due() == 1
    assert Seal.objects.get().count == 2
    assert found() == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_seal():
    lines(50)
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait(20)
        seals.seal_due()
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    seals.seal_due()
    assert Seal.objects.get().count == 50
    assert found() == []
