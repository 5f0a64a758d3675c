"""
Whether a scenario still stands as it was told.

Most tests only read, and telling the demo's scenario for each of them took longer than many of them do. So it is told
again only where something was written since, or it is two seconds old: its dates count from when it was told, and its
orders move on.
"""

import threading
import time
from typing import Any

from django.db.backends.signals import connection_created

GOOD_FOR_S = 2
_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")


class _Mark:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: tuple[str, int] | None = None
        self._until = 0.0

    def told(self, scenario: str, seed: int) -> None:
        with self._lock:
            self._told, self._until = (scenario, seed), time.monotonic() + GOOD_FOR_S

    def forget(self) -> None:
        with self._lock:
            self._told = None

    def stands(self, scenario: str, seed: int) -> bool:
        with self._lock:
            return self._told == (scenario, seed) and time.monotonic() < self._until


_mark = _Mark()
told, stands, written = _mark.told, _mark.stands, _mark.forget


def watch() -> None:
    """From now on every statement that writes is noticed, whatever thread sends it. COPY is not: only worlds use it."""
    connection_created.connect(_watch, dispatch_uid="sandbox.untouched")


def _watch(connection: Any, **_more: Any) -> None:
    # A connection that is made again keeps its wrappers.
    if _noticing not in connection.execute_wrappers:
        connection.execute_wrappers.append(_noticing)


def _noticing(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.lstrip().startswith(_WRITES):
        written()
    return execute(sql, params, many, context)
