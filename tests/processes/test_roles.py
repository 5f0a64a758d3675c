"""Two roles, as an operator sets them up: one owns the tables and migrates, the other is the panel's."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from tests.processes.stack import ROOT

pytestmark = pytest.mark.processes

NAME = f"roles_{os.getpid()}"
OWNER, PANEL = f"{NAME}_owner", f"{NAME}_panel"


def url(role: str) -> str:
    """The test's own server, as this role. Nobody is asked for a password there."""
    there = re.sub(r"/panel(?=\?|$)", f"/{NAME}", os.environ["DATABASE_URL"])
    return re.sub(r"://[^/@]*@", f"://{role}@", there)


@pytest.fixture(scope="module")
def roles() -> Iterator[None]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"CREATE ROLE {OWNER} LOGIN")
        server.execute(f"CREATE ROLE {PANEL} LOGIN")
        server.execute(f"CREATE DATABASE {NAME} OWNER {OWNER}")
        try:
            assert manage("migrate", "--verbosity", "0") == ""
            yield
        finally:
            server.execute(f"DROP DATABASE {NAME} WITH (FORCE)")
            server.execute(f"DROP ROLE {PANEL}")
            server.execute(f"DROP ROLE {OWNER}")


def manage(*arguments: str) -> str:
    environment = os.environ | {"DATABASE_URL": url(PANEL), "DATABASE_OWNER_URL": url(OWNER)}
    run = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_owner_migrates_and_purges_and_the_panel_only_adds(roles):
    with psycopg.connect(url(PANEL), autocommit=True) as panel:
        add = (
            "INSERT INTO accounts_auditevent (at, actor, subject, action, target, result, address, request_id, detail)"
        )
        panel.execute(f"{add} VALUES (now() - interval '2 years', 'anna', '', 'see', '', 'done', '', '', '{{}}')")
        for refused in (
            "UPDATE accounts_auditevent SET actor = 'eve'",
            "DELETE FROM accounts_auditevent",
            "TRUNCATE accounts_auditevent",
            "DELETE FROM orders_retraction",
            "ALTER TABLE orders_retraction DISABLE TRIGGER USER",
            "SET session_replication_role = replica",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                panel.execute(refused)
        panel.execute("UPDATE accounts_user SET language = ''")
    seal = "from accounts import seals; print('seals:', seals.seal_due())"
    assert "seals: 1" in manage("shell", "-v0", "-c", seal), "by the panel's role"
    assert "accounts_auditevent: 1 seals hold." in manage("verify")
    assert "1 lines went; their seals stay." in manage("purge_audit")
    assert "0 declarations went; their seals stay." in manage("purge_declarations")
    with psycopg.connect(url(PANEL), autocommit=True) as panel:
        assert panel.execute("SELECT count(*) FROM accounts_auditevent").fetchone() == (0,)
    manage("verify")
