"""The checker is able to fail: a world in which all is well, bent in one place, breaks the one invariant it should."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.chaos import invariants, secrets_search
from tests.chaos.facts import Entry, Facts, OvhOrder, PanelIntent, PanelOrder, PanelReceipt, PanelRetraction
from tests.chaos.journal import Told
from tests.chaos.postbox import Mail

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA, PRICE = "am12345-ovh", Decimal("24.00")
WITHDRAWN, REFUSED, PAID, LAPSED = 1, 2, 3, 4


def mail(reference: str) -> Mail:
    return Mail(f"<{reference.lower()}@example.net>", "anna@example.com", reference, "")


def all_well() -> Facts:
    """Two declarations, one accepted and one refused; an order that was paid, and one that lapsed."""
    statuses = {WITHDRAWN: "cancelled", REFUSED: "delivered", PAID: "delivered", LAPSED: "notPaid"}
    paid = {WITHDRAWN, REFUSED, PAID}
    return Facts(
        now=NOW,
        signed_in={ANNA},
        ledger=[
            *(Entry(number, "paid", NOW) for number in paid),
            Entry(WITHDRAWN, "retraction_accepted", NOW),
            Entry(REFUSED, "retraction_refused", NOW),
            Entry(LAPSED, "expired", NOW),
        ],
        ovh_orders=[OvhOrder(number, ANNA, statuses[number], PRICE, number == LAPSED) for number in statuses],
        orders=[
            PanelOrder(
                10 + number,
                number,
                ANNA,
                statuses[number],
                PRICE,
                was_paid=number in paid,
                expiration_date=NOW - timedelta(hours=1),
                expired_at=NOW if number == LAPSED else None,
                gone_at=NOW if number == LAPSED else None,
            )
            for number in statuses
        ],
        intents=[
            PanelIntent(21, WITHDRAWN, "retraction", "accepted"),
            PanelIntent(22, REFUSED, "retraction", "refused"),
        ],
        retractions=[PanelRetraction("W-1", WITHDRAWN, 21), PanelRetraction("W-2", REFUSED, 22)],
        receipts=[
            PanelReceipt(31, "W-1", "Anna@example.com", 1, NOW),
            PanelReceipt(32, "W-2", "anna@example.com", 2, NOW),
        ],
        told=[Told(ANNA, WITHDRAWN, "W-1", NOW), Told(ANNA, REFUSED, "", NOW)],
        mails=[mail("W-1"), mail("W-2"), mail("W-2")],
    )


def intent(facts: Facts, position: int = 0, **changes: object) -> None:
    facts.intents[position] = replace(facts.intents[position], **changes)  # type: ignore[arg-type]


def order(facts: Facts, number: int, **changes: object) -> None:
    facts.orders[number - 1] = replace(facts.orders[number - 1], **changes)  # type: ignore[arg-type]


def lose_the_declaration(facts: Facts) -> None:
    facts.retractions.pop()
    facts.receipts.pop()
    facts.intents.pop()


def lose_one_reference(facts: Facts) -> None:
    facts.told.append(Told(ANNA, WITHDRAWN, "W-9", NOW))


def accept_twice(facts: Facts) -> None:
    facts.ledger.append(Entry(WITHDRAWN, "retraction_accepted", NOW))


def accept_unasked(facts: Facts) -> None:
    facts.ledger.append(Entry(PAID, "retraction_accepted", NOW))


def accept_what_was_refused(facts: Facts) -> None:
    facts.ledger.append(Entry(REFUSED, "retraction_accepted", NOW))


def say_accepted(facts: Facts) -> None:
    intent(facts, 1, state="accepted")


def leave_to_a_person(facts: Facts) -> None:
    intent(facts, state="dead", why="unclear")


def leave_waiting(facts: Facts) -> None:
    intent(facts, 1, state="waiting", next_attempt_at=NOW - timedelta(minutes=1))


def leave_sending(facts: Facts) -> None:
    past = NOW - timedelta(minutes=1)
    intent(facts, 1, state="sending", next_attempt_at=past, leased_until=past)


def forget_its_time(facts: Facts) -> None:
    intent(facts, 1, state="doubtful", next_attempt_at=None)


def double_the_intent(facts: Facts) -> None:
    facts.intents.append(replace(facts.intents[0], pk=29))


def double_the_declaration(facts: Facts) -> None:
    facts.retractions.append(PanelRetraction("W-3", WITHDRAWN, 21))
    facts.receipts.append(PanelReceipt(33, "W-3", "anna@example.com", 1, NOW))
    facts.mails.append(mail("W-3"))


def miss_an_order(facts: Facts) -> None:
    facts.orders.pop(PAID - 1)


def hold_an_order_twice(facts: Facts) -> None:
    facts.orders.append(replace(facts.orders[PAID - 1], pk=99))


def invent_an_order(facts: Facts) -> None:
    facts.orders.append(replace(facts.orders[PAID - 1], pk=98, order_id=77))


def give_an_order_to_another(facts: Facts) -> None:
    order(facts, PAID, nichandle="hb20417-ovh")


def stay_behind(facts: Facts) -> None:
    order(facts, WITHDRAWN, status="delivered")


def keep_what_is_gone(facts: Facts) -> None:
    order(facts, LAPSED, gone_at=None, expired_at=None)


def say_gone(facts: Facts) -> None:
    order(facts, PAID, gone_at=NOW)


def misprice(facts: Facts) -> None:
    order(facts, PAID, price=Decimal("24.01"))


def expire_what_was_paid(facts: Facts) -> None:
    order(facts, PAID, expired_at=NOW)


def expire_early(facts: Facts) -> None:
    facts.ledger = [entry for entry in facts.ledger if entry.event != "expired"]
    order(facts, LAPSED, expiration_date=NOW + timedelta(seconds=1))


def overlook_a_payment(facts: Facts) -> None:
    order(facts, PAID, was_paid=False)


def owe_no_receipt(facts: Facts) -> None:
    facts.receipts.pop()


def lose_a_mail(facts: Facts) -> None:
    facts.mails.pop(0)


def mail_without_end(facts: Facts) -> None:
    facts.mails.append(mail("W-1"))


def fail_a_page(facts: Facts) -> None:
    facts.failed_pages.append("500 GET /orders/ at 12:00:00")


def tell_a_secret(facts: Facts) -> None:
    facts.found_secrets.append("consumer key in logs: web.log, line 1")


BENT: list[tuple[Callable[[Facts], None], str]] = [
    (lose_the_declaration, "LOST DECLARATION"),
    (lose_one_reference, "LOST DECLARATION"),
    (accept_twice, "TWICE"),
    (accept_unasked, "NOBODY ASKED"),
    (accept_what_was_refused, "WRONG END"),
    (say_accepted, "WRONG END"),
    (leave_to_a_person, "WRONG END"),
    (leave_waiting, "FORGOTTEN"),
    (leave_sending, "FORGOTTEN"),
    (forget_its_time, "FORGOTTEN"),
    (double_the_intent, "DOUBLED"),
    (double_the_declaration, "DOUBLED"),
    (miss_an_order, "MISSING"),
    (hold_an_order_twice, "TWICE"),
    (invent_an_order, "INVENTED"),
    (give_an_order_to_another, "INVENTED"),
    (stay_behind, "WRONG STATUS"),
    (keep_what_is_gone, "WRONG STATUS"),
    (say_gone, "WRONG STATUS"),
    (misprice, "WRONG PRICE"),
    (expire_what_was_paid, "EXPIRED THOUGH PAID"),
    (expire_early, "EXPIRED EARLY"),
    (overlook_a_payment, "PAYMENT UNSEEN"),
    (owe_no_receipt, "NO RECEIPT"),
    (lose_a_mail, "NO RECEIPT"),
    (mail_without_end, "RECEIPTS"),
    (fail_a_page, "FAILED PAGE"),
    (tell_a_secret, "SECRET"),
]


def test_nothing_is_found_where_all_is_well():
    assert invariants.violations(all_well()) == []
    assert invariants.unsettled(all_well()) == []
    assert invariants.duplicate_receipts(all_well()) == 1


@pytest.mark.parametrize(("bend", "word"), BENT, ids=lambda value: getattr(value, "__name__", value))
def test_what_is_bent_is_found(bend: Callable[[Facts], None], word: str):
    facts = all_well()
    bend(facts)
    found = invariants.violations(facts)
    assert [line for line in found if line.startswith(word)]
    assert not [line for line in found if "\n" in line]


def test_every_invariant_is_broken_by_some_bend():
    broken = set()
    for bend, _ in BENT:
        facts = all_well()
        bend(facts)
        broken |= {invariant for invariant in invariants.INVARIANTS if list(invariant(facts))}
    assert broken == set(invariants.INVARIANTS)


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "waiting", "next_attempt_at": NOW + timedelta(seconds=50)},
        {"state": "doubtful", "next_attempt_at": NOW - timedelta(seconds=5)},
        {
            "state": "sending",
            "next_attempt_at": NOW - timedelta(minutes=1),
            "leased_until": NOW + timedelta(seconds=9),
        },
        {"state": "held", "why": "late"},
    ],
    ids=lambda changes: str(changes["state"]),
)
def test_what_is_on_its_way_or_with_a_person_is_not_forgotten(changes: dict[str, object]):
    facts = all_well()
    intent(facts, 1, **changes)
    assert invariants.violations(facts) == []


def test_nobody_answers_for_accounts_that_never_signed_in():
    facts = all_well()
    facts.ovh_orders.append(OvhOrder(50, "ts50505-ovh", "delivered", PRICE))
    assert invariants.violations(facts) == []


def test_a_secret_is_found_and_not_said(tmp_path: Path):
    log = tmp_path / "web.log"
    log.write_text("one\ntwo aSecretKey of somebody\n")
    secrets = {"aSecretKey": "consumer key", "anotherOne": "session", "untold-one": "password"}
    found = secrets_search.search(secrets, [log], "b'celery' anotherOne")
    assert found == ["consumer key in logs: web.log, line 2", "session in Redis"]
