"""
A circuit breaker for each OVHcloud address: after SILENCES calls in a row without a usable answer, whosever they were,
nobody calls but one probe at a time, less and less often; the first good answer lets everybody through again.
"""

import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Breaker
from gateway import NotConnected

SILENCES = 5
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 120.0
# A call ends after 15 s; a probe that has told nothing by then is taken for dead.
PROBE_ENDS_WITHIN = timedelta(seconds=20)
# How long a process trusts what it read of a closed breaker without a failure on it.
_TRUSTED_S = 1.0
# While all is well, the row is written this often at most.
_NOTED_EVERY_S = 10.0

_found_closed: dict[str, float] = {}
_noted_good: dict[str, float] = {}


class BreakerOpen(NotConnected):
    """
    OVHcloud has not answered lately and is not asked now: nothing was sent.

    retry_at: when the next probe is due.
    """

    def __init__(self, retry_at: datetime | None = None) -> None:
        super().__init__(detail="OVHcloud does not answer, so it is not asked just now")
        self.retry_at = retry_at or timezone.now() + timedelta(seconds=FIRST_PAUSE)


@dataclass(frozen=True, slots=True)
class BreakerState:
    """
    What pages and staff are told. since: when the first of the present silences was, None while OVHcloud answers.

    unreachable: the breaker is not closed.
    """

    state: str = Breaker.State.CLOSED
    since: datetime | None = None
    why: str = ""
    probe_at: datetime | None = None
    failures: int = 0

    @property
    def unreachable(self) -> bool:
        return self.state != Breaker.State.CLOSED


def state(address: str = "") -> BreakerState:
    """How it stands with OVHcloud (at settings' address unless told otherwise). One query."""
    row = Breaker.objects.filter(address=address or _address()).first()
    if row is None:
        return BreakerState()
    return BreakerState(row.state, row.failing_since, row.why, row.probe_at, row.failures)


def enter(address: str = "") -> uuid.UUID | None:
    """
    Ask to call. Returns None when all may, or the name of a probe: then exactly one call may be made, and
    `note` is told of it.

    Raises:
        BreakerOpen: see there.
    """
    address = address or _address()
    if time.monotonic() - _found_closed.get(address, -_TRUSTED_S) < _TRUSTED_S:
        return None
    row = Breaker.objects.filter(address=address).first()
    if row is None or row.state == Breaker.State.CLOSED:
        if row is None or not row.failures:
            _found_closed[address] = time.monotonic()
        return None
    return _probe(address, row.probe_at)


def _probe(address: str, due_at: datetime | None) -> uuid.UUID:
    """Become the probe if one is due and nobody is it: one statement decides between all workers."""
    now, name = timezone.now(), uuid.uuid4()
    due = Q(state=Breaker.State.OPEN, probe_at__lte=now) | Q(state=Breaker.State.HALF_OPEN, probe_until__lte=now)
    taken = Breaker.objects.filter(due, address=address).update(
        state=Breaker.State.HALF_OPEN, probe=name, probe_until=now + PROBE_ENDS_WITHIN
    )
    if not taken:
        raise BreakerOpen(max(due_at or now, now + timedelta(seconds=1)))
    return name


def give_up_probe(name: uuid.UUID) -> None:
    """The probe was not made after all (no token, nothing to ask): let somebody else be it."""
    Breaker.objects.filter(probe=name, state=Breaker.State.HALF_OPEN).update(
        state=Breaker.State.OPEN, probe=None, probe_until=None
    )


def note(*, silences: int, good: bool, why: str = "", address: str = "", probe: uuid.UUID | None = None) -> None:
    """
    Tell what came of calls, a batch at a time.

    silences: how many calls at the end were without a usable answer; good: whether one came before or among them.
    """
    address = address or _address()
    if silences:
        _found_closed.pop(address, None)
        _note_silence(address, silences, why, after_good=good, probe=probe)
    elif good and not _is_old_news(address):
        _found_closed.pop(address, None)
        _note_good(address)


def _is_old_news(address: str) -> bool:
    """Nothing to write: the breaker was found closed and whole just now, and a good answer was noted lately."""
    now = time.monotonic()
    is_closed = now - _found_closed.get(address, -_TRUSTED_S) < _TRUSTED_S
    return is_closed and now - _noted_good.get(address, -_NOTED_EVERY_S) < _NOTED_EVERY_S


def _note_good(address: str) -> None:
    values = {
        "state": Breaker.State.CLOSED,
        "failures": 0,
        "failing_since": None,
        "opened_at": None,
        "probe_at": None,
        "probe": None,
        "probe_until": None,
        "pause_seconds": 0,
        "answered_at": timezone.now(),
    }
    if not Breaker.objects.filter(address=address).update(**values):
        Breaker.objects.bulk_create([Breaker(address=address, answered_at=timezone.now())], ignore_conflicts=True)
    _noted_good[address] = time.monotonic()


@transaction.atomic
def _note_silence(address: str, silences: int, why: str, *, after_good: bool, probe: uuid.UUID | None) -> None:
    now = timezone.now()
    Breaker.objects.bulk_create([Breaker(address=address)], ignore_conflicts=True)
    row = Breaker.objects.select_for_update().get(address=address)
    if row.state == Breaker.State.HALF_OPEN and row.probe != probe:
        # The answer of an older call; what the probe finds counts.
        return
    row.failures = silences if after_good else row.failures + silences
    row.failing_since = now if after_good or row.failing_since is None else row.failing_since
    row.why = why[:300]
    if row.state == Breaker.State.HALF_OPEN:
        row.pause_seconds = min(max(row.pause_seconds, FIRST_PAUSE) * 2, LONGEST_PAUSE)
        _open(row, now)
    elif row.state == Breaker.State.CLOSED and row.failures >= SILENCES:
        row.opened_at, row.pause_seconds = now, FIRST_PAUSE
        _open(row, now)
    row.save()


def _open(row: Breaker, now: datetime) -> None:
    row.state, row.probe, row.probe_until = Breaker.State.OPEN, None, None
    # S311: jitter, not a secret.
    row.probe_at = now + timedelta(seconds=row.pause_seconds * random.uniform(0.9, 1.1))  # noqa: S311


def close(address: str = "") -> None:
    """Let everybody call again, whatever was known: an operator's word (and that of a test that begins)."""
    Breaker.objects.filter(address=address or _address()).update(failures=F("failures") * 0)
    _note_good(address or _address())


def _address() -> str:
    from accounts.ovh import application  # it builds its gateways on this module

    return application().address
