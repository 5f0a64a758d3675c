"""
HTTP as nearly every client sends it, read and written directly.

Whatever has anything unusual about it is left to h11, which takes five times as long and knows every rule.
"""

import re
from http.client import responses

from .messages import Answer

_HEAD = re.compile(rb"(GET|POST|PUT|DELETE) (/[!-~]*) HTTP/1\.1\r\n((?:[A-Za-z0-9-]+: ?[!-~ ]*\r\n)+)\r\n")
_LONGEST_HEAD = 16_384
# With one of these, a request is not simple.
_UNUSUAL = ("transfer-encoding", "expect", "upgrade", "te", "trailer")
_LINES = {status: f"HTTP/1.1 {status} {phrase}\r\n" for status, phrase in responses.items()}


class Head:
    """The head of a simple request. size: where in what was received its body ends."""

    def __init__(self, method: str, target: str, headers: dict[str, str], begins: int, size: int) -> None:
        self.method = method
        self.target = target
        self.headers = headers
        self.body = slice(begins, size)
        self.size = size


def read_head(received: bytes) -> Head | None:
    """Return the head of a request of which the beginning was received; None where it is not a simple one."""
    found = _HEAD.match(received, 0, _LONGEST_HEAD)
    if found is None:
        return None
    method, target, lines = found.groups()
    pairs = [line.split(":", 1) for line in lines.decode("ascii").split("\r\n")[:-1]]
    headers = {name.lower(): value.strip() for name, value in pairs}
    if len(headers) != len(pairs) or "host" not in headers or any(name in headers for name in _UNUSUAL):
        return None
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        return None
    length = headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 9:
        return None
    return Head(method.decode("ascii"), target.decode("ascii"), headers, found.end(), found.end() + int(length))


def write_head(answer: Answer) -> bytes:
    lines = [_LINES.get(answer.status) or f"HTTP/1.1 {answer.status} \r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in answer.headers if name.lower() != "content-length"]
    if answer.status != 204:
        lines.append(f"Content-Length: {len(answer.body)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")
