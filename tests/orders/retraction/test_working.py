"""The page shows how its date comes about, also on paper, and never calls what could not be asked "not eligible"."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Nichandle, User
from orders.models import Order
from tests.factories import make_canary, make_detail, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def nichandle(customer: User) -> Nichandle:
    make_canary()
    assert customer.nichandle
    return customer.nichandle


def placed(nichandle: Nichandle, **fields: Any) -> Order:
    day = timezone.now() - timedelta(days=3)
    order = make_order(nichandle, **{"date": day, "retraction_date": day + timedelta(days=14)} | fields)
    make_detail(order, description="VPS Comfort")
    return order


def page(client: Any, order: Order) -> str:
    markup = client.get(f"/orders/{order.order_id}/withdrawal/").content.decode()
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup[markup.index("<main") :])))


def test_the_working_names_the_rule_its_source_and_whose_holidays(customer_client, nichandle):
    told = page(customer_client, placed(nichandle))
    assert "How this date comes about" in told
    assert "no payment, so the contract counts as concluded when the order was placed" in told
    assert "directive 2011/83/EU, article 9" in told
    assert "the country of your account (FR)" in told
    assert "that day does not count" in told
    paid = placed(nichandle, payment_date=timezone.now() - timedelta(days=2))
    assert "when OVHcloud received your payment" in page(customer_client, paid)


def test_an_account_without_a_country_is_told_so(customer_client, nichandle):
    nichandle.country = ""
    nichandle.save()
    told = page(customer_client, placed(nichandle))
    assert "no calendar of holidays for the country of your account" in told
    assert "the country of your account ()" not in told


UNASKED: dict[str, dict[str, Any]] = {
    "never checked": {"status_checked_at": None},
    "the last check failed": {"poll_failures": 1},
    "checks are days late": {"next_poll_at": timezone.now() - timedelta(days=2), "status_checked_at": None},
    "status unknown": {"status": "unknown"},
    "failing since before the last day": {
        "date": timezone.now() - timedelta(days=20),
        "poll_failures": 40,
        "status": "delivering",
    },
}
NO = ["not open", "n’est pas ouverte", "sees no right", "ended on", "not eligible"]


@pytest.mark.parametrize("fields", UNASKED.values(), ids=UNASKED)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_what_could_not_be_asked_is_never_called_a_no(customer_client, nichandle, fields, language):
    customer_client.cookies["panel_language"] = language
    with override(language):  # and back: the test client leaves the last page's language in force
        told = page(customer_client, placed(nichandle, **{"retraction_date": None} | fields))
    assert [no for no in NO if no in told] == []
    assert {"en": "does not mean that you cannot", "fr": "ne veut pas dire"}[language] in told
