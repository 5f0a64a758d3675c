"""How fresh a page is, in words: nothing pretends, whoever is silent."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Breaker
from accounts.ovh import application
from orders import relay, sync
from orders.freshness import Freshness, freshness
from orders.models import Order, OrderImport
from tests.factories import make_canary, make_customer, make_order, make_staff
from tests.world import import_all, sign_up

NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


def told(**facts: Any) -> Freshness:
    values: dict[str, Any] = {
        "now": NOW,
        "zone": ZoneInfo("Europe/Paris"),
        "checked_at": NOW - timedelta(seconds=40),
        "due_at": NOW + timedelta(minutes=1),
        "sang_at": NOW - timedelta(seconds=5),
        "unreachable_since": None,
    }
    found = freshness(**(values | facts))
    return Freshness(found.tone, found.text.replace("\xa0", " "), found.query_id)


AT_14_02 = NOW - timedelta(minutes=28)
AWAY = {"unreachable_since": AT_14_02, "unreachable_why": "unavailable"}


@pytest.mark.parametrize(
    ("facts", "tone", "text"),
    [
        ({}, "fresh", "Checked 40 s ago"),
        ({"live": True}, "fresh", "Live, checked 40 s ago"),
        ({"checked_at": None}, "stale", "Not checked yet"),
        ({"due_at": NOW - timedelta(minutes=3)}, "stale", "Checked 40 s ago, the next check is late"),
        (AWAY, "away", "OVHcloud unreachable since 14:02, showing what we knew then"),
        ({"breaker_since": AT_14_02}, "away", "OVHcloud unreachable since 14:02, showing what we knew then"),
        (
            AWAY | {"breaker_since": NOW - timedelta(minutes=2)},
            "away",
            "OVHcloud unreachable since 14:02, showing what we knew then",
        ),
        (
            {"unreachable_since": AT_14_02, "unreachable_why": "revoked", "breaker_since": NOW},
            "away",
            "OVHcloud no longer lets us look since 14:02, showing what we knew then",
        ),
        (
            {"wait_until": NOW + timedelta(minutes=5), "due_at": NOW},
            "stale",
            "OVHcloud asks us to wait until 14:35, last checked 40 s ago",
        ),
        # Named to the minute, and never too early.
        (
            {"wait_until": NOW + timedelta(seconds=61), "due_at": NOW, "checked_at": None},
            "stale",
            "OVHcloud asks us to wait until 14:32",
        ),
        # Nothing is due before the wait is over, so nobody is kept from anything.
        ({"wait_until": NOW + timedelta(seconds=30)}, "fresh", "Checked 40 s ago"),
        ({"wait_until": NOW - timedelta(seconds=1), "due_at": NOW}, "fresh", "Checked 40 s ago"),
        ({"sang_at": NOW - timedelta(minutes=50)}, "away", "Our own checking has stopped since 13:40"),
        ({"sang_at": NOW - timedelta(minutes=50), **AWAY}, "away", "Our own checking has stopped since 13:40"),
        ({"sang_at": None}, "away", "Our own checking has not started yet"),
    ],
)
def test_each_situation_has_its_sentence(facts: dict[str, Any], tone: str, text: str):
    assert told(**facts) == Freshness(tone, text, "")


# --- Over real HTTP ---------------------------------------------------------------------------------------------------
PAGES = [
    "/",
    "/orders/",
    "/withdraw/",
    "/orders/{}/",
    "/orders/{}/tracking/",
    "/orders/{}/pay/",
    "/orders/{}/bill/",
    "/orders/{}/withdrawal/",
]


@pytest.fixture
def account(ovh: Any, db: None) -> Any:
    make_canary()
    nichandle = sign_up(ovh)
    import_all(nichandle)
    return nichandle


def said(nichandle: Any, order: Order) -> set[str]:
    """What every page that shows this order says of its freshness, the desk's besides."""
    mine, desk = Client(), Client()
    mine.force_login(nichandle.user)
    desk.force_login(make_staff())
    number = order.order_id
    pages = [mine.get(path.format(number)) for path in PAGES]
    pages.append(desk.get(f"/support/orders/{nichandle.nichandle}/{number}/"))
    found = set()
    for page in pages:
        assert page.status_code == 200
        text = re.search(r'id="freshness".*?</span>(.*?)</p>', page.content.decode(), re.S)
        assert text, page.request["PATH_INFO"]
        found.add(text[1].strip().replace("\xa0", " "))
    return found


def an_order(nichandle: Any) -> Order:
    order = nichandle.orders.filter(status="delivering").first()
    assert order
    return order


@pytest.mark.django_db
def test_every_page_says_how_old_it_is(ovh: Any, account: Any):
    make_canary()
    words = said(account, an_order(account))
    assert all(re.fullmatch(r"(Live, c|C)hecked (just now|\d+ s ago)", text) for text in words), words


@pytest.mark.django_db
def test_every_page_says_since_when_ovhcloud_is_away_also_of_an_account_that_nobody_asked_about(ovh: Any, account: Any):
    other = make_customer("zz9-ovh").nichandle
    theirs = make_order(other, status="delivering")
    ovh.arm("status", path="*", status=503)
    Order.objects.filter(nichandle=account).update(next_poll_at=timezone.now() - timedelta(seconds=1))
    sync.poll_orders()
    make_canary()
    breaker = Breaker.objects.get(address=application().address)
    assert breaker.state != Breaker.State.CLOSED
    assert breaker.failing_since is not None
    since = breaker.failing_since.astimezone(ZoneInfo("Europe/Paris")).strftime("%H:%M")
    wanted = {f"OVHcloud unreachable since {since}, showing what we knew then"}
    assert said(account, an_order(account)) == wanted
    assert said(other, theirs) == wanted
    client = Client()
    client.force_login(other.user)
    assert "OVHcloud does not answer just now" in client.get("/orders/").content.decode()


@pytest.mark.django_db
def test_every_page_says_until_when_ovhcloud_asks_us_to_wait(ovh: Any, account: Any):
    ovh.arm("status", path="*", status=429, retry_after=300)
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    sync.poll_orders()
    make_canary()
    words = said(account, an_order(account))
    assert all(text.startswith("OVHcloud asks us to wait until ") for text in words), words
    until = {re.sub(r".*until (\d\d:\d\d).*", r"\1", text) for text in words}
    ends = timezone.now().astimezone(ZoneInfo("Europe/Paris"))
    assert until <= {(ends + timedelta(minutes=minutes)).strftime("%H:%M") for minutes in (4, 5, 6)}
    client = Client()
    client.force_login(account.user)
    assert "asks us to ask less often" in client.get("/orders/").content.decode()


@pytest.mark.django_db
def test_every_page_says_that_our_own_checking_has_stopped(ovh: Any, account: Any):
    make_canary(timezone.now() - timedelta(hours=1))
    words = said(account, an_order(account))
    assert len(words) == 1
    assert re.fullmatch(r"Our own checking has stopped since .*\d\d:\d\d", words.pop())


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/orders/check/", "/orders/{}/check/"])
def test_check_now_promises_nothing_while_nobody_can_be_asked(path: str):
    user = make_customer()
    order = make_order(user.nichandle, status="delivering")
    client = Client()
    client.force_login(user)
    make_canary(timezone.now() - timedelta(hours=1))
    page = client.post(path.format(order.order_id), follow=True).content.decode()
    assert "We ask as soon as that is over." in page
    assert "being asked now" not in page
    assert "we keep watching" not in client.get(f"/orders/{order.order_id}/tracking/").content.decode()
    make_canary()
    Order.objects.update(check_asked_at=None)
    OrderImport.objects.update(check_asked_at=None)
    assert "being asked now" in client.post(path.format(order.order_id), follow=True).content.decode()
    assert "we keep watching" in client.get(f"/orders/{order.order_id}/tracking/").content.decode()


@pytest.mark.django_db
def test_a_withdrawal_made_while_ovhcloud_is_away_is_stored_and_sent_when_it_is_back(ovh: Any, account: Any):
    """The breaker keeps the call from being made, so nothing is doubtful."""
    ovh.arm("status", path="*", status=503)
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    sync.poll_orders()
    order = account.orders.filter(retraction_date__gt=timezone.now(), status="delivered").first()
    client = Client()
    client.force_login(account.user)
    client.post(f"/orders/{order.order_id}/withdrawal/", {"confirm": "on", "email": "anna@example.com"})
    relay.relay_due()
    intent = order.intents.get()
    assert (intent.state, intent.attempts) == ("waiting", 0)
    ovh.disarm()
    Breaker.objects.update(probe_at=timezone.now())
    order.intents.update(next_attempt_at=timezone.now())
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == "accepted"
