"""
/_control/: moving the world from outside the API. From this machine only, JSON in and out.

What each call means is a contract with tests and tools: change it only with a line in CHANGELOG.md.
"""

import ipaddress
import json
import time
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from functools import wraps
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from . import follow_up, generate, life, making, scenarios, world
from .api import fields
from .api.limits import LIMITER
from .front import delays
from .front.faults import FAULTS, KINDS
from .front.journal import JOURNAL
from .mailbox import MAILBOX
from .models import Customer, LedgerEntry, Order, ServiceAccount

# Only this world's numbers; a fault that never ends is asked for by leaving count and seconds out.
_LONGEST_S = 86_400
_MANY = 1_000_000


class Wrong(Exception):
    """The call cannot be understood. The text says what is wrong with it."""


View = Callable[..., Any]


def control(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """Make a view of a function that takes the JSON sent and returns what to answer."""

    def decorate(view: View) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, **held: Any) -> HttpResponse:
            if not _is_local(request):
                return JsonResponse({"message": "Only from this machine"}, status=403)
            if request.method not in methods:
                return JsonResponse({"message": f"Use {' or '.join(methods)}"}, status=405)
            try:
                answer = view(request, **held)
            except Wrong as wrong:
                return JsonResponse({"message": str(wrong)}, status=400)
            except (Customer.DoesNotExist, Order.DoesNotExist) as missing:
                return JsonResponse({"message": str(missing)}, status=404)
            return JsonResponse(answer, safe=False)

        return wrapped

    return decorate


def _is_local(request: HttpRequest) -> bool:
    """From loopback, and not by a page of another site that somebody here has open."""
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"{request.scheme}://{request.META['HTTP_HOST']}":
        return False
    try:
        return ipaddress.ip_address(request.META["REMOTE_ADDR"]).is_loopback
    except ValueError:
        return False


def _sent(request: HttpRequest, *known: str) -> dict[str, Any]:
    """Return the JSON object sent. A field that is not known is a mistake, not a wish to be ignored."""
    try:
        sent = json.loads(request.body or b"{}")
        # Lone surrogates are no text, and PostgreSQL keeps no NUL.
        if "\\u0000" in json.dumps(sent, ensure_ascii=False).encode().decode():
            raise Wrong("The body holds a NUL")
    except (ValueError, RecursionError):
        raise Wrong("The body is not JSON") from None
    if not isinstance(sent, dict):
        raise Wrong("The body is not a JSON object")
    unknown = sorted(set(sent) - set(known))
    if unknown:
        raise Wrong(f"Unknown: {', '.join(unknown)}. Known: {', '.join(known)}")
    return sent


def _read(sent: dict[str, Any], name: str, convert: fields.Converter, default: Any = None) -> Any:
    """Return one field, read, or the default where it is absent or null."""
    if sent.get(name) is None:
        return default
    try:
        return convert(sent[name])
    except (ValueError, OverflowError):
        raise Wrong(f"{name} cannot be {json.dumps(sent[name])[:100]}") from None


def _number(low: float, high: float) -> fields.Converter:
    def convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError
        return float(value)

    return convert


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError from None
    if not amount.is_finite() or abs(amount) >= 10**12:
        raise ValueError
    return amount


@control("GET")
def requests(request: HttpRequest) -> list[dict[str, Any]]:
    since = _read(dict(request.GET.items()), "since", fields.long, 0)
    return [entry.as_answer() for entry in JOURNAL.since(since)]


@control("GET")
def ledger(request: HttpRequest) -> list[dict[str, Any]]:
    order_id = _read(dict(request.GET.items()), "order", fields.long)
    entries = LedgerEntry.objects.order_by("pk")
    if order_id is not None:
        return [entry.as_answer() for entry in entries.filter(order_id=order_id)]
    return [{"order": entry.order_id, **entry.as_answer()} for entry in entries]


_ORDER_FIELDS = ("status", "expirationDate", "retractionDate")


@control("POST")
def orders(request: HttpRequest) -> dict[str, Any]:
    """Make an order that lives."""
    sent = _sent(request, *_ORDER_FIELDS, "nichandle", "price", "products", "date")
    nichandle = _read(sent, "nichandle", fields.text)
    if nichandle is None:
        raise Wrong("nichandle is missing")
    products = _read(sent, "products", fields.list_of(fields.text))
    with world.gate.use(), transaction.atomic():
        order = making.make_order(
            Customer.objects.get(pk=nichandle),
            status=_read(sent, "status", fields.text, "notPaid"),
            price=_read(sent, "price", _amount),
            products=products,
            date=_read(sent, "date", fields.moment),
            expiration_date=_read(sent, "expirationDate", fields.moment),
            retraction_date=_read(sent, "retractionDate", fields.moment),
            no_retraction="retractionDate" in sent and sent["retractionDate"] is None,
        )
    return {"orderId": order.order_id}


@control("POST")
def order(request: HttpRequest, order_id: int) -> dict[str, Any]:
    """Change an order. `pay` is true to pay it, or "refused" for a payment that fails."""
    sent = _sent(request, *_ORDER_FIELDS, "pay", "follow_up")
    with world.gate.use(), transaction.atomic():
        changed = life.locked(order_id)
        _change_dates(changed, sent)
        if "follow_up" in sent:
            changed.follow_up = _follow_up(sent["follow_up"])
        changed.save()
        if sent.get("pay") == "refused":
            life.refuse_payment(changed, "creditCard")
        elif _read(sent, "pay", fields.boolean, False):
            try:
                life.pay(changed, "creditCard", None, by="control")
            except life.Refused as refusal:
                raise Wrong(str(refusal)) from None
        status = _read(sent, "status", fields.text)
        if status is not None:
            life.become(changed, status)
    return {"orderId": order_id, "status": changed.status}


def _change_dates(order: Order, sent: dict[str, Any]) -> None:
    if "expirationDate" in sent:
        order.expiration_date = _read(sent, "expirationDate", fields.moment)
        # One of the orders kept for show is no longer, once somebody moves the date it would go at.
        order.lapses = True
    if "retractionDate" in sent:
        order.retraction_date = _read(sent, "retractionDate", fields.moment)


def _follow_up(sent: Any) -> follow_up.FollowUp | None:
    """A list as the API would answer it, kept as it is; null for an order without tracking."""
    if sent is None or (isinstance(sent, list) and all(isinstance(step, dict) for step in sent)):
        return sent
    raise Wrong("follow_up is a list of steps, or null for none (404)")


@control("GET", "POST", "DELETE")
def faults(request: HttpRequest) -> Any:
    if request.method == "DELETE":
        FAULTS.disarm()
        return None
    if request.method == "GET":
        return [fault.as_answer() for fault in FAULTS.armed()]
    sent = _sent(request, "kind", "match", "status", "ms", "count", "seconds", "probability", "retry_after")
    kind = _read(sent, "kind", fields.one_of(*KINDS))
    if kind is None:
        raise Wrong(f"kind is one of {', '.join(KINDS)}")
    match = sent.get("match") or {}
    if not isinstance(match, dict) or not set(match) <= {"method", "path"}:
        raise Wrong('match is {"method", "path"}')
    status = _read(sent, "status", _number(200, 599))
    seconds = _read(sent, "seconds", _number(0, _LONGEST_S))
    count = _read(sent, "count", _number(1, _MANY))
    fault = FAULTS.arm(
        kind=kind,
        method=_read(match, "method", fields.text, "*"),
        path=_read(match, "path", fields.text, "*"),
        status=None if status is None else int(status),
        ms=_read(sent, "ms", _number(0, 1000 * _LONGEST_S)),
        count=None if count is None else int(count),
        until=None if seconds is None else time.monotonic() + seconds,
        probability=_read(sent, "probability", _number(0, 1), 1.0),
        retry_after=_retry_after(sent, status),
    )
    return {"id": fault.id}


def _retry_after(sent: dict[str, Any], status: float | None) -> str | None:
    """429 comes with Retry-After: 5 unless told otherwise; null leaves it out."""
    if "retry_after" in sent:
        given = sent["retry_after"]
        return None if given is None else str(given).replace("\r", "").replace("\n", "")[:100]
    return "5" if status == 429 else None


@control("GET", "POST")
def pace(request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        speed = _read(_sent(request, "speed"), "speed", _number(0, world.MAX_SPEED))
        if speed is None:
            raise Wrong("speed is missing")
        with world.gate.use():
            world.set_speed(speed)
    return {"speed": world.speed()}


@control("GET", "POST")
def clock(request: HttpRequest) -> dict[str, Any]:
    """Shift OVHcloud's clock by forward_s from where it stands; 0 puts it back to the machine's."""
    if request.method == "POST":
        seconds = _read(_sent(request, "forward_s"), "forward_s", _number(-1e9, 1e9))
        if seconds is None:
            raise Wrong("forward_s is missing")
        with world.gate.use():
            world.shift(seconds)
    return {"forward_s": world.forward_s(), "time": world.unix_time()}


@control("POST")
def reset(request: HttpRequest) -> dict[str, Any]:
    """Back to a named scenario; or to a generated world, which takes up to minutes."""
    sent = _sent(request, "scenario", "seed", *_PLAN_FIELDS)
    scenario = _read(sent, "scenario", fields.one_of(*scenarios.NAMES, generate.SCENARIO), "demo")
    seed = _read(sent, "seed", fields.long, scenarios.SEED)
    plan = _plan(sent) if scenario == generate.SCENARIO else None
    if plan is None and set(sent) & set(_PLAN_FIELDS):
        raise Wrong(f"{', '.join(_PLAN_FIELDS)} are of the scenario {generate.SCENARIO}")
    FAULTS.disarm()
    LIMITER.forget()
    delays.seed(seed)
    if plan is None:
        scenarios.load(scenario, seed)
    else:
        generate.load(plan, seed)
    return {"scenario": scenario, "seed": seed, "orders": Order.objects.count()}


_PLAN_FIELDS = ("orders", "accounts", "mix", "largest", "spread_s")


def _plan(sent: dict[str, Any]) -> generate.Plan:
    mix = _read(sent, "mix", _shares, generate.USUAL_MIX)
    numbers = {
        "orders": _read(sent, "orders", fields.long, 10_000),
        "accounts": _read(sent, "accounts", fields.long, 100),
        "largest": _read(sent, "largest", fields.long),
        "spread_s": _read(sent, "spread_s", _number(0, 1e9), 3_600.0),
    }
    try:
        return generate.Plan(mix=mix, **numbers)
    except generate.Unfit as unfit:
        raise Wrong(str(unfit)) from None


def _shares(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ValueError
    return {kind: _number(0, 1e9)(share) for kind, share in value.items()}


@control("GET")
def accounts(request: HttpRequest) -> list[dict[str, Any]]:
    """Every account with the key that tools may use, and how many orders it has."""
    found = Customer.objects.annotate(order_count=Count("orders")).order_by("position")
    return [
        {
            "nichandle": nichandle,
            "password": password,
            "consumer_key": scenarios.tools_key(nichandle),
            "orders": count,
        }
        for nichandle, password, count in found.values_list("nichandle", "password", "order_count")
    ]


@control("GET", "POST")
def settings(request: HttpRequest) -> dict[str, Any]:
    if request.method == "POST":
        wanted = _sent(request, *world.SWITCHES)
        for name, value in wanted.items():
            if not world.may_hold(name, value):
                raise Wrong(f"{name} is {world.words_for(name)}")
        with world.gate.use():
            world.set_switches(wanted)
        LIMITER.forget()
    return world.switches()


@control("POST")
def policies(request: HttpRequest) -> dict[str, Any]:
    """Say what a service account may do: actions as the schemas name them (iamActions), with stars."""
    sent = _sent(request, "clientId", "actions")
    client_id = _read(sent, "clientId", fields.text)
    actions = _read(sent, "actions", fields.list_of(fields.text))
    if client_id is None or actions is None:
        raise Wrong("clientId and actions are needed")
    with world.gate.use():
        if not ServiceAccount.objects.filter(pk=client_id).update(actions=actions):
            raise Wrong(f"There is no client {client_id[:100]}")
    return {"clientId": client_id, "actions": actions}


@control("POST", "DELETE")
def mail(request: HttpRequest) -> dict[str, Any]:
    """DELETE empties the mailbox. POST {"refuse": true | "451 words" | false} lets SMTP refuse."""
    if request.method == "DELETE":
        MAILBOX.clear()
        return {"mails": 0}
    refuse = _sent(request, "refuse").get("refuse")
    if isinstance(refuse, str) and refuse[:3].isdecimal() and refuse.isprintable():
        MAILBOX.refusal = refuse
    elif isinstance(refuse, bool):
        MAILBOX.refusal = "451 4.3.0 Try again later" if refuse else None
    else:
        raise Wrong('refuse is true, false, or an SMTP answer such as "554 No"')
    return {"refuse": MAILBOX.refusal}
