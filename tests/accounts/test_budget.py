"""The budget of calls: what a key may spend, shown by what OVHcloud was really asked."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import budget, metering
from accounts.budget import BudgetSpent, Wanted
from accounts.models import Budget, CallMinute, Link
from accounts.ovh import gateway_for
from gateway import RateLimited
from orders import sync
from orders.models import Due, Order, OrderImport
from tests.factories import make_customer
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def pace(settings: Any) -> Any:
    """The figures of production."""
    settings.OVH_CALLS_AT_ONCE, settings.OVH_CALLS_A_MINUTE, settings.OVH_CALLS_A_MINUTE_AT_MOST = 60, 60, 120
    return settings


def link_of(user: Any) -> Link:
    return Link.objects.get(user=user)


def full(link: Link, **fields: Any) -> Budget:
    values = {"tokens": 60, "refill_per_minute": 60, "filled_at": timezone.now()} | fields
    return Budget.objects.update_or_create(link=link, defaults=values)[0]


def test_many_keys_take_their_tokens_in_one_statement(pace: Any):
    links = [link_of(make_customer()) for _ in range(50)]
    for link in links:
        full(link)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        grants = budget.reserve({link.pk: Wanted(background=7) for link in links})
    assert [grant.background for grant in grants.values()] == [7] * 50
    statements = [query["sql"] for query in queries if "SAVEPOINT" not in query["sql"]]
    assert len(statements) == 1


def test_a_quarter_of_the_bucket_is_for_people(pace: Any):
    link = link_of(make_customer())
    full(link)
    first = budget.reserve({link.pk: Wanted(background=100)})[link.pk]
    assert first.background == 45
    second = budget.reserve({link.pk: Wanted(people=100, background=100)})[link.pk]
    assert (second.people, second.background) == (15, 0)
    now = timezone.now()
    assert 0 < second.seconds_to_wait(now, people=True) <= 1.1
    assert 14 < second.seconds_to_wait(now, people=False) <= 17


def test_tokens_come_back_with_time_and_never_beyond_the_bucket(pace: Any):
    link = link_of(make_customer())
    full(link, tokens=0, filled_at=timezone.now() - timedelta(seconds=10))
    assert budget.reserve({link.pk: Wanted(people=100)})[link.pk].people == 10
    full(link, tokens=50, filled_at=timezone.now() - timedelta(hours=1))
    assert budget.reserve({link.pk: Wanted(people=100)})[link.pk].people == 60


def test_what_was_not_used_is_given_back(pace: Any):
    link = link_of(make_customer())
    full(link, tokens=30)
    budget.reserve({link.pk: Wanted(people=20)})
    budget.give_back({link.pk: 15})
    assert 24 < Budget.objects.get(link=link).tokens < 27


def test_a_429_halves_the_pace_once_and_its_silence_is_kept(pace: Any):
    link = link_of(make_customer())
    full(link)
    asked_at = timezone.now()
    budget.note_limited({link.pk: (30.0, asked_at)})
    budget.note_limited({link.pk: (30.0, asked_at)})
    row = Budget.objects.get(link=link)
    assert row.refill_per_minute == 30
    with pytest.raises(BudgetSpent) as refused:
        metering.take(link.pk, people=True)
    assert 28 < refused.value.retry_after <= 33
    # When the silence is over the bucket is empty, and fills at the new pace.
    silence = timedelta(seconds=32)
    Budget.objects.update(silent_until=row.silent_until - silence, filled_at=row.filled_at - silence)
    assert budget.reserve({link.pk: Wanted(people=9)})[link.pk].people == 1


def test_ten_quiet_minutes_raise_the_pace_by_a_tenth_up_to_the_ceiling(pace: Any):
    link = link_of(make_customer())
    full(link, changed_at=timezone.now() - timedelta(minutes=11))
    for expected in (66, 66):
        budget.reserve({link.pk: Wanted(people=1)})
        assert Budget.objects.get(link=link).refill_per_minute == pytest.approx(expected)
    full(link, refill_per_minute=115, changed_at=timezone.now() - timedelta(minutes=11))
    budget.reserve({link.pk: Wanted(people=1)})
    assert Budget.objects.get(link=link).refill_per_minute == 120
    recent = timezone.now() - timedelta(minutes=9)
    full(link, refill_per_minute=60, changed_at=timezone.now() - timedelta(hours=1), limited_at=recent)
    budget.reserve({link.pk: Wanted(people=1)})
    assert Budget.objects.get(link=link).refill_per_minute == 60


def test_the_whole_installation_may_have_a_budget_too_and_people_come_first(pace: Any):
    pace.OVH_CALLS_A_MINUTE_IN_ALL = 20
    links = [link_of(make_customer()) for _ in range(4)]
    wanted = {link.pk: Wanted(background=10) for link in links[:3]} | {links[3].pk: Wanted(people=10)}
    grants = budget.reserve(wanted)
    assert grants[links[3].pk].people == 10
    assert sum(grant.background for grant in grants.values()) == 5
    assert sum(grant.people for grant in budget.reserve({links[0].pk: Wanted(people=50)}).values()) == 5


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.django_db(transaction=True)
def test_two_workers_never_spend_the_same_token(pace: Any, locked: bool):
    """The negative control takes the lock away, and both get the whole bucket."""
    link = link_of(make_customer())
    full(link, tokens=20)
    statement = budget._RESERVE if locked else budget._RESERVE.replace("FOR UPDATE OF budget", "")
    values = {
        "links": [link.pk],
        "people": [20],
        "background": [0],
        "look": [False],
        "now": timezone.now(),
        "capacity": 60,
        "reserve": 15,
        "quiet": 600,
        "most": 120.0,
    }

    def take() -> int:
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, values)
                return int(cursor.fetchall()[0][1])
        finally:
            if connection.get_autocommit():
                connection.close()

    with ThreadPoolExecutor(1) as other_worker:
        with transaction.atomic():
            mine = take()
            theirs = other_worker.submit(take)
            time.sleep(0.3)
        assert mine + theirs.result(5) == (20 if locked else 40)


# --- Against the sandbox ----------------------------------------------------------------------------------------------
def arrivals(ovh: Any, since: int, nichandle: str) -> list[float]:
    calls = [call for call in ovh.requests(since) if call["nichandle"] == nichandle]
    return sorted(datetime.fromisoformat(call["at"]).timestamp() for call in calls)


def most_beyond(moments: list[float], at_once: int, a_minute: float) -> float:
    """By how many calls the busiest of all windows goes beyond what a bucket lets through."""
    return max(
        (last - first + 1) - at_once - (moments[last] - moments[first]) * a_minute / 60
        for first in range(len(moments))
        for last in range(first, len(moments))
    )


def test_no_window_of_a_key_holds_more_calls_than_its_bucket_lets_through(ovh: Any, settings: Any):
    begun = ovh.last_request()
    nichandle = sign_up(ovh)
    import_all(nichandle)
    other = sign_up(ovh, 1)
    import_all(other)
    settings.OVH_CALLS_AT_ONCE, settings.OVH_CALLS_A_MINUTE, settings.OVH_CALLS_A_MINUTE_AT_MOST = 12, 300, 300
    Budget.objects.update(tokens=12, refill_per_minute=300, filled_at=timezone.now())
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    assert nichandle.orders.count() > 30
    since = ovh.last_request()
    until = time.monotonic() + 4
    while time.monotonic() < until:
        sync.poll_orders()
        Due.objects.filter(at__gt=timezone.now() + timedelta(seconds=30)).update(at=timezone.now())
        time.sleep(0.05)
    for account in (nichandle, other):
        moments = arrivals(ovh, since, account.nichandle)
        # It was used to the full, and a call may take some milliseconds more to arrive than the one after it.
        assert len(moments) > 15
        assert most_beyond(moments, 12, 300) < 1
    counted = sum(CallMinute.objects.values_list("calls", flat=True))
    assert counted == len([call for call in ovh.requests(begun) if call["nichandle"] or "/auth/time" in call["path"]])


def test_what_the_budget_refuses_is_no_trouble_on_any_page(ovh: Any, settings: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    settings.OVH_CALLS_AT_ONCE, settings.OVH_CALLS_A_MINUTE, settings.OVH_CALLS_A_MINUTE_AT_MOST = 8, 6, 6
    Budget.objects.update(tokens=3, refill_per_minute=6, filled_at=timezone.now())
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))
    sync.poll_orders()
    assert OrderImport.objects.get().unreachable_since is None
    assert not Order.objects.exclude(last_error="").exists()
    assert not Order.objects.exclude(poll_failures=0).exists()
    # Each that had to wait was promised its own moment, at the pace of the key.
    waiting = Due.objects.filter(kind=Due.Kind.LATER, at__gt=timezone.now()).order_by("at").values_list("at", flat=True)
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(waiting[:10], waiting[1:10], strict=False)]
    assert gaps
    assert all(11 < gap < 14 for gap in gaps)


def test_a_429_from_ovhcloud_is_noted_and_its_retry_after_honoured(ovh: Any, pace: Any):
    nichandle = sign_up(ovh, 1)
    gateway = gateway_for(nichandle)
    ovh.arm("status", path="/me", status=429, retry_after=2, count=1)
    with pytest.raises(RateLimited):
        gateway.me()
    assert Budget.objects.get(link__nichandle=nichandle).refill_per_minute == 30
    since = ovh.last_request()
    with pytest.raises(BudgetSpent):
        gateway.me()
    assert ovh.requests(since) == []
    time.sleep(2.1 + 2.0)
    assert gateway.me().nichandle == nichandle.nichandle
    assert sum(CallMinute.objects.values_list("limited", flat=True)) == 1
