"""
One worker's turn with OVHcloud: many accounts are asked at once, in threads that leave the database alone.

Each account brings the tokens that were reserved for it; a thread that needs more asks the turn's own thread, which
alone uses the database. What is left is given back when the turn ends.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

from accounts import breaker, budget, metering, ovh
from accounts.budget import Wanted
from accounts.crypto import KeyUnreadable
from accounts.metering import Purse, Tally
from accounts.models import Link
from accounts.ovh import Key, NoKey
from gateway import Gateway, Heard, OvhError

log = logging.getLogger(__name__)

R = TypeVar("R")

# Calls under way at once: they hide 100 ms of distance behind more than a thousand answers a second.
AT_ONCE = 192
# No call begins later than so many seconds into a turn: what it claimed comes due again after CLAIM.
TURN_SECONDS = 25.0


class Turn:
    """
    Use it as a context. Entering raises BreakerOpen while OVHcloud keeps silent and somebody else is the probe.

    people: somebody waits for what is asked. witness: hears every answer, in whatever thread it comes.
    """

    def __init__(self, *, people: bool = False, tries: int = 1, witness: Callable[[Heard], None] | None = None) -> None:
        self._application = ovh.application()
        self._people = people
        self._tries = tries
        self._witness = witness
        self._purses: dict[int, Purse] = {}
        self._inbox: SimpleQueue[tuple[Purse, SimpleQueue[Any]] | int | None] = SimpleQueue()
        self._ends = time.monotonic() + TURN_SECONDS

    def __enter__(self) -> Self:
        self._owner = threading.get_ident()
        self.tally = Tally(self._application.address, breaker.enter(self._application.address))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.settle()
        budget.give_back({link: purse.tokens for link, purse in self._purses.items()})

    @property
    def address(self) -> str:
        return self._application.address

    @property
    def is_probe(self) -> bool:
        """OVHcloud kept silent, and this turn is to find out whether it answers again: ask one thing."""
        return self.tally.probe is not None

    def settle(self, checked: int = 0) -> None:
        """Tell budget, breaker and figures what was called since the last time."""
        self.tally.settle(checked)

    def reserve(self, wanted: Mapping[int, int]) -> dict[int, int]:
        """Take tokens for calls by link, in one statement. Returns how many there were; `gateway` is handed them."""
        people = self._people
        grants = budget.reserve({link: Wanted(n, 0) if people else Wanted(0, n) for link, n in wanted.items()})
        return {link: grant.people + grant.background for link, grant in grants.items()}

    def gateway(self, link: Key | Link, tokens: int = 0, *, people: bool = False) -> Gateway:
        """
        A gateway for one key, for any thread of this turn. tokens: reserved for it already. people: somebody waits
        for what this key is asked, though not for the whole turn.

        Raises:
            NoKey: what is stored cannot be read.
        """
        try:
            consumer_key = link.consumer_key()
        except KeyUnreadable as error:
            raise NoKey(str(link)) from error
        purse = self._purses.get(link.pk)
        if purse is None:
            purse = Purse(self.tally, link.pk, tokens, self._more, self._witness, people=people or self._people)
            self._purses[link.pk] = purse
        else:
            purse.tokens += tokens
        return Gateway(
            self._application, consumer_key, tries=self._tries, before_call=purse.before, witness=purse.heard
        )

    def run(
        self, jobs: Sequence[Callable[[], R]], done: Callable[[int, R | None], None] | None = None
    ) -> list[R | None]:
        """
        Do the jobs in threads. Returns what each returned; None: it came too late, or failed by our own fault.

        done: told in the turn's own thread, which may use the database, as soon as each of them returned; not of those
        that came too late.
        """
        results: list[R | None] = [None] * len(jobs)
        waiting = deque(enumerate(jobs))
        threads = [
            threading.Thread(target=self._work, args=(waiting, results, done is not None), daemon=True)
            for _ in range(min(AT_ONCE, len(jobs)))
        ]
        for thread in threads:
            thread.start()
        at_work = len(threads)
        while at_work:
            message = self._inbox.get()
            if message is None:
                at_work -= 1
            elif isinstance(message, int):
                if done is not None:
                    self._tell(done, message, results[message])
            else:
                purse, reply = message
                reply.put(self._reserve(purse))
        for thread in threads:
            thread.join()
        return results

    @staticmethod
    def _tell(done: Callable[[int, R | None], None], index: int, result: R | None) -> None:
        try:
            done(index, result)
        except Exception:
            log.exception("an answer could not be kept; the others are")

    def _work(self, waiting: "deque[tuple[int, Callable[[], R]]]", results: list[R | None], tells: bool) -> None:
        try:
            while time.monotonic() < self._ends:
                try:
                    index, job = waiting.popleft()
                except IndexError:
                    return
                try:
                    results[index] = job()
                except Exception:
                    log.exception("a question could not be asked; the others go on")
                if tells:
                    self._inbox.put(index)
        finally:
            self._inbox.put(None)

    def _more(self, purse: Purse) -> int:
        """More tokens, for whatever thread; raises BudgetSpent where there are none."""
        if threading.get_ident() == self._owner:
            found = self._reserve(purse)
        else:
            reply: SimpleQueue[int | Exception] = SimpleQueue()
            self._inbox.put((purse, reply))
            found = reply.get()
        if isinstance(found, Exception):
            raise found
        return found

    def _reserve(self, purse: Purse) -> int | Exception:
        try:
            return metering.take(purse.link, people=purse.people, tokens=4)
        except OvhError as error:
            self.tally.held_back()
            return error
        except Exception as error:
            log.exception("no tokens could be reserved")
            return error
