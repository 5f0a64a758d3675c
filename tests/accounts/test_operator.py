"""Accounts that the operator looks after: a key goes in, and never comes out."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import operator, sync
from accounts.models import AuditEvent, DroppedKey, Link, Notice, User
from accounts.ovh import application
from gateway import AccessRule, CredentialRevoked, Gateway
from orders.sync import import_orders
from tests.accounts.test_sign_in import sign_in
from tests.factories import make_kept, make_staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(make_staff(role="administrator"))
    return client


def post(boss: Client, key: str) -> Any:
    return boss.post("/support/accounts/", {"consumer_key": key}, follow=True)


def test_a_key_of_a_page_is_tried_kept_encrypted_and_shown_nowhere(boss, ovh):
    who = ovh.customers[0]
    page = post(boss, who["consumer_key"])
    assert who["nichandle"] in page.content.decode()
    assert who["consumer_key"] not in page.content.decode()
    link = operator.accounts().get()
    assert link.nichandle.nichandle == who["nichandle"]
    assert link.consumer_key() == who["consumer_key"]
    assert who["consumer_key"] not in link.encrypted_key
    assert AuditEvent.objects.get(action="account_add").subject == who["nichandle"]
    assert who["consumer_key"] not in str(list(AuditEvent.objects.values()))


def test_support_sees_its_orders_at_the_desk(boss, ovh):
    who = ovh.customers[0]
    post(boss, who["consumer_key"])
    import_orders()
    desk = Client()
    desk.force_login(make_staff())
    assert who["nichandle"] in desk.get("/support/", {"q": who["nichandle"]}).content.decode()


@pytest.mark.parametrize("key", ["", "x", "no key at all", "a" * 65, "W" * 32, "\0" * 32])
def test_what_is_no_key_is_not_kept_nor_said_again(boss, ovh, key):
    page = post(boss, key)
    assert page.status_code == 200
    assert "error" in page.content.decode()
    assert len(key) < 5 or key not in page.content.decode()
    assert not operator.accounts().exists()


def test_nothing_is_kept_while_ovhcloud_is_silent(boss, ovh):
    ovh.arm("status", path="/me", status=503, count=5)
    page = post(boss, ovh.customers[0]["consumer_key"])
    assert "nothing was kept" in page.content.decode()
    assert not Link.objects.exists()


def test_the_owner_on_signing_in_gets_a_key_of_their_own_and_may_end_this_one(boss, client, ovh):
    who = ovh.customers[0]
    post(boss, who["consumer_key"])
    sign_in(client, ovh, who)
    user = User.objects.get(nichandle__nichandle=who["nichandle"])
    assert user.links.get().consumer_key() != who["consumer_key"]
    assert operator.accounts().get().consumer_key() == who["consumer_key"]
    assert not DroppedKey.objects.exists()
    page = client.get("/account/").content.decode()
    assert page.count("The operator of this panel") == 2  # who holds it, and the notice
    end = f"/account/links/{who['nichandle']}/operator/end/"
    assert end in page
    assert "The operator of this panel" in client.get(end).content.decode()
    client.post(end)
    assert not operator.accounts().exists()
    sync.drop_keys()
    with pytest.raises(CredentialRevoked):
        Gateway(application(), who["consumer_key"]).me()


def test_one_that_is_let_go_is_given_back_and_its_owner_told(boss, ovh):
    who = ovh.customers[0]
    post(boss, who["consumer_key"])
    path = f"/support/accounts/{who['nichandle']}/drop/"
    assert boss.get(path).status_code == 200
    assert operator.accounts().exists()
    boss.post(path)
    assert not operator.accounts().exists()
    assert DroppedKey.objects.get().reason == "let go by the operator"
    assert list(Notice.objects.order_by("pk").values_list("kind", flat=True)) == ["linked", "unlinked"]


def test_the_same_key_once_more_stays_and_another_replaces_it(boss, ovh):
    who = ovh.customers[0]
    post(boss, who["consumer_key"])
    post(boss, who["consumer_key"])
    assert not DroppedKey.objects.exists()
    assert operator.accounts().count() == 1


def test_at_the_command_line_the_key_comes_by_the_environment(ovh, monkeypatch):
    who, out = ovh.customers[0], StringIO()
    monkeypatch.setenv("KEY_OF_A_CLIENT", who["consumer_key"])
    call_command("add_account", "--key-env", "KEY_OF_A_CLIENT", stdout=out)
    assert out.getvalue() == f"{who['nichandle']} is kept, until it is taken back. Its orders are being read.\n"
    assert operator.accounts().count() == 1


def test_or_by_standard_input(ovh, monkeypatch):
    monkeypatch.setattr("sys.stdin", StringIO(ovh.customers[0]["consumer_key"] + "\n"))
    call_command("add_account", stdout=StringIO())
    assert operator.accounts().count() == 1


@pytest.mark.parametrize("key", ["", "short", "W" * 32])
def test_a_wrong_key_is_said_without_it(ovh, monkeypatch, key):
    monkeypatch.setenv("KEY_OF_A_CLIENT", key)
    with pytest.raises(CommandError) as error:
        call_command("add_account", "--key-env", "KEY_OF_A_CLIENT", stdout=StringIO())
    assert not key or key not in str(error.value)


def test_nobody_signs_in_as_the_operator(client):
    make_kept("kurt3-ovh")
    operator_user = User.objects.operator()
    assert not operator_user.has_usable_password()
    client.force_login(operator_user)
    assert client.get("/support/people/").status_code == 302
    assert client.post("/staff/sign-in/", {"login": "operator", "password": ""}).status_code == 200
    assert client.get("/support/people/").status_code == 302


def test_a_key_that_may_too_little_is_not_kept_and_the_page_says_what_it_lacks(boss, ovh):
    """As a key for orders alone: nothing could ever give it back."""
    gateway = Gateway(application())
    narrow = [AccessRule("GET", path) for path in ("/auth/currentCredential", "/me", "/me/order", "/me/order/*")]
    asked = gateway.request_credential(narrow, "http://localhost/")
    ovh.validate(asked.validation_url)
    page = post(boss, asked.consumer_key).content.decode()
    assert "POST /auth/logout" in page
    assert "GET /me/order" not in page
    assert not operator.accounts().exists()
    assert not Link.objects.exists()
