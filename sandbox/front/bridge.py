"""From a parsed request to what answers it, in a worker thread: the API by itself, pages and /_control/ by Django."""

import io
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from django.core.handlers.wsgi import WSGIHandler
from django.db import DatabaseError, close_old_connections

from ..api import dispatch, errors, signing
from ..signatures import urls_signed
from .journal import Entry
from .messages import Answer, Received


def origin_form(target: str) -> str:
    """Return path and query of a request target; a proxy's client sends the whole address."""
    if target.startswith("/"):
        return target
    parts = urlsplit(target)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


class Bridge:
    """Its methods block, and are meant for worker threads."""

    def __init__(self) -> None:
        self._application = WSGIHandler()

    def answer(self, received: Received, entry: Entry | None) -> Answer:
        """Answer a request. A call of the API is examined first, and noted in its entry of the log."""
        if entry is None:
            return self._call(self._environ(received))
        try:
            return dispatch.answer(received, lambda received: _noted(received, entry))
        except DatabaseError:
            return unavailable()

    def note(self, received: Received, entry: Entry) -> None:
        """Only find out who calls: the world does not hear of it."""
        try:
            entry.note(_examine(received))
        except DatabaseError:
            pass
        finally:
            close_old_connections()

    def _call(self, environ: dict[str, Any]) -> Answer:
        started: dict[str, Any] = {}
        written: list[bytes] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            started.update(status=int(status[:3]), headers=headers)
            return written.append

        chunks: Iterable[bytes] = self._application(environ, start_response)
        try:
            body = b"".join([*written, *chunks])
        finally:
            close: Callable[[], None] | None = getattr(chunks, "close", None)
            if close is not None:
                close()
        return Answer(started["status"], started["headers"], body)

    def _environ(self, received: Received) -> dict[str, Any]:
        path, _, query = received.target.partition("?")
        host, _, port = received.host.rpartition(":") if ":" in received.host else (received.host, "", "")
        environ = {
            "REQUEST_METHOD": received.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "SERVER_NAME": host or "localhost",
            "SERVER_PORT": port or ("443" if received.scheme == "https" else "80"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": received.address,
            "HTTP_HOST": received.host,
            "CONTENT_TYPE": received.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(received.body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": received.scheme,
            "wsgi.input": io.BytesIO(received.body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in received.headers.items():
            if name not in ("host", "content-type", "content-length") and "_" not in name:
                environ["HTTP_" + name.upper().replace("-", "_")] = value
        return environ


def _examine(received: Received) -> signing.Caller:
    urls = urls_signed(received.scheme, received.host, received.target)
    return signing.examine(received.method, urls, received.headers, received.body, received.address)


def _noted(received: Received, entry: Entry) -> signing.Caller:
    caller = _examine(received)
    entry.note(caller)
    return caller


def json_answer(status: int, message: str, more: dict[str, str] | None = None) -> Answer:
    """Return an error that the API itself does not make."""
    return dispatch.json_answer(status, errors.error_body(status, message), more)


def unavailable() -> Answer:
    return json_answer(503, "Service is temporarily unavailable")
