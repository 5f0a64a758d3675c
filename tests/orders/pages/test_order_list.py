"""My orders: what a row says, what the address may ask, how pages follow each other, and what it costs."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from orders.models import Order
from tests.factories import make_canary, make_customer, make_import, make_nichandle, make_order

pytestmark = pytest.mark.django_db


def numbers(response):
    """The order numbers of a list-like answer, in reading order."""
    return [int(number) for number in re.findall(r'data-order-id="(\d+)"', response.content.decode())]


def text(response):
    """What a reader sees, with one plain space between words."""
    plain = re.sub(r"<[^>]+>", " ", response.content.decode())
    return re.sub(r"\s+", " ", plain.replace("\N{NO-BREAK SPACE}", " ").replace("&#x27;", "'"))


def get(client, **asked):
    return client.get("/orders/", asked)


@pytest.fixture
def nichandle(customer):
    make_canary()
    return customer.nichandle


def test_the_list_is_newest_first_and_says_what_a_row_is(customer_client, nichandle):
    now = timezone.now()
    make_order(nichandle, 238097502, price="8.39", date=now - timedelta(days=1), status="delivering")
    make_order(
        nichandle,
        238104771,
        price="143.87",
        status="notPaid",
        expiration_date=now + timedelta(days=6, hours=1),
        first_description="VPS Comfort, 12 months",
        product_count=2,
    )
    response = get(customer_client)
    assert numbers(response) == [238104771, 238097502]
    seen = text(response)
    for words in ("VPS Comfort, 12 months and 1 more", "€143.87", "Unpaid", "in 6 days", "Being processed"):
        assert words in seen
    assert 'data-status="notPaid"' in response.content.decode()


def test_the_list_in_french(customer_client, nichandle):
    make_order(nichandle, price="1143.87")
    customer_client.cookies["panel_language"] = "fr"
    page = get(customer_client).content.decode()
    assert '<html lang="fr">' in page
    assert "1\N{NARROW NO-BREAK SPACE}143,87\N{NO-BREAK SPACE}€" in page


@pytest.mark.parametrize("count", [1, 200])
def test_the_list_costs_four_queries_however_long(customer_client, nichandle, count, django_assert_num_queries):
    for _ in range(count):
        make_order(nichandle, retraction_date=timezone.now() + timedelta(days=9))
    get(customer_client)
    with django_assert_num_queries(4):  # session, user, the account at a glance, rows
        response = get(customer_client)
    assert len(numbers(response)) == min(count, 20)


def test_every_filter_at_once_costs_no_more(customer_client, nichandle, django_assert_num_queries):
    make_order(nichandle)
    get(customer_client)
    with django_assert_num_queries(4):
        get(customer_client, q="vps 238", status="delivered", min="1", max="99", sort="amount", expired="1")


def test_expired_orders_are_hidden_from_the_very_second(customer_client, nichandle):
    now = timezone.now()
    lapsed = make_order(nichandle, status="notPaid", expiration_date=now - timedelta(seconds=1))
    cancelled = make_order(nichandle, status="cancelled", expiration_date=now - timedelta(days=1))
    paid_and_cancelled = make_order(
        nichandle, status="cancelled", was_paid=True, expiration_date=now - timedelta(days=1)
    )
    for_ever = make_order(nichandle, status="notPaid", expiration_date=None)
    assert set(numbers(get(customer_client))) == {paid_and_cancelled.order_id, for_ever.order_id}
    shown = get(customer_client, expired="1")
    assert set(numbers(shown)) == {o.order_id for o in (lapsed, cancelled, paid_and_cancelled, for_ever)}
    assert shown.content.decode().count('data-status="expired"') == 2
    assert "2 expired orders are hidden. Show expired" in text(get(customer_client))


def test_presets_count_exactly_over_all_orders(customer_client, nichandle):
    past = timezone.now() - timedelta(days=1)
    statuses = ["checking", "documentsRequested", "delivering", "cancelling", "unknown", "aNewWord"]
    for status in [*statuses, "notPaid", "delivered", "delivered", "cancelled"]:
        make_order(nichandle, status=status)
    make_order(nichandle, status="notPaid", expiration_date=past)
    make_order(nichandle, status="notPaid", expiration_date=None)
    counts = re.findall(r"(All|In progress|Unpaid|Complete) (\d+) ", text(get(customer_client, q="nothing")))
    assert counts == [("All", "11"), ("In progress", "6"), ("Unpaid", "2"), ("Complete", "2")]
    assert "All 12" in text(get(customer_client, expired="1"))
    for preset, count in (("progress", 6), ("unpaid", 2), ("complete", 2)):
        assert len(numbers(get(customer_client, preset=preset))) == count


def test_filters_find_what_they_name(customer_client, nichandle):
    now = timezone.now()
    vps = make_order(nichandle, 300100200, price="10", date=now, search_text="VPS Comfort\nvps-4f.example")
    domain = make_order(
        nichandle, 300100300, price="20", date=now - timedelta(days=40), search_text=".fr\nmartin-photo.fr"
    )
    cases = {
        "q=martin-PHOTO": domain,
        "q=300100200": vps,
        "q=3001003": domain,
        "q=vps+comfort": vps,
        "min=15": domain,
        "max=15,50": vps,
        "sort=date&max=15": vps,
        f"to={(now - timedelta(days=30)).date()}": domain,
        f"from={(now - timedelta(days=30)).date()}": vps,
    }
    for query, order in cases.items():
        assert numbers(customer_client.get(f"/orders/?{query}")) == [order.order_id], query


def test_the_last_day_counts_in_the_accounts_zone(customer_client, nichandle):
    # 23:30 in Paris on 30 June is 21:30 UTC.
    late = make_order(nichandle, date=timezone.datetime.fromisoformat("2026-06-30T23:30:00+02:00"))
    assert numbers(get(customer_client, **{"from": "2026-06-30", "to": "2026-06-30"})) == [late.order_id]
    assert numbers(get(customer_client, **{"from": "2026-07-01"})) == []


def test_statuses_add_up(customer_client, nichandle):
    checking = make_order(nichandle, status="checking")
    strange = make_order(nichandle, status="aNewWord")
    lapsed = make_order(nichandle, status="notPaid", expiration_date=timezone.now() - timedelta(days=1))
    make_order(nichandle)
    found = set(numbers(customer_client.get("/orders/?status=checking&status=unknown&status=expired")))
    assert found == {checking.order_id, strange.order_id, lapsed.order_id}


@pytest.mark.parametrize(
    "query",
    [
        "sort=account__secret",
        "sort=--date",
        "status=paid",
        "preset=mine",
        "from=yesterday",
        "from=0000-00-00",
        "to=2026-02-31",
        "min=lots",
        "max=NaN",
        "min=1e999",
        "after=forged",
        "after=WyJ4IiwxXQ",
        "after=WzEsMl0",
        "after=" + "A" * 5000,
        "sort=amount&after=WyJOYU4iLDFd",
    ],
)
def test_what_cannot_be_read_is_left_out_and_named(customer_client, nichandle, query):
    order = make_order(nichandle)
    response = customer_client.get(f"/orders/?{query}")
    assert response.status_code == 200
    assert numbers(response) == [order.order_id]
    assert 'class="notice warning"' in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "_connector=OR+1%3D1&_negated=1&account__isnull=0&user__is_staff=1",
        "to=9999-12-31",
        "from=0001-01-01",
        "q=%00",
        "q=%ED%A0%80",
        "expired=yes",
    ],
)
def test_odd_addresses_change_nothing(customer_client, nichandle, query):
    order = make_order(nichandle)
    theirs = make_order(make_nichandle())
    assert theirs.order_id not in numbers(customer_client.get(f"/orders/?{query}"))
    assert customer_client.get(f"/orders/?{query}").status_code == 200
    assert order.order_id in {*numbers(customer_client.get(f"/orders/?{query}")), order.order_id}


@pytest.mark.parametrize("sort", ["date", "-date", "number", "-number", "amount", "-amount", "status", "-status"])
def test_pages_by_keyset_show_every_order_once_while_others_arrive(customer_client, nichandle, sort):
    moment = timezone.now() - timedelta(hours=1)
    for index in range(45):
        status = ("delivered", "checking", "delivering")[index % 3]
        # Ties in every column, so that the number has to break them.
        make_order(nichandle, date=moment - timedelta(minutes=index // 4), price=str(index // 5), status=status)
    before = set(nichandle.orders.values_list("order_id", flat=True))
    key = {"date": "date", "number": "order_id", "amount": "price_with_tax", "status": "status"}[sort.lstrip("-")]
    sign = "-" if sort.startswith("-") else ""
    expected = list(nichandle.orders.order_by(f"{sign}{key}", f"{sign}order_id").values_list("order_id", flat=True))

    seen, address = [], "/orders/?" + urlencode({"sort": sort})
    while address:
        page = customer_client.get(address)
        seen += [number for number in numbers(page) if number in before]
        older = re.search(r'href="([^"]+)"[^>]*hx-push-url', page.content.decode())
        address = older[1].replace("&amp;", "&") if older else ""
        make_order(nichandle, date=timezone.now(), price="999")
    assert seen == expected


def test_older_orders_by_htmx_are_the_rows_alone_and_vary(customer_client, nichandle):
    for _ in range(21):
        make_order(nichandle)
    response = customer_client.get("/orders/", headers={"HX-Request": "true"})
    page = response.content.decode()
    assert page.lstrip().startswith('<div id="order-rows"')
    assert "<html" not in page
    assert "HX-Request" in response.headers["Vary"]
    assert "HX-Request" in get(customer_client).headers["Vary"]
    back = customer_client.get("/orders/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in back.content.decode()


def test_ids_and_attributes_occur_once(customer_client, nichandle):
    for _ in range(3):
        make_order(nichandle)
    page = get(customer_client).content.decode()
    assert page.count('id="order-rows"') == page.count('id="freshness"') == 1
    assert page.count("data-order-id") == page.count("data-status") == 3
    assert "data-step" not in page
    assert "data-state" not in page


def test_the_row_menu_offers_what_the_order_allows(customer_client, nichandle):
    unpaid = make_order(nichandle, status="notPaid")
    open_order = make_order(nichandle, retraction_date=timezone.now() + timedelta(days=5))
    page = get(customer_client).content.decode()
    assert f'aria-label="Actions for order {unpaid.order_id}"' in page
    assert page.count("View order in HTML format") == page.count("Order tracking") == 2
    assert f'href="/orders/{unpaid.order_id}/pay/">Pay</a>' in page
    assert f'href="/orders/{open_order.order_id}/withdrawal/">Cancel the order — withdraw from contract here' in page
    assert f'href="/orders/{unpaid.order_id}/withdrawal/"' not in page


def test_the_withdrawal_link_stands_on_the_row_with_its_last_day(customer_client, nichandle):
    order = make_order(nichandle, retraction_date=timezone.now() + timedelta(days=60))
    row = re.search(r'class="c-next.*?</td>', get(customer_client).content.decode(), re.S)[0]
    assert f'href="/orders/{order.order_id}/withdrawal/">Withdraw</a>' in row
    assert "until" in row


def test_markup_in_product_text_stays_text(customer_client, nichandle):
    make_order(nichandle, first_description='<img src=x onerror=alert(1)><b hx-get="/account/" hx-trigger=load>{{ 7 }}')
    page = get(customer_client).content.decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&lt;b hx-get=&quot;/account/&quot;" in page
    assert "{{ 7 }}" in page


def test_points_and_no_currency_are_amounts_too(customer_client, nichandle):
    make_order(nichandle, price="1200", currency_code="points")
    make_order(nichandle, price="0", currency_code="N/A")
    make_order(nichandle, price="-11.99")
    seen = text(get(customer_client))
    assert "1,200 points" in seen
    assert "0.00 N/A" in seen
    assert "\N{MINUS SIGN}€11.99" in seen


def test_an_importing_list_says_how_far_it_is_and_asks_again():
    user = make_customer(make_nichandle(imported=False))
    row = make_import(user.nichandle, finished_at=None, total=312, done=40, next_find_at=None)
    make_canary()
    client = Client()
    client.force_login(user)
    response = get(client)
    assert "Importing 40 of 312 orders" in text(response)
    assert 'max="312" value="40"' in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()
    assert "Your orders are on their way" in text(response)
    row.delete()
    assert "Asking OVHcloud for your list of orders" in text(get(client))


def test_each_empty_list_has_its_own_words_and_next_step(customer_client, nichandle):
    assert "No orders yet" in text(get(customer_client))
    make_order(nichandle, status="notPaid", expiration_date=timezone.now() - timedelta(days=1))
    assert "Only expired orders are left" in text(get(customer_client))
    make_order(nichandle)
    assert "No order fits these filters" in text(get(customer_client, q="no such thing"))
    assert "Clear filters" in text(get(customer_client, q="no such thing"))
    assert "Nothing here at the moment" in text(get(customer_client, preset="unpaid"))


def test_a_filter_refused_keeps_what_was_typed(customer_client, nichandle):
    page = get(customer_client, min="a lot", q="vps").content.decode()
    assert 'value="a lot"' in page
    assert 'value="vps"' in page


def test_freshness_in_words(customer_client, nichandle):
    now = timezone.now()
    make_order(nichandle, status="delivering", status_checked_at=now - timedelta(seconds=40))
    make_order(nichandle, status_checked_at=now - timedelta(days=3), next_poll_at=None)
    assert "Checked 40 s ago" in text(get(customer_client))
    nichandle.order_import.unreachable_since = now - timedelta(minutes=5)
    nichandle.order_import.unreachable_why = "unavailable"
    nichandle.order_import.save()
    assert re.search(r"OVHcloud unreachable since .*\d+:\d\d, showing what we knew then", text(get(customer_client)))
    make_canary(now - timedelta(minutes=10))
    assert "Our own checking has stopped since" in text(get(customer_client))


def test_check_now_asks_once_per_ten_seconds_and_comes_back_to_the_same_list(customer_client, nichandle):
    order = make_order(nichandle)
    first = customer_client.post("/orders/check/", {"list": "preset=complete&sort=amount"}, follow=True)
    assert first.redirect_chain == [("/orders/?preset=complete&sort=amount", 302)]
    assert "OVHcloud is being asked now" in text(first)
    order.refresh_from_db()
    assert order.next_poll_at <= timezone.now()
    assert "OVHcloud was asked a moment ago" in text(customer_client.post("/orders/check/", follow=True))


@pytest.mark.parametrize("sent", ["//e.test", "https://e.test/", "next=//e.test", "a=" + "x" * 5000, "\x00", "&" * 900])
def test_check_now_goes_nowhere_else(customer_client, nichandle, sent):
    response = customer_client.post("/orders/check/", {"list": sent})
    assert (response.status_code, response.url) == (302, "/orders/")


def test_the_list_is_never_stored(customer_client, nichandle):
    assert get(customer_client).headers["Cache-Control"] == "no-store"


def test_a_visitor_is_sent_to_sign_in(client, db):
    assert get(client).status_code == 302


def test_rows_go_to_an_order_and_back_to_the_same_list(customer_client, nichandle):
    order = make_order(nichandle)
    page = get(customer_client, sort="amount", q="vps").content.decode()
    link = re.search(rf'href="(/orders/{order.order_id}/\?list=[^"]+)"', page)[1]
    assert 'href="/orders/?q=vps&amp;sort=amount"' in customer_client.get(link).content.decode()


def test_no_order_of_another_account_is_counted_or_listed(customer_client, nichandle):
    mine = make_order(nichandle)
    make_order(make_nichandle())
    response = get(customer_client, expired="1")
    assert numbers(response) == [mine.order_id]
    assert "All 1 " in text(response)
    assert Order.objects.count() == 2
