"""A look for new orders is one call, and does not wait behind the many checks of its account."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import budget
from accounts.budget import Wanted
from accounts.models import Budget, Link, Nichandle
from orders import actions, sync
from orders.models import Due, OrderImport, Refund
from orders.refunds import look_for_refunds
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db

# Of a bucket of 60, what the background leaves alone.
FOR_PEOPLE = 15
ORDERS = 12


@pytest.fixture
def account(ovh: Any, settings: Any) -> Nichandle:
    """A dozen orders that move, all known; one more is at OVHcloud since. A 429 has made its key slow."""
    settings.OVH_CALLS_AT_ONCE = 4 * FOR_PEOPLE
    nichandle = sign_up(ovh, 2)
    for _ in range(ORDERS):
        ovh.make_order(ovh.customers[2], status="delivering")
    import_all(nichandle)
    now = timezone.now()
    OrderImport.objects.update(next_find_at=now + timedelta(hours=1), payment_methods_read_at=now, found_at=now)
    Nichandle.objects.update(me_read_at=now)
    return nichandle


def tokens(number: float) -> None:
    Budget.objects.update(tokens=number, filled_at=timezone.now(), refill_per_minute=4, silent_until=None)


def looks(ovh: Any, since: int) -> int:
    return len([call for call in ovh.requests(since) if call["path"].endswith("/me/order")])


def look_is_due() -> None:
    OrderImport.objects.update(next_find_at=timezone.now())


def test_a_look_that_was_asked_for_comes_though_the_accounts_checks_took_every_token(ovh: Any, account: Nichandle):
    new = ovh.make_order(ovh.customers[2], status="delivering")
    tokens(ORDERS)
    assert actions.check_account(account)
    since = ovh.last_request()
    while sync.poll_awaited():
        pass
    assert Budget.objects.get().tokens < 1
    sync.find_orders()
    assert looks(ovh, since) == 1
    row = OrderImport.objects.get()
    # What it found is still to be read, and comes with the next tokens, for somebody waits for it.
    assert row.to_read == [new]
    assert row.next_find_at < timezone.now() + timedelta(seconds=2 * 60 / 4 + 2)
    tokens(4)
    look_is_due()
    sync.find_orders()
    assert account.orders.filter(order_id=new).exists()


def test_a_look_in_the_background_comes_before_the_accounts_checks_in_the_background(ovh: Any, account: Nichandle):
    Due.objects.update(at=timezone.now())
    tokens(FOR_PEOPLE)
    look_is_due()
    since = ovh.last_request()
    sync.poll_orders()
    assert ovh.requests(since) == []
    sync.find_orders()
    assert looks(ovh, since) == 1
    assert OrderImport.objects.get().found_at > timezone.now() - timedelta(seconds=10)


def test_a_look_in_the_background_leaves_the_rest_to_people(ovh: Any, account: Nichandle):
    new = ovh.make_order(ovh.customers[2], status="delivering")
    tokens(FOR_PEOPLE)
    look_is_due()
    sync.find_orders()
    assert Budget.objects.get().tokens > FOR_PEOPLE - 2
    assert OrderImport.objects.get().to_read == [new]


def test_the_debt_of_looks_is_one_token_and_silence_is_kept(ovh: Any, account: Nichandle):
    link = Link.objects.get().pk
    tokens(0.5)
    assert budget.reserve({link: Wanted(people=1, background=1)})[link].people == 0
    assert budget.reserve({link: Wanted(people=1, background=1, look=True)})[link].people == 1
    assert -0.6 < Budget.objects.get().tokens < 0
    assert budget.reserve({link: Wanted(look=True)})[link].people == 0
    tokens(30)
    assert budget.reserve({link: Wanted(people=2, look=True)})[link].people == 3
    Budget.objects.update(silent_until=timezone.now() + timedelta(minutes=1))
    look_is_due()
    since = ovh.last_request()
    sync.find_orders()
    assert ovh.requests(since) == []


def test_the_whole_installations_budget_counts_looks(ovh: Any, account: Nichandle, settings: Any):
    settings.OVH_CALLS_A_MINUTE_IN_ALL = 20
    link = Link.objects.get().pk
    tokens(30)
    budget.reserve({link: Wanted(people=19)})
    grants = [budget.reserve({link: Wanted(people=5, look=True)})[link].people for _ in range(3)]
    assert grants == [1, 1, 0]


def test_looking_for_refunds_leaves_the_people_their_reserve(ovh: Any, account: Nichandle):
    order = account.orders.first()
    assert order is not None
    now = timezone.now()
    Refund.objects.create(order=order, declared_at=now - timedelta(days=1), due_on=now.date(), next_look_at=now)
    tokens(FOR_PEOPLE)
    since = ovh.last_request()
    look_for_refunds()
    assert ovh.requests(since) == []
    tokens(FOR_PEOPLE + 5)
    Refund.objects.update(next_look_at=timezone.now())
    look_for_refunds()
    assert [call["path"].rpartition("/")[2] for call in ovh.requests(since)][:1] == ["refund"]
