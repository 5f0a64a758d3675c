"""
pytest plugin: the sandbox as a process beside the tests, and a client that moves its world.

    def test_paid_order_is_delivered(sandbox):
        order_id = sandbox.make_order(status="delivering")
        sandbox.pace(60)

One process serves a whole run, on the database that tests.services brings. Every test begins with the scenario
`demo` as told at first, with nothing armed and no mail.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import requests as http

_ROOT = Path(__file__).resolve().parent.parent
_READY_WITHIN_S = 60
_TIMEOUT_S = 15


class Customer(TypedDict):
    """One of the ready file's customers. consumer_key is validated, with all rights."""

    nichandle: str
    password: str
    totp_secret: str | None
    consumer_key: str
    language: str
    about: str


@dataclass
class Sandbox:
    """
    The running sandbox, and how to move its world.

    base: http address without a slash at the end; api_base: what a client is aimed at, ending in /1.0.
    """

    base: str
    api_base: str
    application_key: str
    application_secret: str
    customers: list[Customer]
    tls: str | None = None
    ca_file: str | None = None
    smtp: str = ""
    _session: http.Session = field(default_factory=http.Session, repr=False)

    @classmethod
    def from_ready_file(cls, path: Path) -> "Sandbox":
        ready = json.loads(path.read_text())
        made = cls(
            base=ready["sandbox"],
            api_base=ready["api"]["base"],
            application_key=ready["api"]["application_key"],
            application_secret=ready["api"]["application_secret"],
            customers=ready["customers"],
            tls=ready["tls"],
            ca_file=ready["ca_file"],
            smtp=ready["smtp"],
        )
        made._session.trust_env = False
        return made

    @property
    def anna(self) -> Customer:
        """The private individual in France, with orders of every status."""
        return self.customers[0]

    @property
    def company(self) -> Customer:
        """The company in Great Britain, with orders of its own."""
        return self.customers[1]

    def customer(self, about: str) -> Customer:
        """Return the first customer whose description holds a word, such as `odd` or `second factor`."""
        return next(customer for customer in self.customers if about in customer["about"])

    # --- The world ---

    def control(self, method: str, path: str, sent: Any = None, **query: Any) -> Any:
        """Make a call of /_control/ and return its answer; fail on a refusal."""
        answer = self._session.request(
            method, f"{self.base}/_control/{path}", json=sent, params=query, timeout=_TIMEOUT_S
        )
        assert answer.ok, f"{method} /_control/{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def reset(self, scenario: str = "demo", seed: int | None = None) -> None:
        """Go back to a scenario. Clock, pace and switches go back too, and nothing is armed."""
        self.control("POST", "reset", {"scenario": scenario} | ({} if seed is None else {"seed": seed}))

    def make_order(self, customer: Customer | None = None, **wanted: Any) -> int:
        """Make an order, of the first customer unless told otherwise. wanted: as demo.md names its fields."""
        owner = customer or self.customers[0]
        made = self.control("POST", "orders", {"nichandle": owner["nichandle"]} | wanted)
        order_id: int = made["orderId"]
        return order_id

    def change_order(self, order_id: int, **wanted: Any) -> None:
        """Change status, pay, expirationDate, retractionDate or follow_up."""
        self.control("POST", f"orders/{order_id}", wanted)

    def arm(self, kind: str, method: str = "*", path: str = "*", **more: Any) -> int:
        """Arm a fault. more: status, ms, count, seconds, probability, retry_after."""
        armed = self.control("POST", "faults", {"kind": kind, "match": {"method": method, "path": path}} | more)
        fault_id: int = armed["id"]
        return fault_id

    def disarm(self) -> None:
        self.control("DELETE", "faults")

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the calls that the API got, oldest first, from after number `since`."""
        found: list[dict[str, Any]] = self.control("GET", "requests", since=since)
        return found

    def last_request(self) -> int:
        """Return the number of the latest call, for requests(since=...)."""
        return max((entry["n"] for entry in self.requests()), default=0)

    def ledger(self, order_id: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.control("GET", "ledger", order=order_id)
        return found

    def events(self, order_id: int) -> list[str]:
        """Return what happened to an order, oldest first."""
        return [entry["event"] for entry in self.ledger(order_id)]

    def pace(self, speed: float) -> None:
        self.control("POST", "pace", {"speed": speed})

    def clock(self, forward_s: float) -> None:
        """Shift OVHcloud's clock from where it stands; 0 puts it back."""
        self.control("POST", "clock", {"forward_s": forward_s})

    def settings(self, **switches: Any) -> None:
        """Turn the switches that docs/sandbox.md lists: expanded_lists, batch, error_shape, rate_limit, latency, …"""
        self.control("POST", "settings", switches)

    def mail(self) -> list[dict[str, Any]]:
        """Return the mails caught, oldest first."""
        found: list[dict[str, Any]] = self._session.get(
            f"{self.base}/mail/", params={"format": "json"}, timeout=_TIMEOUT_S
        ).json()
        return found

    def attachment(self, mail: dict[str, Any], position: int = 0) -> bytes:
        url = mail["attachments"][position]["url"]
        return self._session.get(f"{self.base}/mail/{url}", timeout=_TIMEOUT_S).content

    def refuse_mail(self, refuse: bool | str = True) -> None:
        self.control("POST", "mail", {"refuse": refuse})

    def wait_until(self, told: Callable[[], Any], within_s: float = 10) -> Any:
        """Return what `told` says once it is true. Fails when it does not come true in time."""
        until = time.monotonic() + within_s
        while not (found := told()):
            assert time.monotonic() < until, "it did not happen in time"
            time.sleep(0.05)
        return found

    # --- As a customer in a browser ---

    def validate(self, validation_url: str, customer: Customer | None = None, *, refuse: bool = False) -> str:
        """
        Walk OVHcloud's validation page and return the address it leads back to ("" where there is none).

        The address is not visited: it is the panel's.
        """
        who = customer or self.customers[0]
        page = self._session.get(validation_url, timeout=_TIMEOUT_S)
        assert page.ok, page.text
        fields = forms(page.text)[1 if refuse else 0]
        if not refuse:
            fields |= {"nichandle": who["nichandle"], "password": who["password"]}
        page = self._post(validation_url, fields)
        if page.status_code == 200 and not refuse and (found := forms(page.text)) and "code" in found[0]:
            assert who["totp_secret"] is not None
            page = self._post(validation_url, found[0] | {"code": pyotp.TOTP(who["totp_secret"]).now()})
        assert page.status_code in (200, 302), page.text
        assert not forms(page.text), f"the page asks again: {page.text}"
        return page.headers.get("Location", "")

    def _post(self, validation_url: str, fields: dict[str, str]) -> http.Response:
        parts = urlsplit(validation_url)
        address = f"{parts.scheme}://{parts.netloc}/auth/"
        return self._session.post(address, fields, allow_redirects=False, timeout=_TIMEOUT_S)

    def credential_token(self, validation_url: str) -> str:
        return parse_qs(urlsplit(validation_url).query)["credentialToken"][0]


def forms(page: str) -> list[dict[str, str]]:
    """Return the named inputs of each form of a page with their values, in order."""
    found = []
    for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL):
        inputs = re.findall(r"<input\b[^>]*>", form)
        found.append({_attribute(one, "name"): _attribute(one, "value") for one in inputs})
    return found


def _attribute(tag: str, name: str) -> str:
    match = re.search(rf'\b{name}="([^"]*)"', tag)
    return unescape(match[1]) if match else ""


class SandboxProcess:
    """`python -m sandbox`, as anybody would start it; it can be stopped, killed and started again."""

    def __init__(self, directory: Path, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.ready_file = directory / "sandbox.json"
        self.log = directory / "sandbox.log"
        self._arguments = arguments
        self._environment = environment or {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Sandbox:
        self.ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox", "--ready-file", str(self.ready_file), *self._arguments]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=_ROOT,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + _READY_WITHIN_S
        while not self.ready_file.exists():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"the sandbox did not start: {self.log.read_text()}")
            time.sleep(0.02)
        return Sandbox.from_ready_file(self.ready_file)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """The run's sandbox, in whatever state the last test left it: for what must outlive a test."""
    arguments = ("--tls-port", "0", "--scenario", "demo")
    process = SandboxProcess(tmp_path_factory.mktemp("sandbox"), *arguments)
    running = process.start()
    yield running
    running._session.close()
    process.stop()


@pytest.fixture
def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox at the beginning of the scenario `demo`, with nothing armed and no mail."""
    sandbox_process.reset()
    sandbox_process.refuse_mail(False)
    sandbox_process.control("DELETE", "mail")
    return sandbox_process
