"""The supervisor's children: Python programs that log to a file and are stopped with everything they started."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.process import start_child

from . import leash
from .data import CHECKOUT, last_words


class Leash:
    """Our end of the pipe to panel/demo/leash.py."""

    def __init__(self) -> None:
        self._process = start_child(
            [sys.executable, "-I", "-S", leash.__file__],
            log=subprocess.DEVNULL,
            # It must outlive us by the moment that it needs.
            death=None,
            standard_input=subprocess.PIPE,
        )

    def hold(self, group: int) -> None:
        self._tell(f"+{group}\n")

    def let_go(self, group: int) -> None:
        self._tell(f"-{group}\n")

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(1)

    def _tell(self, line: str) -> None:
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()


class Child:
    """A program that runs as long as the demo does, started again when it ends."""

    def __init__(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str], logs: Path, rope: Leash
    ) -> None:
        self.name = name
        self.log = logs / f"{name}.log"
        self._arguments = [sys.executable, *arguments]
        self._environment = environment
        self._rope = rope
        self._process: subprocess.Popen[bytes] | None = None
        self.log.write_bytes(b"")

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = start_child(
                self._arguments, log=log, environment=self._environment, directory=CHECKOUT, death=signal.SIGTERM
            )
        self._rope.hold(self._process.pid)

    def exit_code(self) -> int | None:
        """Return None while it runs or before it was started; a negative number is a signal's."""
        return self._process.poll() if self._process else None

    def ask_to_stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()

    def end(self, patience: float) -> None:
        """Wait that many seconds for the child, then kill what is left of it and of what it started."""
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(patience, 0))
        group = self._process.pid
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        self._process.wait()
        _reap(group)
        self._rope.let_go(group)
        self._process = None

    def why(self) -> str:
        """Return what it said last, for a sentence about its end."""
        said = next(last_words(self.log), "it said nothing").rstrip(".")
        return f"{self.name} stopped: {said}. Its log is {self.log}."


def _reap(group: int) -> None:
    """Wait until a killed group is gone, so that its ports and sockets are free when we say so."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-group, os.WNOHANG)  # we are its orphans' parent
        try:
            os.killpg(group, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.005)
