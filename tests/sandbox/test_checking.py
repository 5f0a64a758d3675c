"""How paid orders are looked at: by a program, by hand on working days, with papers asked for, or refused."""

import time
from datetime import timedelta

import pytest

from tests.sandboxes import Customer, Sandbox

from .client import Signing
from .days import go_to, is_quiet_tuesday, next_day

_USUAL = ["created", "paid", "checking"]


def _paid(sandbox: Sandbox, customer: Customer | None = None) -> int:
    order_id = sandbox.make_order(customer)
    sandbox.change_order(order_id, pay=True)
    return order_id


def _lives_on(sandbox: Sandbox, order_id: int, until: str = "delivered") -> list[str]:
    sandbox.wait_until(lambda: until in sandbox.events(order_id))
    return sandbox.events(order_id)


def test_by_hand_nothing_moves_at_a_weekend_at_whatever_pace(sandbox: Sandbox) -> None:
    saturday = next_day(lambda day: day.weekday() == 5 and is_quiet_tuesday(day + timedelta(days=3)))
    sandbox.settings(checking="by_hand")
    sandbox.pace(100_000)
    go_to(sandbox, saturday)
    order_id = _paid(sandbox)
    time.sleep(1)
    assert sandbox.events(order_id) == _USUAL
    go_to(sandbox, saturday + timedelta(days=1))
    time.sleep(1)
    assert sandbox.events(order_id) == _USUAL
    go_to(sandbox, saturday + timedelta(days=2))
    assert _lives_on(sandbox, order_id) == [*_USUAL, "delivering", "delivered"]


@pytest.mark.parametrize(
    ("month", "day", "free", "works"),
    [(10, 3, "Germany", "France"), (7, 14, "France", "Germany")],
)
def test_by_hand_each_country_has_its_own_holidays(
    sandbox: Sandbox, month: int, day: int, free: str, works: str
) -> None:
    """The Day of German Unity and the French national day: one is free where the other works."""
    sandbox.settings(checking="by_hand")
    sandbox.pace(100_000)
    holiday = next_day(lambda one: (one.month, one.day) == (month, day) and one.weekday() < 5)
    go_to(sandbox, holiday)
    waiting, moving = (_paid(sandbox, sandbox.customer(country)) for country in (free, works))
    _lives_on(sandbox, moving)
    assert sandbox.events(waiting) == _USUAL
    go_to(sandbox, next_day(is_quiet_tuesday))
    _lives_on(sandbox, waiting)


def test_by_hand_it_is_said_that_somebody_looks(anna: Signing) -> None:
    """Whatever day it is, the review is told once it is asked for."""
    sandbox = anna.sandbox
    sandbox.settings(checking="by_hand")
    sandbox.pace(200)
    order_id = _paid(sandbox)

    def labels() -> list[str]:
        steps = anna.get(f"/me/order/{order_id}/followUp")
        return [entry["label"] for step in steps for entry in step["history"]]

    sandbox.wait_until(lambda: "FRAUD_MANUAL_REVIEW" in labels())


def test_documents_lead_back_to_checking(sandbox: Sandbox) -> None:
    sandbox.settings(checking="documents")
    go_to(sandbox, next_day(is_quiet_tuesday))
    sandbox.pace(1000)
    order_id = _paid(sandbox)
    told = _lives_on(sandbox, order_id)
    assert told == [*_USUAL, "documents_requested", "checking", "delivering", "delivered"]


def test_who_is_refused_gets_all_of_it_back(anna: Signing) -> None:
    sandbox = anna.sandbox
    sandbox.settings(checking="refused")
    go_to(sandbox, next_day(is_quiet_tuesday))
    sandbox.pace(1000)
    order_id = _paid(sandbox)
    told = _lives_on(sandbox, order_id, "refunded")
    assert told == [*_USUAL, "documents_requested", "cancelling", "cancelled", "refunded"]
    sandbox.clock(0)
    order = anna.get(f"/me/order/{order_id}")
    refund = anna.get(f"/me/refund/{anna.get(f'/me/refund?orderId={order_id}')[0]}")
    assert refund["priceWithTax"] == order["priceWithTax"]
    steps = anna.get(f"/me/order/{order_id}/followUp")
    assert "FRAUD_REFUSED" in [entry["label"] for step in steps for entry in step["history"]]
    assert anna.get(f"/me/order/{order_id}/status") == "cancelled"


def _story(sandbox: Sandbox, seed: int) -> list[list[str]]:
    sandbox.reset(seed=seed)
    sandbox.pace(100_000)
    orders = [_paid(sandbox) for _ in range(24)]
    return [_lives_on(sandbox, order_id) for order_id in orders]


def test_the_same_seed_asks_the_same_orders_for_documents(sandbox: Sandbox) -> None:
    first, again, other = (_story(sandbox, seed) for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert 0 < sum("documents_requested" in events for events in first) < 12
