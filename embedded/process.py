"""Children that die with their parent, and how they are started and stopped."""

import ctypes
import functools
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .errors import EmbeddedError

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
# Loaded once, here: between fork and exec a child may not load anything.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Account:
    """A system user that a child runs as."""

    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Return whom PostgreSQL must run as, for it refuses root. None means: as whoever we are."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root and this system has no user 'nobody': run as an ordinary user."
        ) from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def _die_with(libc: ctypes.CDLL, parent: int, death: int) -> None:
    libc.prctl(_PR_SET_PDEATHSIG, death)
    # The parent may have died between fork and prctl; then the signal never comes.
    if os.getppid() != parent:
        os._exit(1)


def become_subreaper() -> None:
    """Become the parent of orphaned grandchildren, so that none is left to an init that may not reap (Linux)."""
    if _LIBC:
        _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)


def start_child(
    arguments: Sequence[str | Path],
    *,
    log: IO[bytes] | int,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    directory: str | Path = "/",
    death: signal.Signals | None = signal.SIGKILL,
    standard_input: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """
    Start a program in a session of its own, so that a Ctrl-C meant for us does not reach it first.

    death: the signal it gets when the calling *thread* ends, however that happens (Linux only), so call from the
    main thread; None lets it live on.
    """
    return subprocess.Popen(
        [str(argument) for argument in arguments],
        stdin=standard_input,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=directory,
        env=None if environment is None else dict(environment),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        start_new_session=True,
        preexec_fn=functools.partial(_die_with, _LIBC, os.getpid(), death) if _LIBC and death else None,
    )


def stop_child(child: subprocess.Popen[bytes], *signals: signal.Signals, patience: float, last: float = 1.0) -> None:
    """
    Ask a child to stop by each signal in turn, then kill it. Harmless when it has stopped already.

    patience: seconds to wait after each signal; last: after SIGKILL.
    """
    for number in signals:
        if child.poll() is not None:
            return
        child.send_signal(number)
        try:
            child.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    if child.poll() is None:
        child.kill()
        child.wait(last)


def clean_environment() -> dict[str, str]:
    """Return what a server needs of our environment: no PG* settings of the user, no secrets, one zone."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR")}
    return kept | {"TZ": "UTC", "LC_ALL": "C"}
