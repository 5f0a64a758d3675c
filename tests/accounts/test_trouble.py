"""What goes wrong on the way: each has its page and its next step, and nothing half-linked remains."""

import time
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client

from accounts import actions, sync
from accounts.models import DroppedKey, Link, Nichandle, Notice, SignIn, User
from tests.accounts.test_links import link_another
from tests.accounts.test_sign_in import begin, come_back, sign_in
from tests.factories import TOTP_SECRET, make_customer, make_staff

pytestmark = pytest.mark.django_db


def begin_to_link(client: Client) -> str:
    """Address of OVHcloud's page on the way to link."""
    assert client.post("/account/link/").status_code == 302
    return str(client.get("/sign-in/continue/").context["validation_url"])


def grow_old(client: Client) -> None:
    """The sign-in is some time ago."""
    session: Any = client.session
    session["shown_at"] -= 16 * 60
    session.save()


# --- Linking, interrupted ---------------------------------------------------------------------------------------------
def test_ovhcloud_refusing_to_begin_leaves_nothing(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    ovh.arm("status", path="/auth/credential", status=503, count=9)
    assert client.post("/account/link/").status_code == 503
    ovh.disarm()
    assert SignIn.objects.filter(purpose="link").count() == 0
    assert Link.objects.count() == 1


@pytest.mark.rows(1)
@pytest.mark.parametrize("kind", ["status", "reset"])
@pytest.mark.parametrize("path", ["/auth/currentCredential", "/me"])
def test_ovhcloud_failing_at_the_return_uses_nothing_up(client, ovh, kind, path):
    sign_in(client, ovh, ovh.customers[0])
    redirection = ovh.validate(begin_to_link(client), ovh.customers[1])
    ovh.arm(kind, path=path, **({"status": 500} if kind == "status" else {}))
    answer = come_back(client, redirection)
    assert answer.status_code in (502, 503)
    assert Link.objects.count() == 1
    ovh.disarm()
    # The same way, once more.
    assert "Link the account of" in come_back(client, redirection).content.decode()
    assert client.post("/sign-in/confirm/").status_code == 302
    assert Link.objects.count() == 2


def test_refusing_at_ovhcloud_links_nothing_and_the_key_is_given_back(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    answer = come_back(client, ovh.validate(begin_to_link(client), refuse=True))
    assert answer.status_code == 400
    assert Link.objects.count() == 1
    assert SignIn.objects.exclude(encrypted_key="").count() == 0
    sync.drop_keys()
    assert not DroppedKey.objects.exists()
    # And one is still signed in.
    assert client.get("/account/").status_code == 200


def test_leaving_at_the_question_links_nothing(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    come_back(client, ovh.validate(begin_to_link(client), ovh.customers[1]))
    client.post("/sign-out/")
    assert client.post("/sign-in/confirm/").status_code == 400
    assert Link.objects.count() == 1
    assert not Nichandle.objects.filter(nichandle=ovh.customers[1]["nichandle"]).exists()


def test_saying_yes_twice_links_once(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    link_another(client, ovh, ovh.customers[1])
    assert client.post("/sign-in/confirm/").status_code == 400
    assert Link.objects.count() == 2


def test_a_second_person_links_the_same_account_with_a_key_of_their_own_and_all_are_told(ovh):
    first, second, wanted = ovh.customers[:3]
    one, two, owner = Client(), Client(), Client()
    sign_in(owner, ovh, wanted)
    for browser, who in ((one, first), (two, second)):
        sign_in(browser, ovh, who)
        link_another(browser, ovh, wanted)
    links = Link.objects.filter(nichandle__nichandle=wanted["nichandle"])
    assert len({link.consumer_key() for link in links}) == 3
    told = Notice.objects.filter(kind="linked").values_list("to__nichandle", "who")
    names = [customer["nichandle"] for customer in (first, second, wanted)]
    assert sorted(told) == sorted([(names[2], names[0]), (names[2], names[1]), (names[0], names[1])])


# --- A journey does what it was begun for, and nothing else -----------------------------------------------------------
def journey(client: Client, ovh: Any, purpose: str) -> SignIn:
    """A returned journey of somebody who is signed in."""
    if purpose == "assurance":
        grow_old(client)
        client.post("/account/sure/", {"next": "/account/link/"})
        url = str(client.get("/sign-in/continue/").context["validation_url"])
    else:
        url = begin_to_link(client) if purpose == "link" else begin(client)
    come_back(client, ovh.validate(url, ovh.customers[0]))
    return SignIn.objects.get(pk=client.session["sign_in"])


FINISHES = {
    "sign_in": actions.finish_sign_in,
    "link": actions.finish_link,
    "assurance": actions.finish_assurance,
}


@pytest.mark.parametrize("begun_for", FINISHES)
def test_a_journey_is_finished_only_as_what_it_was_begun_for(client, ovh, rf, begun_for):
    sign_in(client, ovh, ovh.customers[0])
    begun = journey(client, ovh, begun_for)
    request = rf.post("/")
    request.user = User.objects.get()
    request.nichandle = request.user.nichandle
    for used_for in set(FINISHES) - {begun_for}:
        with pytest.raises(actions.SignInRefused):
            FINISHES[used_for](request, begun.pk)
    begun.refresh_from_db()
    assert begun.finished_at is None
    FINISHES[begun_for](request, begun.pk)


def test_a_journey_of_mine_is_not_finished_by_somebody_else(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    begun = journey(client, ovh, "link")
    stranger = make_customer()
    with pytest.raises(actions.SignInRefused):
        actions.finish_link(SimpleNamespace(user=stranger), begun.pk)  # type: ignore[arg-type]


# --- What changes at OVHcloud -----------------------------------------------------------------------------------------
def test_an_account_that_changed_its_address_and_country_is_the_same_and_gains_nothing(client, ovh):
    """Identity is endpoint and nichandle: somebody else with that address stays somebody else."""
    who = ovh.customers[0]
    sign_in(client, ovh, who)
    account = Nichandle.objects.get()
    told = (account.email, account.country)
    Nichandle.objects.update(email="before@example.net", country="BE", time_zone="Asia/Tokyo")
    namesake = make_customer("namesake9-ovh", email=told[0])
    again = Client()
    sign_in(again, ovh, who)
    account.refresh_from_db()
    assert (account.email, account.country) == told
    assert account.time_zone == "Asia/Tokyo", "what its person chose stays"
    assert User.objects.count() == 2
    assert not namesake.links.filter(nichandle=account).exists()
    assert told[0] in again.get("/account/").content.decode()


# --- Factors ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("off_by", "status"), [(-60, 302), (0, 302), (60, 302), (-150, 200), (150, 200)])
def test_a_phone_whose_clock_is_a_minute_off_still_lets_in(client, off_by, status):
    make_staff("kim@example.net")
    client.post("/staff/sign-in/", {"login": "kim@example.net", "password": "correct horse battery"})
    code = pyotp.TOTP(TOTP_SECRET).at(time.time() + off_by)
    answer = client.post("/staff/sign-in/code/", {"code": code})
    assert answer.status_code == status
    assert ("_auth_user_id" in client.session) == (status == 302)


def test_a_code_works_once(client):
    make_staff("kim@example.net")
    code, other = pyotp.TOTP(TOTP_SECRET).now(), Client()
    for browser, status in ((client, 302), (other, 200)):
        browser.post("/staff/sign-in/", {"login": "kim@example.net", "password": "correct horse battery"})
        assert browser.post("/staff/sign-in/code/", {"code": code}).status_code == status


def test_who_lost_their_phone_comes_in_by_a_recovery_code_and_takes_the_app_away(client):
    kim = make_staff("kim@example.net")
    client.force_login(kim)
    client.post("/account/factors/codes/new/")
    codes = Authenticator.objects.get(user=kim, type="recovery_codes").wrap().get_unused_codes()
    again = Client()
    again.post("/staff/sign-in/", {"login": "kim@example.net", "password": "correct horse battery"})
    assert again.post("/staff/sign-in/code/", {"code": codes[0]}).status_code == 302
    assert again.post("/account/factors/app/remove/").status_code == 302
    assert again.get("/support/")["Location"] == "/account/factors/"
    TOTP.activate(kim, TOTP_SECRET)
    assert again.get("/support/").status_code == 200
