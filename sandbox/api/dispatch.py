"""
The whole API: finds the route, makes the checks in the contract's order, answers in JSON.

Django has no part in it but its ORM: for a call of the API, its request, URL patterns and response would cost more
than the answer does.
"""

import json
import logging
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections

from .. import tokens, world
from ..carts import Refusal
from ..front.messages import Answer, Received
from ..scenarios import untold
from . import errors, fields, lists, routes, schema, signing
from .errors import ApiError, bad_request
from .limits import LIMITER, RETRY_AFTER_S
from .routes import Call, Route

log = logging.getLogger("sandbox.api")

_MAX_QUERY_FIELDS = 50
_UNAVAILABLE = ApiError(503, "Service is temporarily unavailable", "UNAVAILABLE")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
SECURITY_HEADERS = {
    # What these hold is not published, only that they are there.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "X-Ovh-Queryid",
    "Cache-Control": "no-cache, no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_HEADERS = [("Content-Type", "application/json; charset=utf-8"), *SECURITY_HEADERS.items()]


def query_id() -> str:
    drawn = os.urandom(22).hex()
    return (
        f"EU.ext-1.{drawn[:8]}.{int(drawn[8:12], 16)}"
        f".{drawn[12:20]}-{drawn[20:24]}-4{drawn[24:27]}-a{drawn[27:30]}-{drawn[30:42]}"
    )


def answer(received: Received, examine: Callable[[Received], signing.Caller]) -> Answer:
    """
    Answer a call below /1.0 or /v1. examine finds out who calls.

    A connection that PostgreSQL closed meanwhile is only noticed by using it. To look before each call would double
    the price of most, so what only reads is tried once more, and what writes looks first.
    """
    database = connections[DEFAULT_DB_ALIAS]
    reads = received.method == "GET"
    if not reads:
        database.close_if_unusable_or_obsolete()
    for tries in (1, 0):
        try:
            return _attempt(received, examine)
        except (OperationalError, InterfaceError):
            database.close()
            if not (tries and reads):
                break
        except DatabaseError:
            database.close()
            raise
    return json_answer(_UNAVAILABLE.status, _UNAVAILABLE.body())


def _attempt(received: Received, examine: Callable[[Received], signing.Caller]) -> Answer:
    headers: dict[str, str] = {}
    status, body = _guarded(lambda: _answer(received, examine(received), headers))
    if status != 429:
        return json_answer(status, body, headers)
    # Refused as by the API itself, which says for how long, or as by a proxy before it, which does not.
    if world.switch("rate_limit_body") == "html":
        page = b"<html><body><h1>429 Too Many Requests</h1></body></html>\n"
        return Answer(429, [("Content-Type", "text/html; charset=utf-8"), ("X-Ovh-Queryid", query_id())], page)
    return json_answer(status, body, {"Retry-After": str(RETRY_AFTER_S)})


def json_answer(status: int, body: Any, more: dict[str, str] | None = None) -> Answer:
    headers = [*_HEADERS, ("X-Ovh-Queryid", query_id())]
    if more:
        headers += more.items()
    return Answer(status, headers, _encode(body).encode())


def _guarded(answered: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """Return what is answered, or the refusal. A database that is away is the caller's to see to."""
    try:
        return answered()
    except ApiError as refusal:
        return refusal.status, refusal.body()
    except Refusal as refusal:
        return refusal.status, errors.error_body(refusal.status, refusal.message)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("an answer could not be made")
        return 500, errors.error_body(500, "Internal server error")


def _answer(received: Received, caller: signing.Caller, headers: dict[str, str]) -> tuple[int, Any]:
    path, method = received.api_path, received.method.upper()
    try:
        segments = [unquote(part, errors="strict") for part in path.split("/")[1:]]
    except UnicodeDecodeError:
        raise errors.no_route from None
    found = routes.find(method, segments)
    if found is None:
        raise errors.no_route
    route, held = found
    call = Call(method, path, f"{received.scheme}://{received.host}", _language(received))
    with world.gate.use():
        _check(call, route, caller)
        call.query = fields.read(_query(received), route.query, f"{method} {route.template}", in_body=False)
        call.body = fields.read(_body(received), route.body, f"{method} {route.template}", in_body=True)
        return 200, _result(call, route, held, received, headers)


def _check(call: Call, route: Route, caller: signing.Caller) -> None:
    if route.needs == "nothing":
        return
    if route.needs == "application":
        if caller.application_key is None:
            raise errors.key_needed
        if caller.application is None:
            raise errors.invalid_key
        call.application = caller.application
        return
    if caller.service is not None:
        call.service = caller.service
        action = schema.action(f"{route.method} {route.template}")
        if action is not None and not tokens.may(call.service, action):
            raise errors.not_granted_by_iam(action)
        LIMITER.take(call.service.client_id)
        untold.tell(call.customer)
        return
    call.credential = signing.require(caller, call.method, call.path)
    call.application = call.credential.application
    LIMITER.take(call.credential.consumer_key)
    untold.tell(call.customer)


def _result(call: Call, route: Route, held: list[str], received: Received, headers: dict[str, str]) -> Any:
    separator = received.headers.get("x-ovh-batch")
    if separator and call.method == "GET" and held and separator in held[-1] and world.switch("batch"):
        return _batch(call, route, held[:-1], held[-1].split(separator)[:100])
    identifiers = _identifiers(route, held)
    answered = route.handler(call, *identifiers)
    if received.headers.get("x-pagination-mode") != lists.MODE or not world.switch("expanded_lists"):
        return answered
    if not isinstance(answered, list):
        return answered
    objects = lists.page(call, route, answered, identifiers, received.headers, headers)
    return answered if objects is None else objects


def _identifiers(route: Route, held: list[str]) -> list[Any]:
    named = zip(route.identifiers, held, strict=True)
    return [fields.read({name: one}, {name: field}, "", in_body=False)[name] for (name, field), one in named]


def _batch(call: Call, route: Route, before: list[str], keys: list[str]) -> list[dict[str, Any]]:
    known = route.together(call, keys) if route.together is not None else {}
    return [
        {"key": key, "value": known[key], "error": None} if key in known else _one_of_batch(call, route, [*before, key])
        for key in keys
    ]


def _one_of_batch(call: Call, route: Route, held: list[str]) -> dict[str, Any]:
    status, answered = _guarded(lambda: (200, route.handler(call, *_identifiers(route, held))))
    ok = status == 200
    return {"key": held[-1], "value": answered if ok else None, "error": None if ok else answered}


def _query(received: Received) -> dict[str, Any]:
    raw = received.target.partition("?")[2]
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS, errors="strict")
    except ValueError:
        raise bad_request("Invalid query string") from None
    return dict(pairs)


def _body(received: Received) -> dict[str, Any]:
    """Return the JSON object sent. An empty body is one without fields; a body where none belongs is ignored."""
    if received.method.upper() in ("GET", "DELETE") or not received.body.strip():
        return {}
    try:
        sent = json.loads(received.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad_request("Invalid JSON received") from None
    if not isinstance(sent, dict):
        raise bad_request("Invalid JSON received")
    return sent


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _language(received: Received) -> str:
    return "fr" if received.headers.get("accept-language", "").lower().startswith("fr") else "en"
