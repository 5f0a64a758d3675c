"""
A stand-in for the order API that is quick enough not to be what is measured: `python -m bench.api --ready FILE`.

It answers what the panel asks about orders, after a time drawn evenly between two bounds, and checks that each caller
asks about orders of its own; one signature in fifty is worked out and compared. `/_stub/` reads its counts and sets
its switches, from this machine only. The sandbox is the faithful one: this one holds its answers in its head.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import sys
import time
from collections import Counter, deque
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench import world

SIGNATURES_CHECKED = 50  # one in so many
_chance = random.Random(1)  # noqa: S311 - times of answers, not secrets


class Api:
    """What is asked, by whom, and how it is answered."""

    def __init__(self, epoch: datetime, accounts: list[world.Population]) -> None:
        self.epoch = epoch
        self.populations = {number: one for one in accounts for number in one.account_numbers()}
        self.callers = {world.consumer_key(number): number for number in self.populations}
        self.low, self.high = 0.0, 0.0
        self.expanded = self.batch = self.forgets = False
        self.forget()

    def forget(self) -> None:
        self.counts: Counter[str] = Counter()
        self.recent: dict[int, deque[float]] = {}

    def switch(self, query: dict[str, list[str]]) -> None:
        """low, high: milliseconds. expanded, batch, forgets: 1 or 0."""
        self.low = float(query.get("low", [self.low * 1000])[0]) / 1000
        self.high = float(query.get("high", [self.high * 1000])[0]) / 1000
        self.expanded = query.get("expanded", ["0"])[0] == "1"
        self.batch = query.get("batch", ["0"])[0] == "1"
        self.forgets = query.get("forgets", ["0"])[0] == "1"
        self.forget()

    def answer(self, method: str, target: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
        """Return status, body and further headers."""
        path = target.partition("?")[0].removeprefix("/1.0")
        if path == "/auth/time":
            self.counts["time"] += 1
            return 200, b"%d" % time.time(), ""
        account = self.callers.get(headers.get("x-ovh-consumer", ""))
        if account is None:
            self.counts["refused"] += 1
            return 403, b'{"class":"Client::Forbidden","message":"This credential is not valid"}', ""
        self.counts["calls"] += 1
        self._note_call_of(account)
        if self.counts["calls"] % SIGNATURES_CHECKED == 1 and not self._is_signed(method, target, headers):
            self.counts["bad signatures"] += 1
            return 400, b'{"class":"Client::BadRequest","message":"Invalid signature"}', ""
        return self._routed(account, path, target, headers)

    def _note_call_of(self, account: int) -> None:
        """Keep the most calls that any one key made within sixty seconds."""
        now = time.monotonic()
        recent = self.recent.setdefault(account, deque())
        recent.append(now)
        while recent[0] < now - 60:
            recent.popleft()
        if len(recent) > self.counts["most in a minute"]:
            self.counts["most in a minute"] = len(recent)

    def _is_signed(self, method: str, target: str, headers: dict[str, str]) -> bool:
        self.counts["signatures checked"] += 1
        url = f"http://{headers.get('host', '')}{target}"
        text = "+".join(
            (world.APPLICATION_SECRET, headers["x-ovh-consumer"], method, url, "", headers.get("x-ovh-timestamp", ""))
        )
        digest = hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - the API's own
        return headers.get("x-ovh-signature") == f"$1${digest}"

    def _routed(self, account: int, path: str, target: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
        parts = path.strip("/").split("/")
        if parts == ["me", "order"]:
            return self._list(account, target, headers)
        if parts[:2] == ["me", "order"] and len(parts) in (3, 4):
            route = parts[3] if len(parts) == 4 else "order"
            if "x-ovh-batch" in headers and self.batch:
                return self._several(account, parts[2].split(headers["x-ovh-batch"] or ","), route)
            if "x-ovh-batch" in headers:
                self.counts["batches refused"] += 1
                return 404, _NO_OBJECT, ""
            return self._one(account, parts[2], route)
        if path == "/me/payment/method":
            self.counts["payment methods"] += 1
            return 200, b"[]", ""
        if path == "/me":
            self.counts["me"] += 1
            return 200, json.dumps({"nichandle": world.nichandle(account), "country": "FR"}).encode(), ""
        self.counts["unknown routes"] += 1
        return 404, b'{"class":"Client::NotFound","message":"Got an invalid (or empty) URL"}', ""

    def _one(self, account: int, text: str, route: str) -> tuple[int, bytes, str]:
        self.counts[route] += 1
        value = self._value(account, text, route)
        if value is None:
            return 404, _NO_OBJECT, ""
        return 200, value, ""

    def _several(self, account: int, texts: list[str], route: str) -> tuple[int, bytes, str]:
        self.counts[f"batch {route}"] += 1
        self.counts["by batch"] += len(texts)
        parts = []
        for text in texts:
            value = self._value(account, text, route)
            error = b"null" if value is not None else b'{"message":"The requested object does not exist"}'
            parts.append(b'{"key":"%s","value":%s,"error":%s}' % (text.encode(), value or b"null", error))
        return 200, b"[" + b",".join(parts) + b"]", ""

    def _value(self, account: int, text: str, route: str) -> bytes | None:
        """Return JSON, or None for what does not exist for this caller."""
        population = self.populations[account]
        if not text.isdecimal() or int(text) not in population.order_ids(account):
            self.counts["strangers"] += 1
            return None
        order = world.order(int(text), self.epoch)
        if order.lapsed and self.forgets:
            return None
        if route == "status":
            return b'"%s"' % order.told.encode()
        if route == "order":
            return _object(order).encode()
        if route == "followUp":
            return _FOLLOW_UP[order.told]
        if route == "payment" and order.told != "notPaid":
            paid = order.date.isoformat()
            return b'{"paymentDate":"%s","paymentType":"creditCard","paymentIdentifier":null}' % paid.encode()
        if route == "details":
            return b"[]"
        if route == "associatedObject" and order.told == "delivered":
            return b'{"type":"Bill","id":"FR%d"}' % order.order_id
        return None

    def _list(self, account: int, target: str, headers: dict[str, str]) -> tuple[int, bytes, str]:
        ids: list[int] = list(self.populations[account].order_ids(account))
        since = parse_qs(urlsplit(target).query).get("date.from")
        if since:
            began = datetime.fromisoformat(since[0])
            ids = [one for one in ids if world.order(one, self.epoch).date >= began]
        if not self.expanded or "x-pagination-mode" not in headers:
            self.counts["list"] += 1
            return 200, json.dumps(ids).encode(), ""
        self.counts["list of objects"] += 1
        size, number = int(headers.get("x-pagination-size", 1000)), int(headers.get("x-pagination-number", 1))
        page = (world.order(one, self.epoch) for one in ids[size * (number - 1) : size * number])
        return 200, f"[{','.join(map(_object, page))}]".encode(), f"X-Pagination-Elements: {len(ids)}\r\n"


def _price(cents: int) -> str:
    return (
        f'{{"currencyCode":"EUR","priceInUcents":{cents * 1_000_000},"text":"{cents / 100:.2f} EUR",'
        f'"value":{cents / 100:.2f}}}'
    )


def _object(order: world.Order) -> str:
    retraction = f'"{order.retraction_date.isoformat()}"' if order.retraction_date else "null"
    tax = order.cents // 6
    return (
        f'{{"orderId":{order.order_id},"date":"{order.date.isoformat()}",'
        f'"expirationDate":"{order.expiration_date.isoformat()}","retractionDate":{retraction},'
        f'"priceWithTax":{_price(order.cents)},"priceWithoutTax":{_price(order.cents - tax)},"tax":{_price(tax)},'
        f'"url":"https://www.ovh.com/cgi-bin/order/display-order.cgi?orderId={order.order_id}&orderPassword=bench",'
        f'"pdfUrl":"https://www.ovh.com/cgi-bin/order/display-order.cgi?orderId={order.order_id}","password":"bench"}}'
    )


def _steps(*states: str) -> bytes:
    steps = ("VALIDATING", "VALIDATED", "DELIVERING", "AVAILABLE")
    return json.dumps(
        [{"step": step, "status": state, "history": []} for step, state in zip(steps, states, strict=True)]
    ).encode()


_FOLLOW_UP = {
    "notPaid": _steps("DOING", "TODO", "TODO", "TODO"),
    "checking": _steps("DOING", "TODO", "TODO", "TODO"),
    "delivering": _steps("DONE", "DONE", "DOING", "TODO"),
    "delivered": _steps("DONE", "DONE", "DONE", "DONE"),
}
_NO_OBJECT = b'{"class":"Client::NotFound","message":"The requested object does not exist"}'
_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}


class Connection(asyncio.Protocol):
    """HTTP/1.1 as clients of an API speak it: GET without bodies, one request after another on a kept connection."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._received = b""
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._api.counts["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head, self._received = self._received[:end], self._received[end + 4 :]
            self._requested(head.decode("latin-1"))

    def _requested(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        if target.startswith("/_stub/"):
            self._send(*self._control(target))
            return
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        answer = self._api.answer(method, target, headers)
        if self._api.high:
            self._loop.call_later(_chance.uniform(self._api.low, self._api.high), self._send, *answer)
        else:
            self._send(*answer)

    def _control(self, target: str) -> tuple[int, bytes, str]:
        parts = urlsplit(target)
        if parts.path == "/_stub/switch":
            self._api.switch(parse_qs(parts.query))
        return 200, json.dumps(self._api.counts).encode(), ""

    def _send(self, status: int, body: bytes, more: str) -> None:
        if self._transport.is_closing():
            return
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json; charset=utf-8\r\n"
            f"X-Ovh-Queryid: EU.ext-1.bench\r\n{more}Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)


async def serve(api: Api, ready: Path) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(api), "127.0.0.1", 0, backlog=1024)
    port = server.sockets[0].getsockname()[1]
    made = ready.with_suffix(".new")
    made.write_text(json.dumps({"port": port, "pid": os.getpid()}))
    made.rename(ready)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ready", type=Path, required=True)
    parser.add_argument("--epoch", type=datetime.fromisoformat, required=True)
    parser.add_argument(
        "--populations", required=True, help="JSON: a list of lists, as bench.world.Population takes them"
    )
    arguments = parser.parse_args()
    populations = [world.Population(*one) for one in json.loads(arguments.populations)]
    asyncio.run(serve(Api(arguments.epoch, populations), arguments.ready))


if __name__ == "__main__":
    sys.exit(main())
