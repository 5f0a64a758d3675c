"""Where services keep their files: reachable for whom they run as, closed to everyone else."""

import contextlib
import fcntl
import hashlib
import os
import re
import stat
from pathlib import Path

from .errors import EmbeddedError, is_no_room, no_room
from .process import Account

# A Unix socket's whole path must fit into 108 bytes; what a directory may take of that.
_LONGEST = 80
_PLAIN = re.compile(r"[A-Za-z0-9/._-]+")


def reachable_for_all(path: Path) -> bool:
    """Tell whether any user may pass through all parents of path."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def make_directory(path: Path, mode: int) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
    except OSError as error:
        if is_no_room(error):
            raise no_room(path) from error
        raise EmbeddedError(f"{path} cannot be used as a data directory ({error.strerror}): choose another.") from error
    return path


def socket_directory(directory: Path, account: Account | None) -> Path:
    """
    Return a 0700 directory for a socket, the same one each time for the same data.

    It is inside directory when that makes a short and plain path, else in /tmp: clients write the path into
    URLs, and the kernel allows 107 characters.
    """
    owner = account.uid if account else os.geteuid()
    inside = directory / "socket"
    if len(os.fsencode(inside)) <= _LONGEST and _PLAIN.fullmatch(str(inside)):
        made = inside
    else:
        digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]
        made = Path(f"/tmp/order-panel-{owner}-{digest}")  # noqa: S108 - checked just below
    make = True
    try:
        made.mkdir(mode=0o700)
    except FileExistsError:
        make = False
    if make and account:
        os.chown(made, account.uid, account.gid)
    found = made.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
        raise EmbeddedError(f"{made} belongs to somebody else: remove it and start again.")
    made.chmod(0o700)
    return made


def remove_sockets(directory: Path, sockets: Path | None) -> None:
    """Take away what socket_directory() made outside directory. It stays as long as something lies in it."""
    if sockets is not None and not sockets.is_relative_to(directory):
        with contextlib.suppress(OSError):
            sockets.rmdir()


class Lock:
    """Held while a service runs on a directory, so that a second one is told instead of harming the first."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "lock"
        self._descriptor: int | None = None

    def take(self, in_use: str) -> None:
        """Take the lock, or raise EmbeddedError(in_use)."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise EmbeddedError(in_use) from None
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
