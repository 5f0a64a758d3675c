"""Trouble on request: what was armed by /_control/faults, and which of it a call meets."""

import asyncio
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

# These keep a call from the world; the others let it act there and spoil the answer.
BEFORE_THE_WORLD = ("status", "html", "reset", "hang")
AFTER_THE_WORLD = ("latency", "drip", "truncated", "accept_then_reset")
KINDS = BEFORE_THE_WORLD + AFTER_THE_WORLD


@dataclass(eq=False)
class Fault:
    """
    One armed fault.

    ms: how late an answer of `latency` is; between two bytes of `drip`.
    count: how many more calls it meets; None: any number. until: monotonic seconds; None: till disarmed.
    """

    id: int
    kind: str
    method: str = "*"
    path: str = "*"
    status: int | None = None
    ms: float | None = None
    count: int | None = None
    until: float | None = None
    probability: float = 1.0
    retry_after: str | None = None
    hits: int = 0
    held: set["Hold"] = field(default_factory=set)

    def meets(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)

    def as_answer(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "kind": self.kind,
            "match": {"method": self.method, "path": self.path},
            "status": self.status,
            "ms": self.ms,
            "count": self.count,
            "probability": self.probability,
            "hits": self.hits,
        }


class Hold:
    """A connection that hangs until its fault is disarmed, from whatever thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.released = asyncio.Event()

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self.released.set)


class Faults:
    """What is armed. Views arm from their threads; the event loop asks for each call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        # Those that met their count, while they still hold connections.
        self._spent: list[Fault] = []
        self._last_id = 0
        self._chance = random.Random(0)

    def arm(self, **wanted: Any) -> Fault:
        with self._lock:
            self._last_id += 1
            fault = Fault(self._last_id, **wanted)
            self._armed.append(fault)
        return fault

    def disarm(self) -> None:
        with self._lock:
            self._chance.seed(0)
            self._drop(lambda fault: True)

    def tidy(self) -> None:
        """Drop those whose time is up, and close what they hold. Called several times a second."""
        now = time.monotonic()
        with self._lock:
            self._drop(lambda fault: fault.until is not None and fault.until <= now)

    def armed(self) -> list[Fault]:
        self.tidy()
        with self._lock:
            return list(self._armed)

    def choose(self, method: str, path: str) -> list[Fault]:
        """
        Return what a call meets: any number of latencies, and the first armed of the other kinds.

        path: without /1.0.
        """
        if not self._armed:
            return []
        self.tidy()
        met: list[Fault] = []
        with self._lock:
            for fault in self._armed:
                other_kind_met = any(one.kind != "latency" for one in met)
                if (fault.kind != "latency" and other_kind_met) or not fault.meets(method, path):
                    continue
                if self._chance.random() >= fault.probability:
                    continue
                fault.hits += 1
                met.append(fault)
                if fault.count is not None:
                    fault.count -= 1
            spent = [fault for fault in met if fault.count == 0]
            self._armed = [fault for fault in self._armed if fault not in spent]
            self._spent = [fault for fault in [*self._spent, *spent] if fault in met or fault.held]
        return met

    def hold(self, fault: Fault) -> Hold:
        held = Hold()
        with self._lock:
            if fault not in self._armed and fault not in self._spent:
                held.release()  # disarmed since it was chosen
            else:
                fault.held.add(held)
        return held

    def let_go(self, fault: Fault, held: Hold) -> None:
        with self._lock:
            fault.held.discard(held)

    def _drop(self, over: Callable[[Fault], bool]) -> None:
        for fault in [*self._armed, *self._spent]:
            if over(fault):
                for held in fault.held:
                    held.release()
        self._armed = [fault for fault in self._armed if not over(fault)]
        self._spent = [fault for fault in self._spent if not over(fault)]


FAULTS = Faults()
