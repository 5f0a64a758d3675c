"""Which ports the demo's two sites take."""

import contextlib
import errno
import socket
import time
from collections.abc import Mapping

from .errors import DemoError

# Seconds. A demo that was killed a moment ago may hold its port a little longer.
_PATIENCE = 1.0


def port_from(environment: Mapping[str, str], name: str, default: int, *taken: int) -> int:
    """
    Return the port that a variable asks for, a free one for 0.

    Raises:
        DemoError: it is no port, or in use.
    """
    asked = environment.get(name) or str(default)
    if not asked.isascii() or not asked.isdecimal() or int(asked) > 65535:
        raise DemoError(f"{name}={asked} is no port: give a number up to 65535, or 0 for a free one.")
    port = int(asked)
    if port == 0:
        return free_port(*taken)
    until = time.monotonic() + _PATIENCE
    while (problem := _problem(port)) and time.monotonic() < until:
        time.sleep(0.1)
    if port in taken or problem == errno.EADDRINUSE:
        raise DemoError(
            f"Port {port} is in use: stop what uses it, or choose another with {name}= (0 takes a free one)."
        )
    if problem:
        raise DemoError(f"Port {port} cannot be taken: choose one above 1023 with {name}=.")
    return port


def free_port(*taken: int) -> int:
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port not in taken and not _problem(port):
            return port


def _problem(port: int) -> int | None:
    """
    Return the errno that a server would meet on localhost, or None.

    Asked here, because granian shares a port with another server instead of refusing, and because a browser tries
    localhost's IPv6 address first, where somebody else may listen.
    """
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
                probe.listen(1)
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    return error.errno
    return None
