"""Stories that nobody wrote: carts and orders in any order of events, and what must hold in each of them."""

import copy
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.sandboxes import Sandbox

from . import rules
from .client import Signing
from .days import go_to, is_quiet_tuesday, next_day
from .shopping import Shopping

_CHECKING = ["usual", "usual", "documents", "refused"]
_SELDOM = st.sampled_from([False, False, True])


class Stories(RuleBasedStateMachine):
    orders = Bundle("orders")

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        sandbox.reset()
        self.sandbox = sandbox
        # A working day, for somebody may have to look at an order by hand.
        self.anna = Signing(sandbox, sandbox.anna, skew_s=go_to(sandbox, next_day(is_quiet_tuesday)))
        self.methods = self.anna.get("/me/payment/method")
        self.statuses: dict[int, str] = {}
        self.names = 0
        self.carts = [Shopping(self.anna), Shopping(self.anna)]

    # What happened in all of them, so that a test whose stories tell nothing fails.
    told: Counter[str] = Counter()

    def teardown(self) -> None:
        """Let everything come to its end, and look at what became of it."""
        self._let_time_pass()
        events = [event for order_id in self.statuses for event in self._look_at(order_id)]
        self.told.update(events)
        self.anna.session.close()

    def _rests(self, order_id: int) -> bool:
        """Whether nothing is left that time would do to an order."""
        events = set(self.sandbox.events(order_id)) - {"created", *rules.REFUSALS}
        if events & {"retraction_accepted", "cancelling"}:
            return "refunded" in events
        return not events or bool(events & {"delivered", "expired"})

    def _let_time_pass(self) -> None:
        self.sandbox.pace(100_000)
        for order_id in self.statuses:
            self.sandbox.wait_until(lambda order_id=order_id: self._rests(order_id), within_s=20)
        self.sandbox.pace(1)

    @initialize(target=orders, pay=_SELDOM, waive=_SELDOM)
    def begin(self, pay: bool, waive: bool) -> Any:
        return self._buy(pay, waive)

    # Two rules for all of it: of many, hypothesis leaves most out of any one story.
    @rule(
        target=orders,
        what=st.sampled_from(["vps", "hosting", "emails", "name", "free", "coupon", "checkout", "checkout", "new"]),
        count=st.integers(1, 7),
        pay=_SELDOM,
        waive=_SELDOM,
    )
    def shop(self, what: str, count: int, pay: bool, waive: bool) -> Any:
        """Fill one of the carts, end it, or buy something at once."""
        cart = self.carts[count % len(self.carts)]
        if what == "checkout":
            return self.check_out(cart, pay, waive)
        if what == "new":
            self.carts.append(Shopping(self.anna))
            return self._buy(pay, waive)
        if cart.get()["readOnly"]:
            assert cart.refused("POST", "/coupon", {"coupon": "FIVE"})[0] == 400
        else:
            self._put_in(cart, what, count)
        return multiple()

    def _put_in(self, cart: Shopping, what: str, count: int) -> None:
        if what == "vps":
            cart.vps()
        elif what == "hosting":
            cart.add("webHosting", "pro2026", "P1Y", quantity=count)
        elif what == "emails":
            cart.add("emailpro", "emailpro2026", quantity=count)
        elif what == "free":
            cart.add("sslGateway", "ssl-gateway-free")
        elif what == "coupon":
            coupon = "FIVE" if count % 2 else "WELCOME10"
            assert coupon in cart.post("/coupon", {"coupon": coupon})
        else:
            self.names += 1
            cart.domain(f"histoire-{self.names}.fr")

    def _buy(self, pay: bool, waive: bool) -> Any:
        cart = Shopping(self.anna)
        cart.vps()
        return self.check_out(cart, pay, waive)

    def check_out(self, cart: Shopping, pay: bool, waive: bool) -> Any:
        sent = {"autoPayWithPreferredPaymentMethod": pay, "waiveRetractationPeriod": waive}
        summary, before = cart.get("/summary"), cart.get()
        answer = self.anna.call("POST", f"{cart.at}/checkout", sent)
        if before["readOnly"] or not before["items"]:
            assert answer.status_code == 400
        if answer.status_code != 200:
            return multiple()
        made = answer.json()
        assert made["prices"] == summary["prices"]
        order = self.anna.get(f"/me/order/{made['orderId']}")
        assert order["priceWithTax"] == summary["prices"]["withTax"]
        self.statuses[made["orderId"]] = "notPaid"
        return made["orderId"]

    @rule(
        order=orders,
        what=st.sampled_from(["declined", "paid", "withdrawn", "expired", "waived", "withdrawn", "time", *_CHECKING]),
        which=st.integers(0, 1),
    )
    def it_happens(self, order: int, what: str, which: int) -> None:
        if what in _CHECKING:
            self.sandbox.settings(checking=what)
        elif what == "time":
            self._let_time_pass()
            for order_id in self.statuses:
                self._look_at(order_id)
        else:
            self._happens_to(order, what, which)

    def _happens_to(self, order: int, what: str, which: int) -> None:
        at = f"/me/order/{order}"
        if what in ("paid", "declined"):
            sent = {"paymentMethod": {"id": self.methods[which if what == "paid" else 2]}}
            assert self.anna.call("POST", f"{at}/pay", sent).status_code in (200, 400, 403, 404)
        elif what == "withdrawn":
            told = self.anna.call("GET", at).json().get("retractionDate")
            answer = self.anna.call("POST", f"{at}/retraction", {"reason": "other"})
            assert answer.status_code in (200, 400, 404)
            assert answer.status_code != 200 or told is not None
        elif what == "waived":
            assert self.anna.call("POST", f"{at}/waiveRetraction").status_code in (200, 400, 404)
        else:
            self.sandbox.change_order(order, expirationDate="2020-01-01T00:00:00+00:00")

    @invariant()
    def statuses_follow_the_graph(self) -> None:
        for order_id, before in self.statuses.items():
            answer = self.anna.call("GET", f"/me/order/{order_id}/status")
            after = None if answer.status_code == 404 else answer.json()
            assert rules.faults_of_step(before, after) == []
            self.statuses[order_id] = after or before

    def _look_at(self, order_id: int) -> list[str]:
        """Check the money and the ledger of an order, and return what happened to it."""
        if self.anna.call("GET", f"/me/order/{order_id}").status_code == 200:
            assert rules.faults_of_money(*money_of(self.anna, order_id)) == []
        told = self.sandbox.events(order_id)
        assert rules.faults_of_life(told) == [], told
        return told


_Money = tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]


def money_of(signing: Signing, order_id: int) -> _Money:
    """Return an order with its lines, bills and refunds, as the API answers them."""
    at = f"/me/order/{order_id}"
    lines = [signing.get(f"{at}/details/{one}") for one in signing.get(f"{at}/details")]
    bills = [signing.get(f"/me/bill/{one}") for one in signing.get(f"/me/bill?orderId={order_id}")]
    refunds = [signing.get(f"/me/refund/{one}") for one in signing.get(f"/me/refund?orderId={order_id}")]
    return signing.get(at), lines, bills, refunds


def test_every_story_keeps_the_rules(sandbox: Sandbox) -> None:
    Stories.told.clear()
    run_state_machine_as_test(
        lambda: Stories(sandbox),
        settings=settings(
            max_examples=200 if os.environ.get("PROVE") else 10,
            stateful_step_count=20,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    wanted = (
        *("created", "paid", "payment_refused", "documents_requested", "delivered", "expired"),
        *("retraction_accepted", "retraction_refused", "cancelled", "refunded"),
    )
    assert [event for event in wanted if not Stories.told[event]] == [], Stories.told


# --- The rules themselves: each is broken once, and says so ---


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        ([], "it was never created"),
        (["paid"], "it was never created"),
        (["created", "checking"], "checking after created"),
        (["created", "delivering", "delivered"], "delivered unpaid"),
        (["created", "expired", "paid"], "paid after expired"),
        (["created", "paid", "checking", "checking"], "checking 2 times"),
        (["created", "paid", "checking", "delivered"], "delivered after checking"),
        (["created", "paid", "checking", "delivering", "delivered", "delivering"], "delivering after delivered"),
        (["created", "paid", "checking", "delivering", "refunded"], "refunded for nothing"),
        (
            ["created", "paid", "checking", "retraction_accepted", "retraction_accepted", "cancelling"],
            "retraction_accepted 2 times",
        ),
        (
            ["created", "paid", "checking", "retraction_accepted", "cancelling", "cancelled", "refunded", "refunded"],
            "refunded 2 times",
        ),
    ],
)
def test_a_life_against_the_rules_is_noticed(told: list[str], fault: str) -> None:
    assert fault in rules.faults_of_life(told)


def test_steps_against_the_graph_are_noticed() -> None:
    impossible = {
        (before, after) for before in rules.GOES_TO for after in rules.GOES_TO if after not in rules.reachable(before)
    }
    assert {("delivered", "checking"), ("cancelled", "cancelling"), ("delivered", "notPaid")} <= impossible
    assert all(rules.faults_of_step(*step) for step in impossible)
    assert rules.faults_of_step("delivered", None)
    assert rules.faults_of_step("notPaid", None) == []


def _twice(found: list[dict[str, Any]]) -> None:
    found.append(found[0])


def _cheaper(price: dict[str, Any]) -> None:
    price |= {"priceInUcents": price["priceInUcents"] - 1_000_000, "value": round(price["value"] - 0.01, 2)}


@pytest.mark.rows(2)
@pytest.mark.parametrize(
    ("bend", "fault"),
    [
        (lambda order, lines, bills, refunds: _cheaper(order["priceWithTax"]), "are not"),
        (lambda order, lines, bills, refunds: _cheaper(order["tax"]), "a tax of"),
        (lambda order, lines, bills, refunds: _cheaper(lines[0]["totalPrice"]), "lines of"),
        (lambda order, lines, bills, refunds: _cheaper(bills[0]["priceWithTax"]), "bills of"),
        (lambda order, lines, bills, refunds: _twice(bills), "bills of"),
        (lambda order, lines, bills, refunds: _twice(refunds), "refunds of"),
    ],
)
def test_money_against_the_rules_is_noticed(anna: Signing, bend: Any, fault: str) -> None:
    anna.sandbox.pace(1000)
    order_id = anna.sandbox.make_order(status="delivered")
    anna.call("POST", f"/me/order/{order_id}/retraction", {"reason": "other"})
    anna.sandbox.wait_until(lambda: anna.get(f"/me/refund?orderId={order_id}"))
    money = money_of(anna, order_id)
    assert rules.faults_of_money(*money) == []
    bent = copy.deepcopy(money)
    bend(*bent)
    assert any(fault in found for found in rules.faults_of_money(*bent)), rules.faults_of_money(*bent)


def test_a_sandbox_that_goes_astray_is_noticed(anna: Signing) -> None:
    """Its own control can push an order where no order goes; what it then tells does not pass."""
    order_id = anna.sandbox.make_order(status="delivered")
    anna.sandbox.change_order(order_id, status="checking")
    assert rules.faults_of_step("delivered", anna.get(f"/me/order/{order_id}/status"))
    assert rules.faults_of_life(anna.sandbox.events(order_id))
