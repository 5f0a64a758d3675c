"""
One process that starts the demo's services, keeps them running, and stops them in reverse order.

Everything is started from the main thread: a child's leash (PR_SET_PDEATHSIG) is tied to the thread that made it.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType

from embedded import EmbeddedError, Postgres, Valkey
from embedded.process import become_subreaper

from . import commands, probes, ready
from .children import Child, Leash
from .data import DataDirectory
from .errors import DemoError, StopRequested
from .output import complain, say
from .ports import free_port, port_from

# Seconds until we give up on a start. A cold one takes a tenth of it here; a slow disk may take more.
_START_WITHIN = 120
# Seconds for all of the panel's processes together, and for the sandbox, to stop before they are killed. With
# PostgreSQL's own they stay below the five that we promise.
_PANEL_PATIENCE = 1.5
_SANDBOX_PATIENCE = 0.8
# Seconds before a child that died is started again; doubled each time it dies young.
_FIRST_PAUSE, _LONGEST_PAUSE, _GROWN_UP = 0.5, 30.0, 60.0


class Supervisor:
    def __init__(self, data: DataDirectory, environment: Mapping[str, str]) -> None:
        self._data = data
        self._environment = environment
        self._ready_path = Path(environment["READY"]).absolute() if environment.get("READY") else None
        self._postgres = Postgres(data.path / "postgres")
        self._valkey = Valkey(data.path / "valkey")
        self._children: list[Child] = []
        self._restarts: dict[str, _Restart] = {}
        self._stopping = False
        self._wakened, self._waker = socket.socketpair()

    def run(self) -> None:
        """
        Run until asked to stop.

        Raises:
            DemoError, EmbeddedError: it could not start; everything that had started is stopped again.
        """
        self._listen_to_signals()
        become_subreaper()
        self._leash = Leash()
        try:
            self._start()
            self._keep_running()
        except StopRequested:
            pass
        finally:
            self._stopping = True
            self._stop()
            self._leash.close()

    # --- Starting ---

    def _start(self) -> None:
        self._clear_ready_file()
        panel_port = port_from(self._environment, "PORT", 8000)
        sandbox_port = port_from(self._environment, "SANDBOX_PORT", 8001, panel_port)
        mail_port = free_port(panel_port, sandbox_port)
        kept = self._data.secrets()
        say("The demo is starting, which takes some seconds, and half a minute the first time.")
        self._postgres.start()
        self._go_on()
        for database in ("panel", "sandbox"):
            self._postgres.create_database(database)
        self._valkey.start()
        base = commands.Addresses(
            panel_port,
            sandbox_port,
            mail_port,
            panel_database=self._postgres.url("panel"),
            sandbox_database=self._postgres.url("sandbox"),
            valkey=self._valkey.url,
            static_root=str(self._data.path / "static"),
        )
        sandbox_file = self._data.path / "sandbox.json"
        sandbox_file.unlink(missing_ok=True)
        sandbox = self._begin("sandbox", *commands.sandbox(base, sandbox_file))
        preparing = self._begin("prepare", *commands.prepare(base, kept), lasting=False)
        self._wait("prepare", lambda: preparing.exit_code() == 0, preparing, sandbox)
        preparing.end(0)
        self._wait("the sandbox", sandbox_file.exists, sandbox)
        world = ready.read_sandbox(sandbox_file)

        environment = commands.panel_environment(base, kept, world)
        panel = [
            self._begin("web", *commands.web(base, environment)),
            self._begin("worker", *commands.worker(environment, "clock")),
            self._begin("worker-people", *commands.worker(environment, "people")),
            self._begin("beat", *commands.beat(environment)),
        ]
        self._wait("the panel", lambda: probes.answers(f"{base.panel}/health/ready"), *panel, sandbox)
        self._wait("its first page", lambda: probes.answers(f"{base.panel}/"), *panel, sandbox)
        self._wait("the worker", lambda: probes.workers_listen(self._valkey.url, 2), *panel, sandbox)
        document = ready.document(base, world, kept)
        if self._ready_path:
            ready.write(self._ready_path, document)
        say(ready.welcome(document, self._data))

    def _begin(self, name: str, arguments: list[str], environment: Mapping[str, str], *, lasting: bool = True) -> Child:
        self._go_on()
        child = Child(name, arguments, environment, self._data.logs, self._leash)
        if lasting:
            self._children.append(child)
        child.start()
        return child

    def _wait(self, what: str, done: Callable[[], bool], *needed: Child) -> None:
        """Wait until something is done, as long as the children needed for it live."""
        until = time.monotonic() + _START_WITHIN
        try:
            while not done():
                self._go_on()
                for child in needed:
                    if child.exit_code() is not None and not done():
                        raise DemoError(child.why())
                if time.monotonic() > until:
                    raise DemoError(f"Waited {_START_WITHIN} s for {what} in vain: see the logs in {self._data.logs}.")
                self._sleep(0.05)
        except BaseException:
            for child in needed:
                if child not in self._children:
                    child.end(0)
            raise

    def _clear_ready_file(self) -> None:
        """Take away what a killed demo left: whoever waits for the file must not read of a former one."""
        if self._ready_path is None:
            return
        try:
            self._ready_path.unlink(missing_ok=True)
        except OSError as error:
            raise DemoError(f"READY={self._ready_path} cannot be written ({error.strerror}): name another.") from error
        if not os.access(self._ready_path.parent, os.W_OK):
            raise DemoError(f"READY={self._ready_path} cannot be written: name a directory that is there and ours.")

    # --- Running ---

    def _keep_running(self) -> None:
        while True:
            self._sleep(1.0)
            self._go_on()
            now = time.monotonic()
            if not self._postgres.is_running():
                self._again("PostgreSQL", now, self._postgres.start)
            if not self._valkey.is_running():
                self._again("Valkey", now, self._valkey.start)
            for child in self._children:
                if child.exit_code() is not None:
                    self._again(child.name, now, lambda child=child: _restart(child))  # type: ignore[misc]

    def _again(self, name: str, now: float, start: Callable[[], None]) -> None:
        """Start something that died, at once the first time and with growing pauses while it keeps dying."""
        restart = self._restarts.setdefault(name, _Restart())
        if not restart.is_due(now):
            return
        say(f"{name} ended and is started again; see {self._data.logs} if it goes on so.")
        try:
            start()
        except (EmbeddedError, OSError) as error:
            complain(f"{name} could not be started again: {error}")

    # --- Stopping ---

    def _stop(self) -> None:
        if self._ready_path:
            try:
                self._ready_path.unlink(missing_ok=True)
            except OSError as error:
                complain(f"{self._ready_path} could not be removed: {error.strerror}.")
        sandbox = [child for child in self._children if child.name == "sandbox"]
        panel = [child for child in reversed(self._children) if child.name != "sandbox"]
        for group, patience in ((panel, _PANEL_PATIENCE), (sandbox, _SANDBOX_PATIENCE)):
            until = time.monotonic() + patience
            for child in group:
                child.ask_to_stop()
            for child in group:
                child.end(until - time.monotonic())
        self._valkey.stop()
        self._postgres.stop()

    # --- Signals ---

    def _listen_to_signals(self) -> None:
        for end in (self._wakened, self._waker):
            end.setblocking(False)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note_request)
        # Only so that the end of a child wakes us.
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _note_request(self, number: int, frame: FrameType | None) -> None:
        if not self._stopping:
            self._stopping = True
            say("Stopping.")

    def _go_on(self) -> None:
        if self._stopping:
            raise StopRequested

    def _sleep(self, seconds: float) -> None:
        """Sleep, at most so long: a signal ends it."""
        if select.select([self._wakened], [], [], seconds)[0]:
            self._wakened.recv(4096)


class _Restart:
    """How often something died lately, and when to try again."""

    def __init__(self) -> None:
        self._pause = _FIRST_PAUSE
        self._last = float("-inf")

    def is_due(self, now: float) -> bool:
        if now - self._last > _GROWN_UP:
            self._pause = _FIRST_PAUSE
        elif now - self._last < self._pause:
            return False
        else:
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self._last = now
        return True


def _restart(child: Child) -> None:
    child.end(0)  # a granian that was killed leaves its worker, which would keep the port
    child.start()
