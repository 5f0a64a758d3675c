"""When an order is asked about next: each line of the table, its words in docs, and what it costs."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone

from orders import policy
from orders.models import Order, Status
from orders.plan import plan
from orders.policy import Facts
from tests.factories import make_customer, make_nichandle, make_order

MONDAY_AT_10 = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SUNDAY_AT_10 = MONDAY_AT_10 - timedelta(days=1)
MONDAY_AT_3 = MONDAY_AT_10 - timedelta(hours=7)


def facts(status: str, now: datetime = MONDAY_AT_10, **fields: Any) -> Facts:
    values: dict[str, Any] = dict.fromkeys(Facts._fields)
    values |= {
        "status": status,
        "date": now - timedelta(days=1),
        "was_paid": False,
        "associated_type": "",
        "behind_s": 0,
    }
    return Facts(**(values | {"seen_at": now} | fields))


NOW = MONDAY_AT_10
SOON, LATER, PAST = NOW + timedelta(minutes=5), NOW + timedelta(days=5), NOW - timedelta(days=60)


@pytest.mark.parametrize(
    ("seen", "now", "line"),
    [
        (facts("delivering", gone_at=NOW), NOW, "gone"),
        (facts("notPaid", expired_at=NOW - timedelta(minutes=59)), NOW, "marked"),
        (facts("notPaid", expired_at=NOW - timedelta(hours=23)), NOW, "marked-lately"),
        (facts("notPaid", expired_at=NOW - timedelta(hours=24)), NOW, "expired"),
        (facts("notPaid", expired_at=NOW, gone_at=NOW), NOW, "gone"),
        (facts("cancelled", expired_at=NOW), NOW, "final"),
        (facts("delivering", watched_until=SOON), NOW, "watched"),
        (facts("delivered", watched_until=SOON, retraction_date=LATER), NOW, "withdrawable"),
        (facts("cancelling"), NOW, "cancelling"),
        (facts("delivering"), NOW, "delivering"),
        (facts("notPaid", expiration_date=SOON), NOW, "expiring"),
        (facts("notPaid", expiration_date=LATER), NOW, "unpaid"),
        (facts("notPaid"), NOW, "unpaid"),
        (facts("checking"), MONDAY_AT_10, "checking"),
        (facts("checking"), SUNDAY_AT_10, "checking-closed"),
        (facts("checking"), MONDAY_AT_3, "checking-closed"),
        (facts("documentsRequested"), NOW, "documents"),
        (facts("delivered", retraction_date=LATER), NOW, "withdrawable"),
        (facts("delivered", retraction_date=PAST), NOW, "delivered"),
        (facts("delivered", date=PAST), NOW, "final"),
        (facts("cancelled", was_paid=True), NOW, "refund"),
        (facts("cancelled", was_paid=True, associated_type="Refund"), NOW, "final"),
        (facts("cancelled"), NOW, "final"),
        (facts("unknown"), NOW, "unknown"),
        (facts("aWordOfTomorrow"), NOW, "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_first_line_that_fits_decides(seen: Facts, now: datetime, line: str):
    assert policy.line_of(seen, now).name == line


def test_every_line_is_reached_by_the_test_above():
    marks = test_the_first_line_that_fits_decides.pytestmark  # type: ignore[attr-defined]
    assert {case[2] for case in marks[0].args[1]} == {line.name for line in policy.TABLE}


def test_docs_show_the_table_as_it_is():
    text = (settings.BASE_DIR / "docs" / "freshness.md").read_text()
    rows = [f"| `{name}` | {what} | {looked_at} | {away} |" for name, what, looked_at, away in policy.as_rows()]
    assert "\n".join(rows) in text


def test_waits_are_spread_but_never_longer_than_the_table_says():
    seen = facts("delivering")
    waits = {(policy.next_check(seen, NOW) - NOW).total_seconds() for _ in range(200)}
    assert len(waits) > 100
    assert 18 <= min(waits) < 18.3
    assert 19.7 < max(waits) <= 20


def test_an_account_nobody_looks_at_waits_longer_but_not_past_an_expiration_date():
    away = facts("notPaid", seen_at=None, expiration_date=NOW + timedelta(minutes=11))
    assert policy.wait_of(away, NOW) == timedelta(minutes=10)
    lapsing = facts("notPaid", seen_at=None, expiration_date=NOW + timedelta(seconds=7))
    assert policy.next_check(lapsing, NOW) == NOW + timedelta(seconds=8)
    assert policy.next_check(lapsing._replace(behind_s=20), NOW) == NOW + timedelta(seconds=28)


def test_failures_are_waited_for_longer_each_time():
    waits = [(policy.retry(failures, NOW) - NOW).total_seconds() for failures in (1, 2, 3, 4, 60)]
    assert waits == [10, 20, 40, 80, 600]


# --- What it costs ----------------------------------------------------------------------------------------------------
@pytest.fixture
def population(db: None) -> None:
    now = timezone.now()
    looked_at = make_customer(make_nichandle(seen_at=now)).nichandle
    away = make_customer(make_nichandle(seen_at=now - timedelta(days=1))).nichandle
    for nichandle, orders in ((looked_at, 2), (away, 6)):
        for _ in range(orders):
            make_order(nichandle, status=Status.DELIVERING)
    make_order(away, status=Status.CANCELLED, was_paid=False)
    make_order(away, status=Status.NOT_PAID, expiration_date=now + timedelta(minutes=3))
    for hours in (0.5, 5, 50):
        marked_at = now - timedelta(hours=hours)
        make_order(away, status=Status.NOT_PAID, expiration_date=marked_at, expired_at=marked_at)


@pytest.mark.usefixtures("population")
def test_the_plan_counts_calls_and_ages(settings: Any, django_assert_num_queries: Any):
    settings.OVH_CALLS_A_MINUTE = 60
    with django_assert_num_queries(2):
        found = plan()
    shares = {share.line.name: share for share in found.shares}
    delivering = shares["delivering"]
    assert delivering.orders == 8
    assert delivering.calls_per_hour == 2 * 180 + 6 * 60
    assert delivering.median == timedelta(seconds=30)
    assert delivering.worst == timedelta(seconds=60)
    assert shares["expiring"].calls_per_hour == 60
    assert (shares["final"].orders, shares["final"].calls_per_hour, shares["final"].worst) == (1, 0, None)
    marked = [shares[name] for name in ("marked", "marked-lately", "expired")]
    assert [(share.orders, share.calls_per_hour) for share in marked] == [(1, 6), (1, 1), (1, 0)]
    assert found.orders == Order.objects.count() == 13
    assert (found.keys, found.budget_per_hour) == (2, 7200)


@pytest.mark.usefixtures("population")
def test_the_command_shows_before_and_after():
    out = StringIO()
    call_command("poll_plan", "--try", "delivering=60", stdout=out)
    before, after = out.getvalue().split("With delivering=60:")
    row = next(line.split() for line in before.splitlines() if line.startswith("delivering"))
    assert row == ["delivering", "20", "s", "1", "min", "8", "720", "30", "s", "1", "min"]
    row = next(line.split() for line in after.splitlines() if line.startswith("delivering"))
    assert row == ["delivering", "1", "min", "3", "min", "8", "240", "90", "s", "3", "min"]
    assert "787 → 307 calls per hour" in after
    assert policy.changed({}) == policy.TABLE


@pytest.mark.parametrize("wrong", ["delivering", "delivering=soon", "nothing=5", "final=5", "delivering=0"])
@pytest.mark.usefixtures("population")
def test_a_try_that_makes_no_sense_is_refused_in_words(wrong: str):
    with pytest.raises(CommandError):
        call_command("poll_plan", "--try", wrong)
