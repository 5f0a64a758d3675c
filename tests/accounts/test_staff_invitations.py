"""Staff are added at a terminal; the link that comes out works once."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, User
from support import invitations
from support.models import Invitation
from tests.factories import make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "purple monkey dishwasher"


def add(*words: str) -> str:
    out = StringIO()
    call_command("add_staff", *words, stdout=out)
    return out.getvalue()


def path_in(text: str) -> str:
    """The link's path; it begins with the configured origin, and with no other."""
    found = re.search(r"^http://localhost(/staff/welcome/[\w-]+/)$", text, re.MULTILINE)
    assert found, text
    return found[1]


def choose(client: Client, password: str = PASSWORD, again: str | None = None) -> Any:
    return client.post("/staff/welcome/", {"password1": password, "password2": password if again is None else again})


def test_the_link_lets_its_owner_choose_a_password_and_come_in(client: Client) -> None:
    text = add("Kim@Example.net", "--role", "support")
    assert "kim@example.net was added, role support." in text
    answer = client.get(path_in(text))
    assert (answer.status_code, answer["Location"]) == (302, "/staff/welcome/")
    assert "kim@example.net" in client.get("/staff/welcome/").content.decode()
    assert "Your password is kept" in choose(client).content.decode()
    assert client.post("/staff/sign-in/", {"login": "kim@example.net", "password": PASSWORD}).status_code == 302
    # The desk opens once a second factor is set up.
    assert client.get("/support/")["Location"] == "/account/factors/"
    assert AuditEvent.objects.filter(action__in=["staff_add", "staff_welcome"]).count() == 2


def test_opening_the_link_uses_nothing_up(client: Client) -> None:
    path = path_in(add("kim@example.net"))
    for _ in range(3):
        assert Client().get(path).status_code == 302
    client.get(path)
    assert choose(client).status_code == 200


def test_used_replaced_late_closed_and_invented_links_answer_alike(client: Client) -> None:
    used, replaced, late = (path_in(add(f"{name}@example.net")) for name in ("used", "replaced", "late"))
    closed = path_in(add("closed@example.net"))
    client.get(used)
    choose(client)
    add("replaced@example.net")
    User.objects.filter(username="closed@example.net").update(is_active=False)
    Invitation.objects.filter(user__username="late@example.net").update(created_at=timezone.now() - timedelta(hours=25))
    answers = [Client().get(path) for path in (used, replaced, late, closed, "/staff/welcome/" + "A" * 43 + "/")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_a_page_left_open_too_long_keeps_nothing(client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        client.get(path_in(add("kim@example.net")))
        clock.shift(timedelta(hours=24, seconds=1))
        assert choose(client).status_code == 404
    assert not User.objects.get().has_usable_password()


def test_of_two_browsers_with_one_link_the_second_is_told(client: Client) -> None:
    path = path_in(add("kim@example.net"))
    second = Client()
    client.get(path)
    second.get(path)
    assert choose(client).status_code == 200
    assert choose(second, "another long password").status_code == 404
    assert User.objects.get().check_password(PASSWORD)


def test_two_at_the_same_moment_set_one_password() -> None:
    user = make_staff("kim@example.net", factor=False)
    invitation = invitations.by_token(invitations.invite(user).rstrip("/").rsplit("/", 1)[1])
    assert invitation is not None
    assert invitations.use(invitation, PASSWORD)
    assert not invitations.use(invitation, "another long password")
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("short", "short", "too short"),
        ("123456789012345", "123456789012345", "entirely numeric"),
        ("passwordpassword", "passwordpasswore", "two different passwords"),
        ("", "", "required"),
    ],
)
def test_a_poor_password_is_refused_in_words(client: Client, password: str, again: str, words: str) -> None:
    client.get(path_in(add("kim@example.net")))
    assert words in choose(client, password, again).content.decode()
    assert not User.objects.get().has_usable_password()


def test_the_form_is_nobodys_without_the_link(client: Client) -> None:
    add("kim@example.net")
    assert client.get("/staff/welcome/").status_code == 404
    assert choose(client).status_code == 404
    assert not User.objects.get().has_usable_password()


def test_guessing_links_is_limited(client: Client) -> None:
    answers = [client.get(f"/staff/welcome/{n:043}/").status_code for n in range(22)]
    assert answers == [404] * 20 + [429] * 2


def test_the_token_is_long_and_stored_as_a_digest_only() -> None:
    token = path_in(add("kim@example.net")).split("/")[3]
    assert len(token) >= 43
    row = Invitation.objects.values().get()
    assert token not in str(row)
    assert not Invitation.objects.filter(digest=token).exists()


def test_running_it_again_says_so_and_gives_a_new_link(client: Client) -> None:
    first = path_in(add("kim@example.net"))
    text = add("kim@example.net")
    assert "kim@example.net exists already, role support." in text
    assert User.objects.count() == 1
    assert client.get(first).status_code == 404
    assert client.get(path_in(text)).status_code == 302


def test_another_role_is_given_to_who_is_there() -> None:
    add("kim@example.net")
    assert "role changed from support to supervisor" in add("kim@example.net", "--role", "supervisor")
    assert User.objects.get().role == "supervisor"
    assert AuditEvent.objects.filter(action="staff_role", target="kim@example.net").exists()


def test_a_password_from_the_environment_needs_no_link(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)
    text = add("kim@example.net", "--password-env", "DEMO_PASSWORD")
    assert "The password of kim@example.net is set." in text
    assert PASSWORD not in text
    assert not Invitation.objects.exists()
    assert client.post("/staff/sign-in/", {"login": "kim@example.net", "password": PASSWORD}).status_code == 302


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nobody"], "is not an e-mail address"),
        (["kim@example.net", "--password-env", "UNSET_VARIABLE"], "UNSET_VARIABLE is empty"),
        (["kim@example.net", "--role", "king"], "invalid choice"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence_and_adds_nobody(words: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        add(*words)
    assert not User.objects.exists()


def test_a_new_link_ends_nothing_until_it_is_used(client: Client) -> None:
    user = make_staff("kim@example.net", password=PASSWORD)
    client.force_login(user)
    path = path_in(add("kim@example.net"))
    assert client.get("/support/").status_code == 200
    other = Client()
    other.get(path)
    choose(other, "a quite different password")
    assert client.get("/support/").status_code == 302
