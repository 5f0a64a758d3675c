"""Signing in with OVHcloud: who gets in, and everything that must not open the door."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import sync
from accounts.models import AuditEvent, DroppedKey, Link, Nichandle, SignIn, User

pytestmark = pytest.mark.django_db


def begin(client: Client) -> str:
    """Press the button and read the page that follows; the address of OVHcloud's page."""
    assert client.post("/sign-in/").status_code == 302
    page = client.get("/sign-in/continue/")
    assert page.status_code == 200
    return str(page.context["validation_url"])


def come_back(client: Client, redirection: str) -> Any:
    return client.get(urlsplit(redirection).path, follow=True)


def sign_in(client: Client, ovh: Any, customer: dict[str, Any]) -> Any:
    page = come_back(client, ovh.validate(begin(client), customer))
    assert 'id="continue"' in page.content.decode()
    return client.post("/sign-in/confirm/")


def test_a_customer_signs_in_and_lands_on_their_orders(client, ovh):
    who = ovh.customers[0]
    answer = sign_in(client, ovh, who)
    assert answer.status_code == 302
    assert answer.url == "/orders/"
    user = User.objects.get()
    assert user.nichandle.nichandle == who["nichandle"]
    assert int(client.session["_auth_user_id"]) == user.pk
    assert Link.objects.get().is_usable
    assert not user.has_usable_password()


def test_the_page_before_leaving_holds_exactly_one_link_to_ovhcloud(client, ovh):
    url = begin(client)
    page = client.get("/sign-in/continue/").content.decode()
    host = urlsplit(url).netloc
    assert page.count(f"//{host}") == 1


def test_coming_back_alone_signs_nobody_in(client, ovh):
    come_back(client, ovh.validate(begin(client), ovh.customers[0]))
    assert "_auth_user_id" not in client.session
    assert not User.objects.exists()


def test_the_session_key_changes_when_the_session_begins(client, ovh):
    come_back(client, ovh.validate(begin(client), ovh.customers[0]))
    before = client.session.session_key
    client.post("/sign-in/confirm/")
    assert client.session.session_key != before


def test_a_validation_approved_in_another_browser_signs_in_neither_and_is_revoked(client, ovh):
    attacker, victim = client, Client()
    redirection = ovh.validate(begin(attacker), ovh.customers[1])
    seen = ovh.requests()[-1]["n"]
    assert come_back(victim, redirection).status_code == 400
    for path in ("/sign-in/continue/", "/sign-in/confirm/", urlsplit(redirection).path):
        attacker.get(path)
    assert attacker.post("/sign-in/confirm/").status_code == 400
    for browser in (attacker, victim):
        assert "_auth_user_id" not in browser.session
    assert not User.objects.exists()
    sync.drop_keys()
    logouts = [call for call in ovh.requests(seen) if call["path"] == "/1.0/auth/logout"]
    assert [(call["nichandle"], call["status"]) for call in logouts] == [(ovh.customers[1]["nichandle"], 200)]
    assert AuditEvent.objects.filter(action="sign_in_return", result="refused").exists()


@pytest.mark.parametrize("nonce", ["x", "a" * 43, "%00", "..", "é" * 10, "a" * 3000])
def test_an_invented_nonce_changes_nothing(client, ovh, nonce):
    begin(client)
    answer = client.get(f"/sign-in/return/{nonce}/")
    assert answer.status_code in (400, 404)
    assert SignIn.objects.get().is_open
    assert "_auth_user_id" not in client.session


def test_a_return_works_once(client, ovh):
    redirection = ovh.validate(begin(client), ovh.customers[0])
    assert come_back(client, redirection).status_code == 200
    assert come_back(client, redirection).status_code == 400


def test_a_return_after_a_quarter_of_an_hour_is_too_late_and_its_key_is_dropped(client, ovh):
    redirection = ovh.validate(begin(client), ovh.customers[0])
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert come_back(client, redirection).status_code == 400
        sync.abandon_old_sign_ins()
        assert DroppedKey.objects.count() == 1
    assert not User.objects.exists()


def test_refusing_at_ovhcloud_says_so_and_offers_to_start_again(client, ovh):
    answer = come_back(client, ovh.validate(begin(client), ovh.customers[0], refuse=True))
    assert answer.status_code == 400
    assert "did not allow" in answer.content.decode()
    assert 'action="/sign-in/"' in answer.content.decode()


def test_a_second_sign_in_replaces_the_key_and_drops_the_former(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    first = Link.objects.get().consumer_key()
    sign_in(Client(), ovh, ovh.customers[0])
    assert Link.objects.get().consumer_key() != first
    assert DroppedKey.objects.get().consumer_key() == first
    sync.drop_keys()
    assert not DroppedKey.objects.exists()


def test_somebody_switched_off_gets_no_session_and_leaves_no_key(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    key = Link.objects.get().encrypted_key
    User.objects.update(is_active=False)
    again = Client()
    come_back(again, ovh.validate(begin(again), ovh.customers[0]))
    assert again.post("/sign-in/confirm/").status_code == 400
    assert "_auth_user_id" not in again.session
    assert Link.objects.get().encrypted_key == key


def test_two_accounts_with_one_email_are_two_people(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    Nichandle.objects.update(email="same@example.net")
    sign_in(Client(), ovh, ovh.customers[1])
    Nichandle.objects.update(email="same@example.net")
    sign_in(Client(), ovh, ovh.customers[1])
    assert User.objects.count() == 2


@pytest.mark.parametrize("kind", ["html", "truncated", "reset", "hang"])
def test_a_silent_ovhcloud_is_said_on_a_page(client, ovh, kind):
    ovh.arm(kind, path="/auth/credential")
    answer = client.post("/sign-in/")
    assert answer.status_code == 503
    assert "OVHcloud does not answer" in answer.content.decode()
    assert not SignIn.objects.exists()


def test_ovhcloud_silent_on_the_way_back_uses_nothing_up(client, ovh):
    redirection = ovh.validate(begin(client), ovh.customers[0])
    ovh.arm("status", path="/me", status=500)
    assert come_back(client, redirection).status_code == 503
    ovh.disarm()
    assert come_back(client, redirection).status_code == 200


def test_no_key_lies_open_in_the_database(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    key = Link.objects.get().consumer_key()
    with connection.cursor() as cursor:
        for table in ("accounts_link", "accounts_signin", "accounts_session", "accounts_auditevent"):
            cursor.execute(f"select string_agg(t::text, ' ') from {table} t")
            assert key not in (cursor.fetchone()[0] or "")
    assert key not in repr(Link.objects.get())


def test_a_key_moved_to_another_row_does_not_open(client, ovh):
    from accounts.crypto import KeyUnreadable

    sign_in(client, ovh, ovh.customers[0])
    sign_in(Client(), ovh, ovh.customers[1])
    mine, theirs = Link.objects.order_by("pk")
    mine.encrypted_key = theirs.encrypted_key
    with pytest.raises(KeyUnreadable):
        mine.consumer_key()


def test_signing_out_ends_the_session_and_keeps_the_key(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    cookie = client.cookies["panel_session"].value
    answer = client.post("/sign-out/")
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    client.cookies["panel_session"] = cookie
    assert client.get("/orders/").status_code == 302
    assert Link.objects.get().is_usable


def test_forgetting_revokes_the_key_at_ovhcloud(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    seen = ovh.requests()[-1]["n"]
    assert client.post("/account/forget/").status_code == 200
    sync.drop_keys()
    assert [call["path"] for call in ovh.requests(seen)] == ["/1.0/auth/time", "/1.0/auth/logout"] or [
        call["path"] for call in ovh.requests(seen)
    ] == ["/1.0/auth/logout"]
    assert Link.objects.get().encrypted_key == ""
    assert client.get("/orders/").status_code == 302


def test_a_revoked_key_gets_a_page_that_offers_to_sign_in_again(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    Link.objects.update(state=Link.State.REVOKED)
    answer = client.get("/orders/")
    assert "no longer lets this panel act for you" in answer.content.decode()
    assert 'action="/sign-in/"' in answer.content.decode()


def test_anonymous_visitors_make_no_session_rows(client, db):
    from accounts.models import Session

    for _ in range(20):
        client.get("/")
        client.post("/sign-out/")
    assert Session.objects.count() == 0


def test_begin_needs_a_token(ovh):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/sign-in/").status_code == 403
