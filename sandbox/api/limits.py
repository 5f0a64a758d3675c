"""So many calls a minute for each consumer key, where the switch rate_limit says so."""

import threading
import time
from collections import defaultdict, deque

from .. import world
from .errors import ApiError

_WINDOW_S = 60.0
RETRY_AFTER_S = 5


class Limiter:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[str, deque[float]] = defaultdict(deque)

    def forget(self) -> None:
        with self._lock:
            self._calls.clear()

    def take(self, consumer_key: str) -> None:
        """Count a call, or refuse it: raises ApiError (429). A call refused does not count."""
        allowed = world.switch("rate_limit")
        if not allowed:
            return
        now = time.monotonic()
        with self._lock:
            calls = self._calls[consumer_key]
            while calls and calls[0] <= now - _WINDOW_S:
                calls.popleft()
            if len(calls) >= allowed:
                raise ApiError(429, "Too many requests, please slow down", "TOO_MANY_REQUESTS")
            calls.append(now)


LIMITER = Limiter()
