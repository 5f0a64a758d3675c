"""What one measured stretch cost: time, this process's CPU, PostgreSQL's CPU."""

import os
import time

from bench import machine
from bench.machine import Figures


class Meter:
    """Starts when made; `figures(done)` ends it. extra_pid: another tree whose CPU counts as the panel's."""

    def __init__(self, extra_pid: int | None = None) -> None:
        self._postgres = int(os.environ["BENCH_POSTGRES_PID"])
        self._extra = extra_pid
        self._postgres_cpu = machine.cpu_seconds(self._postgres)
        self._cpu = self._panel_cpu()
        self._at = time.perf_counter()

    def _panel_cpu(self) -> float:
        return machine.cpu_seconds(self._extra) if self._extra else time.process_time()

    def seconds(self) -> float:
        return time.perf_counter() - self._at

    def figures(self, done: int) -> Figures:
        """Rates of `done` checks (or rows): a second, a CPU second, and microseconds of CPU each."""
        seconds, cpu = self.seconds(), self._panel_cpu() - self._cpu
        postgres = machine.cpu_seconds(self._postgres) - self._postgres_cpu
        each = max(done, 1)
        return {
            "per_second": done / seconds,
            "done": done,
            "seconds": seconds,
            "cpu_us": cpu / each * 1e6,
            "postgres_us": postgres / each * 1e6,
            "per_core": done / cpu if cpu else 0.0,
            "core_busy": cpu / seconds,
        }
