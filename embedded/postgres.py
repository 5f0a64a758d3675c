import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from .binaries import PostgresBinaries, find_postgres
from .directories import Lock, make_directory, reachable_for_all, remove_sockets, socket_directory
from .errors import EmbeddedError, explain
from .process import clean_environment, start_child, stop_child, unprivileged_account

# Seconds. Recovery after a kill on a slow disk is the longest of these in practice.
_READY_WITHIN = 60
# A server whose parent was killed is given this long to finish before we call its directory taken.
_FORMER_GONE_WITHIN = 10
_PAUSE = 0.02
# Part of the socket's name. Said in the URL too, for a client would otherwise follow PGPORT.
_PORT = "5432"


class Postgres:
    """
    A PostgreSQL server on a Unix socket, with its data, log and socket below one directory.

    Its superuser is `postgres`, without a password: the socket's directory is closed to other users.
    fsync: False is several times quicker and loses everything in a power cut; for tests.
    """

    def __init__(self, directory: Path, *, fsync: bool = True) -> None:
        self.directory = directory.absolute()
        self.log = self.directory / "postgres.log"
        self._data = self.directory / "data"
        self._fsync = fsync
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
        self._account = unprivileged_account()
        make_directory(self.directory, 0o711 if self._account else 0o700)
        if self._account and not reachable_for_all(self._data):
            raise EmbeddedError(
                f"As root, PostgreSQL runs as 'nobody', who cannot reach {self.directory}: choose a "
                "directory below /var/tmp, or run as an ordinary user."
            )
        self._lock.take(
            f"A PostgreSQL already runs on {self.directory}: stop what started it, or choose another directory."
        )
        try:
            binaries = find_postgres(for_all=self._account is not None)
            self._sockets = socket_directory(self.directory, self._account)
            self._wait_for_former()
            self._initialise(binaries)
            self._run(binaries)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server, in order if it lets us. Harmless when it does not run."""
        if self._child is not None:
            # Fast shutdown ends the sessions; immediate shutdown leaves the rest to recovery.
            stop_child(self._child, signal.SIGINT, signal.SIGQUIT, patience=2 if self._fsync else 1)
            self._child = None
        remove_sockets(self.directory, self._sockets)
        self._lock.release()

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """The server's process, for tests that kill it."""
        return self._child.pid if self._child else None

    def url(self, name: str) -> str:
        """Return the address of a database, for psycopg and for django-environ."""
        if self._sockets is None:
            raise EmbeddedError("PostgreSQL has no address before it was started.")
        return f"postgresql://postgres@/{quote(name)}?host={quote(str(self._sockets))}&port={_PORT}"

    def create_database(self, name: str) -> None:
        """Create a database unless it is there."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return
            with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _initialise(self, binaries: PostgresBinaries) -> None:
        """Make the data directory, whole or not at all: initdb works beside it, a rename puts it in place."""
        version_file = self._data / "PG_VERSION"
        if version_file.is_file():
            written_by = version_file.read_text().strip()
            if written_by != str(binaries.major):
                raise EmbeddedError(
                    f"{self._data} was written by PostgreSQL {written_by} and this one is {binaries.major}: "
                    "remove it to begin anew (make demo-reset), or install the former."
                )
            return
        if self._data.is_dir() and any(self._data.iterdir()):
            raise EmbeddedError(
                f"{self._data} is no PostgreSQL data directory, yet not empty: remove it (make demo-reset)."
            )
        making = self.directory / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        if self._account:
            os.chown(making, self._account.uid, self._account.gid)
        made = subprocess.run(
            [
                binaries.directory / "initdb",
                *(
                    "-D",
                    str(making),
                    "--username=postgres",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--no-instructions",
                ),
                *_locale(binaries.major),
                *(() if self._fsync else ("--no-sync",)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=clean_environment(),
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
            check=False,
        )
        if made.returncode != 0:
            shutil.rmtree(making, ignore_errors=True)
            raise explain("PostgreSQL", self.directory, made.stdout.decode(errors="replace"))
        if self._data.is_dir():
            self._data.rmdir()
        making.rename(self._data)

    def _run(self, binaries: PostgresBinaries) -> None:
        until = time.monotonic() + _READY_WITHIN
        while True:
            began_at = self.log.stat().st_size if self.log.exists() else 0
            with self.log.open("ab") as log:
                self._child = start_child(
                    [binaries.directory / "postgres", *self._arguments()],
                    log=log,
                    environment=clean_environment(),
                    account=self._account,
                    # Both shut down by themselves; without fsync there is nothing to save.
                    death=signal.SIGINT if self._fsync else signal.SIGQUIT,
                )
            if self._becomes_ready(until):
                return
            with self.log.open("rb") as log:
                log.seek(began_at)
                said = log.read().decode(errors="replace")
            # Backends of a server that was killed hold its memory for a moment longer.
            if "pre-existing shared memory block" not in said or time.monotonic() > until:
                raise explain("PostgreSQL", self.directory, said)
            time.sleep(_PAUSE)

    def _arguments(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            # Quoted, for the setting is a list and a path may hold a comma or a space.
            "unix_socket_directories": f'"{self._sockets}"',
            "port": _PORT,
            "max_connections": "200",
        }
        if not self._fsync:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
            # Nobody follows it, and what is copied into a new table need not be written twice.
            settings |= {"wal_level": "minimal", "max_wal_senders": "0"}
        return [
            "-D",
            str(self._data),
            *(part for item in settings.items() for part in ("-c", "=".join(item))),
        ]

    def _becomes_ready(self, until: float) -> bool:
        """Wait until the server answers. False if it gave up or time is up."""
        while self.is_running() and time.monotonic() < until:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError:
                time.sleep(_PAUSE)
            else:
                return True
        return False

    def _wait_for_former(self) -> None:
        """
        Wait for a server whose parent was killed, and clear the note of one that is long gone.

        The note (postmaster.pid) holds a process number. After a reboot or in a new container that number may
        be some other program's, for which PostgreSQL would refuse to start.
        """
        note = self._data / "postmaster.pid"
        until = time.monotonic() + _FORMER_GONE_WITHIN
        while (former := _process_in(note)) is not None and _is_alive(former):
            if not _is_postgres(former):
                note.unlink(missing_ok=True)
                return
            if time.monotonic() > until:
                raise EmbeddedError(
                    f"A PostgreSQL (process {former}) already runs on {self.directory}: stop it and start again."
                )
            time.sleep(_PAUSE)


def _locale(major: int) -> tuple[str, ...]:
    """Return initdb's options for an order of characters that is the same on every machine."""
    if major >= 17:
        return ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    return ("--locale=C.UTF-8",)


def _process_in(note: Path) -> int | None:
    try:
        first, _, _ = note.read_text().partition("\n")
        return abs(int(first))
    except (FileNotFoundError, ValueError):
        return None


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_postgres(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip() == "postgres"
    except OSError:
        # No /proc on this system, or the process has just ended: leave the judgement to PostgreSQL.
        return True
