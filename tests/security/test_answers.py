"""What every answer carries, also the ones for when something is wrong; cookies; what browsers may not do with us."""

from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from tests.security.conftest import SECRETS_OF_A, Sieged, browser_of
from tests.security.headers import assert_headers

pytestmark = pytest.mark.django_db


def test_an_error_of_ours_tells_nothing(sieged: Sieged):
    browser = browser_of(sieged.support)
    browser.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER jam BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    answer = browser.get("/support/orders/agathe1-ovh/238100001/")
    assert answer.status_code == 500
    assert_headers(answer)
    inside = ("Traceback", "auditevent", "psycopg", "Django", str(settings.BASE_DIR), *SECRETS_OF_A)
    assert [word for word in inside if word in answer.content.decode()] == []
    assert not answer.cookies


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing/", 404),
        ("/static/nothing.css", 404),
        ("/static/../panel/settings.py", 404),
        ("/static/..%2f..%2fpanel/settings.py", 404),
        ("/orders", 301),
        ("/.git/config", 404),
        ("/accounts/login/", 404),
        ("/.well-known/change-password", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
    ],
)
def test_addresses_that_are_none(path: str, status: int):
    answer = Client().get(path)
    assert answer.status_code == status
    assert_headers(answer, path)


def test_a_file_of_ours_may_be_kept_and_carries_the_rest():
    answer = Client().get("/static/js/panel.js")
    assert answer.status_code == 200
    answer.close()
    assert "no-store" not in answer["Cache-Control"]
    assert_headers(answer, cached=True)


@pytest.mark.parametrize(
    "host", ["evil.test", "localhost:x@evil.test", "localhost evil.test", "[::1", "testserver.evil.test"]
)
def test_another_host_is_refused(host: str):
    for path in ("/", "/orders/", "/sign-in/", "/health/live"):
        answer = Client().get(path, headers={"Host": host})
        assert answer.status_code == 400
        assert_headers(answer)


def test_forwarded_headers_of_strangers_count_for_nothing(sieged: Sieged, ovh: Any):
    lies = {
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "1",
        "Forwarded": "host=evil.test",
    }
    for path in ("/", "/orders/", "/support/", "/staff/sign-in/"):
        answer = Client().get(path, headers=lies)
        assert "evil.test" not in str(answer.headers) + answer.content.decode()
        assert not answer.wsgi_request.is_secure()
    client = Client(headers=lies)
    client.post("/sign-in/")
    token = ovh.credential_token(client.get("/sign-in/continue/").context["validation_url"])
    assert token
    redirection = ovh.validate(client.get("/sign-in/continue/").context["validation_url"], ovh.anna)
    assert redirection.startswith(settings.BASE_URL + "/sign-in/return/")


def test_no_answer_lets_another_site_read_or_frame_us(sieged: Sieged):
    browser = browser_of(sieged.a)
    for origin in ("https://evil.test", "null"):
        answer = browser.get("/orders/", headers={"Origin": origin})
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        preflight = browser.options("/orders/", headers={"Origin": origin, "Access-Control-Request-Method": "POST"})
        assert preflight.status_code == 405
        refused = browser_of(sieged.a, enforce_csrf_checks=True).post("/sign-out/", headers={"Origin": origin})
        assert refused.status_code == 403
        assert_headers(refused)


def test_the_session_key_changes_when_a_person_signs_in_and_dies_when_they_leave(sieged: Sieged, ovh: Any):
    client = Client()
    client.post("/sign-in/")
    before = client.cookies["panel_session"].value
    back = ovh.validate(client.get("/sign-in/continue/").context["validation_url"], ovh.anna)
    client.get(back.removeprefix(settings.BASE_URL))
    client.post("/sign-in/confirm/")
    within = client.cookies["panel_session"].value
    assert within != before
    client.post("/sign-out/")
    for old in (before, within):
        thief = Client()
        thief.cookies["panel_session"] = old
        assert thief.get("/orders/").status_code == 302


def test_nothing_on_a_page_runs_or_styles_inline(sieged: Sieged):
    import re

    for user, paths in (
        (None, ["/", "/withdraw/", "/staff/sign-in/", "/nothing/"]),
        (
            sieged.a,
            [
                "/",
                "/orders/",
                "/orders/238100001/",
                "/orders/238100001/pay/",
                "/orders/238100002/withdrawal/",
                "/account/",
            ],
        ),
        (sieged.support, ["/support/?q=canari", "/support/orders/agathe1-ovh/238100002/", "/support/queues/"]),
    ):
        for path in paths:
            page = browser_of(user).get(path).content.decode()
            assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=|javascript:", page), path
            foreign = re.findall(r"(?:src|action|srcset|data|hx-[a-z]+)=[\"'](?:https?:)?//[^\"']*", page)
            assert foreign == [], path
