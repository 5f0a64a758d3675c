"""One view for the whole API: finds the route, makes the checks in the contract's order, answers in JSON."""

import json
import logging
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, unquote

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from .. import world
from ..carts import Refusal
from ..scenarios import untold
from . import errors, fields, routes, signing
from .errors import ApiError, bad_request
from .limits import LIMITER, RETRY_AFTER_S
from .routes import Call, Route

log = logging.getLogger("sandbox.api")

CALLER = "sandbox.caller"
RAW_TARGET = "sandbox.target"
_MAX_QUERY_FIELDS = 50
_UNAVAILABLE = ApiError(503, "Service is temporarily unavailable", "UNAVAILABLE")


def query_id() -> str:
    return f"EU.ext-1.{uuid.uuid4().hex[:8]}.{uuid.uuid4().int % 65536}.{uuid.uuid4()}"


@csrf_exempt
def api(request: HttpRequest) -> HttpResponse:
    """Answer a call below /1.0 or /v1."""
    headers: dict[str, str] = {}
    status, body = _guarded(lambda: _answer(request, headers))
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    response = HttpResponse(text, status=status, content_type="application/json; charset=utf-8")
    for name, value in (SECURITY_HEADERS | headers).items():
        response[name] = value
    if status == 429:
        response = _slow_down(response)
    response["X-Ovh-Queryid"] = query_id()
    return response


def _slow_down(response: HttpResponse) -> HttpResponse:
    """Refuse as the API itself, which says for how long, or as a proxy before it, which does not."""
    if world.switch("rate_limit_body") == "html":
        return HttpResponse("<html><body><h1>429 Too Many Requests</h1></body></html>\n", status=429)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


SECURITY_HEADERS = {
    "Cache-Control": "no-cache, no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _guarded(answer: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    try:
        return answer()
    except ApiError as refusal:
        return refusal.status, refusal.body()
    except Refusal as refusal:
        return refusal.status, errors.error_body(refusal.status, refusal.message)
    except (OperationalError, InterfaceError):
        return _UNAVAILABLE.status, _UNAVAILABLE.body()
    except Exception:
        log.exception("an answer could not be made")
        return 500, errors.error_body(500, "Internal server error")


def _answer(request: HttpRequest, headers: dict[str, str]) -> tuple[int, Any]:
    target: str = request.META[RAW_TARGET]
    raw_path, _, raw_query = target.partition("?")
    path = raw_path[raw_path.index("/", 1) :] if raw_path.count("/") > 1 else ""
    try:
        segments = [unquote(part, errors="strict") for part in path.split("/")[1:]]
    except UnicodeDecodeError:
        raise errors.no_route from None
    method = request.method or ""
    found = routes.find(method, segments)
    if found is None:
        raise errors.no_route
    route, held = found
    call = Call(method, path, f"{request.scheme}://{request.META['HTTP_HOST']}", _language(request))
    with world.gate.use():
        _check(call, route, request.META[CALLER])
        call.query = fields.read(_query(raw_query), route.query, f"{method} {route.template}", in_body=False)
        call.body = fields.read(_body(request, route), route.body, f"{method} {route.template}", in_body=True)
        return 200, _result(call, route, held, request, headers)


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
    call.credential = signing.require(caller, call.method, call.path)
    call.application = call.credential.application
    LIMITER.take(call.credential.consumer_key)
    untold.tell(call.customer)


def _result(call: Call, route: Route, held: list[str], request: HttpRequest, headers: dict[str, str]) -> Any:
    separator = request.headers.get("X-Ovh-Batch")
    if separator and call.method == "GET" and held and separator in held[-1] and world.switch("batch"):
        return [_one_of_batch(call, route, [*held[:-1], key]) for key in held[-1].split(separator)[:100]]
    answer = route.handler(call, *_identifiers(route, held))
    mode = request.headers.get("X-Pagination-Mode")
    if route.expand and mode == "CachedObjectList-Pages" and world.switch("expanded_lists"):
        return _expanded(route.expand(call, answer), request, headers)
    return answer


def _identifiers(route: Route, held: list[str]) -> list[Any]:
    named = zip(route.path_fields(), held, strict=True)
    return [fields.read({name: one}, {name: field}, "", in_body=False)[name] for (name, field), one in named]


def _one_of_batch(call: Call, route: Route, held: list[str]) -> dict[str, Any]:
    status, answer = _guarded(lambda: (200, route.handler(call, *_identifiers(route, held))))
    ok = status == 200
    return {"key": held[-1], "value": answer if ok else None, "error": None if ok else answer}


def _expanded(objects: list[Any], request: HttpRequest, headers: dict[str, str]) -> list[Any]:
    """Sort and cut a list of objects as X-Pagination-* asks. What cannot be understood is left undone."""
    sort = request.headers.get("X-Pagination-Sort")
    if sort and all(isinstance(one.get(sort), str | int) for one in objects):
        descending = request.headers.get("X-Pagination-Sort-Order", "ASC") == "DESC"
        objects = sorted(objects, key=lambda one: one[sort], reverse=descending)
    size = _positive(request.headers.get("X-Pagination-Size"), 1000)
    number = _positive(request.headers.get("X-Pagination-Number"), 1)
    headers |= {
        "X-Pagination-Elements": str(len(objects)),
        "X-Pagination-Number": str(number),
        "X-Pagination-Size": str(size),
    }
    page = objects[(number - 1) * size : number * size]
    return [None if at % 7 == 3 else one for at, one in enumerate(page)] if world.switch("null_entries") else page


def _positive(given: str | None, default: int) -> int:
    try:
        return min(max(1, fields.long(given)), 100_000)
    except ValueError:
        return default


def _query(raw: str) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=_MAX_QUERY_FIELDS, errors="strict")
    except ValueError:
        raise bad_request("Invalid query string") from None
    return dict(pairs)


def _body(request: HttpRequest, route: Route) -> dict[str, Any]:
    """Return the JSON object sent. An empty body is one without fields; a body where none belongs is ignored."""
    if request.method in ("GET", "DELETE") or not request.body.strip():
        return {}
    try:
        sent = json.loads(request.body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise bad_request("Invalid JSON received") from None
    if not isinstance(sent, dict):
        raise bad_request("Invalid JSON received")
    return sent


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _language(request: HttpRequest) -> str:
    return "fr" if request.headers.get("Accept-Language", "").lower().startswith("fr") else "en"
