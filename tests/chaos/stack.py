"""
Everything that runs in production, and the stand-in OVHcloud: each a process group of its own that can be killed,
paused and started again at the same address with the same data.

Children are started from the main thread: they die with the thread that made them.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

import requests
from cryptography.fernet import Fernet

from embedded import Postgres, Valkey
from embedded.process import become_subreaper
from panel.demo import commands
from panel.demo.children import Child, Leash
from panel.demo.data import CHECKOUT, Secrets
from panel.demo.ports import free_port
from tests.chaos.postbox import Postbox
from tests.chaos.proxy import SlowProxy
from tests.sandboxes import Sandbox

# What may be killed. `people` and `clock` are the two kinds of workers.
PROGRAMS = ("people", "clock", "beat", "web", "sandbox")
TARGETS = (*PROGRAMS, "valkey", "postgres")
_READY_WITHIN_S = 90


class Stack:
    """careless: the worker of people carries intents without claiming them, as the negative control."""

    def __init__(self, directory: Path, *, careless: bool = False) -> None:
        self.directory = directory
        self.logs = directory / "logs"
        self.logs.mkdir()
        self._careless = careless
        become_subreaper()
        self._leash = Leash()
        self.postgres = Postgres(directory / "postgres")
        # OVHcloud's own data are out of reach of our kills: it is what we are compared with.
        self.ovh_postgres = Postgres(directory / "ovh", fsync=False)
        self.valkey = Valkey(directory / "valkey")
        self._children: dict[str, Child] = {}
        self._paused: dict[str, list[int]] = {}
        self._down: set[str] = set()
        self._closing = contextlib.ExitStack()

    def start(self) -> None:
        """Start everything and wait until it answers. Costs some ten seconds."""
        for server, name in ((self.postgres, "panel"), (self.ovh_postgres, "sandbox")):
            self._closing.callback(server.stop)
            server.start()
            server.create_database(name)
        self._closing.callback(self.valkey.stop)
        self.valkey.start()
        self._keep_valkeys_socket()
        self._addresses()
        ready_file = self.directory / "sandbox.json"
        self._add("sandbox", *_with_scenario(commands.sandbox(self.addresses, ready_file)))
        self._migrate()
        _until(ready_file.exists, "the sandbox is ready")
        self.sandbox = Sandbox.from_ready_file(ready_file)
        environment = self._panel_environment()
        self._add("web", *commands.web(self.addresses, environment))
        for kind in ("people", "clock"):
            arguments, values = commands.worker(environment, kind)
            if self._careless and kind == "people":
                arguments = ["-m", "tests.chaos.careless"]
            self._add(kind, arguments, values)
        self._add("beat", *commands.beat(environment))
        _until(lambda: self.answers("/health/ready"), "the panel is ready")

    def close(self) -> None:
        for name in list(self._paused):
            self.resume(name)
        for child in self._children.values():
            child.ask_to_stop()
        until = time.monotonic() + 3
        for child in reversed(self._children.values()):
            child.end(until - time.monotonic())
        self._closing.close()
        self._leash.close()

    # --- Harm ---

    def is_up(self, name: str) -> bool:
        if name == "postgres":
            return self.postgres.is_running()
        if name == "valkey":
            return self.valkey.is_running()
        return name not in self._down and self._children[name].exit_code() is None

    def died(self) -> list[str]:
        """Whoever ended without being killed, started again as any service manager would."""
        found = [name for name in self._children if name not in self._down and not self.is_up(name)]
        for name in found:
            self.start_again(name)
        return found

    def kill(self, name: str, chance: random.Random) -> str:
        """SIGKILL the whole of it; of a worker, sometimes one of its processes only. Returns what was killed."""
        self.resume(name)
        if name in ("people", "clock") and (children := _group(self._pid(name))[1:]) and chance.random() < 0.3:
            _signal(chance.choice(children), signal.SIGKILL)
            return f"one process of {name}"
        for process in _family(self._pid(name)):
            _signal(process, signal.SIGKILL)
        if name in PROGRAMS:
            self._children[name].end(0)
            self._down.add(name)
        else:
            _until(lambda: not self.is_up(name), f"{name} is dead")
        return name

    def start_again(self, name: str) -> None:
        """Start what was killed; what runs is left alone."""
        if name == "postgres":
            self.postgres.start()
        elif name == "valkey":
            self.valkey.start()
        elif not self.is_up(name):
            self._children[name].end(0)
            self._children[name].start()
            self._down.discard(name)

    def pause(self, name: str) -> bool:
        """
        SIGSTOP all of it: it accepts connections and answers nothing, and its clock has jumped when it goes on.

        False: it is down, or stands still already.
        """
        if name in self._paused or not self.is_up(name):
            return False
        self._paused[name] = _family(self._pid(name))
        for process in self._paused[name]:
            _signal(process, signal.SIGSTOP)
        return True

    def resume(self, name: str) -> None:
        for process in self._paused.pop(name, []):
            _signal(process, signal.SIGCONT)

    def all_well(self) -> None:
        """Take all harm away and start whatever is down."""
        for name in list(self._paused):
            self.resume(name)
        self.proxy.delay_s = 0
        for name in TARGETS:
            self.start_again(name)
        _until(lambda: self.answers("/health/ready"), "the panel answers again")
        _until(self._ovh_answers, "the sandbox answers again")

    # --- Looking ---

    @property
    def broker(self) -> str:
        """Where tasks are published, past the slow proxy."""
        return f"redis+socket://{self._valkey_socket}?virtual_host=0"

    def answers(self, path: str) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(self.addresses.panel + path, timeout=5).ok
        return False

    def _ovh_answers(self) -> bool:
        with contextlib.suppress(requests.RequestException, AssertionError):
            self.sandbox.control("GET", "clock")
            return True
        return False

    def log_files(self) -> Iterator[Path]:
        """Every log of every process of the panel's side, and of the sandbox."""
        yield from self.logs.glob("*.log")
        yield from (self.postgres.log, self.valkey.log)

    # --- Parts ---

    def _addresses(self) -> None:
        ports: list[int] = []
        for _ in range(3):
            ports.append(free_port(*ports))
        self.proxy = SlowProxy(self._valkey_socket)
        self._closing.callback(self.proxy.close)
        self._mail_port = ports[2]
        self.postbox = Postbox(self._mail_port)
        self._closing.callback(self.postbox.close)
        self.addresses = commands.Addresses(
            ports[0],
            ports[1],
            0,
            panel_database=self.postgres.url("panel"),
            sandbox_database=self.ovh_postgres.url("sandbox"),
            valkey=f"redis://127.0.0.1:{self.proxy.port}/0",
            static_root="",
        )
        made = {field.name: token_urlsafe(36) for field in fields(Secrets)}
        self.secrets = Secrets(**made | {"credential_keys": Fernet.generate_key().decode()})

    def _keep_valkeys_socket(self) -> None:
        path = self.valkey.url.removeprefix("unix://").partition("?")[0]
        self._valkey_socket = Path(path)

    def _panel_environment(self) -> dict[str, str]:
        world = {
            "api": {
                "application_key": self.sandbox.application_key,
                "application_secret": self.sandbox.application_secret,
            },
            "smtp": f"127.0.0.1:{self._mail_port}",
        }
        # Each 429 halves a key's budget for ten minutes and more, and everything is to be checked within one: so the
        # operator's figures are large enough to be halved five times. What budgets do is shown in test_budget.py.
        budget = {"OVH_CALLS_AT_ONCE": "600", "OVH_CALLS_A_MINUTE": "20000", "OVH_CALLS_A_MINUTE_AT_MOST": "20000"}
        return _without_static(commands.panel_environment(self.addresses, self.secrets, world)) | budget

    def _migrate(self) -> None:
        _, environment = commands.prepare(self.addresses, self.secrets)
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            cwd=CHECKOUT,
            env=_without_static(environment),
            check=True,
            timeout=120,
        )

    def _add(self, name: str, arguments: list[str], environment: dict[str, str]) -> None:
        self._children[name] = Child(name, arguments, environment, self.logs, self._leash)
        self._children[name].start()

    def _pid(self, name: str) -> int:
        if name in ("postgres", "valkey"):
            return (self.postgres if name == "postgres" else self.valkey).pid or 0
        process: Any = self._children[name]._process
        return int(process.pid)


def _with_scenario(command: commands.Command) -> commands.Command:
    arguments, environment = command
    return [*arguments, "--scenario", "empty"], environment


def _without_static(environment: dict[str, str]) -> dict[str, str]:
    """Nothing is collected: WhiteNoise finds the files where they lie."""
    return {name: value for name, value in environment.items() if name != "STATIC_ROOT"}


def _group(leader: int) -> list[int]:
    """The processes of a group, its leader first."""
    found = [process for process, _, group in _processes() if group == leader]
    return sorted(found, key=lambda process: (process != leader, process))


def _family(parent: int) -> list[int]:
    """A process and all that came of it: PostgreSQL's backends leave its group, but not its family."""
    children: dict[int, list[int]] = {}
    for process, mother, _ in _processes():
        children.setdefault(mother, []).append(process)
    found, waiting = [], [parent]
    while waiting:
        found.append(waiting[0])
        waiting.extend(children.get(waiting.pop(0), []))
    return found if parent else []


def _processes() -> Iterator[tuple[int, int, int]]:
    """Number, parent and group of every process there is."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            yield int(path.name), int(fields[1]), int(fields[2])


def _signal(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def _until(condition: Any, what: str) -> None:
    end = time.monotonic() + _READY_WITHIN_S
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"not within {_READY_WITHIN_S} s: {what}")
        time.sleep(0.1)
