"""Where the demo keeps what lasts between its runs: databases, logs, and the secrets it made for itself."""

import base64
import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.fernet import Fernet

from .errors import DemoError

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Secrets:
    secret_key: str
    credential_keys: str
    staff_password: str
    staff_totp_secret: str

    def __repr__(self) -> str:
        return "Secrets(…)"


def default_directory() -> Path:
    """
    Return .demo in the checkout.

    As root it is a directory of /var/tmp, one per checkout: there PostgreSQL runs as nobody, who may not be able to
    reach the checkout.
    """
    if os.geteuid() != 0:
        return CHECKOUT / ".demo"
    digest = hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:12]
    return Path(f"/var/tmp/order-panel-demo-{digest}")  # noqa: S108 - DataDirectory checks whose it is


class DataDirectory:
    """The demo's directory, which one supervisor at a time may use."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.logs = self.path / "logs"
        self._lock: int | None = None

    def open(self) -> None:
        """Make the directory and take it, or raise DemoError."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            found = self.path.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                raise DemoError(f"{self.path} belongs to somebody else: remove it, or name another in DEMO_DIR.")
            # Others may pass through, for PostgreSQL may run as nobody; what they may not read is closed itself.
            self.path.chmod(0o711)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            self._take_lock()
        except PermissionError as error:
            raise DemoError(
                f"{error.filename} cannot be written: make it ours, or name another directory in DEMO_DIR."
            ) from error

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def forget(self) -> None:
        """Remove everything. Raises DemoError while a demo runs on it."""
        if not self.path.exists():
            return
        self.open()
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise DemoError(f"{error.filename} cannot be removed ({error.strerror}): remove it by hand.") from error
        finally:
            self.close()

    def secrets(self) -> Secrets:
        """Return the secrets of this demo, made at its first run and kept in a file only its owner can read."""
        path = self.path / "secrets.json"
        made = asdict(
            Secrets(
                secret_key=secrets.token_urlsafe(48),
                credential_keys=Fernet.generate_key().decode(),
                staff_password=secrets.token_urlsafe(12),
                staff_totp_secret=base64.b32encode(secrets.token_bytes(20)).decode(),
            )
        )
        try:
            # A demo of an earlier version has fewer: what it has stays, what it lacks is made.
            kept = json.loads(path.read_text()) if path.exists() else {}
            known = Secrets(**(made | kept))
            if kept != asdict(known):
                write_by_rename(path, json.dumps(asdict(known)))
            return known
        except (ValueError, TypeError) as error:
            raise DemoError(f"{path} is damaged: run make demo-reset to begin anew.") from error

    def _take_lock(self) -> None:
        descriptor = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
            os.close(descriptor)
            raise DemoError(
                f"A demo already runs on {self.path} (process {holder}): stop it, or name another directory in "
                "DEMO_DIR."
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._lock = descriptor


def write_by_rename(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    making = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(making, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write(text)
        making.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            making.unlink()
        raise


def last_words(log: Path) -> Iterator[str]:
    """Yield the lines of a log that say something, the last first."""
    with contextlib.suppress(OSError):
        for line in reversed(log.read_text(errors="replace").splitlines()[-200:]):
            if line.strip():
                yield line.strip()
