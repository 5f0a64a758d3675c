"""What the machine did: CPU by process tree, cores to run on, medians over interleaved rounds."""

import contextlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_TICK = os.sysconf("SC_CLK_TCK")
Figures = dict[str, Any]


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def tree(pid: int) -> list[int]:
    """Return a process and everything below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(int(name))[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        found.append(one := todo.pop())
        todo += children.get(one, [])
    return found


def cpu_seconds(pid: int) -> float:
    """CPU of a living tree, with what its members' own ended children had used."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            total += sum(map(int, _stat(one)[11:15]))
    return total / _TICK


def busy_seconds() -> float:
    """CPU that the whole machine has used."""
    with open("/proc/stat") as stat:
        return sum(map(int, stat.readline().split()[1:4])) / _TICK


def cores() -> tuple[set[int], set[int]]:
    """The panel's core, and the other one: PostgreSQL's, the broker's and the API's. The same where there is one."""
    have = sorted(os.sched_getaffinity(0))
    return {have[0]}, {have[-1]}


def pin(pid: int, to: set[int]) -> None:
    for one in tree(pid):
        for thread in os.listdir(f"/proc/{one}/task"):
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(thread), to)


class Others:
    """How many cores programs that are not ours used between two moments."""

    def __init__(self) -> None:
        self._at, self._busy, self._ours = time.monotonic(), busy_seconds(), cpu_seconds(os.getpid())

    def cores(self) -> float:
        foreign = (busy_seconds() - self._busy) - (cpu_seconds(os.getpid()) - self._ours)
        return max(0.0, foreign / (time.monotonic() - self._at))


def interleaved(cases: Mapping[str, Callable[[], Figures]], rounds: int) -> dict[str, Figures]:
    """
    Run A B C, C B A, A B C, … and return the medians of each case's numbers.

    `spread`: (most - least) / median of its first number. `others`: cores that foreign programs used meanwhile.
    """
    rows: dict[str, list[Figures]] = {name: [] for name in cases}
    for number in range(rounds):
        names = list(cases)
        for name in names if number % 2 == 0 else reversed(names):
            others = Others()
            figures = cases[name]()
            rows[name].append(figures | {"others": others.cores()})
    return {name: _medians(found) for name, found in rows.items()}


def _medians(rows: list[Figures]) -> Figures:
    medians: Figures = {
        name: statistics.median(row[name] for row in rows) if isinstance(value, int | float) else value
        for name, value in rows[0].items()
    }
    first = next(name for name, value in rows[0].items() if isinstance(value, int | float))
    values = [row[first] for row in rows]
    medians["spread"] = (max(values) - min(values)) / medians[first] if medians[first] else 0.0
    medians["rounds"] = rows
    return medians


def description() -> dict[str, Any]:
    model = ""
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
