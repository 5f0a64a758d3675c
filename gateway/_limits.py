"""How long a call may take, at each moment of it."""

from __future__ import annotations

import threading
import time


class Limits:
    """
    The clock of one call, its retries included. Seconds, on the monotonic clock.

    connect_within: for name, TCP and TLS together. answer_within: from the first byte sent until the
    headers are there. in_all: for everything, the body too, however slowly it drips.
    """

    def __init__(self, connect_within: float, answer_within: float, in_all: float) -> None:
        self.connect_within = connect_within
        self.answer_within = answer_within
        self.began = time.monotonic()
        self.ends = self.began + in_all
        self.sent = False
        self._phase_ends = self.ends

    def attempt_begins(self) -> None:
        self.sent = False
        self._phase_ends = min(self.ends, time.monotonic() + self.connect_within)

    def bytes_leave(self) -> None:
        """From here on the call may have had its effect."""
        if not self.sent:
            self.sent = True
            self._phase_ends = min(self.ends, time.monotonic() + self.answer_within)

    def headers_came(self) -> None:
        self._phase_ends = self.ends

    def left(self) -> float:
        """Seconds until the present phase must be over; raises TimeoutError when it is."""
        left = self._phase_ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        return left

    def left_in_all(self) -> float:
        return self.ends - time.monotonic()

    def elapsed(self) -> float:
        return time.monotonic() - self.began


class _Current(threading.local):
    limits: Limits | None = None


_current = _Current()


def use(limits: Limits | None) -> None:
    """Say which call this thread is making: its sockets ask, deep below the library."""
    _current.limits = limits


def current() -> Limits:
    if _current.limits is None:
        raise RuntimeError("a socket of the gateway was used outside a call")
    return _current.limits
