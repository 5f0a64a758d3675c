"""Staff's own door: who gets in, who does not, and what they are told."""

from typing import Any

import pyotp
import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.db import DatabaseError, connection
from django.test import Client

from accounts.models import AuditEvent, Session, User
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
DOOR = "/staff/sign-in/"
PASSWORD = "correct horse battery"


@pytest.fixture
def staff() -> User:
    return make_staff("kim@example.net", password=PASSWORD, factor=False)


def knock(client: Client, login: str = "kim@example.net", password: str = PASSWORD, **more: Any) -> Any:
    return client.post(DOOR, {"login": login, "password": password, **more})


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def lines(result: str) -> list[tuple[str, str]]:
    """Signing in as the audit trail tells it: target and why."""
    found = AuditEvent.objects.filter(action="staff_sign_in", result=result).order_by("pk")
    return [(line.target, line.detail.get("why", "")) for line in found]


def test_the_form_asks_for_login_and_password(client: Client) -> None:
    page = client.get(DOOR)
    assert page.status_code == 200
    assert list(page.context["form"].fields) == ["login", "password"]
    assert not Session.objects.exists()


@pytest.mark.parametrize("login", ["kim@example.net", "KIM@Example.NET", "  kim@example.net "])
def test_staff_come_in_by_email_and_password(client: Client, staff: User, login: str) -> None:
    answer = knock(client, login)
    assert (answer.status_code, answer["Location"]) == (302, "/support/")
    assert client.session["_auth_user_id"] == str(staff.pk)
    assert lines("done") == [("kim@example.net", "")]


def test_the_session_key_changes_at_the_door(client: Client, staff: User) -> None:
    client.get(DOOR)
    session = client.session
    session["planted"] = "1"
    session.save()
    before = session.session_key
    knock(client)
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_wrong_password_and_an_unknown_name_are_answered_alike(client: Client, staff: User) -> None:
    def words(answer: Any) -> str:
        assert answer.status_code == 200
        return str(answer.context["form"].non_field_errors()[0])

    known = knock(client, password="not this one")
    unknown = knock(client, "nobody@example.net")
    assert words(known) == words(unknown) == "This e-mail and this password do not belong together."
    assert "kim@example.net" in known.content.decode()
    assert not is_in(client)
    assert lines("refused") == [("kim@example.net", "password"), ("nobody@example.net", "password")]


def test_a_password_typed_into_the_wrong_field_is_not_kept(client: Client, staff: User) -> None:
    knock(client, login=PASSWORD, password="kim")
    assert lines("refused") == [("", "password")]


@pytest.mark.parametrize("password", ["", "!", "x" * 5000])
def test_a_customer_has_no_password_to_come_in_by(client: Client, password: str) -> None:
    user = make_customer("am1-ovh")
    for login in (user.username, "am1-ovh", "anna@example.com"):
        assert knock(client, login, password).status_code in (200, 429)
    User.objects.update(password="")
    assert knock(client, user.username, password).status_code in (200, 429)
    assert not is_in(client)


@pytest.mark.parametrize("login", ["\x00", "a" * 10_000, "%00", "kim@example.net\r\nX: 1", "ｋｉｍ@example.net"])
def test_strange_names_are_refused_in_words(client: Client, staff: User, login: str) -> None:
    assert knock(client, login).status_code == 200
    assert not is_in(client)


def test_a_closed_account_is_told_so_to_who_knows_its_password(client: Client, staff: User) -> None:
    User.objects.update(is_active=False)
    answer = knock(client)
    assert answer.status_code == 403
    assert "This account was closed" in answer.content.decode()
    assert not is_in(client)
    assert "do not belong together" in knock(client, password="wrong").content.decode()


def test_six_tries_and_the_door_stays_shut_for_a_while_even_for_the_right_password(client: Client, staff: User) -> None:
    for _ in range(5):
        assert knock(client, password="wrong").status_code == 200
    answer = knock(client)
    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert "Too many attempts" in answer.content.decode()
    assert not is_in(client)
    assert lines("refused")[-1] == ("kim@example.net", "limit")


def test_a_name_that_nobody_has_is_locked_in_the_same_way(client: Client) -> None:
    answers = [knock(client, "nobody@example.net").status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_somebody_elses_success_does_not_clear_the_count(client: Client, staff: User) -> None:
    make_staff("lou@example.net", password=PASSWORD, factor=False)
    for _ in range(4):
        knock(client, password="wrong")
    assert knock(Client(), "lou@example.net").status_code == 302
    assert [knock(client, password="wrong").status_code for _ in range(2)] == [200, 429]


def test_another_x_forwarded_for_each_time_helps_nobody(client: Client) -> None:
    answers = [
        client.post(
            DOOR, {"login": f"n{n}@example.net", "password": "x"}, headers={"X-Forwarded-For": f"10.0.0.{n}"}
        ).status_code
        for n in range(12)
    ]
    assert answers[:10] == [200] * 10
    assert answers[10:] == [429] * 2
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "where",
    [
        "//e.test", "/\\e.test", "\\\\e.test", "https:e.test", "https://e.test/", "http:///e.test", "/%09/e.test",
        "/\t/e.test", "\x00/e", "javascript:1", "data:text/html,1", "/support/" + "a" * 3000, "/support/\r\nX: 1",
        "/support/../../e", "/orders/", "/staff/sign-in/", "support/", "http://testserver@e.test/support/",
        "https://localhost/support/", "/support/orders/ｅ/1/", "",
    ],
)  # fmt: skip
def test_next_leads_nowhere_but_to_the_desk(client: Client, staff: User, where: str) -> None:
    shown = client.get(DOOR, {"next": where})
    assert shown.status_code == 200
    assert 'name="next"' not in shown.content.decode().split("<main")[1].split("</main")[0]
    assert knock(client, next=where)["Location"] == "/support/"


def test_two_nexts_are_judged_as_the_one_that_is_used(client: Client, staff: User) -> None:
    answer = client.post(
        DOOR + "?next=//e.test", {"login": "kim@example.net", "password": PASSWORD, "next": ["/support/", "//e.test"]}
    )
    assert answer["Location"] == "/support/"


@pytest.mark.parametrize("where", ["/support/?q=martin%20photo", "/support/queues/", "/support/orders/a-ovh/1/"])
def test_next_leads_back_to_a_page_of_the_desk(client: Client, staff: User, where: str) -> None:
    assert f'value="{where}"' in client.get(DOOR, {"next": where}).content.decode()
    assert knock(client, next=where)["Location"] == where


def test_without_its_token_the_form_is_refused(staff: User) -> None:
    client = Client(enforce_csrf_checks=True)
    assert knock(client).status_code == 403
    assert not is_in(client)


def test_a_sign_in_that_cannot_be_written_down_does_not_happen(client: Client, staff: User) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER jam BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    with pytest.raises(DatabaseError):
        knock(client)
    assert not is_in(client)


def test_who_is_in_already_is_sent_on(client: Client, staff: User) -> None:
    knock(client)
    assert client.get(DOOR)["Location"] == "/support/"


def test_signing_out_ends_the_session_on_the_server(client: Client, staff: User) -> None:
    knock(client)
    key = client.session.session_key
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    client.cookies["panel_session"] = key
    assert client.get("/support/")["Location"].startswith(DOOR)


# --- The second factor ------------------------------------------------------------------------------------------------
@pytest.fixture
def secret(staff: User) -> str:
    """Kim's authenticator."""
    secret = pyotp.random_base32()
    TOTP.activate(staff, secret)
    return secret


def code_of(secret: str) -> str:
    return pyotp.TOTP(secret).now()


def test_a_second_factor_is_asked_before_anybody_is_in(client: Client, secret: str) -> None:
    answer = knock(client)
    assert answer["Location"] == "/staff/sign-in/code/"
    assert not is_in(client)
    assert client.get("/support/")["Location"].startswith(DOOR)
    knock(client)
    page = client.get("/staff/sign-in/code/")
    assert list(page.context["form"].fields) == ["code"]
    before = client.session.session_key
    answer = client.post("/staff/sign-in/code/", {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/support/")
    assert is_in(client)
    assert client.session.session_key != before
    assert lines("done") == [("kim@example.net", "")]


def test_next_survives_the_second_factor(client: Client, secret: str) -> None:
    knock(client, next="/support/queues/")
    assert client.post("/staff/sign-in/code/", {"code": code_of(secret)})["Location"] == "/support/queues/"


@pytest.mark.parametrize("code", ["000000", "", "x" * 300, "\x00", "١٢٣٤٥٦"])
def test_a_wrong_code_lets_nobody_in(client: Client, secret: str, code: str) -> None:
    knock(client)
    assert client.post("/staff/sign-in/code/", {"code": code}).status_code == 200
    assert not is_in(client)


def test_a_wrong_code_is_written_down_and_the_sixth_is_not_looked_at(client: Client, secret: str) -> None:
    knock(client)
    answers = [client.post("/staff/sign-in/code/", {"code": "000000"}).status_code for _ in range(5)]
    last = client.post("/staff/sign-in/code/", {"code": code_of(secret)})
    assert answers == [200] * 5
    assert (last.status_code, last["Retry-After"]) == (429, "300")
    assert not is_in(client)
    assert [why for _target, why in lines("refused")] == ["code"] * 5 + ["limit"]


def test_a_code_works_once(client: Client, secret: str) -> None:
    code = code_of(secret)
    for browser, expected in ((client, 302), (Client(), 200)):
        knock(browser)
        assert browser.post("/staff/sign-in/code/", {"code": code}).status_code == expected


def test_a_recovery_code_works_once(client: Client, staff: User, secret: str) -> None:
    code = RecoveryCodes.activate(staff).get_unused_codes()[0]
    for browser, expected in ((client, 302), (Client(), 200)):
        knock(browser)
        assert browser.post("/staff/sign-in/code/", {"code": code}).status_code == expected


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_code_page_alone_leads_back_to_the_door(client: Client, secret: str, method: str) -> None:
    answer = getattr(client, method)("/staff/sign-in/code/", {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, DOOR)
    assert not is_in(client)


def test_a_post_without_a_code_shows_the_page_again(client: Client, secret: str) -> None:
    knock(client)
    assert client.post("/staff/sign-in/code/", {})["Location"] == "/staff/sign-in/code/"
    assert not is_in(client)
