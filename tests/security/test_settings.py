"""A panel that is set up dangerously does not start, and says what mends it; set up well, nothing is left to say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from embedded import Valkey
from panel.redis_policy import refuse_eviction
from tests.security.headers import CSP

ROOT = Path(settings.BASE_DIR)
PRODUCTION = {
    "PANEL_ENV": "production",
    "SECRET_KEY": "of a test in production's clothes: long, and of more than fifty characters",
    "BASE_URL": "https://orders.example.net",
    "CREDENTIAL_KEYS": "dGhpcyBrZXkgcHJvdGVjdHMgbm90aGluZywgdGVzdHM=",
    "OVH_APPLICATION_KEY": "application-key",
    "OVH_APPLICATION_SECRET": "application-secret-of-a-test",
    "STATIC_ROOT": "",
}


def run(*command: str, **environment: str | None) -> "subprocess.CompletedProcess[str]":
    """A Python in production's environment; a variable that is None is not set."""
    inherited = {name: os.environ[name] for name in ("PATH", "DATABASE_URL", "REDIS_URL", "HOME") if name in os.environ}
    wanted = {name: value for name, value in (inherited | PRODUCTION | environment).items() if value is not None}
    arguments = [sys.executable, *command]
    return subprocess.run(arguments, cwd=ROOT, env=wanted, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.rows(4)
@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"DEBUG": "1"}, "DEBUG shows customers' data to strangers"),
        ({"SECRET_KEY": None}, "Set SECRET_KEY"),
        ({"BASE_URL": None}, "Set BASE_URL"),
        ({"BASE_URL": "http://orders.example.net"}, "must begin with https://"),
        ({"CREDENTIAL_KEYS": None}, "Set CREDENTIAL_KEYS"),
        ({"DATABASE_URL": None}, "Set DATABASE_URL"),
        ({"REDIS_URL": None}, "Set REDIS_URL"),
        ({"OVH_APPLICATION_KEY": None}, "Set OVH_APPLICATION_KEY"),
        ({"OVH_APPLICATION_SECRET": None}, "Set OVH_APPLICATION_SECRET"),
        ({"PANEL_ENV": "prod"}, "PANEL_ENV is production, demo or test"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_mistake_keeps_it_from_starting(mistake: dict[str, str | None], said: str):
    ended = run("-c", "import panel.settings", **mistake)
    assert ended.returncode != 0
    assert said in ended.stderr.splitlines()[-1]
    assert PRODUCTION["OVH_APPLICATION_SECRET"] not in ended.stderr


def test_djangos_own_checks_find_nothing_to_say():
    ended = run("manage.py", "check", "--deploy", "--fail-level", "WARNING", TRUSTED_PROXIES="1")
    assert (ended.returncode, ended.stdout.strip()) == (0, "System check identified no issues (1 silenced).")
    assert "WARNING" not in ended.stderr


@pytest.fixture
def evicting(tmp_path: Path) -> Any:
    valkey = Valkey(tmp_path / "valkey")
    valkey.start()
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    yield valkey
    valkey.stop()


WORKER = ("-m", "celery", "-A", "panel.celery", "worker", "--pool", "solo", "-l", "WARNING")
BEAT = ("-m", "celery", "-A", "panel.celery", "beat", "-l", "WARNING", "-s")


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_a_redis_that_may_evict_is_refused(evicting: Valkey, tmp_path: Path, process: str):
    with pytest.raises(ImproperlyConfigured, match="set `maxmemory-policy noeviction` there"):
        refuse_eviction(evicting.url)
    command = {"web": ("-c", "import panel.wsgi"), "worker": WORKER, "beat": (*BEAT, str(tmp_path / "beat"))}
    ended = run(*command[process], REDIS_URL=evicting.url)
    assert ended.returncode not in (0, None)
    assert "Redis may evict (allkeys-lru)" in ended.stderr


ASK = """
import json, django
django.setup()
from django.test import Client
told = {}
for name, path, extra in [
    ("plain", "/", {}),
    ("page", "/", {"secure": True}),
    ("pretended", "/", {"headers": {"X-Forwarded-Proto": "https"}}),
    ("elsewhere", "/", {"headers": {"Host": "evil.test"}}),
    ("elsewhere, safely", "/", {"secure": True, "headers": {"Host": "orders.example.net:x@evil.test"}}),
    ("forwarded", "/orders/", {"secure": True, "headers": {"X-Forwarded-Host": "evil.test"}}),
    ("nothing", "/nothing/", {"secure": True}),
    ("language", "/i18n/setlang/", {"secure": True, "data": {"language": "fr", "next": "/"}}),
]:
    client = Client(headers={"Host": "orders.example.net"} | extra.pop("headers", {}))
    answer = (client.post if path == "/i18n/setlang/" else client.get)(path, **extra)
    cookies = {one.key: {key: value for key, value in one.items() if value} for one in answer.cookies.values()}
    told[name] = [answer.status_code, dict(answer.headers), cookies, len(answer.content)]
print(json.dumps(told))
"""


def test_what_production_answers(db: None):
    ended = run("-c", ASK, DJANGO_SETTINGS_MODULE="panel.settings")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    status, headers, _cookies, length = told["plain"]
    assert (status, headers["Location"], length) == (301, "https://orders.example.net/", 0)
    # Nobody told this panel of a proxy, so a caller's word counts for nothing.
    assert told["pretended"][0] == 301
    assert told["elsewhere"][0] == told["elsewhere, safely"][0] == 400
    assert (told["forwarded"][0], told["forwarded"][1]["Location"]) == (302, "/?next=%2Forders%2F")
    assert told["nothing"][0] == 404
    status, headers, cookies, length = told["page"]
    assert status == 200
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert set(cookies) == {"__Host-panel_csrf"}
    for flags in (cookies["__Host-panel_csrf"], told["language"][2]["panel_language"]):
        assert flags["secure"] and flags["httponly"] and "domain" not in flags  # noqa: PT018
        assert (flags["samesite"], flags["path"]) == ("Lax", "/")
    for name, (_status, headers, _cookies, _length) in told.items():
        assert set(headers["Content-Security-Policy"].split("; ")) == CSP, name
        assert headers["Cache-Control"] == "no-store", name
        assert "evil.test" not in str(headers), name
