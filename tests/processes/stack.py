"""The panel as it really runs: granian, a Celery worker, beat and a Valkey of their own, each killable."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

import redis
import requests
from django.conf import settings
from django.db import connection

from embedded import Valkey
from embedded.process import start_child, stop_child
from panel.redis_url import cache_url
from tests.given import TOTP_SECRET

ROOT = Path(settings.BASE_DIR)


class Stack:
    """Real processes on the test's own database. Start what a test needs; all of it is ended with the test."""

    def __init__(self, directory: Path, sandbox: Any) -> None:
        self.directory = directory
        self.sandbox = sandbox
        self.valkey = Valkey(directory / "valkey")
        self.valkey.start()
        self.port = free_port()
        name = connection.settings_dict["NAME"]
        self.database_url = re.sub(r"/panel(?=\?|$)", f"/{name}", os.environ["DATABASE_URL"])
        self.base = f"http://localhost:{self.port}"
        self._children: dict[str, Popen[bytes]] = {}
        self._log: IO[bytes] = (directory / "processes.log").open("ab")

    def environment(self, process: str) -> dict[str, str]:
        return os.environ | {
            "PANEL_ENV": "demo",
            "PANEL_PROCESS": process,
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.valkey.url,
            "BASE_URL": self.base,
            "OVH_BASE_URL": self.sandbox.api_base,
            "OVH_APPLICATION_KEY": self.sandbox.application_key,
            "OVH_APPLICATION_SECRET": self.sandbox.application_secret,
            "EMAIL_URL": f"smtp://{self.sandbox.smtp}",
        }

    def start_web(self) -> None:
        self._start(
            "web",
            *("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--workers", "1", "--no-ws", "panel.wsgi:application"),
        )
        until(lambda: self._answers("/health/live"), 20, "the panel answers")

    def start_worker(self) -> None:
        queues = ",".join(settings.CELERY_QUEUES_IN_USE)
        self._start(
            "worker",
            *("-m", "celery", "-A", "panel.celery", "worker", "-c", "3", "-Q", queues),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "WARNING"),
        )

    def start_beat(self, name: str = "beat") -> None:
        schedule = self.directory / name
        self._start(name, "-m", "celery", "-A", "panel.celery", "beat", "-s", str(schedule), "-l", "WARNING")

    def add_staff(self, email: str, password: str, role: str = "support") -> None:
        """As an operator does it, on the command line; with an authenticator app whose secret is TOTP_SECRET."""
        subprocess.run(
            [
                *(sys.executable, "manage.py", "add_staff", email, "--role", role),
                *("--password-env", "STAFF_PASSWORD", "--totp-env", "STAFF_TOTP"),
            ],
            cwd=ROOT,
            env=self.environment("command") | {"STAFF_PASSWORD": password, "STAFF_TOTP": TOTP_SECRET},
            check=True,
            capture_output=True,
            timeout=60,
        )

    def kill(self, name: str) -> None:
        """SIGKILL a process and every child of it, as a power cut would."""
        child = self._children.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait(5)

    def rest(self) -> None:
        """Until wake(): nothing new begins, what is under way has ended, and no attempt is counted any more."""
        os.killpg(self._children["beat"].pid, signal.SIGSTOP)
        until(self._is_idle, 20, "what was under way has ended")
        with redis.from_url(cache_url(self.valkey.url)) as cache:
            cache.flushdb()

    def wake(self) -> None:
        os.killpg(self._children["beat"].pid, signal.SIGCONT)

    def _is_idle(self) -> bool:
        """No message waits or is being worked on, and nobody but us is in the middle of a transaction."""
        with redis.from_url(self.valkey.url) as broker:
            waiting = sum(broker.llen(queue) for queue in settings.CELERY_QUEUES_IN_USE) + broker.hlen("unacked")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"
            )
            return waiting == 0 and cursor.fetchone() == (0,)

    def pause_valkey(self) -> None:
        """SIGSTOP: it accepts connections and answers nothing."""
        os.kill(self.valkey.pid or 0, signal.SIGSTOP)

    def resume_valkey(self) -> None:
        os.kill(self.valkey.pid or 0, signal.SIGCONT)

    def stop_all(self) -> None:
        for child in reversed(list(self._children.values())):
            stop_child(child, signal.SIGTERM, patience=3)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
        self.valkey.stop()
        self._log.close()

    def _start(self, name: str, *arguments: str) -> None:
        process = "worker" if name == "worker" else "command" if name.startswith("beat") else "web"
        environment = self.environment(process)
        self._children[name] = start_child(
            [sys.executable, *arguments], log=self._log, environment=environment, directory=ROOT
        )

    def _answers(self, path: str) -> bool:
        try:
            return requests.get(self.base + path, timeout=2).ok
        except requests.RequestException:
            return False


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """Wait for something to become true and return it; fail in words when it does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")
