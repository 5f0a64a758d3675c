"""The checker is able to fail: a world in which all is well, bent in one place, breaks the one invariant it should."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.chaos import invariants, secrets_search
from tests.chaos.facts import (
    Entry,
    Facts,
    OvhOrder,
    PanelCheckout,
    PanelIntent,
    PanelOrder,
    PanelReceipt,
    PanelRetraction,
)
from tests.chaos.journal import Told
from tests.chaos.postbox import Mail

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ANNA, PRICE = "am12345-ovh", Decimal("24.00")
WITHDRAWN, REFUSED, PAID, LAPSED, PAID_ELSEWHERE, ORDERED, ORDERED_AND_PAID = 1, 2, 3, 4, 5, 6, 7
# Which intent, and which checkout, of a well world.
PAYMENT, REFUSED_PAYMENT, NEEDLESS_PAYMENT, CHECKOUT, PAYING_CHECKOUT, REFUSED_CHECKOUT = 2, 3, 4, 5, 6, 7
CART, PAYING_CART, REOPENED_CART = 0, 1, 2


def mail(reference: str) -> Mail:
    return Mail(f"<{reference.lower()}@example.net>", "anna@example.com", reference, "")


def all_well() -> Facts:
    """
    Two declarations, one accepted and one refused. An order paid from here when its customer tried again; one paid at
    OVHcloud while a payment waited, one that lapsed. Three carts: one ordered, one ordered and paid at once, one that
    was refused and is open again.
    """
    statuses = dict.fromkeys(range(1, 8), "delivered") | {
        WITHDRAWN: "cancelled",
        LAPSED: "notPaid",
        ORDERED: "notPaid",
    }
    paid = {WITHDRAWN, REFUSED, PAID, PAID_ELSEWHERE, ORDERED_AND_PAID}
    by = {PAID: "customer", ORDERED_AND_PAID: "customer", PAID_ELSEWHERE: "control"}
    return Facts(
        now=NOW,
        signed_in={ANNA},
        ledger=[
            *(Entry(number, "paid", NOW, by.get(number, "")) for number in paid),
            Entry(WITHDRAWN, "retraction_accepted", NOW),
            Entry(REFUSED, "retraction_refused", NOW),
            Entry(LAPSED, "expired", NOW),
            Entry(PAID, "created", NOW, "control"),
            Entry(ORDERED, "created", NOW, "checkout", "cart-1"),
            Entry(ORDERED_AND_PAID, "created", NOW, "checkout", "cart-2"),
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
                expiration_date=NOW + timedelta(hours=1 if number == ORDERED else -1),
                expired_at=NOW if number == LAPSED else None,
                gone_at=NOW if number == LAPSED else None,
            )
            for number in statuses
        ],
        intents=[
            PanelIntent(21, ANNA, WITHDRAWN, "retraction", "accepted"),
            PanelIntent(22, ANNA, REFUSED, "retraction", "refused"),
            PanelIntent(23, ANNA, PAID, "payment", "accepted", attempted_at=NOW),
            PanelIntent(24, ANNA, PAID, "payment", "refused", attempted_at=NOW),
            PanelIntent(25, ANNA, PAID_ELSEWHERE, "payment", "needless", "paid"),
            PanelIntent(26, ANNA, None, "checkout", "accepted"),
            PanelIntent(27, ANNA, None, "checkout", "accepted"),
            PanelIntent(28, ANNA, None, "checkout", "refused"),
        ],
        checkouts=[
            PanelCheckout(1, ANNA, 26, 1, "ordered", "cart-1", False, False, ORDERED, ORDERED, ANNA),
            PanelCheckout(2, ANNA, 27, 2, "ordered", "cart-2", True, False, ORDERED_AND_PAID, ORDERED_AND_PAID, ANNA),
            PanelCheckout(3, ANNA, 28, 3, "open", "cart-3", ended=True),
        ],
        paid_elsewhere={PAID_ELSEWHERE: NOW},
        retractions=[PanelRetraction("W-1", WITHDRAWN, 21), PanelRetraction("W-2", REFUSED, 22)],
        receipts=[
            PanelReceipt(31, "W-1", "Anna@example.com", 1, NOW),
            PanelReceipt(32, "W-2", "anna@example.com", 2, NOW),
        ],
        told=[
            Told("retraction", ANNA, WITHDRAWN, NOW, "W-1"),
            Told("retraction", ANNA, REFUSED, NOW),
            Told("payment", ANNA, PAID, NOW),
            Told("payment", ANNA, PAID_ELSEWHERE, NOW),
            *(Told("checkout", ANNA, number, NOW) for number in (1, 2, 3)),
        ],
        mails=[mail("W-1"), mail("W-2"), mail("W-2")],
    )


def intent(facts: Facts, position: int = 0, **changes: object) -> None:
    facts.intents[position] = replace(facts.intents[position], **changes)  # type: ignore[arg-type]


def checkout(facts: Facts, position: int, **changes: object) -> None:
    facts.checkouts[position] = replace(facts.checkouts[position], **changes)  # type: ignore[arg-type]


def order(facts: Facts, number: int, **changes: object) -> None:
    facts.orders[number - 1] = replace(facts.orders[number - 1], **changes)  # type: ignore[arg-type]


def lose_the_declaration(facts: Facts) -> None:
    facts.retractions.pop()
    facts.receipts.pop()
    facts.intents.pop(1)


def lose_one_reference(facts: Facts) -> None:
    facts.told.append(Told("retraction", ANNA, WITHDRAWN, NOW, "W-9"))


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


def lose_the_payment(facts: Facts) -> None:
    facts.intents.pop(NEEDLESS_PAYMENT)


def lose_the_checkout(facts: Facts) -> None:
    facts.checkouts.pop(REOPENED_CART)


def give_a_payment_to_another(facts: Facts) -> None:
    intent(facts, NEEDLESS_PAYMENT, nichandle="hb20417-ovh")


def pay_twice(facts: Facts) -> None:
    facts.ledger.append(Entry(PAID, "paid", NOW, "customer"))


def pay_what_came_paid(facts: Facts) -> None:
    facts.ledger.append(Entry(ORDERED_AND_PAID, "paid", NOW, "customer"))


def pay_unasked(facts: Facts) -> None:
    facts.ledger.append(Entry(ORDERED, "paid", NOW, "customer"))
    order(facts, ORDERED, was_paid=True)


def pay_what_was_refused(facts: Facts) -> None:
    intent(facts, PAYMENT, state="refused")


def pay_what_was_needless(facts: Facts) -> None:
    facts.ledger.append(Entry(PAID_ELSEWHERE, "paid", NOW, "customer"))


def say_paid(facts: Facts) -> None:
    facts.intents.append(PanelIntent(40, ANNA, ORDERED, "payment", "accepted"))


def say_needless_though_unpaid(facts: Facts) -> None:
    facts.intents.append(PanelIntent(40, ANNA, ORDERED, "payment", "needless", "paid"))


def leave_a_payment_to_a_person(facts: Facts) -> None:
    intent(facts, PAYMENT, state="dead", why="unclear")


def leave_a_needless_one_to_a_person(facts: Facts) -> None:
    intent(facts, NEEDLESS_PAYMENT, state="held", why="key")


def leave_a_payment_waiting(facts: Facts) -> None:
    intent(facts, NEEDLESS_PAYMENT, state="waiting", why="", next_attempt_at=NOW - timedelta(minutes=1))


def send_what_was_paid_elsewhere(facts: Facts) -> None:
    intent(facts, NEEDLESS_PAYMENT, state="refused", why="", attempted_at=NOW + timedelta(seconds=61))


def double_the_payment(facts: Facts) -> None:
    facts.intents.append(replace(facts.intents[PAYMENT], pk=29))


def order_a_cart_twice(facts: Facts) -> None:
    facts.ledger.append(Entry(8, "created", NOW, "checkout", "cart-1"))


def order_a_cart_by_two_copies(facts: Facts) -> None:
    facts.checkouts.append(replace(facts.checkouts[CART], pk=9, ovh_cart="cart-9", ovh_order_id=8))


def check_out_twice(facts: Facts) -> None:
    facts.checkouts.append(replace(facts.checkouts[CART], pk=9, ovh_order_id=None, shown=None))


def claim_an_order_twice(facts: Facts) -> None:
    checkout(facts, PAYING_CART, ovh_order_id=ORDERED)


def take_another_order_for_ours(facts: Facts) -> None:
    checkout(facts, CART, ovh_order_id=PAID, shown=PAID)


def forget_which_order(facts: Facts) -> None:
    checkout(facts, CART, ovh_order_id=None, shown=None)


def order_unasked(facts: Facts) -> None:
    facts.ledger.append(Entry(8, "created", NOW, "checkout", "cart-8"))


def order_what_was_refused(facts: Facts) -> None:
    facts.ledger.append(Entry(8, "created", NOW, "checkout", "cart-3"))


def leave_a_checkout_to_a_person(facts: Facts) -> None:
    intent(facts, CHECKOUT, state="dead", why="unclear")
    checkout(facts, CART, cart_state="ordering", ovh_order_id=None, shown=None)


def leave_a_checkout_sending(facts: Facts) -> None:
    past = NOW - timedelta(minutes=1)
    intent(facts, PAYING_CHECKOUT, state="sending", next_attempt_at=past, leased_until=past)


def leave_a_cart_closed(facts: Facts) -> None:
    checkout(facts, REOPENED_CART, cart_state="ordering", ended=False)


def leave_a_cart_open(facts: Facts) -> None:
    checkout(facts, CART, cart_state="open")


def end_what_is_on_its_way(facts: Facts) -> None:
    intent(facts, REFUSED_CHECKOUT, state="doubtful", next_attempt_at=NOW)


def show_no_order(facts: Facts) -> None:
    checkout(facts, CART, shown=None, shown_to=None)


def show_somebody_elses_order(facts: Facts) -> None:
    checkout(facts, CART, shown_to="hb20417-ovh")


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
    (lose_the_payment, "LOST PAYMENT"),
    (lose_the_checkout, "LOST CHECKOUT"),
    (give_a_payment_to_another, "LOST PAYMENT"),
    (pay_twice, "PAID TWICE"),
    (pay_what_came_paid, "PAID TWICE"),
    (pay_unasked, "NOBODY ASKED"),
    (pay_what_was_refused, "WRONG END"),
    (pay_what_was_needless, "WRONG END"),
    (say_paid, "WRONG END"),
    (say_needless_though_unpaid, "WRONG END"),
    (leave_a_payment_to_a_person, "WRONG END"),
    (leave_a_needless_one_to_a_person, "WRONG END"),
    (leave_a_payment_waiting, "FORGOTTEN"),
    (send_what_was_paid_elsewhere, "NEEDLESS"),
    (double_the_payment, "DOUBLED"),
    (order_a_cart_twice, "ORDERED TWICE"),
    (order_a_cart_by_two_copies, "ORDERED TWICE"),
    (check_out_twice, "DOUBLED"),
    (claim_an_order_twice, "DOUBLED"),
    (take_another_order_for_ours, "WRONG END"),
    (forget_which_order, "WRONG END"),
    (order_unasked, "NOBODY ASKED"),
    (order_what_was_refused, "WRONG END"),
    (leave_a_checkout_to_a_person, "WRONG END"),
    (leave_a_checkout_sending, "FORGOTTEN"),
    (leave_a_cart_closed, "WRONG CART"),
    (leave_a_cart_open, "WRONG CART"),
    (end_what_is_on_its_way, "WRONG CART"),
    (show_no_order, "NOT SHOWN"),
    (show_somebody_elses_order, "NOT SHOWN"),
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


def on_its_way_with_its_order_made(facts: Facts) -> None:
    intent(facts, CHECKOUT, state="doubtful", next_attempt_at=NOW + timedelta(seconds=50))
    checkout(facts, CART, cart_state="ordering", ovh_order_id=None, shown=None, shown_to=None)


def given_to_a_person_with_nothing_ordered(facts: Facts) -> None:
    intent(facts, REFUSED_CHECKOUT, state="dead", why="unclear")
    checkout(facts, REOPENED_CART, cart_state="ordering", ended=False)


def paid_elsewhere_in_the_same_moment(facts: Facts) -> None:
    intent(facts, NEEDLESS_PAYMENT, state="accepted", why="", attempted_at=NOW + timedelta(seconds=2))
    facts.ledger.append(Entry(PAID_ELSEWHERE, "paid", NOW, "customer"))


@pytest.mark.parametrize(
    "happen",
    [on_its_way_with_its_order_made, given_to_a_person_with_nothing_ordered, paid_elsewhere_in_the_same_moment],
)
def test_what_may_happen_to_payments_and_carts_is_no_violation(happen: Callable[[Facts], None]):
    facts = all_well()
    happen(facts)
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
