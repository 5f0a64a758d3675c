"""`python -m sandbox`: bring a database, load a scenario, serve, and leave nothing behind."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from embedded import Postgres

    from .generate import Plan

log = logging.getLogger("sandbox")
_HOST = "localhost"
_PREFIX = "ovhcloud-sandbox-"
# Accounts in the ready file; /_control/accounts has all of a generated world's.
_NAMED = 100


def main() -> int:
    options = _options()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until the event loop takes over: unwind, so that what was started is stopped.
        signal.signal(number, lambda number, frame: sys.exit(0))
    if options.ready_file is not None:
        options.ready_file.unlink(missing_ok=True)
    with contextlib.ExitStack() as stack:
        _remove_what_killed_runs_left()
        directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
        directory.chmod(0o711)  # an embedded PostgreSQL may have to run as nobody
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        if not os.environ.get("SANDBOX_DATABASE_URL"):
            postgres = _embedded_postgres(directory)
            stack.callback(postgres.stop)
            os.environ["SANDBOX_DATABASE_URL"] = postgres.url("sandbox")
        os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"
        os.environ["SANDBOX_CONTROL"] = "" if options.no_control else "1"
        django.setup()
        _raise_limit_of_open_files()
        _prepare(options)
        asyncio.run(_serve(options, directory))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="HTTP on localhost; 0: a free one")
    parser.add_argument("--tls-port", type=int, help="HTTPS as well; 0: a free one; not given: none")
    parser.add_argument("--smtp-port", type=int, default=0, help="where mail is caught; 0: a free one")
    parser.add_argument("--ready-file", type=Path, help="JSON written once everything answers")
    parser.add_argument("--scenario", help="the world to begin with (default: the one there, else demo)")
    parser.add_argument("--seed", type=int, help="of what is left to chance (default 1)")
    parser.add_argument("--generate", type=int, metavar="ORDERS", help="begin with so many generated orders instead")
    parser.add_argument("--accounts", type=int, help="of the generated world (default: one for 20 orders)")
    parser.add_argument("--mix", help="its kinds of orders, such as delivering=2,notPaid=8,withdrawable=90")
    parser.add_argument("--largest", type=int, help="orders of its first account (default: as many as others)")
    parser.add_argument("--spread", type=float, help="seconds of life in which its orders under way take a step")
    parser.add_argument("--no-control", action="store_true", help="leave /_control/ out: nothing moves this world")
    parser.add_argument("--expanded-lists", action="store_true", help="answer X-Pagination-Mode with objects")
    parser.add_argument("--batch", action="store_true", help="answer X-Ovh-Batch")
    return parser.parse_args()


def _remove_what_killed_runs_left() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        process = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and Path("/proc/self").exists() and not Path(f"/proc/{process}").exists():
            shutil.rmtree(directory, ignore_errors=True)


def _embedded_postgres(directory: Path) -> "Postgres":
    from embedded import EmbeddedError, Postgres

    postgres = Postgres(directory / "postgres", fsync=False)
    try:
        postgres.start()
        postgres.create_database("sandbox")
    except EmbeddedError as error:
        raise SystemExit(f"sandbox: {error}") from None
    return postgres


def _prepare(options: argparse.Namespace) -> None:
    """Create the tables, and load the scenario unless the database holds it from before."""
    from django.core.management import call_command

    from . import generate, scenarios, world

    if options.scenario is not None and options.scenario not in scenarios.NAMES:
        raise SystemExit(f"sandbox: no scenario {options.scenario!r}; there are {', '.join(scenarios.NAMES)}.")
    call_command("migrate", verbosity=0, interactive=False)
    world.start_with(
        {name: True for name in ("expanded_lists", "batch") if getattr(options, name)},
    )
    there = world.resume()
    seed = scenarios.SEED if options.seed is None else options.seed
    if options.generate is not None:
        generate.load(_plan(options), seed, _show_progress)
        return
    same = there is not None and options.scenario in (None, there.scenario)
    if not same or (options.seed is not None and there is not None and options.seed != there.seed):
        scenarios.load(options.scenario or "demo", seed)


def _plan(options: argparse.Namespace) -> "Plan":
    from . import generate

    given = {"largest": options.largest, "spread_s": options.spread}
    try:
        if options.mix is not None:
            given["mix"] = generate.mix_of(options.mix)
        accounts = options.accounts or min(max(1, options.generate // 20), generate.MOST_ACCOUNTS)
        wanted = {name: value for name, value in given.items() if value is not None}
        return generate.Plan(options.generate, accounts, **wanted)
    except generate.Unfit as unfit:
        raise SystemExit(f"sandbox: {unfit}.") from None


def _show_progress(done: int, of: int) -> None:
    """Draw a bar on a terminal; elsewhere write a line now and then."""
    share = done / max(of, 1)
    if sys.stderr.isatty():
        bar = "#" * int(40 * share)
        sys.stderr.write(f"\rsandbox: [{bar:<40}] {done:,} of {of:,} orders" + ("\n" if done == of else ""))
        sys.stderr.flush()
    elif done == of or int(share * 10) > int((share - 10_000 / max(of, 1)) * 10):
        log.info("sandbox: %s of %s orders", f"{done:,}", f"{of:,}")


async def _serve(options: argparse.Namespace, directory: Path) -> None:
    from aiosmtpd.smtp import SMTP

    from .front.certificates import make_certificates
    from .front.server import Server
    from .life import Engine
    from .mailbox import MAILBOX

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    sockets = _listen(options.port)
    server, engine = Server(), Engine()
    await server.listen(sockets)
    ready: dict[str, Any] = {"sandbox": _address("http", sockets), "tls": None, "ca_file": None}
    if options.tls_port is not None:
        context, ca_file = make_certificates(directory)
        tls_sockets = _listen(options.tls_port)
        await server.listen(tls_sockets, context)
        ready |= {"tls": _address("https", tls_sockets), "ca_file": str(ca_file)}
    smtp_sockets = _listen(options.smtp_port)
    smtp = [
        await loop.create_server(lambda: SMTP(MAILBOX, enable_SMTPUTF8=True, hostname=_HOST), sock=one)
        for one in smtp_sockets
    ]
    ready["smtp"] = _address("", smtp_sockets)
    engine.start()
    try:
        await loop.run_in_executor(None, _write_ready_file, options.ready_file, ready)
        log.info("sandbox: %s", ready["sandbox"])
        await stopping.wait()
    finally:
        if options.ready_file is not None:
            options.ready_file.unlink(missing_ok=True)
        for one in smtp:
            one.close()
        await server.close()
        engine.stop()


def _listen(port: int) -> list[socket.socket]:
    """Return sockets for localhost in both families: browsers try ::1 first. Where there is no ::1, one."""
    try:
        first = _bound(socket.AF_INET, "127.0.0.1", port)
    except OSError as error:
        raise SystemExit(f"sandbox: port {port} cannot be used ({error.strerror}); choose another.") from None
    with contextlib.suppress(OSError):
        return [first, _bound(socket.AF_INET6, "::1", first.getsockname()[1])]
    return [first]


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def _address(scheme: str, sockets: list[socket.socket]) -> str:
    return f"{scheme}{'://' if scheme else ''}{_HOST}:{sockets[0].getsockname()[1]}"


def _write_ready_file(path: Path | None, ready: dict[str, Any]) -> None:
    from .models import Customer
    from .scenarios import APPLICATION, tools_key

    ready["api"] = {
        "base": f"{ready['sandbox']}/1.0",
        "application_key": APPLICATION["key"],
        "application_secret": APPLICATION["secret"],
    }
    ready["mail"] = f"{ready['sandbox']}/mail/"
    ready["customers"] = [
        {
            "nichandle": customer.nichandle,
            "password": customer.password,
            "totp_secret": customer.totp_secret,
            "consumer_key": tools_key(customer.nichandle),
            "language": customer.profile["language"],
            "about": customer.about,
        }
        for customer in Customer.objects.order_by("position")[:_NAMED]
    ]
    if path is not None:
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.write_text(json.dumps(ready, indent=1, ensure_ascii=False))
        new.rename(path)


def _raise_limit_of_open_files() -> None:
    """Hanging and idle connections are many, and the usual limit is 1024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    sys.exit(main())
