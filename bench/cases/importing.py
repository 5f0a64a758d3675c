"""Importing a large account for the first time."""

import threading
import time

from django.db import connection

from accounts.models import Nichandle
from bench import engine
from bench.cases.meter import Meter
from bench.machine import Figures
from orders.models import Order, OrderImport

_FIRST_ROWS = 20


def import_ours(seconds: float) -> Figures:
    """Import until it is done or the time is up."""
    nichandle = Nichandle.objects.get()
    watcher = _Watcher()
    meter = Meter()
    watcher.start()
    engine.begin_import(nichandle)
    while meter.seconds() < seconds and not OrderImport.objects.filter(finished_at__isnull=False).exists():
        if not engine.import_some():
            time.sleep(0.25)
    figures = meter.figures(Order.objects.count())
    watcher.stop()
    row = OrderImport.objects.get()
    return figures | {
        "first_rows_s": watcher.seen_after,
        "finished": int(row.finished_at is not None),
        "rows": Order.objects.count(),
        "of": row.total,
    }


class _Watcher(threading.Thread):
    """Notes when a page could first show rows, looking as a page does: from outside."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen_after: float | None = None
        self._began = time.perf_counter()
        self._over = threading.Event()

    def run(self) -> None:
        while self.seen_after is None and not self._over.wait(0.02):
            if Order.objects.count() >= _FIRST_ROWS:
                self.seen_after = time.perf_counter() - self._began
        connection.close()

    def stop(self) -> None:
        self._over.set()
        self.join(5)
