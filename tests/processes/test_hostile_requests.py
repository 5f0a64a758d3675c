"""Octets straight at the server: whatever they are, it answers, lives, and answers the next one."""

import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from accounts.models import User
from tests.processes.conftest import Browser
from tests.processes.stack import Stack

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]
TEXTS = [
    "a%0d%0aSet-Cookie:%20x=1",
    "a%00b",
    "%22;%20filename=x",
    "é".encode().hex("%"),
    "%F0%9F%A7%BE",
    "a" * 5000,
    "%u0000",
]
CODEC = "Content-Type: text/plain; charset=rot13"


def ask(base: str, request: str, *headers: str, body: str = "") -> tuple[int, str]:
    """Send one request as written, and return its status and whole head."""
    host = urlsplit(base)
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    lines = "".join(f"{line}\r\n" for line in headers)
    if not any(line.lower().startswith("host:") for line in headers):
        lines += f"Host: {host.netloc}\r\n"
    with socket.create_connection((host.hostname, host.port or 80), 10) as connection:
        connection.settimeout(10)
        connection.sendall(f"{request} HTTP/1.1\r\n{lines}{length}Connection: close\r\n\r\n{body}".encode("latin-1"))
        answer = b""
        while block := connection.recv(65536):
            answer += block
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    return int(head.split()[1]), head


def test_no_request_ends_the_server_or_makes_it_fail(stack: Stack, browser: Browser, account: Any):
    user, signed_in = User.objects.get(), f"Cookie: panel_session={browser.session.cookies['panel_session']}"
    assert user.nichandle == account
    told = {}
    for text in TEXTS:
        for path in (
            f"/orders/{text}",
            f"/orders/?q={text}&sort={text}&after={text}",
            f"/support/orders/{text}/{text}/",
        ):
            told[f"{path} {signed_in[:6]}"] = ask(stack.base, f"GET {path}", signed_in)
            told[path] = ask(stack.base, f"GET {path}", "HX-Request: true")
        told[f"next {text}"] = ask(stack.base, f"GET /staff/sign-in/?next={text}")
    for name, request, *headers in [
        ("codec", "GET /staff/sign-in/?next=%ff", CODEC),
        ("codec of a customer", "GET /orders/?q=%ff", CODEC, signed_in),
        ("NUL in a cookie", "GET /orders/", 'Cookie: panel_session="aaaaaaaaaaaaaaaa\\000bbbbbbbbbbbbbbb"'),
        ("another host", "GET /", "Host: evil.test"),
        ("an absolute address", "GET http://evil.test/orders/"),
        ("no method of ours", "BREW /orders/"),
        ("TRACE", "TRACE /"),
        ("a long cookie", "GET /", f"Cookie: panel_language={'a' * 10_000}"),
        ("odd htmx", "GET /orders/", "HX-Request: true", "HX-Current-URL: http://[", signed_in),
    ]:
        told[name] = ask(stack.base, request, *headers)
    form = "Content-Type: multipart/form-data; boundary=b"
    told["multipart"] = ask(stack.base, "POST /sign-out/", form, f"Cookie: panel_csrf={'a' * 32}", body="--b\r\n\r\n")
    wrong = {
        name: head for name, (status, head) in told.items() if status >= 500 or "\r\nset-cookie: x" in head.lower()
    }
    assert wrong == {}
    assert len(told) > 40
    # Nothing was said of another host, and the very process that was asked first still answers.
    assert not [name for name, (_status, head) in told.items() if "location: http" in head.lower()]
    assert ask(stack.base, "GET /orders/", signed_in)[0] == 200
    assert b"Internal Server Error" not in (stack.directory / "processes.log").read_bytes()
