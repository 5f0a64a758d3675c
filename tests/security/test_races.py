"""The same thing at the same moment, over real connections: one of it happens."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from accounts.models import DroppedKey, Link, Nichandle, User

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count: int, act: Any) -> list[int]:
    def one(number: int) -> int:
        try:
            return int(act(number).status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def came_back(ovh: Any) -> Client:
    client = Client(raise_request_exception=False)
    client.post("/sign-in/")
    back = ovh.validate(client.get("/sign-in/continue/").context["validation_url"], ovh.anna)
    assert client.get(back.removeprefix(settings.BASE_URL)).status_code == 302
    return client


def copy_of(client: Client) -> Client:
    other = Client(raise_request_exception=False)
    other.cookies.load({name: morsel.value for name, morsel in client.cookies.items()})
    return other


def test_one_sign_in_confirmed_six_times_at_once(ovh: Any):
    client = came_back(ovh)
    tabs = [copy_of(client) for _ in range(6)]
    answers = at_once(6, lambda number: tabs[number].post("/sign-in/confirm/"))
    assert sorted(answers) == [302, 400, 400, 400, 400, 400]
    assert User.objects.count() == Nichandle.objects.count() == Link.objects.count() == 1
    assert not DroppedKey.objects.exists()
    assert sum(tab.get("/orders/").status_code == 200 for tab in tabs) == 1


def test_one_new_account_from_four_browsers_at_once(ovh: Any):
    browsers = [came_back(ovh) for _ in range(4)]
    answers = at_once(4, lambda number: browsers[number].post("/sign-in/confirm/"))
    assert answers == [302] * 4
    assert User.objects.count() == Nichandle.objects.count() == Link.objects.count() == 1
    # One key is kept; each of the others is on its way to be revoked.
    assert DroppedKey.objects.count() == 3
    assert len({key.consumer_key() for key in DroppedKey.objects.all()} | {Link.objects.get().consumer_key()}) == 4
