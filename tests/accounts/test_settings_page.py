"""Language and time zone, and the account's page that shows them."""

import pytest
from django.test import Client

from accounts.forms import time_zones
from accounts.models import AuditEvent
from tests.factories import make_customer, make_staff

pytestmark = pytest.mark.django_db


def test_both_are_kept_and_shown(customer, customer_client):
    page = customer_client.get("/account/settings/").content.decode()
    assert '<option value="Europe/Paris" selected>' in page
    answer = customer_client.post("/account/settings/", {"language": "fr", "time_zone": "America/Montreal"})
    assert answer.url == "/account/"
    page = customer_client.get("/account/").content.decode()
    assert "America/Montreal" in page
    assert '<html lang="fr"' in page
    customer.refresh_from_db()
    customer.nichandle.refresh_from_db()
    assert (customer.language, customer.nichandle.time_zone) == ("fr", "America/Montreal")
    assert AuditEvent.objects.get(action="settings").detail == {"language": "fr", "time_zone": "America/Montreal"}


@pytest.mark.rows(5)
@pytest.mark.parametrize("zone", ["", "Europe/Atlantis", "../etc/passwd", "posix/Europe/Paris", "Z\0"])
@pytest.mark.parametrize("language", ["en", "xx", ""])
def test_what_is_no_zone_or_language_is_not_kept(customer, customer_client, zone, language):
    assert customer_client.post("/account/settings/", {"language": language, "time_zone": zone}).status_code == 200
    customer.nichandle.refresh_from_db()
    assert customer.nichandle.time_zone == "Europe/Paris"


def test_every_zone_on_offer_is_one(customer):
    assert len(time_zones()) > 300
    for zone in time_zones():
        customer.nichandle.time_zone = zone
        assert customer.nichandle.zone.key == zone


def test_it_is_always_about_ones_own_account(customer, customer_client):
    other = make_customer("other9-ovh", time_zone="Asia/Tokyo")
    form = {"language": "en", "time_zone": "Europe/Rome", "account": "other9-ovh", "nichandle": "other9-ovh"}
    customer_client.post("/account/settings/", form)
    other.nichandle.refresh_from_db()
    assert other.nichandle.time_zone == "Asia/Tokyo"


def test_staff_have_no_such_page(staff_of_any_role: Client):
    assert staff_of_any_role.get("/account/settings/").status_code == 404


@pytest.fixture(params=["support", "supervisor", "administrator"])
def staff_of_any_role(request):
    client = Client()
    client.force_login(make_staff(role=request.param))
    return client
