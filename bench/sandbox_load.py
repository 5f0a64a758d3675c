"""
How fast the sandbox answers signed reads: `make bench-sandbox`, or `python -m bench.sandbox_load --help`.

It stands for itself (standard library only). It starts a sandbox with a generated world on one core and asks from
another; docs/sandbox.md, "How fast it is", tells how to read the figures.
"""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

_ROOT = Path(__file__).resolve().parents[1]
_START_WITHIN_S = 1_200
_OPEN = build_opener(ProxyHandler({})).open
# Accounts whose orders are asked for.
_ASKED = 500
_MIX = {"status": 60, "order": 15, "details": 10, "follow_up": 8, "list": 5, "me": 2}
_PATHS = {
    "status": "/me/order/{order}/status",
    "order": "/me/order/{order}",
    "details": "/me/order/{order}/details",
    "follow_up": "/me/order/{order}/followUp",
    "list": "/me/order",
    "me": "/me",
}


@dataclass
class Sandbox:
    """A running one, by its ready file. process: its number, None for one that somebody else started."""

    ready: dict[str, Any]
    process: int | None = None

    def control(self, path: str, sent: Any = None) -> Any:
        body = None if sent is None else json.dumps(sent).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        url = f"{self.ready['sandbox']}/_control/{path}"
        with _OPEN(Request(url, body, headers), timeout=_START_WITHIN_S) as answer:  # noqa: S310 - a localhost address
            return json.load(answer)

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", urlsplit(self.ready["sandbox"]).port or 80

    def usage(self) -> dict[str, float]:
        """Return seconds of CPU so far and MB of memory now, of the sandbox and of its PostgreSQL."""
        if self.process is None:
            return {}
        servers = _children(self.process)
        return {
            "sandbox_s": _cpu_s(self.process),
            "postgres_s": sum(map(_cpu_s, servers)),
            "sandbox_mb": _private_mb(self.process),
            "postgres_mb": sum(map(_private_mb, servers)) + max(map(_shared_mb, servers), default=0),
        }


def _children(process: int) -> list[int]:
    found = [int(one) for one in _read(process, f"task/{process}/children").split()]
    return [below for child in found for below in (child, *_children(child))]


def _read(process: int, name: str) -> str:
    try:
        return Path(f"/proc/{process}/{name}").read_text()
    except OSError:
        return ""


def _cpu_s(process: int) -> float:
    """CPU of a process, and of its children that are over."""
    fields = _read(process, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def _status_mb(process: int, *names: str) -> float:
    lines = dict(line.split(":", 1) for line in _read(process, "status").splitlines())
    return sum(int(lines[name].split()[0]) for name in names if name in lines) / 1024


def _private_mb(process: int) -> float:
    return _status_mb(process, "RssAnon")


def _shared_mb(process: int) -> float:
    return _status_mb(process, "RssShmem")


@dataclass
class Load:
    """Asks one kind of question over and over, on so many connections, for so many seconds."""

    sandbox: Sandbox
    questions: Callable[[], tuple[str, str]]  # consumer key and path
    connections: int
    seconds: float
    took_s: list[float] = field(default_factory=list)
    wrong: int = 0

    async def run(self) -> dict[str, Any]:
        before, begun = self.sandbox.usage(), time.perf_counter()
        self._until = begun + self.seconds
        await asyncio.gather(*(self._ask() for _ in range(self.connections)))
        lasted = time.perf_counter() - begun
        after = self.sandbox.usage()
        count = max(len(self.took_s), 1)
        cuts = statistics.quantiles(self.took_s, n=100) if len(self.took_s) > 1 else [0.0] * 99
        figures = {
            "requests/s": round(count / lasted),
            "p50 ms": round(cuts[49] * 1000, 1),
            "p99 ms": round(cuts[98] * 1000, 1),
            "wrong": self.wrong,
        }
        for name in ("sandbox", "postgres"):
            if before:
                spent = after[f"{name}_s"] - before[f"{name}_s"]
                figures |= {f"{name} µs": round(spent / count * 1e6), f"{name} MB": round(after[f"{name}_mb"])}
        return figures

    async def _ask(self) -> None:
        reader, writer = await asyncio.open_connection(*self.sandbox.address)
        while time.perf_counter() < self._until:
            key, path = self.questions()
            asked = time.perf_counter()
            writer.write(self._signed(key, path))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
            await reader.readexactly(length)
            self.took_s.append(time.perf_counter() - asked)
            # 404 is the answer of orders that have no tracking any more.
            self.wrong += head[9:12] != b"200" and not (head[9:12] == b"404" and path.endswith("/followUp"))
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    def _signed(self, key: str, path: str) -> bytes:
        api = self.sandbox.ready["api"]
        stamp = str(int(time.time()))
        secret = api["application_secret"]
        signed = "+".join((secret, key, "GET", api["base"] + path, "", stamp))
        signature = hashlib.sha1(signed.encode()).hexdigest()  # noqa: S324 - it is OVHcloud's algorithm
        # The headers that OVHcloud's own Python client sends.
        return (
            f"GET /1.0{path} HTTP/1.1\r\nHost: {urlsplit(api['base']).netloc}\r\nUser-Agent: load\r\n"
            "Accept-Encoding: gzip, deflate\r\nAccept: */*\r\nConnection: keep-alive\r\n"
            f"X-Ovh-Application: {api['application_key']}\r\nX-Ovh-Consumer: {key}\r\nX-Ovh-Timestamp: {stamp}\r\n"
            f"X-Ovh-Signature: $1${signature}\r\n\r\n"
        ).encode()


def questions(kind: str, owned: list[tuple[str, int]], chance: random.Random) -> Callable[[], tuple[str, str]]:
    kinds, weights = ([kind], [1]) if kind in _PATHS else (list(_MIX), list(_MIX.values()))

    def ask() -> tuple[str, str]:
        key, order = chance.choice(owned)
        path = _PATHS[chance.choices(kinds, weights)[0] if len(kinds) > 1 else kind]
        return key, path.format(order=order)

    return ask


async def _orders_of(sandbox: Sandbox, keys: list[str]) -> list[tuple[str, int]]:
    """Return consumer key and number of every order of some accounts."""
    signer = Load(sandbox, lambda: ("", ""), 1, 0)
    reader, writer = await asyncio.open_connection(*sandbox.address)
    found = []
    for key in keys:
        writer.write(signer._signed(key, "/me/order"))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        found += [(key, order) for order in json.loads(await reader.readexactly(length))]
    writer.close()
    return found


@contextlib.contextmanager
def _started(options: argparse.Namespace) -> Iterator[Sandbox]:
    """Start a sandbox on one core, and keep to the other core ourselves."""
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        ready = Path(directory) / "ready.json"
        command = [sys.executable, "-m", "sandbox", "--ready-file", str(ready)]
        command += ["--generate", str(options.orders), "--accounts", str(options.accounts)]
        process = subprocess.Popen(command, cwd=_ROOT)  # noqa: S603
        try:
            until = time.monotonic() + _START_WITHIN_S
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("The sandbox did not start.")
                time.sleep(0.1)
            if len(cores) > 1:
                os.sched_setaffinity(0, {cores[1]})
                for one in (process.pid, *_children(process.pid)):
                    _keep_to(one, cores[0])
            yield Sandbox(json.loads(ready.read_text()), process.pid)
        finally:
            process.terminate()
            process.wait()


def _keep_to(process: int, core: int) -> None:
    for thread in os.listdir(f"/proc/{process}/task"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(thread), {core})


async def _measure(sandbox: Sandbox, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    chance = random.Random(1)  # noqa: S311 - which orders are asked for
    accounts = [one for one in sandbox.control("accounts") if one["orders"]]
    chance.shuffle(accounts)
    owned = await _orders_of(sandbox, [one["consumer_key"] for one in accounts[:_ASKED]])
    rows = {}
    for kind in options.kinds.split(","):
        load = Load(sandbox, questions(kind, owned, chance), options.connections, options.seconds)
        rows[kind] = await load.run()
    if options.late_ms:
        sandbox.control("settings", {"latency": {"median_ms": options.late_ms}})
        load = Load(sandbox, questions("mixed", owned, chance), options.late_connections, options.seconds)
        rows[f"mixed, {options.late_connections} at once, {options.late_ms} ms late"] = await load.run()
        sandbox.control("settings", {"latency": None})
    return rows


def _print(rows: dict[str, dict[str, Any]]) -> None:
    columns = list(next(iter(rows.values())))
    width = max(map(len, rows))
    sys.stdout.write(" ".join([" " * width, *(f"{name:>12}" for name in columns)]) + "\n")
    for name, row in rows.items():
        sys.stdout.write(" ".join([f"{name:<{width}}", *(f"{row[column]:>12}" for column in columns)]) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sandbox_load", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--ready", type=Path, help="use a sandbox that runs already")
    parser.add_argument("--process", type=int, help="its number, to know what it costs")
    parser.add_argument("--kinds", default="status,order,list,details,follow_up,mixed")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--late-ms", type=float, default=100, help="0 leaves the late ones out")
    parser.add_argument("--late-connections", type=int, default=200)
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if options.ready is None:
            sandbox = stack.enter_context(_started(options))
        else:
            sandbox = Sandbox(json.loads(options.ready.read_text()), options.process)
        _print(asyncio.run(_measure(sandbox, options)))


if __name__ == "__main__":
    main()
