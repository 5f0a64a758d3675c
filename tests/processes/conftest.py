"""A stack of real processes, and a customer's browser that speaks to it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.test import Client

from accounts.models import Nichandle, User
from tests.processes.stack import Stack
from tests.world import import_all, sign_up


class Browser:
    """A signed-in customer over real HTTP."""

    def __init__(self, base: str, user: User) -> None:
        client = Client()
        client.force_login(user)
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.set(settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.base + path, timeout=20)

    def submit(self, path: str, form: str, **fields: str) -> requests.Response:
        """Open the page, take the form's own hidden and prefilled fields, and post it."""
        return self._post_form(path, path, rf'id="{form}"', fields)

    def check_now(self, order_id: int) -> requests.Response:
        """Press Check now on an order's page."""
        path = f"/orders/{order_id}/"
        return self._post_form(path, f"{path}check/", f'action="{path}check/"', {})

    def _post_form(self, page_path: str, path: str, mark: str, fields: dict[str, str]) -> requests.Response:
        return self.post(path, self.form_on(page_path, mark) | fields, page_path)

    def post(self, path: str, fields: dict[str, str], page_path: str) -> requests.Response:
        return self.session.post(self.base + path, data=fields, headers={"Referer": self.base + page_path}, timeout=20)

    def form_on(self, page_path: str, mark: str) -> dict[str, str]:
        """The hidden and prefilled fields of a form as the page has them now."""
        page = self.get(page_path).text
        markup = re.search(rf"<form[^>]*{mark}.*?</form>", page, re.S)
        assert markup, f"no form with {mark} on {page_path}"
        found: dict[str, str] = {}
        for tag in re.findall(r"<input[^>]*>", markup[0]):
            attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
            if attributes.get("type") != "checkbox" and "name" in attributes:
                found[attributes["name"]] = attributes.get("value", "")
        return found


@pytest.fixture
def stack(ovh: Any, transactional_db: None, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path, ovh)
    yield stack
    stack.stop_all()


@pytest.fixture
def account(ovh: Any, transactional_db: None) -> Nichandle:
    """The sandbox's first customer, signed up here and imported."""
    nichandle = sign_up(ovh)
    import_all(nichandle)
    return nichandle


@pytest.fixture
def browser(stack: Stack, account: Nichandle) -> Browser:
    stack.start_web()
    return Browser(stack.base, User.objects.get(nichandle=account))
