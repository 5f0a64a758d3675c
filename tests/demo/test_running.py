"""What a running demo promises to people and to tools."""

import http.cookiejar
import json
import os
import re
import signal
import stat
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pyotp
import pytest

from .conftest import Demo, alive, descendants

pytestmark = pytest.mark.processes


def read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def test_the_ready_file_is_what_tools_rely_on(demo):
    told = demo.wait_until_ready()
    assert set(told) == {"panel", "sandbox", "api", "customers", "staff", "mail"}
    assert set(told["api"]) == {"base", "application_key", "application_secret"}
    first, second = told["customers"][:2]
    assert set(first) == {"nichandle", "password", "totp_secret", "consumer_key", "language", "about"}
    assert first["language"] == "fr_FR"
    assert first["totp_secret"] is second["totp_secret"] is None
    assert set(told["staff"][0]) == {"email", "password", "totp_secret", "role"}
    assert stat.S_IMODE(demo.ready_path.stat().st_mode) == 0o600


def test_both_sites_answer(demo):
    told = demo.wait_until_ready()
    assert "OVHcloud" in read(told["panel"])
    assert json.loads(read(f"{told['panel']}/health/ready"))["ready"] is True
    assert int(read(f"{told['api']['base']}/auth/time")) == pytest.approx(time.time(), abs=30)
    assert isinstance(json.loads(read(f"{told['mail']}?format=json")), list)


def test_staff_sign_in_as_told(demo):
    told = demo.wait_until_ready()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    page = opener.open(f"{told['panel']}/staff/sign-in/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[1]
    staff = told["staff"][0]
    form = {"login": staff["email"], "password": staff["password"], "csrfmiddlewaretoken": token}
    request = urllib.request.Request(
        f"{told['panel']}/staff/sign-in/",
        urllib.parse.urlencode(form).encode(),
        {"Origin": told["panel"], "Referer": f"{told['panel']}/staff/sign-in/"},
    )
    assert opener.open(request).url.endswith("/staff/sign-in/code/")
    answer = opener.open(f"{told['panel']}/staff/sign-in/code/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', answer)[1]
    form = {"code": pyotp.TOTP(staff["totp_secret"]).now(), "csrfmiddlewaretoken": token}
    request = urllib.request.Request(
        f"{told['panel']}/staff/sign-in/code/",
        urllib.parse.urlencode(form).encode(),
        {"Origin": told["panel"], "Referer": f"{told['panel']}/staff/sign-in/code/"},
    )
    opener.open(request).read()
    assert opener.open(f"{told['panel']}/support/").status == 200


def test_what_it_made_up_for_itself_is_its_owners_alone(demo):
    secrets = demo.directory / "secrets.json"
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
    logs = "".join(log.read_text(errors="replace") for log in (demo.directory / "logs").iterdir())
    for secret in json.loads(secrets.read_text()).values():
        assert secret not in logs


def test_a_second_demo_on_the_same_data_is_told_so(demo):
    second = Demo(demo.directory)
    second.ready_path = demo.directory.parent / "second ready.json"
    second.start()
    assert "already runs" in second.refusal()
    assert demo.ready_path.exists()


@pytest.mark.parametrize(("variable", "site"), [("PORT", "panel"), ("SANDBOX_PORT", "sandbox")])
def test_a_port_in_use_is_told_with_what_to_do(demo, variable, site):
    port = demo.wait_until_ready()[site].rpartition(":")[2]
    other = Demo(demo.directory.parent / "other", **{variable: port})
    other.start()
    assert other.refusal() == (
        f"Port {port} is in use: stop what uses it, or choose another with {variable}= (0 takes a free one)."
    )


@pytest.mark.parametrize(
    "name", ["granian", "panel.demo.worker", "beat", "-m sandbox", "bin/postgres", "valkey-server"]
)
def test_what_dies_is_started_again(demo, name):
    told = demo.wait_until_ready()
    victim, began = find(demo, name)
    os.kill(victim, signal.SIGKILL)
    until = time.monotonic() + 20
    while alive({victim: began}) or find(demo, name) is None or not works(told):
        assert time.monotonic() < until, f"{name} did not come back"
        time.sleep(0.1)


def find(demo: Demo, name: str) -> tuple[int, str] | None:
    """Return the supervisor's child of that name: its number and when it began."""
    below = descendants(demo.process.pid)
    for process, began in below.items():
        try:
            line = Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            parent = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if name in line and int(parent) == demo.process.pid:
            return process, began
    return None


def works(told: dict) -> bool:
    try:
        return json.loads(read(f"{told['panel']}/health/ready"))["ready"] and bool(read(told["mail"]))
    except (OSError, ValueError):
        return False
