"""Sessions: how long they last, and that their person can see and end them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Session
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db

PHONE = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36"


def browser(user, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(user)
    return client


def after(**time: int) -> time_machine.travel:
    return time_machine.travel(timezone.now() + timedelta(**time), tick=True)


def test_a_session_ends_after_lying_unused(customer_client):
    with after(minutes=119):
        assert customer_client.get("/orders/").status_code == 200
    with after(minutes=119 + 119):
        assert customer_client.get("/orders/").status_code == 200
    with after(minutes=119 + 119 + 121):
        assert customer_client.get("/orders/").status_code == 302


def test_a_page_that_lies_open_and_asks_by_itself_does_not_keep_a_session(customer_client):
    with after(minutes=100):
        assert customer_client.get("/orders/", headers={"HX-Request": "true"}).status_code == 200
    with after(minutes=121):
        assert customer_client.get("/orders/").status_code == 302


def test_no_use_extends_a_session_beyond_its_hours(customer_client):
    for minutes in range(100, 12 * 60, 100):
        with after(minutes=minutes):
            assert customer_client.get("/account/").status_code == 200
    with after(hours=12, minutes=1):
        assert customer_client.get("/account/").status_code == 302


def test_changing_something_in_a_session_does_not_begin_it_anew(customer_client):
    for minutes in range(100, 12 * 60, 100):
        with after(minutes=minutes):
            session = customer_client.session
            session["account"] = ""
            session.save()
    with after(hours=12, minutes=1):
        assert customer_client.get("/account/").status_code == 302


def test_staff_sit_unused_for_half_an_hour_at_most():
    client = browser(make_staff())
    with after(minutes=29):
        assert client.get("/support/").status_code == 200
    with after(minutes=60):
        assert client.get("/support/").status_code == 302


def test_the_account_page_lists_devices_and_says_which_is_this_one(customer):
    phone = browser(customer, **{"User-Agent": PHONE})
    phone.get("/account/", headers={"User-Agent": PHONE})
    here = browser(customer)
    page = here.get("/account/").content.decode()
    assert page.count("signed in ") == 2
    assert page.count("this device") == 1
    key = here.session.session_key
    assert key is not None
    assert key not in page


def test_a_session_is_ended_by_its_name_and_only_by_its_person(customer):
    here, there = browser(customer), browser(customer)
    name = Session.objects.get(pk=there.session.session_key).name
    stranger = browser(make_customer())
    stranger.post("/account/sessions/end/", {"session": name})
    assert there.get("/orders/").status_code == 200
    here.post("/account/sessions/end/", {"session": name})
    assert there.get("/orders/").status_code == 302
    assert here.get("/orders/").status_code == 200


def test_all_other_sessions_are_ended_at_once(customer):
    here, others = browser(customer), [browser(customer) for _ in range(3)]
    here.post("/account/sessions/end/", {"session": "others"})
    assert here.get("/orders/").status_code == 200
    assert [other.get("/orders/").status_code for other in others] == [302] * 3


def test_opening_pages_writes_a_session_once_a_minute_at_most(customer_client, django_assert_num_queries):
    customer_client.get("/account/")
    with after(seconds=30), django_assert_num_queries(7):
        customer_client.get("/account/")


def test_a_page_that_lay_open_is_loaded_anew_and_says_why_the_session_ended(customer, customer_client):
    """Its poll comes first, and can show nothing: the browser is not to forget the session with that."""
    customer.sessions.update(ended_because="revoked")
    here = {"HX-Request": "true", "HX-Current-URL": "http://testserver/orders/?expired=1"}
    poll = customer_client.get("/orders/", headers=here)
    assert (poll.status_code, poll["HX-Redirect"]) == (401, "/orders/?expired=1")
    assert not poll.cookies
    page = customer_client.get("/orders/?expired=1")
    assert page.status_code == 401
    assert page.templates[0].name == "accounts/key_revoked.html"
    assert customer_client.get("/orders/").status_code == 302
