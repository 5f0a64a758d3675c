"""
Sockets that keep a call's limits.

The HTTP library's time-outs start anew with every byte that arrives, so one byte every nine seconds would
hold a worker for ever. Here each wait is cut to what is left of the call.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection

from . import _limits


class _TimedSocket(socket.socket):
    def sendall(self, *args: Any) -> None:
        limits = _limits.current()
        limits.left()
        limits.bytes_leave()
        self.settimeout(limits.left())
        super().sendall(*args)

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_limits.current().left())
        return super().recv_into(*args)


class _TimedTLSSocket(ssl.SSLSocket):
    def sendall(self, *args: Any) -> None:
        limits = _limits.current()
        limits.left()
        limits.bytes_leave()
        self.settimeout(limits.left())
        super().sendall(*args)

    def recv_into(self, *args: Any) -> int:
        self.settimeout(_limits.current().left())
        return super().recv_into(*args)


@lru_cache(maxsize=8)
def tls_context(ca_file: str) -> ssl.SSLContext:
    """
    Return how TLS is spoken with the API: certificates of `ca_file`, or the public ones for "".

    Built bare, so that SSL_CERT_FILE, SSLKEYLOGFILE and the like in the environment change nothing.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(ca_file or certifi.where())
    context.sslsocket_class = _TimedTLSSocket
    return context


def _addresses(host: str, port: int) -> list[Any]:
    """Look `host` up within the call's limits; the system's resolver itself knows none."""
    found: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(OSError(str(error)))

    threading.Thread(target=look_up, daemon=True, name="look up a host").start()
    try:
        answer = found.get(timeout=_limits.current().left())
    except queue.Empty:
        raise TimeoutError("looking up the host took too long") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def _connect(host: str, port: int, options: Any) -> socket.socket:
    """Connect to the first address that lets us, all of them within the call's limits."""
    limits = _limits.current()
    addresses = _addresses(host.strip("[]"), port)
    failure = OSError("the host has no address")
    for place, (family, type_, protocol, _, address) in enumerate(addresses):
        connection = _TimedSocket(family, type_, protocol)
        try:
            for option in options or ():
                connection.setsockopt(*option)
            # A dead first address leaves its share to the others.
            connection.settimeout(limits.left() / (len(addresses) - place))
            connection.connect(address)
            # The TLS handshake counts against this in one piece.
            connection.settimeout(limits.left())
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port, self.socket_options)


class _TLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self._dns_host, self.port, self.socket_options)


def connections(scheme: str, host: str, port: int | None, ca_file: str) -> Callable[[], HTTPConnection]:
    """Return a maker of connections to one address, each to be connected by its first request."""
    if scheme == "http":
        return partial(_Connection, host, port)
    return partial(_TLSConnection, host, port, ssl_context=tls_context(ca_file))
