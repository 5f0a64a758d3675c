import errno
import re
from pathlib import Path

_NO_ROOM = re.compile(
    r"No space left on device|File too large|Disk quota exceeded|File size limit|not enough space|signal 25"
)


class EmbeddedError(Exception):
    """A service cannot run. The message is one sentence that says why and what to do."""


def no_room(directory: Path) -> EmbeddedError:
    return EmbeddedError(f"There is no room left on the disk that holds {directory}: free some and start again.")


def is_no_room(error: OSError) -> bool:
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explain(service: str, directory: Path, said: str) -> EmbeddedError:
    """Turn what a service printed before it gave up into one sentence."""
    if _NO_ROOM.search(said):
        return no_room(directory)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    blamed = [line for line in lines if re.search(r"FATAL|PANIC|error", line, re.IGNORECASE)] or lines[-1:]
    last = blamed[-1] if blamed else "it said nothing"
    return EmbeddedError(f"{service} did not start in {directory}: {last.rstrip('.')}.")
