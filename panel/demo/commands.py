"""What each process of the demo is called with."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data import Secrets

STAFF_EMAIL = "support@example.net"
STAFF_ROLE = "support"
STAFF_PASSWORD_IN = "DEMO_STAFF_PASSWORD"  # noqa: S105 - a variable's name
STAFF_TOTP_IN = "DEMO_STAFF_TOTP"

# What a child sees of the environment we were started in; proxies and keys of a real application stay out.
_PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "LD_LIBRARY_PATH")

Command = tuple[list[str], dict[str, str]]


@dataclass(frozen=True)
class Addresses:
    """Where everything is. The URLs are the database server's and Valkey's."""

    panel_port: int
    sandbox_port: int
    mail_port: int
    panel_database: str
    sandbox_database: str
    valkey: str
    static_root: str

    @property
    def panel(self) -> str:
        return f"http://localhost:{self.panel_port}"

    @property
    def sandbox(self) -> str:
        return f"http://localhost:{self.sandbox_port}"


def sandbox(addresses: Addresses, ready_file: Path) -> Command:
    # Its ports are chosen here, so that they stay the same when it is started again.
    ports = {"--port": addresses.sandbox_port, "--smtp-port": addresses.mail_port, "--tls-port": 0}
    arguments = ["-m", "sandbox", *(part for name, port in ports.items() for part in (name, str(port)))]
    environment = _inherited() | {"SANDBOX_DATABASE_URL": addresses.sandbox_database}
    return [*arguments, "--ready-file", str(ready_file)], environment


def prepare(addresses: Addresses, secrets: Secrets) -> Command:
    environment = _panel(addresses, secrets) | {
        "PANEL_PROCESS": "command",
        STAFF_PASSWORD_IN: secrets.staff_password,
        STAFF_TOTP_IN: secrets.staff_totp_secret,
    }
    return ["-m", "panel.demo.prepare"], environment


def panel_environment(addresses: Addresses, secrets: Secrets, world: Mapping[str, Any]) -> dict[str, str]:
    """Return the panel's settings. world: what the sandbox wrote into its ready file."""
    return _panel(addresses, secrets) | {
        "OVH_APPLICATION_KEY": world["api"]["application_key"],
        "OVH_APPLICATION_SECRET": world["api"]["application_secret"],
        "EMAIL_URL": f"smtp://{world['smtp']}",
    }


def web(addresses: Addresses, environment: Mapping[str, str]) -> Command:
    arguments = ["-m", "granian", "--interface", "wsgi", "--no-ws", "--log-level", "warning"]
    arguments += ["--host", "127.0.0.1", "--port", str(addresses.panel_port)]
    # As many threads as the settings' pool has connections, and room for the pages that poll.
    arguments += ["--workers", "1", "--blocking-threads", "8", "--backpressure", "64"]
    arguments += ["--respawn-failed-workers", "panel.wsgi:application"]
    return arguments, {**environment, "PANEL_PROCESS": "web"}


def worker(environment: Mapping[str, str], kind: str) -> Command:
    """kind: `people` or `clock`, which queues it serves."""
    arguments = ["-m", "panel.demo.worker", kind]
    return arguments, {**environment, "PANEL_PROCESS": "worker"}


def beat(environment: Mapping[str, str]) -> Command:
    arguments = ["-m", "celery", "-A", "panel.celery", "beat", "--loglevel", "warning", "--pidfile="]
    return arguments, {**environment, "PANEL_PROCESS": "command"}


def _panel(addresses: Addresses, secrets: Secrets) -> dict[str, str]:
    return _inherited() | {
        "PANEL_ENV": "demo",
        "SECRET_KEY": secrets.secret_key,
        "CREDENTIAL_KEYS": secrets.credential_keys,
        "BASE_URL": addresses.panel,
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "DATABASE_URL": addresses.panel_database,
        "REDIS_URL": addresses.valkey,
        "STATIC_ROOT": addresses.static_root,
        "OVH_ENDPOINT": "ovh-eu",
        "OVH_BASE_URL": f"{addresses.sandbox}/1.0",
        # The sandbox is ours and limits nothing: no page of a first look should wait for a budget.
        "OVH_CALLS_AT_ONCE": "600",
        "OVH_CALLS_A_MINUTE": "600",
        "OVH_CALLS_A_MINUTE_AT_MOST": "1200",
        "DEFAULT_FROM_EMAIL": "orders@example.net",
    }


def _inherited() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return kept | {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
