"""The purchase order, its tracking, and the ways to OVHcloud: who sees what, in which words, at what cost."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order, OrderEvent
from tests.factories import (
    make_canary,
    make_customer,
    make_detail,
    make_event,
    make_nichandle,
    make_order,
)
from tests.orders.pages.test_order_list import text

pytestmark = pytest.mark.django_db

FOLLOW_UP = [
    {
        "step": "VALIDATING",
        "status": "DONE",
        "history": [
            {"date": "2026-11-19T10:11:00+01:00", "label": "ORDER_STARTED", "description": "Order started"},
            {"date": "2026-11-19T10:12:00+01:00", "label": "PAYMENT_RECEIVED", "description": "Payment received"},
        ],
    },
    {"step": "VALIDATED", "status": "TODO", "history": [{"date": None, "label": "ODD", "description": ""}]},
    {"step": "DELIVERING", "status": "TODO", "history": []},
    {
        "step": "AVAILABLE",
        "status": "TODO",
        "history": [{"date": "2026-11-19T11:00:00+01:00", "label": "PARCEL_HANDED_OVER", "description": "At the door"}],
    },
]


@pytest.fixture
def nichandle(customer):
    make_canary()
    return customer.nichandle


def steps(response):
    return re.findall(r'data-step="(\w+)" data-state="(\w+)"', response.content.decode())


# --- Whose order ------------------------------------------------------------------------------------------------------
PAGES = ["", "tracking/", "pay/", "bill/", "leave/x/"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.rows(12)
@pytest.mark.parametrize(
    "number", ["0", "-1", str(2**63), "9" * 1000, "letters", "1e3", "१२", "007", "%00", "238000000.5"]
)
def test_what_is_no_number_of_mine_is_one_and_the_same_404(customer_client, nichandle, number, page):
    theirs = make_order(make_nichandle())
    unknown = customer_client.get(f"/orders/999999999/{page}")
    assert unknown.status_code == 404
    for path in (f"/orders/{number}/{page}", f"/orders/{theirs.order_id}/{page}"):
        response = customer_client.get(path)
        assert (response.status_code, response.content) == (404, unknown.content)
        assert sorted(response.headers.items()) == sorted(unknown.headers.items())


@pytest.mark.parametrize("page", ["check/", "pay/", "bill/"])
def test_nothing_can_be_asked_about_anothers_order(customer_client, nichandle, page):
    theirs = make_order(make_nichandle(), status="notPaid", next_poll_at=None)
    assert customer_client.post(f"/orders/{theirs.order_id}/{page}").status_code == 404
    theirs.refresh_from_db()
    assert theirs.check_asked_at is None
    assert "leaving" not in customer_client.session


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", ""),
        ("put", ""),
        ("post", "tracking/"),
        ("get", "check/"),
        ("delete", "pay/"),
        ("post", "leave/x/"),
    ],
)
def test_other_methods_are_405(customer_client, nichandle, method, path):
    order = make_order(nichandle)
    assert getattr(customer_client, method)(f"/orders/{order.order_id}/{path}").status_code == 405


@pytest.mark.parametrize("page", PAGES)
def test_a_visitor_is_sent_to_sign_in_whatever_the_number(client, db, page):
    order = make_order(make_nichandle())
    for number in (order.order_id, 1, "letters"):
        response = client.get(f"/orders/{number}/{page}")
        assert (response.status_code, response.url.partition("?")[0]) == (302, "/")


def test_a_post_without_token_is_refused_and_says_so(nichandle, customer):
    client = Client(enforce_csrf_checks=True)
    client.force_login(customer)
    order = make_order(nichandle)
    response = client.post(f"/orders/{order.order_id}/check/")
    assert response.status_code == 403
    assert "This page was open too long" in response.content.decode()


# --- The purchase order -----------------------------------------------------------------------------------------------
def test_the_purchase_order_has_its_four_parts(customer_client, nichandle):
    now = timezone.now()
    nichandle.order_import.payment_methods = [
        {"type": "SEPA_DIRECT_DEBIT", "sub_type": "", "label": "", "default": False, "id": 2},
        {"type": "CREDIT_CARD", "sub_type": "VISA", "label": "4970 10XX XXXX XX00", "default": True, "id": 1},
    ]
    nichandle.order_import.save()
    order = make_order(
        nichandle,
        price="143.87",
        status="notPaid",
        expiration_date=now + timedelta(days=6, hours=2),
        billing={"name": "Anna Martin", "address": "1 rue de l’Exemple", "zip": "59000", "city": "Lille"},
        payment_methods={"available": ["CREDIT_CARD", "PAYPAL", "SOME_NEW_WAY"], "registered": [1]},
    )
    make_detail(order, total="119.88", description="VPS Comfort, rental for 12 months", domain="vps-4f1c2.example")
    make_detail(order, total="-11.99", description="First order", domain="vps-4f1c2.example", detail_type="GIFT")
    make_detail(order, total="5", description="Snapshot", domain="*002", cancelled=True)
    response = customer_client.get(f"/orders/{order.order_id}/")
    seen = text(response)
    for words in (
        f"Purchase order {order.order_id}",
        "in 6 days; nothing is owed if you let it lapse",
        "1 rue de l’Exemple 59000 Lille",
        "Visa 4970 10XX XXXX XX00 default SEPA direct debit",
        "Automatic renewal uses the default.",
        "Card, PayPal, Some new way",
        "Without tax €119.89",
        "Tax €23.98",
        "With tax €143.87",
        "\N{MINUS SIGN}€11.99",
        "Pay €143.87",
    ):
        assert words in seen
    page = response.content.decode()
    assert '<del class="gone">Snapshot</del>' in page
    assert page.count("data-order-id") == page.count("data-status") == page.count('id="freshness"') == 1


def test_without_a_default_method_renewal_is_explained(customer_client, nichandle):
    order = make_order(nichandle)
    assert "Automatic renewal needs a default" in text(customer_client.get(f"/orders/{order.order_id}/"))


def test_an_expired_order_says_so_and_cannot_be_paid(customer_client, nichandle):
    order = make_order(nichandle, status="notPaid", expiration_date=timezone.now() - timedelta(seconds=1))
    response = customer_client.get(f"/orders/{order.order_id}/")
    assert "expired: to buy this, order again" in text(response)
    assert 'data-status="expired"' in response.content.decode()
    assert f"/orders/{order.order_id}/pay/" not in response.content.decode()


@pytest.mark.parametrize("count", [1, 200])
def test_the_purchase_order_costs_four_queries(customer_client, nichandle, count, django_assert_num_queries):
    order = make_order(nichandle, products=count)
    path = f"/orders/{order.order_id}/"
    customer_client.get(path)
    with django_assert_num_queries(4):  # session, user, order, details
        assert customer_client.get(path).status_code == 200


def test_markup_in_any_text_of_ovhcloud_stays_text(customer_client, nichandle):
    evil = '<img src=x onerror=alert(1)><b hx-get="/account/" hx-trigger="load">'
    order = make_order(
        nichandle,
        status="delivering",
        first_description=evil,
        last_error_query_id=evil,
        billing=dict.fromkeys(["name", "organisation", "address", "city", "country", "vat"], evil),
        payment_methods={"available": [evil]},
        follow_up=[{"step": "VALIDATING", "status": evil, "history": [{"label": evil, "description": evil}]}],
    )
    nichandle.order_import.payment_methods = [{"type": evil, "sub_type": evil, "label": evil, "default": True}]
    nichandle.order_import.save()
    make_detail(order, description=evil, domain=evil, quantity=evil[:40], detail_type=evil[:40])
    for page in ("", "tracking/", "pay/", "bill/"):
        content = customer_client.get(f"/orders/{order.order_id}/{page}").content.decode()
        assert "<img" not in content
        assert "<b hx-get" not in content.lower()


def test_details_still_to_be_read_ask_again_by_themselves(customer_client, nichandle):
    order = make_order(nichandle, details_read_at=None)
    path = f"/orders/{order.order_id}/"
    assert 'id="order-details"' in customer_client.get(path).content.decode()
    fragment = customer_client.get(path, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 3s"' in fragment.content.decode()
    assert "<html" not in fragment.content.decode()
    Order.objects.update(details_read_at=timezone.now())
    make_detail(order, description="Here at last")
    fragment = customer_client.get(path, headers={"HX-Request": "true"}).content.decode()
    assert "Here at last" in fragment
    assert "hx-trigger" not in fragment


def test_a_page_that_asked_now_waits_for_the_answer_and_then_rests(customer_client, nichandle):
    now = timezone.now()
    order = make_order(nichandle, check_asked_at=now, status_checked_at=now - timedelta(minutes=1))
    path = f"/orders/{order.order_id}/"
    assert 'hx-select="#purchase-order"' in customer_client.get(path).content.decode()
    Order.objects.update(status_checked_at=now + timedelta(seconds=1))
    page = customer_client.get(path, headers={"HX-Request": "true", "HX-Target": "purchase-order"}).content.decode()
    assert 'id="purchase-order"' in page
    assert 'hx-select="#purchase-order"' not in page


@pytest.mark.parametrize(
    ("page", "asks"),
    [
        ("pay/", 'hx-select="#order-pay"'),
        ("bill/", 'hx-select="#order-bill"'),
        ("tracking/", 'hx-select="#follow-up"'),
        ("withdrawal/", 'hx-trigger="every 2s"'),
    ],
)
def test_every_page_of_an_order_renews_itself_after_check_now(customer_client, nichandle, page, asks):
    now = timezone.now()
    order = make_order(nichandle, status_checked_at=now - timedelta(minutes=1), associated_type="Bill")
    path = f"/orders/{order.order_id}/{page}"
    assert asks not in customer_client.get(path).content.decode()
    customer_client.post(f"/orders/{order.order_id}/check/", {"page": page.strip("/")})
    assert asks in customer_client.get(path).content.decode()
    Order.objects.update(status_checked_at=timezone.now())
    assert asks not in customer_client.get(path).content.decode()


def test_the_request_id_of_a_failed_check_is_in_small_print(customer_client, nichandle):
    order = make_order(nichandle, last_error="Internal server error", last_error_query_id="EU.ext-1.5c")
    page = customer_client.get(f"/orders/{order.order_id}/").content.decode()
    assert "EU.ext-1.5c" in page
    assert "Internal server error" not in page


def test_an_order_that_ovhcloud_no_longer_lists_keeps_its_last_status(customer_client, nichandle):
    order = make_order(nichandle, gone_at=timezone.now())
    response = customer_client.get(f"/orders/{order.order_id}/")
    assert "OVHcloud no longer lists it" in text(response)
    assert 'data-status="delivered"' in response.content.decode()


# --- Tracking ---------------------------------------------------------------------------------------------------------
def test_tracking_tells_each_step_with_its_history_newest_first(customer_client, nichandle):
    order = make_order(nichandle, status="delivering", follow_up=FOLLOW_UP)
    response = customer_client.get(f"/orders/{order.order_id}/tracking/")
    assert steps(response) == [
        ("VALIDATING", "done"),
        ("VALIDATED", "done"),
        ("DELIVERING", "doing"),
        ("AVAILABLE", "todo"),
    ]
    page = response.content.decode()
    assert page.index("Payment received") < page.index("Order placed")
    assert "Parcel handed over (At the door)" in page
    assert page.count('aria-current="step"') == page.count('id="follow-up"') == 1
    assert page.count("data-order-id") == 1
    assert "19 Nov, 10:12" in text(response)


def test_our_own_log_remembers_what_was_done_before_a_cancellation(customer_client, nichandle):
    order = make_order(nichandle, status="cancelled", was_paid=True)
    make_event(order, OrderEvent.Kind.STATUS, before="delivering", after="cancelling")
    make_event(order, OrderEvent.Kind.ACCEPTED)
    response = customer_client.get(f"/orders/{order.order_id}/tracking/")
    assert [state for _, state in steps(response)] == ["done", "done", "error", "todo"]
    assert "Withdrawal accepted by OVHcloud" in text(response)


@pytest.mark.parametrize(
    ("status", "asks"), [("notPaid", True), ("delivering", True), ("delivered", False), ("cancelled", False)]
)
def test_tracking_asks_again_until_the_order_is_finished(customer_client, nichandle, status, asks):
    order = make_order(nichandle, status=status, was_paid=True)
    for headers in ({}, {"HX-Request": "true"}):
        page = customer_client.get(f"/orders/{order.order_id}/tracking/", headers=headers).content.decode()
        assert ('hx-trigger="every' in page) == asks


def test_watching_puts_the_order_on_the_fast_lane(customer_client, nichandle):
    order = make_order(nichandle, status="delivering", next_poll_at=timezone.now() + timedelta(hours=1))
    customer_client.get(f"/orders/{order.order_id}/tracking/")
    order.refresh_from_db()
    assert order.watched_until > timezone.now()


def test_tracking_costs_four_queries(customer_client, nichandle, django_assert_num_queries):
    order = make_order(nichandle, status="delivering", follow_up=FOLLOW_UP)
    for _ in range(30):
        make_event(order, before="checking", after="delivering")
    path = f"/orders/{order.order_id}/tracking/"
    customer_client.get(path)
    with django_assert_num_queries(4):  # session, user, order with its log, the note that somebody watches
        customer_client.get(path)


def test_a_blocked_step_says_what_to_do(customer_client, nichandle):
    order = make_order(nichandle, status="documentsRequested")
    assert "send the papers it names" in text(customer_client.get(f"/orders/{order.order_id}/tracking/"))


def test_a_fragment_of_tracking_is_the_steps_with_the_freshness(customer_client, nichandle):
    order = make_order(nichandle, status="delivering")
    response = customer_client.get(f"/orders/{order.order_id}/tracking/", headers={"HX-Request": "true"})
    page = response.content.decode()
    assert page.count('id="follow-up"') == page.count('id="freshness" hx-swap-oob="true"') == 1
    assert "<html" not in page
    assert "HX-Request" in response.headers["Vary"]


def test_check_now_leads_back_to_its_page(customer_client, nichandle):
    order = make_order(nichandle, status="delivering")
    response = customer_client.post(
        f"/orders/{order.order_id}/check/", {"page": "tracking", "list": "preset=progress&evil=1"}
    )
    assert response.url == f"/orders/{order.order_id}/tracking/?list=preset%3Dprogress"


@pytest.mark.parametrize("page", ["pay", "bill", "withdrawal"])
def test_check_now_on_a_lesser_page_leads_back_there(customer_client, nichandle, page):
    order = make_order(nichandle)
    response = customer_client.post(f"/orders/{order.order_id}/check/", {"page": page})
    assert response.url == f"/orders/{order.order_id}/{page}/"


# --- To OVHcloud's own pages ------------------------------------------------------------------------------------------
@pytest.fixture
def account(ovh):
    """A customer of the sandbox's world, whose orders OVHcloud knows."""
    who = ovh.customers[0]
    user = make_customer(who["nichandle"])
    make_canary()
    link = user.links.get()
    link.keep_key(who["consumer_key"])
    link.save()
    return user


@pytest.fixture
def account_client(account):
    client = Client()
    client.force_login(account)
    return client


def leave_url(response):
    return re.search(r'href="(/orders/\d+/leave/[^"]+)"', response.content.decode())[1]


def test_pay_at_ovhcloud_by_a_link_that_works_once(ovh, account, account_client):
    number = ovh.make_order(nichandle=account.nichandle.nichandle, status="notPaid")
    order = make_order(account.nichandle, number, status="notPaid")
    response = account_client.post(f"/orders/{order.order_id}/pay/")
    link = leave_url(response)
    assert "password" not in response.content.decode().lower()
    away = account_client.get(link)
    assert away.status_code == 302
    assert urlsplit(away.url).netloc == urlsplit(ovh.api_base).netloc
    assert away.headers["Referrer-Policy"] == "no-referrer"
    assert away.headers["Cache-Control"] == "no-store"
    assert account_client.get(link).status_code == 410
    secret = away.url
    assert secret not in str(list(Order.objects.values()))


def test_a_link_of_another_browser_order_or_time_opens_nothing(ovh, account, account_client):
    number = ovh.make_order(nichandle=account.nichandle.nichandle, status="notPaid")
    order = make_order(account.nichandle, number, status="notPaid")
    other = make_order(account.nichandle, status="notPaid")
    link = leave_url(account_client.post(f"/orders/{order.order_id}/pay/"))
    assert account_client.get(link.replace(str(order.order_id), str(other.order_id))).status_code == 410
    assert account_client.get(f"{link[:-2]}x/").status_code == 410
    assert account_client.get(f"/orders/{order.order_id}/leave/é/").status_code == 410
    stranger = Client()
    stranger.force_login(make_customer())
    assert stranger.get(link).status_code == 404
    session = account_client.session
    session["leaving"] = session["leaving"] | {"until": 0}
    session.save()
    assert account_client.get(link).status_code == 410


def test_a_host_off_the_list_is_never_visited(ovh, account, account_client, settings):
    number = ovh.make_order(nichandle=account.nichandle.nichandle, status="notPaid")
    order = make_order(account.nichandle, number, status="notPaid")
    settings.OVH_WEB_HOSTS = ["www.ovh.com"]
    response = account_client.get(leave_url(account_client.post(f"/orders/{order.order_id}/pay/")))
    assert response.status_code == 502
    assert "OVHcloud gave us no address" in text(response)
    assert urlsplit(ovh.api_base).netloc not in response.content.decode()


def test_what_is_not_to_be_paid_gives_no_link(customer_client, nichandle):
    order = make_order(nichandle)
    response = customer_client.post(f"/orders/{order.order_id}/pay/")
    assert "There is nothing to pay" in text(response)
    assert "/leave/" not in response.content.decode()


def test_the_bill_is_linked_once_there_is_one(customer_client, nichandle):
    without, billed = make_order(nichandle), make_order(nichandle, associated_type="Bill", associated_id="FR1")
    assert "/bill/" not in customer_client.get(f"/orders/{without.order_id}/").content.decode()
    assert (
        f'href="/orders/{billed.order_id}/bill/"' in customer_client.get(f"/orders/{billed.order_id}/").content.decode()
    )
    assert "made no bill" in text(customer_client.get(f"/orders/{without.order_id}/bill/"))
    assert leave_url(customer_client.post(f"/orders/{billed.order_id}/bill/"))
