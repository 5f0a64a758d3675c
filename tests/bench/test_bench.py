"""The bench itself, on sizes that prove that each case does the work it is timed for. No second is asserted."""

from collections import Counter
from collections.abc import Iterator

import pytest
import requests

from bench import world
from bench.machine import interleaved
from bench.report import Column, Goal, Table, in_markdown, number, times
from bench.stack import Stack

pytestmark = pytest.mark.processes

ACTIVE, LAPSED, IMPORTED = world.active(200), world.lapsed(300), world.imported(60)


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(ACTIVE, LAPSED, IMPORTED) as stack:
        stack.make_base("active", ACTIVE)
        stack.make_base("lapsed", LAPSED)
        stack.make_base("imported", IMPORTED)
        yield stack


@pytest.fixture(autouse=True)
def _quick_answers(stack: Stack) -> None:
    stack.answers(0, 1)


def told(population: world.Population, stack: Stack) -> Counter[str]:
    """What the stand-in says, by status."""
    accounts = population.account_numbers()
    ids = (order_id for account in accounts for order_id in population.order_ids(account))
    return Counter(world.order(order_id, stack.epoch).told for order_id in ids)


def test_the_population_is_what_the_tables_say() -> None:
    orders = world.active(100_000)
    kinds: Counter[str] = Counter()
    for account in orders.account_numbers():
        kinds.update(world.order(order_id, world.now()).known for order_id in orders.order_ids(account))
    assert orders.accounts == 5_000
    assert kinds == {"delivering": 2_000, "notPaid": 8_000, "delivered": 90_000}


def test_ours_checks_every_order_once_within_the_budget_and_keeps_what_changed(stack: Stack) -> None:
    with stack.copy_of("active") as database:
        figures = stack.child("poll_ours", database, seconds=60, to_the_last=True)
    counts = stack.calls()
    assert (figures["done"], figures["held_back"], figures["failed"]) == (200, 0, 0)
    assert figures["statuses"] == told(ACTIVE, stack)
    assert counts["status"] <= 205, "an order whose status is another may be asked about again, for want of tokens"
    assert counts["most in a minute"] <= 60
    assert counts["signatures checked"] > 0
    assert not counts.get("bad signatures", 0) + counts.get("strangers", 0) + counts.get("unknown routes", 0)


def test_a_plain_way_does_the_same_work(stack: Stack) -> None:
    with stack.copy_of("active") as database:
        figures = stack.child("poll_threads", database, seconds=60)
    assert figures["done"] == 200
    assert figures["statuses"] == told(ACTIVE, stack)
    # A client a thread and account, each of which asks for the time.
    assert stack.calls()["time"] == ACTIVE.accounts


def test_a_task_an_order_does_the_same_work(stack: Stack) -> None:
    with stack.copy_of("active") as database:
        figures = stack.child("poll_celery", database, seconds=30, orders=200, pool="threads", concurrency=8)
    assert figures["asked"] == 200
    assert figures["statuses"] == told(ACTIVE, stack)


def test_each_way_of_expiring_marks_orders_with_an_event_each(stack: Stack) -> None:
    cases = {
        "expire_loop": {"sample": 20},
        "expire_loop_of_fields": {"sample": 20},
        "expire_bulk": {"sample": 20},
    }
    for name, arguments in cases.items():
        with stack.copy_of("lapsed") as database:
            figures = stack.child(name, database, **arguments)
        assert (figures["marked"], figures["events"]) == (20, 20), name
    with stack.copy_of("lapsed") as database:
        figures = stack.child("expire_ours", database)
    assert (figures["marked"], figures["events"]) == (300, 300)


@pytest.mark.parametrize(("expanded", "calls_an_order"), [(True, 1.1), (False, 2.1)])
def test_an_import_brings_every_order(stack: Stack, expanded: bool, calls_an_order: float) -> None:
    stack.answers(0, 1, expanded=expanded)
    with stack.copy_of("imported") as database:
        figures = stack.child("import_ours", database, seconds=60, budget=False)
    assert (figures["rows"], figures["finished"]) == (60, 1)
    assert figures["first_rows_s"] is not None
    assert stack.calls()["calls"] <= 60 * calls_an_order


def test_the_stand_in_refuses_what_ovhcloud_would(stack: Stack) -> None:
    """Else its counts of refused calls would show nothing."""
    address = f"{stack.environment('postgres')['OVH_BASE_URL']}/me/order"
    first, second = list(ACTIVE.account_numbers())[:2]
    key = {"X-Ovh-Consumer": world.consumer_key(first)}
    own, others = ACTIVE.order_ids(first)[0], ACTIVE.order_ids(second)[0]
    assert requests.get(f"{address}/{own}/status", timeout=5).status_code == 403
    assert requests.get(f"{address}/{own}/status", headers=key, timeout=5).status_code == 400
    assert requests.get(f"{address}/{own}/status", headers=key, timeout=5).status_code == 200, "only one in fifty"
    assert requests.get(f"{address}/{others}/status", headers=key, timeout=5).status_code == 404
    assert stack.calls()["bad signatures"] == 1
    assert stack.calls()["strangers"] == 1


def test_rounds_are_interleaved_and_medians_taken() -> None:
    ran: list[str] = []
    speeds = {"a": iter((1.0, 5.0, 3.0)), "b": iter((10.0, 10.0, 40.0))}

    def case(name: str) -> dict[str, float]:
        ran.append(name)
        return {"per_second": next(speeds[name])}

    rows = interleaved({name: lambda name=name: case(name) for name in "ab"}, 3)
    assert "".join(ran) == "abbaab"
    assert rows["a"]["per_second"] == 3.0
    assert rows["b"]["spread"] == 3.0


def test_a_table_says_plainly_which_goals_were_not_met() -> None:
    rows = {"plain": {"per_second": 10.0}, "ours": {"per_second": 1234.0}}
    table = Table(
        "Checks",
        rows,
        [Column("checks/s", number("per_second")), Column("×", times("per_second", rows["plain"]))],
        [Goal("≥ 200×", "123.4", False)],
    )
    text = in_markdown(table)
    assert "| ours | 1,234 | ×123.4 |" in text
    assert "| ≥ 200× | 123.4 | no |" in text
