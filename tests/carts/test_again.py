"""Ordering again what an expired or cancelled order held."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from carts.models import Cart, Configuration, DomainCheck, Plan
from orders.models import Order
from tests.carts.made import make_cart, make_name, price
from tests.factories import make_detail, make_order

pytestmark = pytest.mark.django_db


@pytest.fixture
def expired(customer: Any) -> Order:
    past = timezone.now() - timedelta(days=30)
    return make_order(customer.nichandle, status="notPaid", date=past, expiration_date=past + timedelta(days=7))


def extension(code: str, **fields: Any) -> dict[str, Any]:
    told = {"action": "installation", "type": "plan", "plan_code": code, "duration": "P1M", "pricing_mode": "default"}
    return told | {"product_name": code, "quantity": 1, "configurations": []} | fields


def a_plan(code: str = "vps-1-2026", now: str = "4.20", **fields: Any) -> Plan:
    def priced(value: str) -> list[dict[str, Any]]:
        limits = {"minimum_quantity": 1, "maximum_quantity": None, "interval": 1}
        return [{"pricing_mode": "default", "duration": "P1M", "price": price(value)} | limits]

    option = {"plan_code": "vps-backup", "name": "Backup", "family": "backup", "exclusive": False, "mandatory": False}
    values = {
        "subsidiary": "FR",
        "product": "vps",
        "name": "VPS-1",
        "prices": priced(now),
        "options": [option | {"prices": priced("2.00")}],
        "read_at": timezone.now(),
    } | fields
    return Plan.objects.create(plan_code=code, **values)


def again(client: Any, order: Order) -> tuple[str, str]:
    """Where it leads, and what the next page says."""
    answer = client.post(f"/orders/{order.order_id}/again/")
    assert answer.status_code == 302
    return answer["Location"], unescape(client.get("/cart/").content.decode())


def a_vps(order: Order, **fields: Any) -> None:
    vps = {"domain": "vps-1.example.net"}
    make_detail(
        order,
        total="4.20",
        description="VPS-1",
        extension=extension("vps-1-2026", configurations=[["vps_datacenter", "GRA"]], **fields),
        **vps,
    )
    make_detail(order, total="2.00", description="Backup", extension=extension("vps-backup"), **vps)
    make_detail(order, total="0.00", description="Set-up fee", detail_type="INSTALLATION", **vps)


def a_name(order: Order, **fields: Any) -> None:
    told = extension("fr", duration="P1Y", pricing_mode="create-default", **fields)
    make_detail(order, total="6.99", description="montagne.fr - registration", domain="montagne.fr", extension=told)
    zone = extension("zone", duration="P1Y")
    make_detail(order, total="0.00", description="DNS zone", domain="montagne.fr", extension=zone)


@pytest.mark.parametrize("told", [{"duration": "P1Y" * 9}, {"pricing_mode": "create-" * 20}], ids=["duration", "mode"])
def test_what_no_cart_can_hold_is_looked_up_instead(expired, customer_client, told):
    code = extension("fr", **{"duration": "P1Y", "pricing_mode": "create-default"} | told)
    make_detail(expired, total="6.99", description="montagne.fr - registration", domain="montagne.fr", extension=code)
    where, _page = again(customer_client, expired)
    assert where.startswith("/domains/")
    assert not Cart.objects.filter(items__isnull=False).exists()


def test_a_plan_and_its_options_are_in_the_cart_again(expired, customer, customer_client):
    a_plan()
    a_vps(expired)
    where, told = again(customer_client, expired)
    assert where == "/cart/"
    assert "1 product is in your cart again. Nothing is ordered yet." in told
    cart = Cart.objects.get(nichandle=customer.nichandle)
    top = cart.items.get(parent=None)
    assert (top.product, top.plan_code, top.duration, top.quantity) == ("vps", "vps-1-2026", "P1M", 1)
    assert [option.plan_code for option in top.options.all()] == ["vps-backup"]
    assert dict(top.configurations.values_list("label", "value")) == {"vps_datacenter": "GRA"}


def test_what_costs_something_else_now_is_told(expired, customer_client):
    a_plan(now="5.10")
    a_vps(expired)
    _where, told = again(customer_client, expired)
    assert "VPS-1 cost €4.20 then, and costs €5.10 now (without tax)." in told


def test_a_name_is_in_the_cart_again_and_looked_up(expired, customer, customer_client):
    a_name(expired)
    again(customer_client, expired)
    item = Cart.objects.get(nichandle=customer.nichandle).items.get()
    assert (item.product, item.domain, item.plan_code, item.pricing_mode) == (
        "domain",
        "montagne.fr",
        "fr",
        "create-default",
    )
    assert item.chosen_at_prices == {"PRICE": price("6.99")}
    assert DomainCheck.objects.get().domain == "montagne.fr"


def test_boxes_and_codes_are_for_the_customer_to_fill_in_anew(expired, customer_client):
    filled_in = [
        ["OWNER_LEGAL_AGE", "true"],
        ["AUTH_INFO", "kJ8"],
        ["CLAIMS_NOTICE", "true"],
        ["TECH_ACCOUNT", "b-ovh"],
    ]
    a_name(expired, configurations=filled_in)
    again(customer_client, expired)
    assert dict(Configuration.objects.values_list("label", "value")) == {"TECH_ACCOUNT": "b-ovh"}


def test_what_is_in_the_cart_already_is_there_once(expired, customer, customer_client):
    make_name(make_cart(customer.nichandle))
    a_name(expired)
    _where, told = again(customer_client, expired)
    assert "montagne.fr is in your cart already." in told
    assert Cart.objects.get().items.count() == 1


def test_what_is_no_longer_sold_is_named_and_the_rest_goes_on(expired, customer_client):
    a_vps(expired)
    a_name(expired)
    _where, told = again(customer_client, expired)
    assert "VPS-1 is not in the catalogue." in told
    assert Cart.objects.get().items.get().domain == "montagne.fr"


def test_an_option_that_went_is_named(expired, customer_client):
    a_plan(options=[])
    a_vps(expired)
    _where, told = again(customer_client, expired)
    assert "Backup could not be taken over" in told


def test_a_name_of_which_only_the_name_is_known_is_searched(expired, customer_client):
    make_detail(expired, description="montagne.fr - registration", domain="montagne.fr", extension={})
    where, _told = again(customer_client, expired)
    assert where == "/domains/?q=montagne.fr"


def test_an_order_that_nobody_describes_leads_to_the_catalogue(expired, customer_client):
    make_detail(expired, description="Set-up", detail_type="INSTALLATION", domain="*001")
    assert again(customer_client, expired)[0] == "/catalogue/"


def test_details_that_are_not_read_yet_are_asked_for(expired, customer_client):
    Order.objects.update(details_read_at=None)
    assert again(customer_client, expired)[0] == f"/orders/{expired.order_id}/"
    assert not Cart.objects.exists()


@pytest.mark.parametrize("status", ["delivered", "checking"])
def test_an_order_that_goes_on_is_not_ordered_again(customer, customer_client, status):
    order = make_order(customer.nichandle, status=status)
    a_name(order)
    again(customer_client, order)
    assert not Cart.objects.exists()


@pytest.mark.parametrize("status", ["cancelled", "expired", "delivered"])
def test_the_button_stands_where_it_does_something(customer, customer_client, status):
    past = timezone.now() - timedelta(days=30)
    word = "notPaid" if status == "expired" else status
    order = make_order(customer.nichandle, status=word, date=past, was_paid=status != "expired")
    for page in ("", "tracking/"):
        told = customer_client.get(f"/orders/{order.order_id}/{page}").content.decode()
        assert (f"/orders/{order.order_id}/again/" in told) == (status != "delivered"), page


def test_a_zone_by_itself_is_no_product_and_a_fee_names_nothing(expired, customer, customer_client):
    a_plan("zone", product="dns", name="Zone", options=[])
    zone = extension("zone", duration="P1Y")
    make_detail(expired, total="0.00", description="DNS zone", domain="*002.001", extension=zone)
    make_detail(expired, total="0.00", description="VPS-2 - set-up", detail_type="INSTALLATION", domain="vps-9")
    make_detail(expired, total="9.00", description="VPS-2 - rental", domain="vps-9", extension={})
    _where, page = again(customer_client, expired)
    assert "VPS-2 - rental" in page
    assert "set-up" not in page
    assert not Cart.objects.filter(items__isnull=False).exists()
