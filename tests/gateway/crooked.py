"""
A server for what no API should do: the sandbox speaks proper HTTP even where it misbehaves.

It answers GET /auth/time by itself; everything else goes to `answer`, which gets the open connection.
"""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Received:
    connection: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[socket.socket], None]


def response(status: int, body: Any = None, *, raw: bytes | None = None, **headers: str) -> bytes:
    """An HTTP answer. body goes as JSON unless raw is given; header names are written with underscores."""
    content = json.dumps(body).encode() if raw is None else raw
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Crooked:
    def __init__(self) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self.time: Callable[[], int] = lambda: int(time.time())
        self._answers: list[Answering] = []
        self._over = threading.Event()
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="crooked")]
        self._threads[0].start()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/1.0"

    @property
    def calls(self) -> list[Received]:
        """What arrived, but for questions about the time."""
        return [one for one in self.received if not one.target.endswith("/auth/time")]

    def answers(self, *answers: bytes | Answering) -> None:
        """Answer calls with these in turn, and with the last one ever after."""
        self._answers = [self._sending(one) if isinstance(one, bytes) else one for one in answers]

    def _sending(self, content: bytes) -> Answering:
        return lambda connection: connection.sendall(content)

    def dripping(self, content: bytes, pause: float) -> Answering:
        """One byte at a time, for ever slow but never silent."""

        def drip(connection: socket.socket) -> None:
            for byte in content:
                connection.sendall(bytes([byte]))
                if self._over.wait(pause):
                    return

        return drip

    def cutting(self, content: bytes) -> Answering:
        """Send this, then hang up."""

        def cut(connection: socket.socket) -> None:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_RDWR)

        return cut

    def silent(self, connection: socket.socket) -> None:
        self._over.wait(30)

    def close(self) -> None:
        self._over.set()
        # Closing does not wake a thread that accepts; shutting down does.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self.connections += 1
                self._open.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection, self.connections), name="crooked")
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        with suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                method, target, _ = line.decode().split()
                headers = {}
                while header := stream.readline().strip().decode():
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", 0)))
                self.received.append(Received(number, method, target, headers, body))
                if target.endswith("/auth/time"):
                    connection.sendall(response(200, self.time()))
                else:
                    answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                    answer(connection)
