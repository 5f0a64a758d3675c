"""PostgreSQL or Valkey away: one honest page, nothing of the inside, and recovery by itself."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from embedded import Postgres
from tests.processes.stack import ROOT, Stack, until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """
    A server of its own, which a test may stop. PostgreSQL may run as nobody, who must reach it; the directories of
    tmp_path are private, and another pytest of the same user makes them so again.
    """
    with tempfile.TemporaryDirectory(prefix="panel-away-") as made:
        Path(made).chmod(0o711)
        server = Postgres(Path(made) / "postgres", fsync=False)
        server.start()
        server.create_database("panel")
        yield server
        server.stop()


def test_postgresql_stopped_is_a_page_and_recovery_is_by_itself(postgres: Postgres, stack: Stack):
    environment = stack.environment("command") | {"DATABASE_URL": postgres.url("panel")}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True, timeout=60)
    stack.database_url = postgres.url("panel")
    stack.start_web()
    signed_out = requests.get(f"{stack.base}/", timeout=10)
    assert signed_out.status_code == 200

    postgres.stop()
    # A visitor's first page needs no database; one that looks for a session does.
    cookies = {"panel_session": "a" * 32}
    for path in ("/", "/orders/", "/health/ready"):
        answer = requests.get(stack.base + path, cookies=cookies, timeout=15)
        assert answer.status_code == 503, path
        for inside in ("Traceback", "psycopg", "OperationalError", str(ROOT)):
            assert inside not in answer.text
    assert requests.get(f"{stack.base}/health/live", timeout=5).status_code == 200

    postgres.start()
    until(lambda: requests.get(f"{stack.base}/health/ready", timeout=15).status_code == 200, 30, "ready again")
    assert requests.get(f"{stack.base}/", cookies=cookies, timeout=15).status_code == 200


def test_a_valkey_that_hangs_slows_no_page(stack: Stack, browser):
    assert browser.get("/orders/").status_code == 200
    stack.pause_valkey()
    for path in ("/orders/", "/", "/withdraw/"):
        answer = browser.get(path)
        assert answer.status_code == 200
        # The publishing bound is 0.2 s; a page may ring twice. What a hung broker costs without it is 45 s.
        assert answer.elapsed.total_seconds() < 5
    stack.resume_valkey()
