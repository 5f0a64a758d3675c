"""
The official client, made safe for a server: a few per application, serving many consumer keys.

Making a client costs about a millisecond and a new TLS handshake, signing a call costs microseconds; so
clients rest between calls with their connections open, and are lent a consumer key for one call at a time.
"""

from __future__ import annotations

import json
import os
import sys
import time
import types
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection
from urllib3.util.connection import is_connection_dropped

from . import _limits
from ._limits import Limits
from ._sockets import connections
from .application import Application
from .errors import AnswerLost, NotConnected, OvhUnavailable, UnusableAnswer


class _NoConfiguration:
    """What the library finds where it looks for settings: nothing."""

    def get(self, section: str, name: str) -> None:
        return None

    def read(self, config_file: str) -> None:
        return None


# The library fills what it was not told from OVH_* variables, /etc/ovh.conf, ~/.ovh.conf and ./ovh.conf. There
# is no argument against that: OVH_CLIENT_ID alone makes construction fail, and a file that is no INI file
# makes the very import fail. So its reader of settings is replaced before it is loaded.
_no_configuration = types.ModuleType("ovh.config")
_no_configuration.ConfigurationManager = _NoConfiguration  # type: ignore[attr-defined]
_no_configuration.config = _NoConfiguration()  # type: ignore[attr-defined]
sys.modules["ovh.config"] = _no_configuration

import ovh.client  # noqa: E402

ovh.client.config = _no_configuration

# Bytes. An order list page of a thousand objects is about one million.
LARGEST_ANSWER = 16 * 1024 * 1024

# Seconds after which an unused connection is dropped, not tried: firewalls forget connections silently,
# and the first call on a forgotten one would wait its whole time.
IDLE_AT_MOST = 30.0


# What every request says, beside what the library signs it with.
_ALWAYS = {"User-Agent": "order-panel", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


class _TooLarge(Exception):
    pass


class _Response:
    """What of a response is read here: status, headers, and the whole body."""

    __slots__ = ("content", "headers", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content


class _Session:
    """
    What the client sends with in place of a requests.Session: one connection and nothing else.

    A session prepares cookies, proxies, redirects and hooks for each request anew, which costs as much as the rest of
    the call (350 µs of CPU against 185, `bench/`), and none of it is wanted here: no proxy, .netrc or bundle named by
    the environment may see this traffic, and what cannot follow a redirect cannot carry the key's headers to another
    host.
    """

    def __init__(self, application: Application) -> None:
        parts = urlsplit(application.address)
        self._host = f"{parts.scheme}://{parts.netloc}"
        self._new_connection = connections(parts.scheme, parts.hostname or "", parts.port, application.ca_file)
        self._connection: HTTPConnection | None = None

    def request(self, method: str, url: str, headers: dict[str, str], data: str, timeout: Any) -> _Response:
        """Send and read the whole body, within the limits of the call that this thread is making."""
        connection = self._connection
        if connection is None or is_connection_dropped(connection):
            self.close()
            connection = self._connection = self._new_connection()
        try:
            return _exchanged(connection, method, url.removeprefix(self._host), _ALWAYS | headers, data)
        except BaseException:
            # Half an answer is left on the connection: nobody may read it as theirs.
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection; the next request makes one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _exchanged(connection: HTTPConnection, method: str, target: str, headers: dict[str, str], data: str) -> _Response:
    limits = _limits.current()
    connection.request(method, target, data.encode() or None, headers, preload_content=False)
    response = connection.getresponse()
    limits.headers_came()
    body = bytearray()
    for chunk in response.stream(64 * 1024, decode_content=True):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise _TooLarge
        limits.left()
    return _Response(response.status, response.headers, bytes(body))


# Clients at rest with the moment they came to rest, last come last. Whoever takes one is alone with it: the
# library's client is not made for several threads at once. A deque's ends are safe without a lock.
_at_rest: dict[Application, deque[tuple[ovh.Client, float]]] = {}

# A child that used its parent's connections would read its parent's answers.
os.register_at_fork(after_in_child=_at_rest.clear)


@contextmanager
def _client_for(application: Application) -> Iterator[ovh.Client]:
    resting = _at_rest.setdefault(application, deque())
    try:
        client, since = resting.pop()
    except IndexError:
        client = _new_client(application)
    else:
        if time.monotonic() - since > IDLE_AT_MOST:
            client._session.close()
    yield client
    resting.append((client, time.monotonic()))
    _drop_the_longest_at_rest(resting)


def _drop_the_longest_at_rest(resting: deque[tuple[ovh.Client, float]]) -> None:
    """Close what the busiest moment needed and nothing has needed since."""
    try:
        client, since = resting.popleft()
    except IndexError:
        return
    if time.monotonic() - since > IDLE_AT_MOST:
        client._session.close()
    else:
        resting.appendleft((client, since))


def _new_client(application: Application) -> ovh.Client:
    # A key of our own: what the library calls ovh-eu stays as it is, and the same again does no harm.
    region = f"panel {application.address}"
    ovh.client.ENDPOINTS[region] = application.address
    client = ovh.Client(
        endpoint=region,
        application_key=application.application_key,
        application_secret=application.application_secret,
        consumer_key="",
        timeout=(5.0, 10.0),
    )
    client._session = _Session(application)
    return client


@dataclass(frozen=True, slots=True)
class Call:
    """One request: path below /1.0 with its query, every part of it quoted."""

    method: str
    path: str
    body: dict[str, Any] | None = field(default=None, repr=False)  # may hold what opens something
    headers: dict[str, str] = field(default_factory=dict)
    signed: bool = True

    @property
    def writes(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. is_json is false for a page, an empty body, or JSON that is none; value is None then."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    is_json: bool
    value: Any = field(repr=False)  # the answer to a request for a consumer key holds one

    @property
    def query_id(self) -> str:
        return "".join(c for c in self.headers.get("X-Ovh-Queryid", "") if c.isprintable())[:200]


def exchange(
    application: Application, consumer_key: str, time_delta: int, call: Call, limits: Limits
) -> Answer | OvhUnavailable:
    """
    Send one request and return its answer, whatever its status; or why there is none.

    The failure is returned, not raised, for an exception raised from within would carry the library's
    own along, and with it the request and its X-Ovh-Consumer header.
    """
    limits.attempt_begins()
    with _client_for(application) as client:
        if call.writes:
            # On a kept connection that OVHcloud just closed, nobody could tell whether the write arrived.
            client._session.close()
        _limits.use(limits)
        client._consumer_key = consumer_key
        client._time_delta = time_delta
        try:
            response = client.raw_call(
                call.method, call.path, data=call.body, need_auth=call.signed, headers=dict(call.headers)
            )
        except _TooLarge:
            return UnusableAnswer(detail="the answer is too large")
        except (urllib3.exceptions.HTTPError, HTTPException, OSError, ValueError) as error:
            return _lost(limits, error)
        finally:
            client._consumer_key = ""
            _limits.use(None)
    return _answer(response)


def _lost(limits: Limits, error: Exception) -> OvhUnavailable:
    what = type(error).__name__
    if not limits.sent:
        return NotConnected(detail=f"no connection ({what})")
    return AnswerLost(detail=f"no whole answer ({what})")


def _answer(response: _Response) -> Answer:
    is_json, value = True, None
    if response.status_code != 204:
        try:
            value = json.loads(response.content, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            is_json = False
    return Answer(response.status_code, response.headers, is_json, value)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
