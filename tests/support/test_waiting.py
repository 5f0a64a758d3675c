"""Why an order waits, in words."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from support.waiting import Situation, reasons, waits_for

NOW = datetime(2026, 11, 20, 13, 30, tzinfo=UTC)


def at(status: str, **facts: Any) -> Situation:
    values: dict[str, Any] = {
        "since": NOW - timedelta(minutes=25),
        "expiration_date": NOW + timedelta(days=7),
        "gone": False,
        "zone": ZoneInfo("Europe/Paris"),
        "now": NOW,
    }
    return Situation(status=status, **values | facts)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("notPaid", "the customer’s payment, until 27 Nov 2026"),
        ("checking", "OVHcloud’s check by hand, on working days only, for 25 min"),
        ("documentsRequested", "the customer’s papers, asked for by e-mail, for 25 min"),
        ("delivering", "the delivery, for 25 min"),
        ("cancelling", "the cancellation at OVHcloud, for 25 min"),
        ("unknown", "OVHcloud to say where it stands, for 25 min"),
        ("someNewWord", "OVHcloud to say where it stands, for 25 min"),
        ("delivered", "nothing"),
        ("cancelled", "nothing"),
        ("expired", "nothing"),
    ],
)
def test_each_status_has_its_reason(status: str, words: str) -> None:
    assert waits_for(at(status)).replace("\xa0", " ") == words


def test_an_unpaid_order_without_an_end_says_so() -> None:
    assert waits_for(at("notPaid", expiration_date=None)) == "the customer’s payment; it never expires"


def test_an_order_that_is_gone_waits_for_nothing() -> None:
    assert reasons(at("delivering", gone=True)) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "its withdrawal to reach OVHcloud"),
        ("sending", "its withdrawal to reach OVHcloud"),
        ("doubtful", "OVHcloud’s answer to its withdrawal, which was lost"),
        ("held", "a person to look at its withdrawal"),
    ],
)
def test_an_open_withdrawal_comes_first_even_on_a_delivered_order(state: str, words: str) -> None:
    situation = at("delivered", intent_state=state, intent_why="late", intent_since=NOW - timedelta(hours=3))
    assert waits_for(situation).startswith(words)
    assert "3\xa0h" in waits_for(situation)


@pytest.mark.parametrize("state", ["accepted", "refused"])
def test_a_settled_withdrawal_is_waited_for_no_more(state: str) -> None:
    assert reasons(at("delivered", intent_state=state, intent_since=NOW)) == []


@pytest.mark.parametrize("why", ["late", "no-right", "unclear", "not-found", "too-long", "stumbled", "key"])
def test_a_held_withdrawal_says_why(why: str) -> None:
    told = {waits_for(at("delivered", intent_state="held", intent_why=each, intent_since=NOW)) for each in ("", why)}
    assert len(told) == 2
    assert not any(why in text for text in told if "-" in why)


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("unavailable", "OVHcloud, unreachable since 14:02"),
        ("revoked", "the customer to sign in again: the panel’s key was revoked at 14:02"),
        ("limited", "OVHcloud to take calls again: its limit was reached at 14:02"),
    ],
)
def test_an_account_that_cannot_be_asked_says_since_when(why: str, words: str) -> None:
    away = {"away_why": why, "away_since": NOW - timedelta(minutes=28)}
    assert reasons(at("delivering", **away)) == [words, "the delivery, for 25\xa0min"]
    assert reasons(at("delivered", **away)) == []


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("waiting", "its payment to reach OVHcloud, for 25 min"),
        ("doubtful", "OVHcloud’s answer to its payment, which was lost, for 25 min"),
        ("dead", "a person to look at its payment, for 25 min (nobody can tell whether OVHcloud took it)"),
        ("accepted", "OVHcloud to show its payment, which it accepted, for 25 min"),
        ("refused", "the customer’s payment, until 27 Nov 2026"),
    ],
)
def test_a_payment_on_its_way_is_what_an_unpaid_order_waits_for(state: str, words: str) -> None:
    since = NOW - timedelta(minutes=25)
    asked = at("notPaid", intent_kind="payment", intent_state=state, intent_why="unclear", intent_since=since)
    assert waits_for(asked).replace("\xa0", " ") == words


def test_what_was_to_be_paid_with_the_order_is_the_customers_to_pay_after_a_while():
    def told(ago: timedelta) -> str:
        asked = {"intent_kind": "payment", "intent_state": "accepted", "intent_why": "with-order"}
        return waits_for(at("notPaid", intent_since=NOW - ago, **asked))

    assert told(timedelta(minutes=2)).startswith("OVHcloud to pay it, as it was told with the order")
    assert told(timedelta(minutes=6)).startswith("the customer’s payment")
