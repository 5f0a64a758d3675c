"""A demo as a person starts it: another process, on data of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
# Seconds. A cold start takes some five here; machines that test several things at once take longer.
READY_WITHIN = 60


class Demo:
    """`python -m panel.demo` on a directory, with a group of its own as a shell would give it."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.ready_path = directory.parent / f"{directory.name} ready.json"
        self._environment = environment
        self.process: subprocess.Popen[str] | None = None

    def start(self, stdout: int = subprocess.PIPE, before: Any = None) -> None:
        mine = {"DEMO_DIR": str(self.directory), "READY": str(self.ready_path), "PORT": "0", "SANDBOX_PORT": "0"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "panel.demo"],
            cwd=CHECKOUT,
            env=os.environ | mine | self._environment,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=before,
        )

    def wait_until_ready(self) -> dict[str, Any]:
        until = time.monotonic() + READY_WITHIN
        while not self.ready_path.exists():
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < until, "not ready in time"
            time.sleep(0.05)
        return json.loads(self.ready_path.read_text())

    def refusal(self) -> str:
        """Return what a demo that cannot start says, having checked that it leaves with an error at once."""
        _, said = self.process.communicate(timeout=READY_WITHIN)
        assert self.process.returncode == 1, said
        assert said.count("\n") == 1, said
        return said.strip()

    def stop(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.communicate(timeout=20)


@pytest.fixture(scope="session")
def demo_place() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="order panel demo test "))
    place.chmod(0o711)  # PostgreSQL may have to run as nobody
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(demo_place: Path) -> Iterator[Demo]:
    """A demo that runs, shared by all that only look at it."""
    made = Demo(demo_place / "shared")
    made.start()
    made.wait_until_ready()
    yield made
    made.stop()


def descendants(process: int) -> dict[int, str]:
    """Return all processes below one, by number, with the moment each began (numbers are used again)."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(path.name)):
            parents.setdefault(int(fields[1]), []).append(int(path.name))
    found: dict[int, str] = {}
    waiting = [process]
    while waiting:
        for child in parents.get(waiting.pop(), []):
            if fields := _stat(child):
                found[child] = fields[19]
                waiting.append(child)
    return found


def alive(processes: dict[int, str]) -> list[str]:
    """Return the command lines of those that still run."""
    left = []
    for process, began in processes.items():
        fields = _stat(process)
        if fields and fields[0] not in "ZX" and fields[19] == began:
            left.append(Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode())
    return left


def gone_within(processes: dict[int, str], seconds: float) -> list[str]:
    """Wait for processes to end; return what is left of them when time is up."""
    until = time.monotonic() + seconds
    while (left := alive(processes)) and time.monotonic() < until:
        time.sleep(0.02)
    return left


def _stat(process: int) -> list[str] | None:
    """Return the fields of /proc/N/stat behind the name: state, parent, …; None when it is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
