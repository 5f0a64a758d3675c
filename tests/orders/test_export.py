"""Download my data, and being forgotten."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import sync as accounts_sync
from accounts.models import AuditEvent, DroppedKey, Link, Nichandle, User
from orders import actions, export
from orders.models import Export, Order, Retraction
from tests.accounts.test_sign_in import sign_in
from tests.factories import make_customer, make_detail, make_event, make_order

pytestmark = pytest.mark.django_db


def taken(client: Client) -> zipfile.ZipFile:
    client.post("/account/export/")
    export.make_due()
    answer = client.post("/account/export/take/")
    assert answer["Content-Type"] == "application/zip"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def withdraw(order: Order) -> Any:
    return actions.retract_order(order, email="anna@example.com", language="en", request=None)


def test_the_file_holds_everything_of_this_account_and_nothing_of_another(customer, customer_client):
    mine = make_order(customer.nichandle, payment_date=timezone.now(), retraction_date=timezone.now() + timedelta(9))
    make_detail(mine, description="VPS of mine")
    make_event(mine, after="delivered")
    withdraw(mine)
    make_order(make_customer("other9-ovh").nichandle, first_description="not mine")
    zipped = taken(customer_client)
    orders = json.loads(zipped.read("orders.json"))
    assert [order["order_id"] for order in orders] == [mine.order_id]
    assert orders[0]["details"][0]["description"] == "VPS of mine"
    assert orders[0]["events"]
    account = json.loads(zipped.read("account.json"))
    assert account["email"] == "anna@example.com"
    assert [one["order_number"] for one in json.loads(zipped.read("withdrawals.json"))] == [mine.order_id]
    everything = "".join(zipped.read(name).decode(errors="replace") for name in zipped.namelist())
    assert "not mine" not in everything
    assert Link.objects.first().encrypted_key not in everything


def test_it_is_taken_once_and_by_nobody_else(customer, customer_client):
    customer_client.post("/account/export/")
    other = Client()
    other.force_login(make_customer())
    assert customer_client.post("/account/export/take/").status_code == 404
    export.make_due()
    assert other.post("/account/export/take/").status_code == 404
    assert Client().post("/account/export/take/").status_code == 302
    assert customer_client.post("/account/export/take/").status_code == 200
    assert customer_client.post("/account/export/take/").status_code == 404
    actions_seen = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"export_asked", "export_taken"} <= actions_seen


def test_it_lives_a_day(customer_client):
    customer_client.post("/account/export/")
    export.make_due()
    with time_machine.travel(timezone.now() + timedelta(hours=24, minutes=1)):
        export.make_due()
    assert not Export.objects.exists()


def test_asking_again_is_the_same_file(customer_client):
    customer_client.post("/account/export/")
    customer_client.post("/account/export/")
    assert Export.objects.count() == 1


def test_it_asks_first_who_is_there(customer_client):
    session = customer_client.session
    session["shown_at"] -= 16 * 60
    session.save()
    assert customer_client.post("/account/export/").url.startswith("/account/sure/")
    assert not Export.objects.exists()


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\xa0=1", "\u200b=1", "|x", "%x"]
)
def test_no_cell_is_a_formula(customer, customer_client, text):
    make_order(customer.nichandle, first_description=text, price="-3.50")
    rows = list(csv.reader(io.StringIO(taken(customer_client).read("orders.csv").decode("utf-8-sig"))))
    assert rows[1][5] == f"'{text}"
    # An amount stays one, also below zero.
    assert rows[1][3] == "-3.5"


# --- Forgotten --------------------------------------------------------------------------------------------------------
def test_being_forgotten_deletes_everything_and_takes_every_key_back(client, ovh):
    sign_in(client, ovh, ovh.customers[0])
    user = User.objects.get()
    make_order(user.nichandle)
    holder = make_customer("holder1-ovh")
    link = Link(user=holder, nichandle=user.nichandle)
    link.keep_key("theirs")
    link.save()
    assert client.post("/account/erase/").status_code == 200
    assert Order.objects.exists()
    page = client.post("/account/erase/", {"sure": "on"}).content.decode()
    assert "You are forgotten here" in page
    assert not Order.objects.exists()
    assert list(User.objects.all()) == [holder]
    assert list(Nichandle.objects.all()) == [holder.nichandle]
    assert DroppedKey.objects.count() == 2
    accounts_sync.drop_keys()
    assert not DroppedKey.objects.exists()
    assert ovh.requests()[-1]["path"] == "/1.0/auth/logout"
    assert client.get("/orders/").status_code == 302


def test_what_a_declaration_names_stays_without_a_name(customer, customer_client):
    now = timezone.now()
    order = make_order(customer.nichandle, payment_date=now, retraction_date=now + timedelta(days=9))
    make_detail(order, description="VPS canary")
    other = make_order(customer.nichandle)
    withdraw(order)
    customer_client.post("/account/erase/", {"sure": "on"})
    assert list(Order.objects.all()) == [order]
    assert Retraction.objects.count() == 1
    left = Nichandle.objects.get()
    assert (left.email, left.name, left.billing, left.nichandle) == ("", "", {}, customer.nichandle.nichandle)
    assert not User.objects.exists()
    with connection.cursor() as cursor:
        for table in ("orders_order", "orders_orderdetail", "accounts_nichandle", "accounts_link"):
            cursor.execute(f'select string_agg(t::text, chr(10)) from "{table}" t')
            rows = cursor.fetchone()[0] or ""
            for word in ("VPS canary", "Lille", "Martin", str(other.order_id)):
                assert word not in rows


def test_coming_back_begins_anew(client, ovh):
    who = ovh.customers[0]
    sign_in(client, ovh, who)
    client.post("/account/erase/", {"sure": "on"})
    assert sign_in(client, ovh, who).url == "/orders/"
    assert Link.objects.get().is_usable


def test_being_forgotten_asks_first_who_is_there(customer_client):
    session = customer_client.session
    session["shown_at"] -= 16 * 60
    session.save()
    assert customer_client.post("/account/erase/", {"sure": "on"}).status_code == 302
    assert User.objects.exists()
