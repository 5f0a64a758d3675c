"""
Stands between gateways and OVHcloud: asks budget and breaker before each call, and tells both what came of it.

A Tally serves one turn of a worker, however many gateways and threads it uses. It keeps its figures to itself until
`settle`, so that threads need no database; a Purse is the right to make some calls with one key.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from accounts import breaker, budget
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent, Wanted
from gateway import Heard, OvhUnavailable, RateLimited


class Tally:
    """
    What a turn has called so far. Safe in threads.

    address: of the OVHcloud that is called. probe: the turn is the breaker's probe, so one call until it is answered.
    """

    def __init__(self, address: str, probe: uuid.UUID | None = None) -> None:
        self.address = address
        self.probe = probe
        self.limited: dict[int, tuple[float, datetime]] = {}
        self._began = timezone.now()
        self._lock = threading.Lock()
        # For this turn: silences in a row, and whether any call was made or answered.
        self._in_a_row = 0
        self._called = self._answered = False
        self._forget()

    def _forget(self) -> None:
        """What was settled is not told twice."""
        self._calls = self._failed = self._held_back = self._silences = 0
        self._good = False
        self._why = ""
        self._newly_limited: dict[int, tuple[float, datetime]] = {}

    def check(self, link: int | None) -> None:
        """
        Whether one more call makes sense.

        Raises:
            BreakerOpen: OVHcloud keeps silent. BudgetSpent: it wants less of this key.
        """
        if self._in_a_row >= breaker.SILENCES or (self.probe and self._called and not self._answered):
            raise BreakerOpen
        if link in self.limited:
            raise BudgetSpent(detail="OVHcloud wants fewer calls", retry_after=self.limited[link][0])

    def called(self) -> None:
        with self._lock:
            self._calls += 1
            self._called = True

    def held_back(self, calls: int = 1) -> None:
        with self._lock:
            self._held_back += calls

    def answered(self, link: int | None, heard: Heard) -> None:
        error = heard.error
        with self._lock:
            if isinstance(error, OvhUnavailable):
                self._failed += 1
                self._silences += 1
                self._in_a_row += 1
                self._why = str(error)
                return
            self._good = self._answered = True
            self._silences = self._in_a_row = 0
            # However many of its calls were under way: what is said once in a turn counts once.
            if isinstance(error, RateLimited) and link is not None and link not in self.limited:
                self._newly_limited[link] = self.limited[link] = (error.retry_after, self._began)

    def settle(self, checked: int = 0) -> None:
        """Write the figures, in the thread that may use the database. More calls may follow, and another settling."""
        with self._lock:
            calls, failed, held_back, limited = self._calls, self._failed, self._held_back, self._newly_limited
            silences, good, why = self._silences, self._good, self._why
            self._forget()
        if calls or held_back or checked:
            budget.count(calls=calls, failed=failed, limited=len(limited), held_back=held_back, checked=checked)
        if calls:
            breaker.note(silences=silences, good=good, why=why, address=self.address, probe=self.probe)
        elif self.probe and not self._called:
            breaker.give_up_probe(self.probe)
        if limited:
            budget.note_limited(limited)


class Purse:
    """
    The right to make calls with one key; its `before` and `heard` are a gateway's hooks.

    tokens: reserved already. more: called when they are used up; returns how many there are now, and raises
    BudgetSpent where there are none. It may be called in any thread. people: somebody waits for its calls.
    """

    def __init__(
        self,
        tally: Tally,
        link: int,
        tokens: int,
        more: Callable[["Purse"], int],
        witness: Callable[[Heard], None] | None = None,
        *,
        people: bool = False,
    ) -> None:
        self.tally = tally
        self.link = link
        self.people = people
        self.tokens = tokens
        self._more = more
        self._witness = witness
        self._lock = threading.Lock()

    def before(self, method: str, path: str) -> None:
        self.tally.check(self.link)
        with self._lock:
            if self.tokens < 1:
                self.tokens = self._more(self)
            self.tokens -= 1
        self.tally.called()

    def heard(self, heard: Heard) -> None:
        self.tally.answered(self.link, heard)
        if self._witness:
            self._witness(heard)


class Meter:
    """
    The hooks of a gateway that serves one thread, which may use the database: each call asks and tells at once.

    link: None for a key that belongs to no link yet, which breaker and figures know of, but no budget.
    people: somebody waits, so the reserve of the bucket may be used.
    """

    def __init__(
        self, address: str, link: int | None, *, people: bool, witness: Callable[[Heard], None] | None = None
    ) -> None:
        self._address = address
        self._link = link
        self._people = people
        self._witness = witness
        self._tally = Tally(address)

    def before(self, method: str, path: str) -> None:
        probe = breaker.enter(self._address)
        self._tally = Tally(self._address, probe)
        try:
            if self._link is not None:
                take(self._link, people=self._people)
        except BudgetSpent:
            self._tally.held_back()
            self._tally.settle()
            raise
        self._tally.called()

    def heard(self, heard: Heard) -> None:
        self._tally.answered(self._link, heard)
        self._tally.settle()
        if self._witness:
            self._witness(heard)


def take(link: int, *, people: bool, tokens: int = 1) -> int:
    """
    Take up to so many tokens of one key. Returns how many, one at least.

    Raises:
        BudgetSpent: there is none; it says when there will be.
    """
    now = timezone.now()
    grants = budget.reserve({link: Wanted(people=tokens) if people else Wanted(background=tokens)}, now)
    grant = grants.get(link)
    granted = (grant.people if people else grant.background) if grant else 0
    if granted < 1:
        wait = grant.seconds_to_wait(now, people=people) if grant else 1.0
        raise BudgetSpent(detail="our own budget of calls is spent", retry_after=wait)
    return granted
