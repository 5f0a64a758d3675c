"""`python -m sandbox` as anybody starts it: on its own services, stopped within seconds, leaving nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.sandboxes import Sandbox, SandboxProcess

from .client import Signing

pytestmark = pytest.mark.processes


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    """A sandbox that brings its own PostgreSQL."""
    monkeypatch.delenv("SANDBOX_DATABASE_URL")
    process = SandboxProcess(tmp_path, "--tls-port", "0", "--scenario", "empty")
    yield process
    process.kill()


def test_alone_it_brings_its_services_and_takes_them_away(alone: SandboxProcess) -> None:
    running = alone.start()
    assert running.tls is not None
    assert running.ca_file is not None
    assert Signing(running, running.customers[0]).get("/me/order") == []
    children = psutil.Process(alone.pid).children(recursive=True)
    assert children
    begun = time.monotonic()
    assert alone.stop() == 0
    assert time.monotonic() - begun < 3
    assert not alone.ready_file.exists()
    assert not Path(running.ca_file).parent.exists()
    _, alive = psutil.wait_procs(children, timeout=1)
    assert alive == []


def test_killed_it_takes_its_services_along(alone: SandboxProcess) -> None:
    alone.start()
    children = psutil.Process(alone.pid).children(recursive=True)
    psutil.Process(alone.pid).send_signal(signal.SIGKILL)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []


def _without(process: SandboxProcess) -> dict[str, int]:
    running = process.start()
    session = Signing(running, running.customers[0]).session
    found = {
        path: session.request(method, f"{running.base}/_control/{path}", json={}, timeout=5).status_code
        for method, path in (("GET", "requests"), ("POST", "reset"), ("POST", "faults"), ("GET", "settings"))
    }
    assert session.get(f"{running.api_base}/auth/time", timeout=5).status_code == 200
    session.close()
    return found


@pytest.mark.usefixtures("database")
def test_control_can_be_left_out(tmp_path: Path) -> None:
    process = SandboxProcess(tmp_path, "--scenario", "empty", "--no-control")
    try:
        assert _without(process) == dict.fromkeys(("requests", "reset", "faults", "settings"), 404)
    finally:
        process.kill()


_FROM_ELSEWHERE = """
import django
django.setup()
from django.test import Client
there = {"127.0.0.1": 200, "::1": 200}
for address in ("192.0.2.1", "2001:db8::1", "10.0.0.1", "", *there):
    wanted = there.get(address, 403)
    client = Client(REMOTE_ADDR=address)
    assert client.get("/_control/requests", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == wanted, address
    assert client.delete("/_control/faults").status_code == wanted, address
"""


@pytest.mark.parametrize("control", ["1", ""])
def test_control_is_refused_from_anywhere_else_and_absent_unless_switched_on(control: str) -> None:
    """The server itself listens on this machine only; what is asked here is the second guard."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "sandbox.settings", "SANDBOX_CONTROL": control}
    run = subprocess.run(
        [sys.executable, "-c", _FROM_ELSEWHERE], env=environment, capture_output=True, text=True, check=False
    )
    if control:
        assert run.returncode == 0, run.stderr
    else:
        assert "AssertionError: 192.0.2.1" in run.stderr


@pytest.fixture
def database(sandbox_process: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database that no other sandbox uses."""
    address = os.environ["SANDBOX_DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sandbox_again")
    monkeypatch.setenv("SANDBOX_DATABASE_URL", address.replace("/sandbox?", "/sandbox_again?"))
    yield
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP DATABASE sandbox_again WITH (FORCE)")


@pytest.mark.usefixtures("database")
def test_killed_and_started_again_it_tells_the_same_world(tmp_path: Path) -> None:
    process = SandboxProcess(tmp_path, "--scenario", "demo")
    try:
        running = process.start()
        order_id = running.make_order(status="delivered")
        anna = Signing(running, running.customers[0])
        assert anna.call("POST", f"/me/order/{order_id}/retraction", {"reason": "other"}).status_code == 200
        running.clock(600)
        process.kill()
        running = process.start()
        assert "retraction_accepted" in running.events(order_id)
        assert running.control("GET", "clock")["forward_s"] == 600
        running.wait_until(lambda: "cancelling" in running.events(order_id))
        assert process.stop() == 0
    finally:
        process.kill()


def test_what_stops_make_stops_the_sandbox() -> None:
    # A shell in between would die of the signal alone, and leave the sandbox running.
    checkout = Path(__file__).resolve().parents[2]
    told = subprocess.run(["make", "-n", "sandbox"], cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1].startswith("exec ")
