"""
Seals over append-only tables: whoever changes, moves or removes a sealed row, or cuts off the end, is found out.

A task seals in batches, each with the seal before it, and writes every seal to the log as well: a plain hash chain
cannot see a cut tail, makes every request queue on its head, and breaks when old rows are purged. Rows younger than the
next turn of the task are not sealed yet, and no seal can show what happened to them.

`verify` says what is wrong; `purge` lets old rows go and leaves their seals.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from accounts.models import Seal

log = logging.getLogger(__name__)

BATCH = 1000
# How long we wait for rows that are being written; whoever writes meanwhile waits behind us, so it is short.
LOCK_PATIENCE = "300ms"


@dataclass(frozen=True, slots=True)
class Sealed:
    """
    A table whose rows are sealed.

    time_field: when a row was written. patience: how old a row may grow before a batch that is not full is sealed.
    most: rows of a batch, which are held in memory together.
    """

    model: type[models.Model]
    time_field: str
    patience: timedelta
    most: int = BATCH

    @property
    def table(self) -> str:
        return self.model._meta.db_table


_SEALED: dict[str, Sealed] = {}

# A seal as the log told it: table and number to seal.
Told = dict[tuple[str, int], str]


def register(model: type[models.Model], time_field: str, patience: timedelta, most: int = BATCH) -> None:
    """Have a table sealed. Its migration needs an `append-only` trigger, and its name in `lock_to_seal`."""
    _SEALED[model._meta.db_table] = Sealed(model, time_field, patience, most)


def sealed_tables() -> list[Sealed]:
    return sorted(_SEALED.values(), key=lambda sealed: sealed.table)


# --- Sealing ----------------------------------------------------------------------------------------------------------
def seal_due(batch: int = BATCH) -> int:
    """Seal what is to be sealed by now; returns how many seals were made. Running it twice at once does no harm."""
    return sum(_seal_table(sealed, min(batch, sealed.most)) for sealed in sealed_tables())


def _seal_table(sealed: Sealed, size: int) -> int:
    made = 0
    while _seal_batch(sealed, size):
        made += 1
    return made


@transaction.atomic
def _seal_batch(sealed: Sealed, size: int) -> bool:
    """Make one seal; False when there is nothing to seal, or when another worker is at it."""
    if not _our_turn(sealed.table):
        return False
    settled = _settled(sealed)
    if settled is None:
        return False
    fields = [field.attname for field in sealed.model._meta.concrete_fields]
    batch = list(_rows(sealed, fields, after=_sealed_upto(sealed.table), upto=settled)[:size])
    if not batch or (len(batch) < size and not _is_old(sealed, batch[0])):
        return False
    _write(
        sealed.table,
        kind=Seal.Kind.BATCH,
        last_pk=batch[-1][sealed.model._meta.pk.attname],
        count=len(batch),
        fields=fields,
        digest=_digest(batch),
    )
    return True


def _our_turn(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"seal {table}"])
        return bool(cursor.fetchone()[0])


def _settled(sealed: Sealed) -> int | None:
    """
    The last row below which nothing can appear any more; None while somebody writes.

    A row may be committed after one with a higher number. Whoever inserts holds a lock on the table until the end of
    their transaction, so once we hold one that excludes theirs, every number that was given out is there or void.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_PATIENCE])
            cursor.execute("SELECT lock_to_seal(%s)", [sealed.table])
            last = sealed.model._default_manager.aggregate(last=models.Max("pk"))["last"]
            # Rolled back to here, so the lock is gone at once and nobody waits for the digest.
            transaction.set_rollback(True)
    except OperationalError:
        return None
    return last if last is not None else 0


def _is_old(sealed: Sealed, row: Mapping[str, Any]) -> bool:
    return bool(row[sealed.time_field] <= timezone.now() - sealed.patience)


def _write(table: str, **values: Any) -> Seal:
    before = Seal.objects.filter(table=table).order_by("-number").first()
    seal = Seal(
        table=table,
        number=before.number + 1 if before else 1,
        previous=before.seal if before else "",
        sealed_at=timezone.now(),
        **values,
    )
    seal.seal = _seal_of(seal)
    seal.save(force_insert=True)
    line = {"table": table, "number": seal.number, "kind": str(seal.kind), "rows": seal.count, "seal": seal.seal}
    # Once it is there: a line about a seal that was rolled back would look like a cut tail.
    transaction.on_commit(lambda: log.info("sealed", extra=line))
    return seal


def _sealed_upto(table: str) -> int | None:
    """The last row of the last batch; a purge that came after it speaks of older rows."""
    batches = Seal.objects.filter(table=table, kind=Seal.Kind.BATCH)
    upto: int | None = batches.aggregate(last=models.Max("last_pk"))["last"]
    return upto


# --- Digests ----------------------------------------------------------------------------------------------------------
def _rows(sealed: Sealed, fields: Iterable[str], *, after: int | None, upto: int) -> models.QuerySet[Any, Any]:
    rows = sealed.model._default_manager.filter(pk__lte=upto)
    if after is not None:
        rows = rows.filter(pk__gt=after)
    return rows.order_by("pk").values(*fields)


def _digest(rows: Iterable[Mapping[str, Any]]) -> str:
    whole = hashlib.sha256()
    for row in rows:
        whole.update(hashlib.sha256(_canonical(row)).digest())
    return whole.hexdigest()


def _seal_of(seal: Seal) -> str:
    told = {field: getattr(seal, field) for field in _SEALED_OF_A_SEAL}
    return hashlib.sha256(_canonical(told)).hexdigest()


_SEALED_OF_A_SEAL = ("kind", "table", "number", "last_pk", "count", "fields", "digest", "previous", "sealed_at")


def _canonical(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_as_text).encode()


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return hashlib.sha256(value).hexdigest()
    return str(value)


# --- Verifying --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is not as it was sealed, in words for an operator."""

    table: str
    words: str

    def __str__(self) -> str:
        return f"{self.table}: {self.words}"


def verify(told: Told | None = None) -> Iterator[Trouble]:
    """
    Check every seal against its rows and against the seal before it; with `told`, also against the log.

    told: the seals as the log told them (`told_by`). Without it a tail that was cut off with its seals cannot be seen.
    """
    for sealed in sealed_tables():
        seals = list(Seal.objects.filter(table=sealed.table).order_by("number"))
        yield from _verify_chain(sealed, seals)
        yield from _verify_rows(sealed, seals)
        if told is not None:
            yield from _verify_log(sealed, seals, told)


def _verify_chain(sealed: Sealed, seals: list[Seal]) -> Iterator[Trouble]:
    before: Seal | None = None
    for seal in seals:
        expected = before.number + 1 if before else 1
        if seal.number != expected:
            yield Trouble(sealed.table, f"seal {expected} is missing before seal {seal.number}")
        elif seal.previous != (before.seal if before else ""):
            yield Trouble(sealed.table, f"seal {seal.number} does not follow the one before it")
        if seal.seal != _seal_of(seal):
            yield Trouble(sealed.table, f"seal {seal.number} was changed")
        before = seal


def _verify_rows(sealed: Sealed, seals: list[Seal]) -> Iterator[Trouble]:
    purged_upto = max((seal.last_pk for seal in seals if seal.kind == Seal.Kind.PURGE), default=None)
    if purged_upto is not None and sealed.model._default_manager.filter(pk__lte=purged_upto).exists():
        yield Trouble(sealed.table, f"rows up to {purged_upto} were purged, and some are there")
    after: int | None = None
    for seal in (seal for seal in seals if seal.kind == Seal.Kind.BATCH):
        if purged_upto is None or seal.last_pk > purged_upto:
            yield from _verify_batch(sealed, seal, after)
        after = seal.last_pk


def _verify_batch(sealed: Sealed, seal: Seal, after: int | None) -> Iterator[Trouble]:
    where = f"rows {after + 1 if after is not None else 'from the first'} to {seal.last_pk} (seal {seal.number})"
    known = {field.attname for field in sealed.model._meta.concrete_fields}
    if gone := set(seal.fields) - known:
        yield Trouble(sealed.table, f"{where}: sealed columns are gone: {', '.join(sorted(gone))}")
        return
    rows = list(_rows(sealed, seal.fields, after=after, upto=seal.last_pk))
    if len(rows) < seal.count:
        yield Trouble(sealed.table, f"{where}: {seal.count - len(rows)} of {seal.count} are missing")
    elif len(rows) > seal.count:
        yield Trouble(sealed.table, f"{where}: {len(rows) - seal.count} were added to {seal.count}")
    elif _digest(rows) != seal.digest:
        yield Trouble(sealed.table, f"{where}: at least one was changed or moved")


def _verify_log(sealed: Sealed, seals: list[Seal], told: Told) -> Iterator[Trouble]:
    here = {seal.number: seal.seal for seal in seals}
    there = {number: seal for (table, number), seal in told.items() if table == sealed.table}
    for number, seal in sorted(there.items()):
        if number not in here:
            yield Trouble(sealed.table, f"seal {number} stands in the log and is gone")
        elif here[number] != seal:
            yield Trouble(sealed.table, f"seal {number} is not the one in the log")
    # A log may begin late and end early; in between it knows every seal.
    for number in sorted(here):
        if there and min(there) < number < max(there) and number not in there:
            yield Trouble(sealed.table, f"seal {number} never stood in the log")


def told_by(lines: Iterable[str]) -> Told:
    """The seals that a log tells of: our lines of JSON, whatever stands before them in the line or between them."""
    told: Told = {}
    for line in lines:
        start = line.find("{")
        if start < 0 or '"sealed"' not in line:
            continue
        try:
            event = json.loads(line[start:])
        except ValueError:
            continue
        if event.get("event") == "sealed" and event.get("logger") == __name__:
            told[event["table"], event["number"]] = event["seal"]
    return told


# --- Letting go -------------------------------------------------------------------------------------------------------
class NotAsSealed(Exception):
    """What was to be purged is not what was sealed: an operator looks first."""


def hold(model: type[models.Model]) -> bool:
    """Keep everybody else from sealing or purging this table until the transaction ends. False: somebody is at it."""
    return _our_turn(model._meta.db_table)


def whole_batches(model: type[models.Model], before: datetime) -> list[int]:
    """The last rows of those batches that hold nothing younger, nor does any batch before them; oldest first."""
    sealed = _SEALED[model._meta.db_table]
    seals = list(Seal.objects.filter(table=sealed.table).order_by("number"))
    return _old_ends(sealed, seals, before)


@transaction.atomic
def purge(model: type[models.Model], before: datetime, upto: int | None = None) -> int:
    """
    Delete the rows of whole batches that are older, leave their seals, and seal that they went. Returns how many.

    upto: the last row that may go. Needs the rights of the table's owner, for the trigger that refuses a DELETE is off
    meanwhile.
    Raises:
        NotAsSealed: something is wrong with this table; nothing was deleted.
    """
    sealed = _SEALED[model._meta.db_table]
    if not _our_turn(sealed.table):
        return 0
    seals = list(Seal.objects.filter(table=sealed.table).order_by("number"))
    if trouble := [*_verify_chain(sealed, seals), *_verify_rows(sealed, seals)]:
        raise NotAsSealed("; ".join(map(str, trouble)))
    ends = [end for end in _old_ends(sealed, seals, before) if upto is None or end <= upto]
    if not ends:
        return 0
    old = model._default_manager.filter(pk__lte=ends[-1])
    if not old.exists():
        return 0
    quoted = connection.ops.quote_name(sealed.table)
    with connection.cursor() as cursor:
        # Else what refers to these rows is looked at at the end, and no trigger of theirs can be switched until then.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {quoted} DISABLE TRIGGER USER")
        gone = old._raw_delete(old.db)
        cursor.execute(f"ALTER TABLE {quoted} ENABLE TRIGGER USER")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    _write(sealed.table, kind=Seal.Kind.PURGE, last_pk=ends[-1], count=gone)
    return int(gone)


def has_old(model: type[models.Model], before: datetime) -> bool:
    """Whether there is anything that `purge` would delete, without verifying what is there."""
    sealed = _SEALED[model._meta.db_table]
    ends = _old_ends(sealed, list(Seal.objects.filter(table=sealed.table).order_by("number")), before)
    return bool(ends) and model._default_manager.filter(pk__lte=ends[-1]).exists()


def _old_ends(sealed: Sealed, seals: list[Seal], before: datetime) -> list[int]:
    youngest = sealed.model._default_manager.filter(**{f"{sealed.time_field}__gte": before})
    first_young = youngest.aggregate(first=models.Min("pk"))["first"]
    ends = [seal.last_pk for seal in seals if seal.kind == Seal.Kind.BATCH]
    return [end for end in ends if first_young is None or end < first_young]
