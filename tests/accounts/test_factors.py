"""Second factors: setting them up, being asked for them, losing them; no desk without one."""

import time
from typing import Any

import pyotp
import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts import crypto, rotation
from accounts.factors import name_of
from accounts.models import AuditEvent
from tests.accounts.test_sign_in import begin, come_back, sign_in
from tests.factories import make_staff
from tests.given import TOTP_SECRET

pytestmark = pytest.mark.django_db

FACTORS = "/account/factors/"


def set_up_app(client: Client) -> tuple[str, Any]:
    """Set up an app as a person does; returns its secret and the page that follows."""
    secret = client.get(f"{FACTORS}app/").context["form"].secret
    return secret, client.post(f"{FACTORS}app/", {"code": pyotp.TOTP(secret).now()}, follow=True)


def some_time_ago(client: Client) -> None:
    """The sign-in of this browser no longer counts for what is asked twice."""
    session = client.session
    session["shown_at"] -= 16 * 60
    session.save()


@pytest.mark.parametrize("path", ["/support/", "/support/queues/", "/support/orders/a-ovh/1/"])
def test_staff_with_a_password_alone_are_led_to_set_up_a_factor(client, path):
    client.force_login(make_staff(factor=False))
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, FACTORS)
    assert "opens only with a second factor" in client.get(FACTORS).content.decode()
    set_up_app(client)
    assert client.get("/support/").status_code == 200


def test_setting_up_an_app_shows_recovery_codes_once(customer_client):
    _secret, page = set_up_app(customer_client)
    assert page.content.decode().count("<code>") == 10
    assert customer_client.get(f"{FACTORS}codes/").content.decode().count("<code>") == 0
    assert AuditEvent.objects.filter(action="factor_added").count() == 1


def test_a_wrong_code_sets_nothing_up(customer_client):
    customer_client.get(f"{FACTORS}app/")
    assert customer_client.post(f"{FACTORS}app/", {"code": "000000"}).status_code == 200
    assert not Authenticator.objects.exists()


def test_secrets_are_stored_encrypted_and_rotate_with_the_keys(customer_client, settings):
    secret, _page = set_up_app(customer_client)
    stored = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in stored
    old = settings.CREDENTIAL_KEYS
    settings.CREDENTIAL_KEYS = ["q83GZ9QkVbX1b3o0u1f8u8mYyqQ2hQ0O0mB3m3yY0eE=", *old]
    list(rotation.rotate())
    settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS[:1]
    assert set(rotation.count_by_key()) == {crypto.newest_id()}
    assert Authenticator.objects.get(type="totp").wrap().validate_code(pyotp.TOTP(secret).now())


def test_a_customer_with_an_app_is_asked_for_its_code_after_ovhcloud(client, ovh):
    who = ovh.customers[0]
    sign_in(client, ovh, who)
    secret, _page = set_up_app(client)
    other = Client()
    come_back(other, ovh.validate(begin(other), who))
    assert other.post("/sign-in/confirm/").url == "/staff/sign-in/code/"
    assert "_auth_user_id" not in other.session
    assert other.get("/orders/").status_code == 302
    # What was set up a moment ago was used for it: the next code counts.
    answer = other.post("/staff/sign-in/code/", {"code": pyotp.TOTP(secret).at(_in_half_a_minute())})
    assert answer.url == "/orders/"
    assert other.get("/orders/").status_code == 200


@pytest.mark.parametrize("seconds", [-60, 60])
def test_a_phone_whose_clock_is_off_by_a_minute_still_gets_in(client, seconds):
    make_staff("kim@example.net", password="correct horse battery")
    client.post("/staff/sign-in/", {"login": "kim@example.net", "password": "correct horse battery"})
    code = pyotp.TOTP(TOTP_SECRET).at(_now() + seconds)
    assert client.post("/staff/sign-in/code/", {"code": code}).url == "/support/"


@pytest.mark.parametrize("path", ["app/", "app/remove/", "passkey/", "codes/new/", "codes/"])
def test_changing_factors_asks_first_who_is_there(customer_client, path):
    set_up_app(customer_client)
    some_time_ago(customer_client)
    answer = customer_client.get(FACTORS + path)
    assert answer.status_code == 302
    assert answer.url.startswith("/account/sure/?next=")


def test_who_has_a_factor_shows_it_and_cannot_go_around_it(customer_client):
    secret, _page = set_up_app(customer_client)
    some_time_ago(customer_client)
    page = customer_client.get("/account/sure/", {"next": "/account/link/"}).content.decode()
    assert "Sign in with OVHcloud" not in page
    wrong = customer_client.post("/account/sure/", {"next": "/account/link/", "code": "000000"})
    assert wrong.status_code == 200
    assert customer_client.get("/account/link/").status_code == 302
    before = customer_client.session.session_key
    code = pyotp.TOTP(secret).at(_in_half_a_minute())
    right = customer_client.post("/account/sure/", {"next": "/account/link/", "code": code})
    assert right.url == "/account/link/"
    assert customer_client.get("/account/link/").status_code == 200
    assert customer_client.session.session_key != before


def test_wrong_codes_are_counted(customer_client):
    set_up_app(customer_client)
    some_time_ago(customer_client)
    tries = [customer_client.post("/account/sure/", {"code": "000000"}).status_code for _ in range(6)]
    assert tries == [200] * 5 + [429]


def test_staff_who_signed_in_long_ago_and_have_no_factor_sign_in_anew(client):
    client.force_login(make_staff(factor=False))
    some_time_ago(client)
    answer = client.get(f"{FACTORS}app/", follow=True)
    assert answer.redirect_chain[-1][0] == "/staff/sign-in/"
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("credential", ["", "{}", "null", '{"id": 1}', "[]", '"x"', "\0", '{"response": {}}'])
def test_a_made_up_passkey_is_refused_in_words(customer_client, credential):
    assert customer_client.post(f"{FACTORS}passkey/", {"name": "x", "credential": credential}).status_code == 200
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("credential", ["{}", '{"id": 1}', '{"id": "a", "rawId": "a"}', "[1]"])
def test_a_made_up_passkey_shows_nobody(customer_client, credential):
    set_up_app(customer_client)
    some_time_ago(customer_client)
    assert customer_client.post("/account/sure/", {"credential": credential}).status_code == 200
    assert customer_client.get("/account/link/").status_code == 302


def test_nobody_removes_another_persons_passkey(customer, customer_client):
    other = make_staff(factor=False)
    key = Authenticator.objects.create(user=other, type="webauthn", data={"name": "theirs", "credential": {}})
    assert customer_client.post(f"{FACTORS}passkey/{name_of(key)}/remove/").status_code == 404
    assert Authenticator.objects.filter(pk=key.pk).exists()


def _now() -> int:
    return int(time.time())


def _in_half_a_minute() -> int:
    return _now() + 30
