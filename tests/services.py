"""
pytest plugin: a PostgreSQL and a Valkey for the whole run, and an environment that is the same on every
machine.

A conftest.py would come too late: pytest-django reads the settings before it. Where DATABASE_URL or REDIS_URL
are set, the services they name are used instead.
"""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from embedded import EmbeddedError, Postgres, Valkey
from tests.chromium import MISSING, find_chromium, is_required

_PREFIX = "order-panel-tests-"
_RUN = pytest.StashKey[list[Postgres | Valkey]]()
_DIRECTORY = pytest.StashKey[Path]()

# What settings read. Keys are for tests only and protect nothing.
_ENVIRONMENT = {
    "PANEL_ENV": "test",
    "SECRET_KEY": "of the tests, and of nothing else, long enough to please every check",
    "CREDENTIAL_KEYS": "dGhpcyBrZXkgcHJvdGVjdHMgbm90aGluZywgdGVzdHM=",
    "BASE_URL": "http://localhost",
    "ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
    "DEFAULT_FROM_EMAIL": "panel@example.net",
    # Chromium is driven from a thread in which Django suspects an event loop.
    "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    # Tests that are about the budget of calls set their own; the others import whole accounts at once.
    "OVH_CALLS_AT_ONCE": "100000",
    "OVH_CALLS_A_MINUTE": "100000",
    "OVH_CALLS_A_MINUTE_AT_MOST": "100000",
    "TZ": "UTC",
}


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    _forget_the_developers_environment()
    os.environ.update(_ENVIRONMENT)
    wants_postgres, wants_valkey = "DATABASE_URL" not in os.environ, "REDIS_URL" not in os.environ
    services = early_config.stash[_RUN] = []
    if not (wants_postgres or wants_valkey):
        return
    _remove_what_killed_runs_left()
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    directory.chmod(0o711)  # PostgreSQL may have to run as nobody
    early_config.stash[_DIRECTORY] = directory
    early_config.add_cleanup(lambda: _stop(services, directory))
    try:
        if wants_postgres:
            postgres = Postgres(directory / "postgres", fsync=False)
            services.append(postgres)
            postgres.start()
            for name, variable in (("panel", "DATABASE_URL"), ("sandbox", "SANDBOX_DATABASE_URL")):
                postgres.create_database(name)
                os.environ[variable] = postgres.url(name)
        if wants_valkey:
            valkey = Valkey(directory / "valkey")
            services.append(valkey)
            valkey.start()
            os.environ["REDIS_URL"] = valkey.url
    except EmbeddedError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests where there is no browser, unless somebody insists: then they fail by themselves."""
    if find_chromium() is None and not is_required():
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=MISSING))


def _forget_the_developers_environment() -> None:
    """No proxy, no key of a real application, no setting of psql and no debug switch may reach the tests."""
    for name in list(os.environ):
        if name.startswith(("OVH_", "PG")) or name.lower().endswith("_proxy") or name in ("DEBUG", "EMAIL_URL"):
            del os.environ[name]


def _stop(services: list[Postgres | Valkey], directory: Path) -> None:
    for service in reversed(services):
        service.stop()
    shutil.rmtree(directory, ignore_errors=True)


def _remove_what_killed_runs_left() -> None:
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        process = directory.name.removeprefix(_PREFIX).partition("-")[0]
        if process.isdecimal() and not Path(f"/proc/{process}").exists() and Path("/proc/self").exists():
            shutil.rmtree(directory, ignore_errors=True)
