"""Who may come to the desk, and what is written down of it."""

from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from accounts.models import AuditEvent
from orders.models import Intent
from tests.factories import make_customer, make_nichandle, make_order, make_staff

pytestmark = pytest.mark.django_db
PAGES = ["/support/", "/support/?q=martin", "/support/queues/", "/support/orders/desk1-ovh/4711/"]


@pytest.fixture(autouse=True)
def order() -> Any:
    return make_order(make_nichandle("desk1-ovh"), 4711)


def client_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("pretence", ["", "role=support", "nichandle=desk1-ovh"])
def test_a_visitor_is_sent_to_the_staffs_door(path: str, pretence: str) -> None:
    client = Client()
    client.cookies["role"] = "support"
    answer = client.get(f"{path}{'&' if '?' in path else '?'}{pretence}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/staff/sign-in/?next=%2Fsupport%2F")


@pytest.mark.parametrize("path", PAGES)
def test_a_visitors_fragment_is_refused_and_told_where_to_go(path: str) -> None:
    answer = Client().get(path, headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (401, "/staff/sign-in/")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("pretence", ["", "role=support"])
def test_a_customer_finds_nothing_there(path: str, pretence: str) -> None:
    client = client_of(make_customer("cust1-ovh"))
    client.cookies["role"] = "support"
    assert client.get(f"{path}{'&' if '?' in path else '?'}{pretence}").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_an_administrator_keeps_people_but_reads_no_orders(path: str) -> None:
    answer = client_of(make_staff("boss@example.net", role="administrator")).get(path)
    assert answer.status_code == 403
    assert "does not look customers up" in answer.content.decode()
    assert "4711" not in answer.content.decode().replace(path, "")
    line = AuditEvent.objects.exclude(action="staff_sign_in").get()
    assert (line.actor, line.result, line.detail) == ("boss@example.net", "refused", {"role": "administrator"})


@pytest.mark.parametrize("role", ["support", "supervisor"])
@pytest.mark.parametrize("path", PAGES)
def test_support_and_supervisors_read_them(path: str, role: str) -> None:
    assert client_of(make_staff(role=role)).get(path).status_code == 200


@pytest.mark.parametrize("change", [{"role": "administrator"}, {"is_active": False}])
def test_who_lost_the_right_loses_the_next_page(change: dict[str, Any]) -> None:
    staff = make_staff()
    client = client_of(staff)
    assert client.get("/support/queues/").status_code == 200
    type(staff).objects.filter(pk=staff.pk).update(**change)
    assert client.get("/support/queues/").status_code in (302, 403)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_can_be_sent_there(staff_client: Client, path: str, method: str) -> None:
    before = list(Intent.objects.values()), AuditEvent.objects.count()
    assert getattr(staff_client, method)(path).status_code == 405
    assert (list(Intent.objects.values()), AuditEvent.objects.count()) == before


@pytest.mark.parametrize("path", ["/orders/4711/withdrawal/", "/orders/4711/pay/"])
def test_staff_can_neither_withdraw_nor_pay(staff_client: Client, path: str) -> None:
    assert staff_client.post(path, {"confirm": "on"}).status_code == 404
    assert not Intent.objects.exists()


def test_each_look_says_who_saw_whom(staff_client: Client) -> None:
    staff_client.get("/support/?q=martin")
    staff_client.get("/support/orders/desk1-ovh/4711/")
    staff_client.get("/support/queues/")
    search, order, queues = AuditEvent.objects.exclude(action="staff_sign_in").order_by("pk")
    assert (search.action, search.target, search.detail["hits"]) == ("staff_search", "martin", 1)
    assert search.detail["accounts"] == ["desk1-ovh"]
    assert (order.action, order.subject, order.target) == ("staff_order", "desk1-ovh", "4711")
    assert queues.action == "staff_queues"
    for line in (search, order, queues):
        assert line.actor.startswith("staff")
        assert (line.address, line.result) == ("127.0.0.1", "done")
        assert len(line.request_id) == 36
        assert len(line.detail["session"]) == 16
        assert line.detail["session"] not in str(staff_client.session.session_key)


def test_no_audit_no_page(staff_client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER jam BEFORE INSERT ON accounts_auditevent FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for path in PAGES[1:]:
        with pytest.raises(DatabaseError):
            staff_client.get(path)
