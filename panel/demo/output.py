"""Words for whoever watches. Nobody may be watching any more, and that must not keep us from stopping in order."""

import contextlib
import os


def hold_standard_descriptors() -> None:
    """Open /dev/null in place of closed standard descriptors, lest a data file gets number 1 and our words in it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def say(text: str) -> None:
    _write(1, text)


def complain(text: str) -> None:
    _write(2, text)


def _write(descriptor: int, text: str) -> None:
    # Past Python's own buffer, which would fail once more while the interpreter ends.
    with contextlib.suppress(OSError):
        os.write(descriptor, f"{text}\n".encode())
