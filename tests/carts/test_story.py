"""From a filled cart to the page of its order, through the pages, with the workers' functions run in between."""

import re
from decimal import Decimal
from html import unescape
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import Nichandle
from carts import sync
from carts.models import Cart, CartItem, Checkout
from orders import relay
from orders.models import Intent, Order
from orders.payment.choices import read_choices
from orders.sync import check_orders, find_orders
from tests.carts.guide import ONCE, assert_followed, journey
from tests.carts.shop import a_name, a_vps, calls, mirror, open_cart, shopper
from tests.sandboxes import Sandbox
from tests.world import forget_trouble, import_all

pytestmark = pytest.mark.django_db

ORDERING = Path(settings.BASE_DIR) / "docs" / "ordering.md"


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    nichandle = shopper(ovh)
    import_all(nichandle)
    forget_trouble()
    return nichandle


@pytest.fixture
def her(anna: Nichandle) -> Client:
    client = Client()
    client.force_login(anna.user)
    return client


def summary(her: Client) -> str:
    return unescape(her.get("/cart/summary/").content.decode())


def order(her: Client, **boxes: str) -> str:
    """Press the button; where it leads."""
    told = re.search(r'name="seen" value="([^"]+)"', summary(her))
    assert told, summary(her)
    answer = her.post("/cart/order/", {"seen": told[1]} | boxes)
    assert answer.status_code == 302, unescape(answer.content.decode())
    return str(answer["Location"])


def carry(anna: Nichandle) -> None:
    """As the workers do, until nothing is due."""
    forget_trouble()
    relay.relay_due()
    find_orders()
    Checkout.objects.filter(next_look_at__isnull=False).update(next_look_at="2020-01-01T00:00Z")
    sync.mirror_due()


def test_from_a_search_to_a_paid_order_as_the_guide_says_and_the_page_of_it_says_so(
    ovh: Sandbox, anna: Nichandle, her: Client
):
    """Each call about this purchase, in the order of its first time and as often as docs/ordering.md prints it."""
    since = ovh.last_request()
    her.get("/domains/?q=fleurs.fr")
    sync.ask_domains_due()
    offer = {"domain": "fleurs.fr", "mode": "create-default", "offer_id": "fr-create"}
    her.post("/cart/add/", {"product": "domain"} | offer)
    sync.mirror_due()
    sync.read_rules_due()
    item = CartItem.objects.get(domain="fleurs.fr", product="domain")
    her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on"})
    sync.mirror_due()
    assert sync.read_rules_due() == 0
    where = order(her, contracts="on", waive="on")
    carry(anna)
    page = her.get(where)["Location"]
    made = Order.objects.get(nichandle=anna, order_id=page.strip("/").rpartition("/")[2])
    read_choices(made.pk)
    told = unescape(her.get(f"{page}pay/").content.decode())
    fields = dict(re.findall(r'<input type="hidden" name="(attempts|amount)" value="([^"]*)"', told))
    method = re.search(r'name="method" value="([^"]+)" checked', told)
    assert method, told
    her.post(f"{page}pay/", fields | {"method": method[1], "way": "here"})
    relay.relay_due()
    check_orders([made.pk])
    made.refresh_from_db()
    assert made.was_paid
    calls = journey(ovh, Checkout.objects.get(), since)
    assert_followed(calls)
    printed = re.findall(r"^\| (?:\d+|–) \| `(\S+ \S+)` \| (\d+) \| (once|) \|", ORDERING.read_text(), re.MULTILINE)
    assert printed == [(one, str(calls.count(one)), "once" if one in ONCE else "") for one in dict.fromkeys(calls)]


def test_a_name_is_filled_in_summed_up_and_ordered_once(ovh: Sandbox, anna: Nichandle, her: Client):
    item = a_name(open_cart(anna), "fleurs.fr")
    mirror(item.cart)
    since = ovh.last_request()
    told = summary(her)
    assert "To fill in: The owner is of legal age" in told
    assert "Order with obligation to pay" not in told
    answer = her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on"})
    assert answer["Location"] == "/cart/"
    mirror(item.cart)
    told = summary(her)
    assert "give up my right of withdrawal" in told
    where = order(her, contracts="on", waive="on")
    assert "being sent to OVHcloud" in her.get(where).content.decode()
    carry(anna)
    made = Order.objects.get(nichandle=anna, order_id=Checkout.objects.get().ovh_order_id)
    assert her.get(where)["Location"] == f"/orders/{made.order_id}/"
    assert made.price_with_tax == Decimal(Checkout.objects.get().quote["prices"]["with_tax"]["value"])
    assert calls(ovh, since).count("POST /order/cart/{}/checkout") == 1
    assert Cart.objects.get().state == Cart.State.ORDERED


def test_the_amount_of_the_summary_is_that_of_the_order_and_of_the_list(ovh: Sandbox, anna: Nichandle, her: Client):
    item = a_vps(open_cart(anna))
    mirror(item.cart)
    total = re.search(r'<strong class="figure">([^<]+)</strong>', summary(her))
    assert total is not None
    where = order(her, contracts="on")
    carry(anna)
    number = Checkout.objects.get().ovh_order_id
    assert her.get(where)["Location"] == f"/orders/{number}/"
    for path in (f"/orders/{number}/", "/orders/"):
        assert total[1] in unescape(her.get(path).content.decode()), path


def test_what_the_registry_refuses_stands_at_the_field_and_can_be_mended(ovh: Sandbox, anna: Nichandle, her: Client):
    item = a_name(open_cart(anna), "fleurs.fr")
    mirror(item.cart)
    her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on", "at-TECH_ACCOUNT": "nobody999-ovh"})
    mirror(item.cart)
    told = summary(her)
    assert "Technical contact" in told
    assert "Order with obligation to pay" not in told
    assert "invalid value" in her.get(f"/cart/{item.key}/configure/").content.decode()
    her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on"})
    mirror(item.cart)
    assert "Order with obligation to pay" in summary(her)


def test_a_transfer_takes_its_code_along_and_never_shows_it(ovh: Sandbox, anna: Nichandle, her: Client):
    item = a_name(open_cart(anna), "taken-fleurs.fr", pricing_mode="transfer-default")
    mirror(item.cart)
    assert "Transfer code" in summary(her)
    her.post(f"/cart/{item.key}/configure/", {"at-OWNER_LEGAL_AGE": "on", "at-AUTH_INFO": "kJ8#secret"})
    mirror(item.cart)
    told = summary(her) + her.get(f"/cart/{item.key}/configure/").content.decode()
    assert "kJ8" not in told
    where = order(her, contracts="on", waive="on")
    carry(anna)
    assert her.get(where).status_code == 302


def test_a_refusal_keeps_the_cart_and_says_it_in_ovhclouds_words(ovh: Sandbox, anna: Nichandle, her: Client):
    item = a_vps(open_cart(anna))
    mirror(item.cart)
    where = order(her, contracts="on")
    ovh.arm("status", "POST", "/order/cart/*/checkout", status=400)
    carry(anna)
    told = unescape(her.get(where).content.decode())
    assert "Nothing was ordered, and nothing is owed." in told
    assert Cart.objects.get(pk=item.cart_id).state == Cart.State.OPEN
    assert Intent.objects.get().state == Intent.State.REFUSED
    assert "VPS" in unescape(her.get("/cart/").content.decode())
    ovh.disarm()
    mirror(item.cart)
    assert order(her, contracts="on") != where


def test_a_new_contact_is_sent_and_can_be_chosen(ovh: Sandbox, anna: Nichandle, her: Client):
    from tests.carts.test_configuring import FILLED_IN

    item = a_name(open_cart(anna), "fleurs.fr")
    mirror(item.cart)
    page = f"/cart/{item.key}/configure/"
    her.get(page)
    her.post("/cart/contacts/new/", FILLED_IN | {"next": page})
    forget_trouble()
    sync.carry_contacts_due()
    told = unescape(her.get(page).content.decode())
    path = re.search(r'value="(/me/contact/\d+)"[^>]*>\s*<span><strong>Durand & Cie', told)
    assert path is not None
    her.post(page, {"at-OWNER_LEGAL_AGE": "on", "at-OWNER_CONTACT": path[1]})
    mirror(item.cart)
    assert "Order with obligation to pay" in summary(her)
