"""PostgreSQL, the broker and the API's stand-in for one run of the bench, and children that run one case each."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

from bench import machine, world
from bench.machine import Figures
from embedded import Postgres, Valkey

ROOT = Path(__file__).resolve().parent.parent
# What an operator of a million orders would set; durability stays as it is by default: on.
_POSTGRES = {
    "shared_buffers": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "random_page_cost": "1.1",
}
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "LD_LIBRARY_PATH")
_LONGEST_CASE_S = 1800
_NO_BUDGET = dict.fromkeys(("OVH_CALLS_AT_ONCE", "OVH_CALLS_A_MINUTE", "OVH_CALLS_A_MINUTE_AT_MOST"), "1000000")
_EMPTY = "bench_empty"


class CaseFailed(Exception):
    """A child ended without figures; its last words are in the text."""


class Stack:
    """
    Services on a directory that goes with them.

    populations: what the stand-in knows. PostgreSQL, broker and stand-in share the second core, children have the
    first to themselves.
    """

    def __init__(self, *populations: world.Population) -> None:
        self.epoch = world.now()
        self.panel_core, self.other_core = machine.cores()
        self._populations = populations
        self._directory = Path(tempfile.mkdtemp(prefix="order-panel-bench-"))
        self._directory.chmod(0o711)  # PostgreSQL may have to run as nobody
        self.postgres = Postgres(self._directory / "postgres")
        self.valkey = Valkey(self._directory / "valkey")
        self._api: subprocess.Popen[bytes] | None = None
        self._api_port = 0
        self._migrated = False

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        self.postgres.start()
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            for name, value in _POSTGRES.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value))
        self.postgres.stop()
        self.postgres.start()
        self.valkey.start()
        self._start_api()
        for pid in (self.postgres.pid, self.valkey.pid, self._api.pid if self._api else None):
            machine.pin(pid or 0, self.other_core)

    def _start_api(self) -> None:
        ready = self._directory / "api.json"
        populations = json.dumps(_plain(self._populations))
        arguments = ["--ready", str(ready), "--epoch", self.epoch.isoformat(), "--populations", populations]
        self._api = subprocess.Popen([sys.executable, "-m", "bench.api", *arguments], cwd=ROOT)  # noqa: S603
        until = time.monotonic() + 60
        while not ready.exists():
            if self._api.poll() is not None or time.monotonic() > until:
                raise CaseFailed("the stand-in for the API did not start")
            time.sleep(0.05)
        self._api_port = json.loads(ready.read_text())["port"]

    def _stop(self) -> None:
        if self._api is not None:
            self._api.terminate()
            self._api.wait(10)
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    # --- The API's stand-in ---

    def answers(
        self, low_ms: float, high_ms: float, *, expanded: bool = False, batch: bool = False, forgets: bool = False
    ) -> None:
        """
        Set how late it answers and which undocumented ways it knows; its counts begin anew.

        forgets: it answers 404 for an unpaid order whose time is over; else that it is still unpaid.
        """
        switches = {"expanded": expanded, "batch": batch, "forgets": forgets}
        told = "".join(f"&{name}={int(on)}" for name, on in switches.items())
        self._stub(f"switch?low={low_ms}&high={high_ms}{told}")

    def calls(self) -> dict[str, int]:
        return self._stub("counts")

    def _stub(self, path: str) -> dict[str, int]:
        address = f"http://127.0.0.1:{self._api_port}/_stub/{path}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            counts: dict[str, int] = json.load(answer)
        return counts

    # --- Databases and children ---

    def make_base(self, name: str, *populations: world.Population) -> Figures:
        """Make a database with the panel's tables and these populations, for others to be copies of."""
        if not self._migrated:
            self.postgres.create_database(_EMPTY)
            self.child("migrate", _EMPTY)
            self._migrated = True
        self._copy(_EMPTY, name)
        return self.child("load", name, populations=_plain(populations))

    @contextmanager
    def copy_of(self, base: str) -> Iterator[str]:
        """A database as `base` was made, for one case alone."""
        name = f"{base}_run"
        self._copy(base, name)
        try:
            yield name
        finally:
            self._drop(name)

    def _copy(self, base: str, name: str) -> None:
        self._drop(name)
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
            connection.execute(copy.format(sql.Identifier(name), sql.Identifier(base)))
            # What the copying and the case before left to be written belongs to neither.
            connection.execute("CHECKPOINT")

    def _drop(self, name: str) -> None:
        with psycopg.connect(self.postgres.url("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def environment(self, database: str) -> dict[str, str]:
        """The panel's settings, as a worker has them."""
        return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
            "PANEL_ENV": "demo",
            "PANEL_PROCESS": "worker",
            "SECRET_KEY": "of the bench and of nothing else, long enough to please every check",
            "CREDENTIAL_KEYS": "dGhpcyBrZXkgcHJvdGVjdHMgbm90aGluZywgYmVuY2g=",
            "BASE_URL": "http://localhost",
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "DATABASE_URL": self.postgres.url(database),
            "REDIS_URL": self.valkey.url,
            "OVH_BASE_URL": f"http://127.0.0.1:{self._api_port}/1.0",
            "OVH_APPLICATION_KEY": world.APPLICATION_KEY,
            "OVH_APPLICATION_SECRET": world.APPLICATION_SECRET,
            "BENCH_EPOCH": self.epoch.isoformat(),
            "BENCH_POSTGRES_PID": str(self.postgres.pid),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def child(self, case: str, database: str, *, budget: bool = True, **arguments: Any) -> Figures:
        """
        Run one case in a process of its own, on the panel's core, and return its figures.

        budget False: calls of one key are counted, and none is held back.
        """
        command = [sys.executable, "-m", "bench.child", case, json.dumps(arguments)]
        process = subprocess.Popen(  # noqa: S603
            command,
            cwd=ROOT,
            env=self.environment(database) | ({} if budget else _NO_BUDGET),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        machine.pin(process.pid, self.panel_core)
        return _figures_of(process, f"{case} {arguments}")

    # --- Pages ---

    @contextmanager
    def web(self, database: str, settings: str) -> Iterator[tuple[int, int]]:
        """The panel's server on its core: (its process, its port)."""
        port = free_port()
        arguments = ["--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        more = ["--blocking-threads", "8", "--backpressure", "64", "--log-level", "warning", "panel.wsgi:application"]
        settled = {"PANEL_PROCESS": "web", "DJANGO_SETTINGS_MODULE": settings}
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "granian", *arguments, *more],
            cwd=ROOT,
            env=self.environment(database) | settled,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: os.sched_setaffinity(0, self.panel_core),
        )
        try:
            _wait_for(port, process)
            yield process.pid, port
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)

    def load(self, port: int, path: str, cookies: Sequence[str], seconds: float, connections: int = 8) -> Figures:
        """Ask a page again and again from the other core."""
        arguments = {"port": port, "path": path, "cookies": cookies, "seconds": seconds, "connections": connections}
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "bench.load", json.dumps(arguments)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        machine.pin(process.pid, self.other_core)
        return _figures_of(process, path)


def _figures_of(process: subprocess.Popen[str], what: str) -> Figures:
    """Wait for a child and return the figures in its last line."""
    try:
        said, complaints = process.communicate(timeout=_LONGEST_CASE_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode != 0 or not said.strip():
        raise CaseFailed(f"{what}: {complaints[-3000:]}")
    figures: Figures = json.loads(said.strip().splitlines()[-1])
    return figures


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise CaseFailed("the panel's server did not start")


def _plain(populations: Iterable[world.Population]) -> list[tuple[Any, ...]]:
    return [astuple(population) for population in populations]
