"""The socket side under many clients at once, and requests in whatever pieces they come."""

import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests

from tests.sandboxes import Sandbox

from .client import Signing


def _connect(sandbox: Sandbox) -> socket.socket:
    parts = urlsplit(sandbox.base)
    return socket.create_connection((parts.hostname, parts.port or 80), timeout=15)


def _read_answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read one answer, and not a byte of the next."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return int(head.split()[1]), body


def _wire(anna: Signing, method: str, path: str, body: str = "") -> bytes:
    """Return a signed request as bytes."""
    prepared = anna.prepare(method, path, body=body)
    headers = dict(prepared.headers) | {"Host": urlsplit(anna.sandbox.base).netloc}
    if body:
        headers |= {"Content-Length": str(len(body.encode()))}
    lines = [f"{method} {prepared.path_url} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@pytest.mark.parametrize("pieces", [1, 2, 7, 40])
def test_a_request_may_come_in_pieces(anna: Signing, pieces: int) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    sent = _wire(
        anna,
        "POST",
        f"/me/order/{order_id}/retraction",
        json.dumps({"reason": "other", "comment": "é"}, ensure_ascii=False),
    )
    size = -(-len(sent) // pieces)
    with _connect(anna.sandbox) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(sent), size):
            connection.sendall(sent[at : at + size])
            time.sleep(0.005)
        assert _read_answer(connection) == (200, b"null")
        # The connection is as good as new.
        connection.sendall(_wire(anna, "GET", f"/me/order/{order_id}"))
        assert json.loads(_read_answer(connection)[1])["orderId"] == order_id


def test_requests_may_come_before_the_answers(anna: Signing) -> None:
    with _connect(anna.sandbox) as connection:
        connection.sendall(_wire(anna, "GET", "/me") * 2 + _wire(anna, "GET", "/me/order"))
        told = [_read_answer(connection) for _ in range(3)]
        assert [status for status, _ in told] == [200] * 3
        assert told[0] == told[1]
        assert told[2][1].startswith(b"[")
        connection.sendall(_wire(anna, "GET", "/me"))
        assert _read_answer(connection) == told[0]


@pytest.mark.parametrize(
    "more",
    [
        *(b"connection: Keep-Alive\r\n", b"X-Empty:\r\n", b"X-Spaces:   a b  \r\n", b"X-Twice: 1\r\nX-Twice: 2\r\n"),
        *(b"Expect: 100-continue\r\n", b"X-Latin: \xe9\r\n", b"Upgrade: h2c\r\n", b"content-length: 0\r\n"),
    ],
)
def test_headers_of_any_kind_change_no_answer(anna: Signing, more: bytes) -> None:
    sent = _wire(anna, "GET", "/me").replace(b"\r\n", b"\r\n" + more, 1)
    with _connect(anna.sandbox) as connection:
        for _ in range(2):
            connection.sendall(sent)
            status, body = _read_answer(connection)
            assert (status, json.loads(body)["nichandle"]) == (200, anna.customer["nichandle"])


def test_a_client_that_asks_to_close_is_closed(anna: Signing) -> None:
    with _connect(anna.sandbox) as connection:
        connection.sendall(_wire(anna, "GET", "/me").replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        assert _read_answer(connection)[0] == 200
        assert connection.recv(1) == b""


def test_half_a_body_is_waited_for_and_then_forgotten(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    sent = _wire(anna, "POST", f"/me/order/{order_id}/retraction", '{"reason": "other"}')
    with _connect(anna.sandbox) as connection:
        connection.sendall(sent[:-5])
        time.sleep(0.1)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1) == b""
    assert "retraction_accepted" not in anna.sandbox.events(order_id)


def test_late_answers_hold_no_thread(anna: Signing) -> None:
    anna.sandbox.settings(latency={"median_ms": 500})
    sent = _wire(anna, "GET", "/me/order")
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(anna.sandbox)) for _ in range(200)]
        began = time.monotonic()
        for connection in connections:
            connection.sendall(sent)
        assert {_read_answer(connection)[0] for connection in connections} == {200}
        # One after the other, or eight at a time, it would be more than twelve.
        assert 0.5 <= time.monotonic() - began < 5


@pytest.fixture
def crowd(sandbox: Sandbox) -> Iterator[list[socket.socket]]:
    """500 connections: half say nothing, half have begun to."""
    with ExitStack() as stack:
        connections = [stack.enter_context(_connect(sandbox)) for _ in range(500)]
        for connection in connections[::2]:
            connection.sendall(b"GET /1.0/me HTTP/1.1\r\nHost: local")
        yield connections


def test_a_crowd_keeps_nobody_out(crowd: list[socket.socket], anna: Signing) -> None:
    def ask(number: int) -> int:
        signing = Signing(anna.sandbox, anna.customer)
        with signing.session:
            return signing.call("GET", "/me/order").status_code

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(ask, range(200))) == {200: 200}
    # And it is still there: those that began get their answer once they have finished.
    for connection in crowd[::2][:20]:
        connection.sendall(b"host\r\n\r\n")
        assert _read_answer(connection)[0] == 401


def test_many_bodies_of_ten_megabytes_at_once_are_refused(anna: Signing) -> None:
    url = f"{anna.sandbox.api_base}/auth/credential"

    def send(number: int) -> int:
        try:
            return requests.post(url, data=b"x" * 10_000_000, timeout=15).status_code
        except requests.ConnectionError:
            return 413  # it may close before all is sent

    with ThreadPoolExecutor(8) as pool:
        refused = pool.map(send, range(16))
        assert anna.call("GET", "/me").status_code == 200
        assert set(refused) == {413}
    assert anna.call("GET", "/me").status_code == 200
