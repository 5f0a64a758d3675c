"""Each address that a stranger reaches has its limit, or costs nothing: proved by walking the URLconf."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from redis.exceptions import RedisError

from accounts.models import AuditEvent
from tests.security.conftest import Sieged, browser_of
from tests.security.limits import SIGNED_IN, VISITORS
from tests.security.test_matrix import address, routes, samples

pytestmark = [pytest.mark.django_db, pytest.mark.rows(6)]

FORWARDED = "203.0.113.{}"


def open_routes() -> set[str]:
    return {name for name, pattern in routes().items() if not getattr(pattern.callback, "login_required", True)}


def test_every_open_address_has_a_line():
    assert set(VISITORS) == open_routes()


def send(browser: Client, method: str, url: str, sent: dict[str, Any], turn: int) -> Any:
    """As the same caller, who says each time that they are another."""
    fields = {name: value.format(turn) for name, value in sent.items()}
    headers = {"X-Forwarded-For": FORWARDED.format(turn % 250), "X-Real-IP": FORWARDED.format(turn % 250)}
    return browser.post(url, fields, headers=headers) if method == "POST" else browser.get(url, headers=headers)


@pytest.mark.parametrize("name", sorted(name for name, line in VISITORS.items() if isinstance(line[2], int)))
def test_one_too_many_is_turned_away_whatever_headers_say(name: str, sieged: Sieged, ovh: Any):
    method, sent, number = VISITORS[name]
    assert isinstance(number, int)
    url = address(name, routes()[name], samples(sieged))
    browser = Client()
    for turn in range(number):
        assert send(browser, method, url, sent, turn).status_code != 429, f"turned away after {turn}"
    before, calls = AuditEvent.objects.count(), ovh.last_request()
    answer = send(browser, method, url, sent, number)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 3600
    assert ovh.last_request() == calls
    # Nobody fills the trail, which cannot be emptied: one line at most tells of it.
    assert AuditEvent.objects.count() <= before + 1
    # Somebody elsewhere is let in all the same.
    other = Client(REMOTE_ADDR="198.51.100.7")
    assert send(other, method, url, sent, 0).status_code != 429


@pytest.mark.parametrize("name", sorted(name for name, line in VISITORS.items() if isinstance(line[2], str)))
def test_what_has_no_limit_costs_nothing(name: str, sieged: Sieged, ovh: Any):
    method, sent, reason = VISITORS[name]
    url, calls = address(name, routes()[name], samples(sieged)), ovh.last_request()
    with CaptureQueriesContext(connection) as queries:
        for turn in range(3):
            assert send(Client(), method, url, sent, turn).status_code < 500
    assert ovh.last_request() == calls
    if not str(reason).startswith("asks"):
        asked = [query["sql"] for query in queries.captured_queries if "SAVEPOINT" not in query["sql"]]
        assert asked == []


@pytest.mark.parametrize(("name", "who", "method", "number"), SIGNED_IN)
def test_nobody_does_it_more_often_and_nobody_uses_up_anothers(
    name: str, who: str, method: str, number: int, sieged: Sieged, ovh: Any
):
    person = {"owner": sieged.a, "support": sieged.support, "administrator": sieged.administrator}[who]
    url = address(name, routes()[name], samples(sieged))
    values = {"q": "{}"} if method == "GET" else {}
    browser = browser_of(person)
    for turn in range(number):
        assert send(browser, method, url, values, turn).status_code != 429, f"turned away after {turn}"
        if name == "support:account_drop":
            url = "/support/accounts/nobody/drop/"
    answer = send(browser, method, url, values, number)
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 3600
    if who == "owner":
        assert send(browser_of(sieged.b), method, url, {}, 0).status_code != 429


def test_the_shown_limits_are_those_that_hold(settings: Any):
    """Each of settings.LIMITS is met by a line above, and no view names one that is not there."""
    limited = {getattr(pattern.callback, "limited_by", "") for pattern in routes().values()} - {""}
    assert limited <= set(settings.LIMITS)
    with_numbers = {routes()[name].callback.limited_by for name, *_rest in SIGNED_IN if _by(name)}
    assert with_numbers | {"declared", "noted"} == set(settings.LIMITS)


def _by(name: str) -> str:
    return str(getattr(routes()[name].callback, "limited_by", ""))


def test_without_redis_everybody_is_let_in_and_quickly(sieged: Sieged, settings: Any):
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "redis://localhost:1/0"}}
    browser = browser_of(sieged.a)
    for _ in range(12):
        assert browser.post("/account/sure/", {"next": "/account/"}).status_code == 302
    with pytest.raises(RedisError):  # the cache is away for whoever does not forgive it
        cache.clear()
