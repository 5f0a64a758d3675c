"""Asks one page again and again over kept connections: `python -m bench.load JSON` prints rate and times."""

import asyncio
import json
import sys
import time
from typing import Any


async def _ask(port: int, requests: list[bytes], first: int, until: float, times: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4 * 1024 * 1024)
    number = first
    while (began := time.perf_counter()) < until:
        writer.write(requests[number % len(requests)])
        number += 7919
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not a page: {head[:300]!r}")
        await _body(reader, head.lower())
        times.append(time.perf_counter() - began)
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
    if b"content-length:" in head:
        await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
        return
    while size := int((await reader.readuntil(b"\r\n")).strip() or b"0", 16):
        await reader.readexactly(size + 2)
    await reader.readexactly(2)


async def ask(port: int, path: str, cookies: list[str], seconds: float, connections: int) -> dict[str, Any]:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Language: en\r\nCookie: "
    requests = [f"{head}{cookie}\r\n\r\n".encode() for cookie in cookies]
    times: list[float] = []
    until = time.perf_counter() + seconds
    await asyncio.gather(*(_ask(port, requests, number, until, times) for number in range(connections)))
    times.sort()
    return {
        "per_second": len(times) / seconds,
        "p50_ms": times[len(times) // 2] * 1e3,
        "p99_ms": times[int(len(times) * 0.99)] * 1e3,
        "requests": len(times),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(**json.loads(sys.argv[1])))))  # noqa: T201 - the parent reads it
