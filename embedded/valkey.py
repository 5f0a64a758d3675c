import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from .binaries import find_valkey
from .directories import Lock, make_directory, remove_sockets, socket_directory
from .errors import EmbeddedError, explain
from .process import clean_environment, start_child, stop_child

_READY_WITHIN = 10  # seconds; it takes 0.06
_PAUSE = 0.01


class Valkey:
    """A Valkey server on a Unix socket that keeps nothing on disk: what it held is gone when it stops."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "valkey.log"
        self._lock = Lock(self.directory)
        self._child: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    def start(self) -> None:
        """
        Start the server and wait until it answers. A running one is left alone, one that died starts again.

        Raises:
            EmbeddedError: in one sentence, why not and what to do.
        """
        if self.is_running():
            return
        make_directory(self.directory, 0o700)
        self._lock.take(
            f"A Valkey already runs on {self.directory}: stop what started it, or choose another directory."
        )
        try:
            self._run()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server. Harmless when it does not run."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.send_signal(signal.SIGCONT)  # a test may have paused it
            stop_child(self._child, signal.SIGTERM, patience=1)
            self._child = None
        remove_sockets(self.directory, self._sockets)
        self._lock.release()

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process, for tests that kill or pause it."""
        return self._child.pid if self._child else None

    @property
    def url(self) -> str:
        """Its address for redis-py and Django's cache. Celery spells the same redis+socket:///…?virtual_host=0."""
        return f"unix://{self._socket}?db=0"

    @property
    def _socket(self) -> Path:
        if self._sockets is None:
            raise EmbeddedError("Valkey has no address before it was started.")
        return self._sockets / "valkey.sock"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        self._sockets = socket_directory(self.directory, None)
        arguments = [
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--daemonize", "no", "--maxmemory-policy", "noeviction"),
            *("--dir", str(self.directory)),
        ]
        with self.log.open("wb") as log:
            self._child = start_child([find_valkey(), *arguments], log=log, environment=clean_environment())
        until = time.monotonic() + _READY_WITHIN
        while not _answers(self._socket):
            if not self.is_running() or time.monotonic() > until:
                raise explain("Valkey", self.directory, self.log.read_text(errors="replace"))
            time.sleep(_PAUSE)


def _answers(path: Path) -> bool:
    if not os.path.exists(path):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
