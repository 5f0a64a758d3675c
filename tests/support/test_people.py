"""An administrator's pages: who works here. Nobody locks themself or everybody out, and no order is to be seen."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEvent, Session, User
from support import people
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db
PASSWORD = "purple monkey dishwasher"


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss(db: None) -> User:
    return make_staff("boss@example.net", role="administrator")


@pytest.fixture
def at_work(boss: User) -> Client:
    return browser(boss)


def act(client: Client, email: str, **fields: str) -> str:
    """Send a form of somebody's page; the page that follows."""
    return client.post(f"/support/people/{email}/", fields, follow=True).content.decode()


def last() -> AuditEvent:
    return AuditEvent.objects.filter(actor="boss@example.net").latest("pk")


def test_an_invitation_is_mailed_and_its_link_works_once(at_work, client):
    answer = at_work.post("/support/people/", {"email": " Kim@Example.net", "role": "support"})
    assert answer.status_code == 302
    (sent,) = mail.outbox
    assert sent.to == ["kim@example.net"]
    found = re.search(r"^http://localhost(/staff/welcome/[\w-]+/)$", sent.body, re.MULTILINE)
    assert found, sent.body
    assert client.get(found[1]).status_code == 302
    client.post("/staff/welcome/", {"password1": PASSWORD, "password2": PASSWORD})
    assert User.objects.get(username="kim@example.net").check_password(PASSWORD)
    assert client.get(found[1]).status_code == 404
    written = AuditEvent.objects.filter(target="kim@example.net").values_list("actor", "action")
    assert set(written) >= {("boss@example.net", "staff_add"), ("boss@example.net", "staff_invite")}


def test_the_link_stands_in_no_page_and_no_row(at_work):
    at_work.post("/support/people/", {"email": "kim@example.net", "role": "support"})
    token = mail.outbox[0].body.split("/staff/welcome/")[1].split("/")[0]
    assert token not in at_work.get("/support/people/").content.decode()
    assert token not in str(list(AuditEvent.objects.values()))


@pytest.mark.parametrize("email", ["", "no address", "ovh/agathe1-ovh", "operator", "left@example.net"])
def test_who_is_no_staff_or_was_switched_off_is_not_invited(at_work, email):
    make_customer("agathe1-ovh")
    User.objects.operator()
    gone = make_staff("left@example.net")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert at_work.post("/support/people/", {"email": email, "role": "support"}).status_code == 200
    assert mail.outbox == []


@pytest.mark.parametrize("role", ["", "operator", "root"])
def test_nobody_gets_a_role_that_is_none_of_staff(at_work, role):
    make_staff("kim@example.net")
    at_work.post("/support/people/", {"email": "new@example.net", "role": role})
    act(at_work, "kim@example.net", do="role", role=role)
    assert not User.objects.filter(username="new@example.net").exists()
    assert User.objects.get(username="kim@example.net").role == "support"


def test_a_mail_server_that_refuses_is_said_and_the_link_sent_again(at_work, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "localhost", 1
    answer = at_work.post("/support/people/", {"email": "kim@example.net", "role": "support"}, follow=True)
    assert "did not take the invitation" in answer.content.decode()
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert "A new link is on its way" in act(at_work, "kim@example.net", do="invite")
    assert len(mail.outbox) == 1


def test_who_is_switched_off_is_out_everywhere_at_once(at_work):
    kim = make_staff("kim@example.net")
    desk, phone = browser(kim), browser(kim)
    assert desk.get("/support/").status_code == 200
    assert "every session of theirs has ended" in act(at_work, "kim@example.net", do="off")
    assert [each.get("/support/").status_code for each in (desk, phone)] == [302, 302]
    assert not Session.objects.filter(user=kim).exists()
    assert (last().action, last().target, last().actor) == ("staff_off", "kim@example.net", "boss@example.net")
    act(at_work, "kim@example.net", do="on")
    assert desk.get("/support/").status_code == 302, "switching on opens no old session"
    assert browser(kim).get("/support/").status_code == 200


def test_a_changed_role_holds_from_the_next_request(at_work):
    kim = make_staff("kim@example.net")
    desk = browser(kim)
    act(at_work, "kim@example.net", do="role", role="administrator")
    assert desk.get("/support/").status_code == 302
    assert browser(kim).get("/support/").status_code == 403
    assert last().detail == {"before": "support", "role": "administrator"}


def test_lost_factors_are_reset_and_a_new_one_is_demanded(at_work):
    kim = make_staff("kim@example.net")
    desk = browser(kim)
    act(at_work, "kim@example.net", do="factors")
    assert desk.get("/support/").status_code == 302
    assert browser(kim).get("/support/")["Location"] == "/account/factors/"
    assert (last().action, last().target) == ("factors_reset", "kim@example.net")


@pytest.mark.parametrize(("what", "role"), [("off", ""), ("role", "support"), ("factors", "")])
def test_nobody_does_it_to_themself(at_work, boss, what, role):
    make_staff("other@example.net", role="administrator")
    assert "Nobody does this to themself" in act(at_work, boss.username, do=what, role=role)
    boss.refresh_from_db()
    assert (boss.is_active, boss.role) == (True, "administrator")
    assert at_work.get("/support/people/").status_code == 200


def test_the_last_administrator_stays(boss, rf):
    """Whoever asks may have lost the role a moment ago, by the other one's hand: somebody must remain."""
    request = rf.post("/")
    request.user = make_staff("asking@example.net", role="administrator")
    User.objects.filter(pk=request.user.pk).update(is_active=False)
    for change in (lambda: people.change_role(request, boss, "support"), lambda: people.switch_off(request, boss)):
        with pytest.raises(people.LastAdministrator):
            change()
    boss.refresh_from_db()
    assert (boss.is_active, boss.role) == (True, "administrator")
    # One who was invited and has chosen no password yet is nobody to rely on.
    make_staff("new@example.net", role="administrator", password=None)
    with pytest.raises(people.LastAdministrator):
        people.switch_off(request, boss)
    make_staff("other@example.net", role="administrator")
    people.switch_off(request, boss)
    boss.refresh_from_db()
    assert not boss.is_active


def test_an_administrator_sees_people_and_no_order(at_work):
    page = at_work.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/support/people/"
    assert 'href="/support/queues/"' not in page.content.decode()
    for path in ("/support/", "/support/queues/", "/orders/"):
        assert at_work.get(path).status_code in (403, 404)


def test_who_has_not_shown_lately_who_they_are_is_asked_first(at_work):
    make_staff("kim@example.net")
    session: Any = at_work.session
    session["shown_at"] -= 16 * 60
    session.save()
    answer = at_work.post("/support/people/kim@example.net/", {"do": "off"})
    assert answer.url == "/account/sure/?next=%2Fsupport%2Fpeople%2Fkim%40example.net%2F"
    assert User.objects.get(username="kim@example.net").is_active
