"""
An HTTP server that can misbehave.

It owns the sockets, so that a fault can delay, cut, drip, reset or hang; the answers come from Django in worker
threads. A call that hangs or is late waits here, in the event loop, and holds no thread.
"""

import asyncio
import socket
import ssl
import struct
from http.client import responses

import h11

from .bridge import Bridge, json_answer, origin_form
from .delays import late_s
from .faults import FAULTS, Fault
from .journal import JOURNAL, Entry
from .messages import Answer, Received
from .simple import read_head, write_head
from .workers import Workers

MAX_BODY = 1 << 20
_READ = 1 << 16
# Clients keep their connections; one that says nothing for so many seconds is closed.
_IDLE_S = 600
# How long the rest of a refused request is read for.
_LINGER_S = 1
_HTML = b"<html><head><title>%d %s</title></head><body><center><h1>%d %s</h1></center></body></html>\n"
_ODD_WORDS = {
    429: "Too many requests, please slow down",
    500: "Internal server error",
    503: "Service is temporarily unavailable",
}


class TooLarge(Exception):
    """A body above the limit."""


class Gone(Exception):
    """The connection is over, by the client or by a fault."""


class Server:
    """Serves one or two listening addresses until it is closed."""

    def __init__(self) -> None:
        self._bridge = Bridge()
        self._api_threads = Workers(8, "api")
        # Apart, so that no trouble of the API keeps /_control/ and the pages from answering.
        self._page_threads = Workers(4, "pages")
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None

    async def listen(self, sockets: list[socket.socket], tls: ssl.SSLContext | None = None) -> None:
        for one in sockets:
            self._servers.append(await asyncio.start_server(self._accepted, sock=one, ssl=tls, backlog=1024))
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy())

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        FAULTS.disarm()
        tasks = list(self._connections)
        if self._tidying is not None:
            tasks.append(self._tidying)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._api_threads.stop()
        self._page_threads.stop()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            FAULTS.tidy()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: asyncio.Task[None] = asyncio.current_task()  # type: ignore[assignment]
        self._connections.add(task)
        try:
            await _Connection(self, reader, writer).run()
        except (Gone, OSError, asyncio.CancelledError, TimeoutError, h11.RemoteProtocolError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def answer(self, received: Received, entry: Entry | None) -> Answer:
        threads = self._api_threads if entry is not None else self._page_threads
        answer: Answer = await threads.do(self._bridge.answer, received, entry)
        return answer

    async def note(self, received: Received, entry: Entry) -> None:
        await self._api_threads.do(self._bridge.note, received, entry)


class _Connection:
    """One client, as many requests as it likes."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        # None while a simple request is served.
        self._http: h11.Connection | None = None
        self._scheme = "https" if writer.get_extra_info("ssl_object") else "http"
        peer = writer.get_extra_info("peername")
        self._address = peer[0] if peer else ""
        self._method = ""

    async def run(self) -> None:
        while True:
            try:
                received = await self._receive()
            except h11.RemoteProtocolError as error:
                await self._refuse(error.error_status_hint, "Bad request")
                return
            except TooLarge:
                await self._refuse(413, "Request body is too large")
                return
            if received.is_api:
                await self._serve_api(received)
            else:
                await self._send(await self._server.answer(received, None))
            if self._http is not None:
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    return
                self._http.start_next_cycle()
                if not self._http.trailing_data[0]:
                    self._http = None

    async def _read(self) -> bytes:
        async with asyncio.timeout(_IDLE_S):
            return await self._reader.read(_READ)

    async def _receive(self) -> Received:
        if self._http is not None:
            return await self._receive_by_rules(self._http)
        received = await self._read()
        head = read_head(received)
        if head is not None and head.size - head.body.start <= MAX_BODY:
            while 0 < len(received) < head.size:
                received, had = received + await self._read(), len(received)
                if len(received) == had:
                    raise Gone
            if len(received) == head.size:
                self._method = head.method
                body = received[head.body]
                return Received(head.method, head.target, head.headers, body, self._scheme, self._address)
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=64 * 1024)
        self._http.receive_data(received)
        return await self._receive_by_rules(self._http)

    async def _receive_by_rules(self, http: h11.Connection) -> Received:
        request = await self._event(http)
        if not isinstance(request, h11.Request):
            raise Gone
        body = bytearray()
        while not isinstance(event := await self._event(http), h11.EndOfMessage):
            if not isinstance(event, h11.Data):
                raise Gone
            body += event.data
            if len(body) > MAX_BODY:
                raise TooLarge
        headers = {name.decode("ascii"): value.decode("latin-1") for name, value in request.headers}
        target = origin_form(request.target.decode("ascii"))
        self._method = request.method.decode("ascii")
        return Received(self._method, target, headers, bytes(body), self._scheme, self._address)

    async def _event(self, http: h11.Connection) -> h11.Event | type[h11.PAUSED]:
        while (event := http.next_event()) is h11.NEED_DATA:
            if http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._writer.write(http.send(go_on) or b"")
            http.receive_data(await self._read())
        return event  # type: ignore[return-value]

    async def _refuse(self, status: int, message: str) -> None:
        if self._http is None or self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        await self._send(json_answer(status, message, {"Connection": "close"}))
        # Closed with something unread, the connection would be reset and the refusal lost with it.
        if self._writer.can_write_eof():
            self._writer.write_eof()
        async with asyncio.timeout(_LINGER_S):
            while await self._reader.read(_READ):
                pass

    # --- A call of the API, and what it may meet ---

    async def _serve_api(self, received: Received) -> None:
        entry = JOURNAL.begin(received.method, received.target)
        faults = FAULTS.choose(received.method, received.api_path or "/")
        late_ms = sum(fault.ms or 0 for fault in faults if fault.kind == "latency")
        fault = next((fault for fault in faults if fault.kind != "latency"), None)
        if fault is not None and fault.kind in ("status", "html", "reset", "hang"):
            await self._server.note(received, entry)
            await asyncio.sleep(late_ms / 1000)
            await self._keep_from_world(fault, entry)
            return
        answer = await self._server.answer(received, entry)
        if late := late_ms / 1000 + late_s(entry.median_ms):
            await asyncio.sleep(late)
        if fault is None:
            await self._send(answer, entry)
        elif fault.kind == "accept_then_reset":
            self._reset()
        else:
            await self._spoil(fault, answer, entry)

    async def _keep_from_world(self, fault: Fault, entry: Entry) -> None:
        if fault.kind == "reset":
            self._reset()
        if fault.kind == "hang":
            await self._hang(fault)
        if fault.kind == "html":
            await self._send(_html(fault.status or 502), entry)
        else:
            await self._send(_refusal(fault), entry)

    async def _spoil(self, fault: Fault, answer: Answer, entry: Entry) -> None:
        """Send the whole head, then the body in part (truncated) or byte by byte (drip)."""
        self._writer.write(self._head(answer))
        await self._writer.drain()
        entry.status = answer.status
        if fault.kind == "truncated":
            self._writer.write(answer.body[: len(answer.body) // 2])
            await self._writer.drain()
            raise Gone
        for at in range(len(answer.body)):
            await asyncio.sleep((1000 if fault.ms is None else fault.ms) / 1000)
            self._writer.write(self._framed(answer.body[at : at + 1]))
            await self._writer.drain()
            if self._reader.at_eof():
                raise Gone
        self._writer.write(self._end())
        await self._writer.drain()

    async def _hang(self, fault: Fault) -> None:
        """Say nothing until the fault is disarmed or the client has had enough, then close."""
        held = FAULTS.hold(fault)
        waiting = [asyncio.ensure_future(held.released.wait()), asyncio.ensure_future(self._reader.read(1))]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            FAULTS.let_go(fault, held)
        raise Gone

    def _reset(self) -> None:
        """Close so that the client's system reports a reset, not an end."""
        connection = self._writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise Gone

    # --- Sending ---

    def _head(self, answer: Answer) -> bytes:
        if self._http is None:
            return write_head(answer)
        headers = [(name, value) for name, value in answer.headers if name.lower() != "content-length"]
        if answer.status != 204:
            headers.append(("Content-Length", str(len(answer.body))))
        response = h11.Response(
            status_code=answer.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
            reason=responses.get(answer.status, "").encode(),
        )
        return self._http.send(response) or b""

    def _framed(self, data: bytes) -> bytes:
        return data if self._http is None else self._http.send(h11.Data(data=data)) or b""

    def _end(self) -> bytes:
        return b"" if self._http is None else self._http.send(h11.EndOfMessage()) or b""

    async def _send(self, answer: Answer, entry: Entry | None = None) -> None:
        wire = self._head(answer)
        if answer.body and self._method != "HEAD":
            wire += self._framed(answer.body)
        wire += self._end()
        if self._writer.is_closing() or self._reader.at_eof():
            raise Gone
        if entry is not None:
            entry.status = answer.status
        self._writer.write(wire)
        await self._writer.drain()


def _html(status: int) -> Answer:
    phrase = responses.get(status, "Error").encode()
    page = _HTML % (status, phrase, status, phrase)
    return Answer(status, [("Content-Type", "text/html"), ("Server", "nginx")], page)


def _refusal(fault: Fault) -> Answer:
    """Return the error that a fault of kind `status` stands for; 200 is the empty body seen under load."""
    status = fault.status or 503
    if status < 300:
        empty = json_answer(status, "")
        return Answer(status, empty.headers, b"")
    more = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    return json_answer(status, _ODD_WORDS.get(status, "This call fails on request"), more)
