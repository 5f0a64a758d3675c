"""The log of calls to the API. It lives in memory; what happened to orders is in the ledger, which does not."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from ..api.signing import Caller

_KEPT = 200_000


@dataclass(slots=True)
class Entry:
    """One call. status stays None while there is no answer; keys and bodies are never noted. at_s: Unix time."""

    n: int
    at_s: float
    method: str
    path: str
    query: str
    nichandle: str | None = None
    status: int | None = None
    signature: str = "none"
    # How slow the caller's account is: half of its answers are later. Not told to anybody.
    median_ms: float | None = None

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.at_s, UTC)

    def note(self, caller: Caller) -> None:
        self.nichandle, self.signature = caller.nichandle, caller.signature
        customer = caller.credential.customer if caller.credential else None
        self.median_ms = customer.quirks.get("median_ms") if customer else None

    def as_answer(self) -> dict[str, Any]:
        return {
            "n": self.n,
            "at": self.at.isoformat(),
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "nichandle": self.nichandle,
            "status": self.status,
            "signature": self.signature,
        }


class Journal:
    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._last = 0

    def begin(self, method: str, target: str) -> Entry:
        path, _, query = target.partition("?")
        with self._lock:
            self._last += 1
            entry = Entry(self._last, time.time(), method, path, query)
            self._entries.append(entry)
        return entry

    def since(self, n: int) -> list[Entry]:
        with self._lock:
            newest_first = list(islice(reversed(self._entries), max(0, self._last - n)))
        return newest_first[::-1]

    def latest(self, count: int) -> list[Entry]:
        return self.since(self._last - count)[::-1]


JOURNAL = Journal()
