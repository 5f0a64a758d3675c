"""A real Chromium against the panel as it really runs, at the two widths and in the two languages that count."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from accounts.models import Link
from tests.carts.made import may_order
from tests.chromium import ARGUMENTS, find_chromium
from tests.factories import make_canary, make_customer
from tests.processes.stack import Stack

WIDTHS = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}
LOCALES = {"en": "en-GB", "fr": "fr-FR"}


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {"executable_path": str(find_chromium()), "args": ARGUMENTS}


@pytest.fixture(scope="session", autouse=True)
def _no_connection_outlives_the_browser(playwright: Playwright) -> Iterator[None]:
    """
    Close what was opened under Playwright's event loop while that still runs.

    Django keeps connections apart there, and one left open stops the test database from being dropped.
    """
    yield
    connections.close_all()


@pytest.fixture(scope="session")
def running_panel(
    sandbox_process: Any, django_db_setup: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Started once: three processes that import Django cost more than most of these tests."""
    stack = Stack(tmp_path_factory.mktemp("panel"), sandbox_process)
    stack.start_web()
    stack.start_worker()
    stack.start_beat()
    yield stack
    stack.stop_all()


@pytest.fixture
def panel(ovh: Any, transactional_db: None, running_panel: Stack) -> Iterator[Stack]:
    """Web, worker and beat on the test's database, all running. They rest before its rows go."""
    running_panel.wake()
    yield running_panel
    running_panel.rest()


@pytest.fixture
def buyer(panel: Stack, ovh: Any) -> Any:
    """Somebody whose key OVHcloud takes for ordering."""
    make_canary()
    user = make_customer(ovh.anna["nichandle"])
    link = Link.objects.get(user=user)
    link.keep_key(ovh.anna["consumer_key"])
    link.save()
    may_order(user)
    return user


@dataclass
class Reader:
    """Somebody's browser: its page, and what its console complained about."""

    page: Page
    complaints: list[str]


@pytest.fixture
def reader(browser: Browser) -> Iterator[Any]:
    """Call it with a width and a language; each call is another person's browser."""
    contexts: list[BrowserContext] = []

    def open_one(width: str = "desk", language: str = "en", **options: Any) -> Reader:
        context = browser.new_context(viewport=WIDTHS[width], locale=LOCALES[language], **options)
        contexts.append(context)
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return Reader(page, complaints)

    yield open_one
    for context in contexts:
        context.close()
