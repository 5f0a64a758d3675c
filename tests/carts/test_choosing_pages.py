"""The search, the catalogue and the cart as pages: what they say, what they take, what they cost."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from carts import actions, sync
from carts.models import Cart, CartItem, CatalogueReading, Configuration, DomainCheck, Plan
from tests.carts.made import make_cart, make_name, make_vps, may_order, price, put_quote, requirement
from tests.carts.shop import a_name, calls, mirror, open_cart, shopper
from tests.factories import make_customer

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer(customer: Any) -> Any:
    may_order(customer)
    return customer


def offer(mode: str = "create-default", **fields: Any) -> dict[str, Any]:
    """As SYNC keeps it."""
    values = {
        "action": mode.partition("-")[0],
        "pricing_mode": mode,
        "offer_id": f"fr-{mode}",
        "orderable": True,
        "phase": "ga",
        "durations": ["P1Y", "P2Y"],
        "recommended_duration": "P1Y",
        "delivery_time": "",
        "prices": {
            "PRICE": price("6.99"),
            "RENEW": price("7.99"),
            "DISCOUNT": price("2.00"),
            "FEE": price("0.00"),
            "TOTAL": price("4.99"),
        },
        "is_transfer_locked": None,
        "nameservers": None,
        "quantity_max": 1,
    }
    return values | fields


def answer(nichandle: Any, domain: str, *offers: dict[str, Any], **fields: Any) -> DomainCheck:
    values = {
        "subsidiary": "FR",
        "state": "answered",
        "answered_at": timezone.now(),
        "next_attempt_at": None,
        "offers": list(offers),
    } | fields
    return DomainCheck.objects.create(nichandle=nichandle, domain=domain, **values)


def pricing(value: str, mode: str = "default", duration: str = "P1M", most: int | None = None) -> dict[str, Any]:
    return {
        "pricing_mode": mode,
        "duration": duration,
        "price": price(value),
        "description": "Fees",
        "interval": 1,
        "pricing_type": "rental",
        "minimum_quantity": 1,
        "maximum_quantity": most,
    }


def option(code: str, family: str, value: str = "0.00", **fields: Any) -> dict[str, Any]:
    prices = [pricing(value), pricing(str(float(value) * 12), "upfront12", "P1Y")]
    return {"plan_code": code, "name": code, "family": family, "exclusive": False, "mandatory": False} | {
        "prices": prices,
        **fields,
    }


def make_plan(product: str = "vps", plan_code: str = "vps-1", **fields: Any) -> Plan:
    values = {
        "subsidiary": "FR",
        "name": "VPS-1",
        "prices": [pricing("4.20"), pricing("45.36", "upfront12", "P1Y")],
        "options": [
            option("debian", "os", exclusive=True, mandatory=True),
            option("windows", "os", "9.00", exclusive=True, mandatory=True),
            option("cdn-a", "cdn", "1.00", exclusive=True),
            option("cdn-b", "cdn", "2.00", exclusive=True),
            option("backup", "backup", "2.00"),
        ],
        "read_at": timezone.now(),
    } | fields
    CatalogueReading.objects.update_or_create(
        subsidiary="FR", product=product, defaults={"read_at": timezone.now(), "next_read_at": None}
    )
    return Plan.objects.create(product=product, plan_code=plan_code, **values)


def text_of(response: Any) -> str:
    """What the page says, without its markup."""
    page = re.sub(r"<(script|svg|title|nav|footer).*?</\1>", " ", response.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("\N{NO-BREAK SPACE}", " ")


# --- The search -------------------------------------------------------------------------------------------------------
def test_a_search_answers_at_once_and_asks_by_tasks(customer_client, customer, ovh):
    calls = ovh.last_request()
    response = customer_client.get("/domains/?q=montagne")
    assert response.status_code == 200
    assert DomainCheck.objects.filter(nichandle=customer.nichandle, state="waiting").count() == 12
    assert 'hx-get="/domains/answers/?q=montagne&amp;done="' in response.content.decode()
    assert "0 of 12 answered" in text_of(response)
    assert ovh.requests(calls) == []


def test_answers_come_one_by_one_and_only_once(customer_client, customer):
    customer_client.get("/domains/?q=montagne")
    check = DomainCheck.objects.get(domain="montagne.fr")
    check.state, check.answered_at, check.offers, check.next_attempt_at = "answered", timezone.now(), [offer()], None
    check.save()
    first = customer_client.get("/domains/answers/?q=montagne&done=", headers={"HX-Request": "true"})
    page = first.content.decode()
    assert page.count("hx-swap-oob") == 2  # the name, and the time of the prices
    assert f'id="answer-{check.pk}"' in page
    assert "5.99" in page  # 4.99 with 20 %
    assert f"done={check.pk}" in page
    again = customer_client.get(f"/domains/answers/?q=montagne&done={check.pk}", headers={"HX-Request": "true"})
    assert f'id="answer-{check.pk}"' not in again.content.decode()


def test_the_last_answer_ends_the_asking(customer_client, customer, settings):
    settings.DOMAIN_EXTENSIONS = ["fr"]
    answer(customer.nichandle, "montagne.fr", offer())
    response = customer_client.get("/domains/answers/?q=montagne&done=", headers={"HX-Request": "true"})
    assert "hx-trigger" not in response.content.decode()


def test_an_offer_says_everything(customer_client, customer, settings):
    settings.DOMAIN_EXTENSIONS = []
    answer(customer.nichandle, "montagne.fr", offer())
    said = text_of(customer_client.get("/domains/?q=montagne.fr"))
    for words in (
        "Register",
        "€5.99",
        "€8.39",  # 6.99 without the reduction, with tax
        "for 1 year",
        "then €9.59 a year",
        "At least 1 year",
        "usually within minutes",
        "up to 2 years",
        "20 % VAT (France)",
        "Prices of",
    ):
        assert words in said, words


def test_several_offers_are_several_choices(customer_client, customer, settings):
    settings.DOMAIN_EXTENSIONS = []
    offers = [offer("transfer-default"), offer("transfer-aftermarket1"), offer("transfer-aftermarket2")]
    answer(customer.nichandle, "several.fr", *offers)
    response = customer_client.get("/domains/?q=several.fr")
    assert response.content.decode().count("Add to cart: several.fr") == 3
    said = text_of(response)
    assert "If it is yours" in said
    assert "market place 1" in said
    assert "market place 2" in said


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([offer("transfer-default", orderable=False, is_transfer_locked=True)], "locked against transfer"),
        ([offer(orderable=False)], "does not sell this name at the moment"),
        ([offer(orderable=False, phase="sunrise")], "phase: sunrise"),
        ([], "Not offered"),
    ],
)
def test_what_cannot_be_ordered_says_why(customer_client, customer, settings, found, words):
    settings.DOMAIN_EXTENSIONS = []
    answer(customer.nichandle, "montagne.fr", *found)
    response = customer_client.get("/domains/?q=montagne.fr")
    assert words in text_of(response)
    assert "Add to cart" not in text_of(response)


def test_a_refusal_is_told_in_ovhclouds_words(customer_client, customer, settings):
    settings.DOMAIN_EXTENSIONS = []
    answer(
        customer.nichandle, "a.fr", state="failed", message="Invalid <domain>", query_id="EU.ext-1", answered_at=None
    )
    said = customer_client.get("/domains/?q=a.fr").content.decode()
    assert "OVHcloud says: “Invalid &lt;domain&gt;”" in said
    assert "EU.ext-1" in said


def test_names_in_other_scripts_are_shown_in_them(customer_client, customer, settings):
    settings.DOMAIN_EXTENSIONS = []
    answer(customer.nichandle, "xn--caf-dma.fr", offer())
    said = text_of(customer_client.get("/domains/", {"q": "café.fr"}))
    assert re.search(r"café\s+\.fr\s+xn--caf-dma\.fr", said)


def test_what_is_no_name_is_said_and_the_rest_looked_up(customer_client, customer):
    said = text_of(customer_client.get("/domains/", {"q": "exa_mple good.fr"}))
    assert "exa_mple – A name has letters, digits and hyphens; this is none: _" in said
    assert DomainCheck.objects.filter(domain="good.fr").exists()


def test_extensions_can_be_chosen(customer_client, customer):
    customer_client.get("/domains/?q=montagne&ext=fr&ext=co.uk&ext=invented")
    assert set(DomainCheck.objects.values_list("domain", flat=True)) == {"montagne.fr", "montagne.co.uk"}


def test_a_visitor_is_asked_to_sign_in_and_keeps_what_was_typed(client, settings):
    settings.SEARCH_NICHANDLE = ""
    page = client.get("/domains/?q=montagne").content.decode()
    assert "Sign in with OVHcloud" in page
    assert 'name="next" value="/domains/?q=montagne"' in page
    assert not DomainCheck.objects.exists()


def test_a_visitor_searches_where_the_operator_lends_a_key(client, settings):
    settings.SEARCH_NICHANDLE = "operator-ovh"
    client.get("/domains/?q=montagne.fr")
    assert set(DomainCheck.objects.values_list("nichandle", "subsidiary")) == {(None, "FR")}
    client.post("/domains/country/", {"subsidiary": "GB", "q": "montagne.fr"})
    client.get("/domains/?q=montagne.fr")
    assert DomainCheck.objects.filter(subsidiary="GB").exists()
    # What is not sold in is not chosen.
    client.post("/domains/country/", {"subsidiary": "XX"})
    client.get("/domains/?q=colline.fr")
    assert DomainCheck.objects.get(domain="colline.fr").subsidiary == "GB"


def test_a_customer_without_the_rights_is_asked_for_them():
    client = Client()
    client.force_login(make_customer())
    page = client.get("/domains/?q=montagne").content.decode()
    assert "/account/rights/?next=%2Fdomains%2F%3Fq%3Dmontagne" in page
    assert not DomainCheck.objects.exists()


def test_the_search_costs_a_known_number_of_queries(customer_client, customer, django_assert_num_queries):
    customer_client.get("/domains/?q=montagne")
    DomainCheck.objects.update(state="answered", answered_at=timezone.now(), offers=[offer()], next_attempt_at=None)
    make_name(make_cart(customer.nichandle))
    customer_client.get("/domains/?q=montagne")
    # session, user, cart, its count, rights, [begin, made, renewed, read, end], what is in the cart
    with django_assert_num_queries(11):
        customer_client.get("/domains/?q=montagne")
    with django_assert_num_queries(6):  # session, user, rights, names, cart, what is in it
        customer_client.get("/domains/answers/?q=montagne", headers={"HX-Request": "true"})


# --- Putting in a name ------------------------------------------------------------------------------------------------
def put(client: Client, domain: str = "montagne.fr", mode: str = "create-default", **sent: Any) -> Any:
    fields = {"product": "domain", "domain": domain, "mode": mode, "offer_id": f"fr-{mode}", "again": "?q=montagne"}
    return client.post("/cart/add/", fields | sent)


def test_a_name_goes_into_the_cart_with_the_prices_of_our_own_rows(customer_client, customer):
    answer(customer.nichandle, "montagne.fr", offer())
    response = put(customer_client, price="0.01", duration="P9Y")
    assert response.headers["Location"] == "/domains/?q=montagne#montagne.fr"
    item = CartItem.objects.get()
    assert (item.plan_code, item.duration, item.chosen_at_prices["TOTAL"]) == ("fr", "P1Y", price("4.99"))
    assert "In your cart" in text_of(customer_client.get("/domains/?q=montagne"))
    assert "Cart (1)" in customer_client.get("/orders/").content.decode()


@pytest.mark.parametrize("mode", ["create-premium", "locked", ""])
def test_an_offer_nobody_made_is_not_taken(customer_client, customer, mode):
    locked = offer("locked", orderable=False, is_transfer_locked=True)
    answer(customer.nichandle, "montagne.fr", offer(), locked)
    response = put(customer_client, mode=mode)
    assert response.headers["Location"] == "/domains/?q=montagne"
    assert not CartItem.objects.exists()
    assert "no longer there" in text_of(customer_client.get("/domains/"))


def test_another_accounts_answer_is_no_offer(customer_client):
    answer(make_customer().nichandle, "montagne.fr", offer())
    put(customer_client)
    assert not CartItem.objects.exists()


def test_the_second_click_says_it_is_there(customer_client, customer):
    answer(customer.nichandle, "montagne.fr", offer())
    put(customer_client)
    put(customer_client)
    assert CartItem.objects.count() == 1
    assert "in your cart already" in text_of(customer_client.get("/cart/"))


def test_going_back_leads_to_our_own_search_only(customer_client, customer):
    answer(customer.nichandle, "montagne.fr", offer())
    assert put(customer_client, again="//evil.example/").headers["Location"] == "/domains/#montagne.fr"


# --- The catalogue ----------------------------------------------------------------------------------------------------
def test_the_catalogue_is_read_when_somebody_looks(client):
    page = client.get("/catalogue/").content.decode()
    assert "hx-trigger" in page
    due = CatalogueReading.objects.filter(subsidiary="FR", next_read_at__lte=timezone.now())
    assert set(due.values_list("product", flat=True)) == {"vps", "webHosting", "emailpro", "dns"}


def test_an_old_price_list_is_read_again(client):
    make_plan()
    CatalogueReading.objects.update(read_at=timezone.now() - timedelta(hours=2), next_read_at=None)
    client.get("/catalogue/")
    assert CatalogueReading.objects.get(product="vps").next_read_at is not None


def test_the_catalogue_tells_the_price_of_a_month(client):
    for product in ("vps", "webHosting", "emailpro"):
        make_plan(product, f"{product}-1")
    said = text_of(client.get("/catalogue/"))
    assert "€4.54 a month" in said  # 45.36 / 12 with tax
    assert "from €4.54" in said
    assert "1 year, paid in advance" in said
    assert "hx-trigger" not in client.get("/catalogue/").content.decode()


def test_the_catalogue_costs_a_known_number_of_queries(customer_client, django_assert_num_queries):
    make_plan()
    customer_client.get("/catalogue/")
    with django_assert_num_queries(7):  # session, user, readings wanted, woken, due; read, plans
        customer_client.get("/catalogue/")


def test_a_plan_tells_the_month_and_today_apart(client):
    make_plan()
    said = text_of(client.get("/catalogue/vps/vps-1/"))
    assert "€5.04 a month" in said
    assert "€4.54 a month €54.43 due today" in said
    chosen = {"price": "upfront12|P1Y", "options": ["windows"], "quantity": "2"}
    total = client.get("/catalogue/vps/vps-1/", chosen, headers={"HX-Request": "true"})
    assert "€368.06 due today (1 year, 2 times) That is €30.67 a month." in text_of(total)
    assert "<html" not in total.content.decode()


def test_a_plan_nobody_has_is_not_found(client):
    make_plan()
    assert client.get("/catalogue/vps/vps-9/").status_code == 404
    assert client.get("/catalogue/webHosting/vps-1/").status_code == 404


def test_a_plan_costs_a_known_number_of_queries(customer_client, django_assert_num_queries):
    make_plan()
    with django_assert_num_queries(3):  # session, user, plan
        customer_client.get("/catalogue/vps/vps-1/")


def add_plan(client: Client, **sent: Any) -> Any:
    fields = {"product": "vps", "plan_code": "vps-1", "price": "default|P1M", "quantity": "1", "option-0": "debian"}
    return client.post("/cart/add/", fields | sent)


def test_a_plan_goes_into_the_cart_with_its_options(client):
    make_plan()
    response = add_plan(client, **{"option-1": "cdn-a", "option-2": "backup", "quantity": "3"})
    assert response.headers["Location"] == "/cart/"
    item = CartItem.objects.get(parent=None)
    assert (item.quantity, item.duration, item.chosen_at_prices) == (3, "P1M", {"PRICE": price("4.20")})
    assert sorted(item.options.values_list("plan_code", "family", "quantity")) == [
        ("backup", "backup", 3),
        ("cdn-a", "cdn", 3),
        ("debian", "os", 3),
    ]


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"price": ""}, "Choose how long"),
        ({"price": "default|P9Y"}, "Choose how long"),
        ({"option-0": ""}, "Choose one of these"),
        ({"option-0": ["debian", "windows"]}, "Choose only one"),
        ({"option-1": ["cdn-a", "cdn-b"]}, "Choose only one"),
        ({"options": "invented"}, "no longer offered"),
        ({"quantity": "0"}, "Choose at least 1"),
        ({"quantity": "-1"}, "whole number"),
        ({"quantity": "10000"}, "At most 1000"),
        ({"quantity": "two"}, "whole number"),
        ({"quantity": ""}, "whole number"),
        ({"quantity": "²"}, "whole number"),
    ],
)
def test_what_does_not_fit_is_explained_and_kept(client, sent, words):
    make_plan()
    response = add_plan(client, **({"option-2": "backup"} | sent))
    assert response.status_code == 200
    assert words in text_of(response)
    assert re.search(r'value="backup" checked', response.content.decode())
    assert not CartItem.objects.exists()


def test_ovhclouds_own_limit_is_named(client):
    make_plan(prices=[pricing("1.99", most=200)])
    assert "At most 200 can be ordered at once." in text_of(add_plan(client, quantity="201"))


def test_an_option_that_is_not_sold_for_so_long_is_named(client):
    make_plan(options=[option("backup", "backup") | {"prices": [pricing("1.00")]}])
    response = add_plan(client, price="upfront12|P1Y", **{"option-0": "backup"})
    assert "backup is not sold for 1 year" in text_of(response)


# --- The cart ---------------------------------------------------------------------------------------------------------
def test_an_empty_cart_leads_on(client, customer_client):
    for browser in (client, customer_client):
        said = text_of(browser.get("/cart/"))
        assert "Your cart is empty" in said
        assert "See the catalogue" in said
    assert not Cart.objects.exists()


def test_a_visitors_cart_shows_a_sum_and_the_way_in(client):
    make_plan()
    add_plan(client, quantity="2")
    page = client.get("/cart/")
    assert "€10.08" in text_of(page)
    assert "To order, sign in." in text_of(page)
    assert 'name="next" value="/cart/"' in page.content.decode()
    assert "hx-trigger" not in page.content.decode()


@pytest.fixture
def cart(customer: Any) -> Cart:
    return make_cart(customer.nichandle)


def test_what_a_name_costs_now_and_when_it_was_chosen(customer_client, cart):
    now = {"PRICE": price("8.99"), "RENEW": price("7.99"), "DISCOUNT": price("2.00"), "TOTAL": price("6.99")}
    then = now | {"PRICE": price("6.99"), "TOTAL": price("4.99")}
    make_name(cart, chosen_at_prices=then, prices=now)
    said = text_of(customer_client.get("/cart/"))
    assert "Price €8.39 when you chose it, €10.79 now" in said
    assert "One price is another one than when you chose" in said
    assert "then €9.59 a year" in said
    customer_client.post("/cart/check/", {"do": "prices"})
    assert "when you chose it" not in text_of(customer_client.get("/cart/"))


def test_a_cart_made_again_says_so(customer_client, cart):
    make_name(cart)
    Cart.objects.update(expired_once=True, expires_at=timezone.now() + timedelta(hours=20))
    said = text_of(customer_client.get("/cart/"))
    assert "so it was made again. The prices are the same." in said
    assert "OVHcloud keeps this cart until" in said


def test_what_is_missing_is_counted_and_linked(customer_client, cart):
    item = make_name(cart)
    page = customer_client.get("/cart/")
    assert "1 detail is missing" in text_of(page)
    assert f"/cart/{item.key}/configure/" in page.content.decode()


def test_cart_and_summary_count_the_same_as_missing(customer_client, cart):
    """OVHcloud's word of what is required is wrong both ways: a region need not be told, a transfer's code must be."""
    vps = make_vps(cart)
    Configuration.objects.create(item=vps, label="vps_datacenter", value="GRA")
    assert "missing" not in text_of(customer_client.get("/cart/"))
    vps.delete()
    asked = [requirement("AUTH_INFO"), requirement("OWNER_LEGAL_AGE"), requirement("OWNER_CONTACT", required=True)]
    make_name(cart, pricing_mode="transfer-default", requirements=asked)
    assert "2 details are missing" in text_of(customer_client.get("/cart/"))


def test_the_zone_is_explained_and_can_be_left_out(customer_client, cart):
    item = make_name(cart)
    CartItem.objects.create(
        cart=cart,
        product="dns",
        plan_code="zone",
        duration="P1Y",
        domain=item.domain,
        came_by_itself=True,
        prices={"TOTAL": price("0.00")},
    )
    said = text_of(customer_client.get("/cart/"))
    assert "DNS zone comes along, see below free" in said
    assert "Anycast" in said
    customer_client.post(f"/cart/{item.key}/", {"do": "no-zone"})
    assert CartItem.objects.get().without_zone


def test_an_option_of_the_zone_is_offered_added_and_counted_by_ovhcloud(ovh):
    nichandle = shopper(ovh)
    client = Client()
    client.force_login(nichandle.user)
    cart = open_cart(nichandle)
    a_name(cart)
    actions.want_catalogue("FR")
    sync.read_catalogues_due()
    mirror(cart)
    zone = cart.items.get(came_by_itself=True)
    page = client.get("/cart/")
    assert "dns-anycast €1.43 a year" in text_of(page)
    client.post(f"/cart/{zone.key}/", {"do": "add", "plan_code": "dns-anycast"})
    mirror(cart)
    assert zone.options.get().ovh_item_id is not None
    page = text_of(client.get("/cart/"))
    assert "€1.43 Remove dns-anycast" in page
    assert "dns-anycast €1.43 a year" not in page


def test_the_first_answer_is_there_after_one_call(ovh):
    """However many names are searched: the fragment that comes next shows it."""
    nichandle = shopper(ovh)
    client = Client()
    client.force_login(nichandle.user)
    before = ovh.last_request()
    client.get("/domains/?q=montagne")
    assert calls(ovh, before) == []
    sync.ask_domains_due(limit=1)
    assert calls(ovh, before) == ["POST /order/cart", "GET /order/cart/{}/domain"]
    page = client.get("/domains/answers/?q=montagne&done=", headers={"HX-Request": "true"})
    assert page.content.decode().count('data-state="answered"') == 1
    assert "1 of 12 answered" in text_of(page)


def test_the_total_is_ovhclouds_once_it_is_of_this_cart(customer_client, cart):
    make_name(cart)
    assert "The exact total is being calculated" in text_of(customer_client.get("/cart/"))
    put_quote(cart)
    page = customer_client.get("/cart/")
    assert "€8.39" in text_of(page)
    assert "hx-trigger" not in page.content.decode()
    actions.add_coupon(cart, "FIVE")
    assert "hx-trigger" in customer_client.get("/cart/").content.decode()


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("away", "does not answer at the moment"),
        ("refused", "It says: “The domain cannot be ordered”"),
        ("rights", "/account/rights/?next=%2Fcart%2F"),
        ("key", "Sign in again"),
    ],
)
def test_trouble_has_its_words_and_a_next_step(customer_client, cart, trouble, words):
    make_name(cart)
    Cart.objects.update(trouble=trouble, message="The domain cannot be ordered")
    page = customer_client.get("/cart/")
    assert words in text_of(page) + page.content.decode()
    assert ('hx-trigger="every' in page.content.decode()) == (trouble == "away")


def test_number_and_duration_are_changed(customer_client, cart):
    make_plan()
    item = make_vps(cart, plan_code="vps-1", chosen_at_prices={"PRICE": price("4.20")})
    sent = {"do": "change", "was_quantity": "1", "was_duration": "P1M", "quantity": "2", "duration": "upfront12|P1Y"}
    assert customer_client.post(f"/cart/{item.key}/", sent).status_code == 302
    item.refresh_from_db()
    assert (item.quantity, item.duration, item.pricing_mode) == (2, "P1Y", "upfront12")
    assert item.chosen_at_prices == {"PRICE": price("45.36")}


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"quantity": "0"}, "Choose at least 1"),
        ({"quantity": "10000"}, "At most 1000"),
        ({"quantity": "many"}, "Write a whole number"),
        ({"quantity": "1", "duration": "default|P9Y"}, "not sold for that long"),
    ],
)
def test_a_refused_change_keeps_what_was_typed(customer_client, cart, sent, words):
    make_plan()
    item = make_vps(cart, plan_code="vps-1")
    page = customer_client.post(f"/cart/{item.key}/", {"do": "change"} | sent)
    assert words in text_of(page)
    assert f'value="{sent["quantity"]}"' in page.content.decode()
    assert Cart.objects.get().revision == 1


def test_a_stale_form_says_so_and_keeps_what_was_typed(customer_client, cart):
    make_plan()
    item = make_vps(cart, plan_code="vps-1", quantity=5)
    page = customer_client.post(f"/cart/{item.key}/", {"do": "change", "quantity": "7", "was_quantity": "1"})
    assert "changed in another window" in text_of(page)
    assert 'value="7"' in page.content.decode()
    item.refresh_from_db()
    assert item.quantity == 5


def test_removing_can_be_undone(customer_client, cart):
    item = make_name(cart)
    customer_client.post(f"/cart/{item.key}/", {"do": "remove"})
    page = text_of(customer_client.get("/cart/"))
    assert "montagne.fr was removed." in page
    assert "Your cart is empty" in page
    customer_client.post("/cart/undo/")
    assert CartItem.objects.get().key == item.key
    customer_client.post("/cart/undo/")
    assert CartItem.objects.count() == 1


def test_somebody_elses_item_is_an_unknown_one(customer_client, client):
    theirs = make_name(make_cart(make_customer().nichandle))
    for browser in (customer_client, client):
        for do in ("remove", "change", "add", "no-zone"):
            assert browser.post(f"/cart/{theirs.key}/", {"do": do}).status_code == 404
    assert CartItem.objects.count() == 1


def test_an_option_is_added_where_it_is_offered(customer_client, cart):
    make_plan()
    item = make_vps(cart, plan_code="vps-1")
    page = text_of(customer_client.get("/cart/"))
    assert "Options you could add" in page
    customer_client.post(f"/cart/{item.key}/", {"do": "add", "plan_code": "backup"})
    assert item.options.get().plan_code == "backup"
    customer_client.post(f"/cart/{item.key}/", {"do": "add", "plan_code": "invented"})
    assert item.options.count() == 1


def test_a_wrong_coupon_is_told_in_ovhclouds_words(customer_client, cart):
    make_name(cart)
    customer_client.post("/cart/coupon/", {"coupon": "WELCOME10"})
    assert Cart.objects.get().coupons == [{"coupon": "WELCOME10", "problem": ""}]
    Cart.objects.update(coupons=[{"coupon": "WELCOME10", "problem": "Coupon <b> is not valid"}])
    assert "Coupon &lt;b&gt; is not valid" in customer_client.get("/cart/").content.decode()
    for wrong in ("", "two words"):
        assert customer_client.post("/cart/coupon/", {"coupon": wrong}).status_code == 200
    customer_client.post("/cart/coupon/", {"remove": "WELCOME10"})
    assert Cart.objects.get().coupons == []


@pytest.mark.parametrize("count", [1, 20])
def test_the_cart_costs_seven_queries_however_full(customer_client, cart, count, django_assert_num_queries):
    make_plan()
    for number in range(count):
        answer(cart.nichandle, f"name{number}.fr", offer())
        make_name(cart, f"name{number}.fr")
        make_vps(cart, plan_code="vps-1")
    customer_client.get("/cart/")
    with django_assert_num_queries(7):  # session, user, cart, items, what was filled in, plans, offers of names
        customer_client.get("/cart/")


def test_a_cart_of_strange_things_is_a_page_all_the_same(customer_client, cart):
    make_vps(cart, plan_code="gone", name="", duration="what", prices={}, chosen_at_prices={}, requirements=None)
    make_name(cart, "xn--zzzzzz99999.fr", prices={"TOTAL": price("7", "points")}, pricing_mode="new-mode")
    make_vps(cart, product="unheard", requirements=[requirement("x", required=True)], problem="<script>")
    page = customer_client.get("/cart/")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace('<script src="', "")


def test_staff_have_no_cart(client):
    from tests.factories import make_staff

    client.force_login(make_staff())
    for path in ("/cart/", "/domains/", "/catalogue/"):
        assert client.get(path).status_code == 404
