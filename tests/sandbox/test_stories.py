"""Stories that nobody wrote: carts and orders in any order of events, and what must hold in each of them."""

from collections import Counter
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.sandboxes import Sandbox

from .client import Signing
from .shopping import Shopping

# Chapter 7.1 of the contract; what lies between two looks may have been passed through.
_GOES_TO = {
    "notPaid": {"checking", "delivering", "delivered", "cancelled"},
    "checking": {"documentsRequested", "delivering", "cancelling"},
    "documentsRequested": {"checking", "delivering", "cancelling"},
    "delivering": {"delivered", "cancelling"},
    "delivered": {"cancelling"},
    "cancelling": {"cancelled"},
    "cancelled": set(),
}
# The ledger leaves nothing out, so one entry follows the other directly. Refusals change nothing.
_FOLLOWS = {
    "created": {"paid", "expired"},
    "paid": {"checking"},
    "checking": {"documents_requested", "delivering", "retraction_accepted"},
    "documents_requested": {"delivering", "retraction_accepted"},
    "delivering": {"delivered", "retraction_accepted"},
    "delivered": {"retraction_accepted"},
    "retraction_accepted": {"cancelling"},
    "cancelling": {"cancelled"},
    "cancelled": {"refunded"},
    "expired": set(),
    "refunded": set(),
}
_REFUSALS = ("payment_refused", "retraction_refused")


def _reachable(status: str) -> set[str]:
    found, waiting = set(), [status]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += _GOES_TO[one]
    return found


def _cents(price: dict[str, Any]) -> int:
    assert price["priceInUcents"] % 1_000_000 == 0
    return int(price["priceInUcents"] // 1_000_000)


class Stories(RuleBasedStateMachine):
    carts = Bundle("carts")
    orders = Bundle("orders")

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        sandbox.reset()
        self.sandbox = sandbox
        self.anna = Signing(sandbox, sandbox.anna)
        self.methods = self.anna.get("/me/payment/method")
        self.statuses: dict[int, str] = {}
        self.names = 0

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
        events = set(self.sandbox.events(order_id)) - {"created", *_REFUSALS}
        if "retraction_accepted" in events:
            return "refunded" in events
        return not events or bool(events & {"delivered", "expired"})

    def _let_time_pass(self) -> None:
        self.sandbox.pace(100_000)
        for order_id in self.statuses:
            self.sandbox.wait_until(lambda order_id=order_id: self._rests(order_id), within_s=20)
        self.sandbox.pace(1)

    @initialize(target=carts)
    def begin(self) -> Shopping:
        return Shopping(self.anna)

    @rule(target=carts)
    def take_a_cart(self) -> Shopping:
        return Shopping(self.anna)

    @initialize(target=orders, waive=st.booleans())
    def begin_with_an_order(self, waive: bool) -> int | None:
        return self._buy(True, waive)

    @rule(cart=carts, what=st.sampled_from(["vps", "hosting", "emails", "name", "free"]), count=st.integers(1, 7))
    def put_in(self, cart: Shopping, what: str, count: int) -> None:
        if cart.get()["readOnly"]:
            assert cart.refused("POST", "/coupon", {"coupon": "FIVE"})[0] == 400
        elif what == "vps":
            cart.vps()
        elif what == "hosting":
            cart.add("webHosting", "pro2026", "P1Y", quantity=count)
        elif what == "emails":
            cart.add("emailpro", "emailpro2026", quantity=count)
        elif what == "free":
            cart.add("sslGateway", "ssl-gateway-free")
        else:
            self.names += 1
            cart.domain(f"histoire-{self.names}.fr")

    @rule(target=orders, pay=st.booleans(), waive=st.booleans())
    def buy_at_once(self, pay: bool, waive: bool) -> int | None:
        return self._buy(pay, waive)

    def _buy(self, pay: bool, waive: bool) -> int | None:
        cart = Shopping(self.anna)
        cart.vps()
        return self.check_out(cart, pay, waive)

    @rule(cart=carts, coupon=st.sampled_from(["WELCOME10", "FIVE"]))
    def use_a_coupon(self, cart: Shopping, coupon: str) -> None:
        if not cart.get()["readOnly"]:
            assert coupon in cart.post("/coupon", {"coupon": coupon})

    @rule(target=orders, cart=carts, pay=st.booleans(), waive=st.booleans())
    def end_a_cart(self, cart: Shopping, pay: bool, waive: bool) -> int | None:
        return self.check_out(cart, pay, waive)

    def check_out(self, cart: Shopping, pay: bool, waive: bool) -> int | None:
        sent = {"autoPayWithPreferredPaymentMethod": pay, "waiveRetractationPeriod": waive}
        summary, before = cart.get("/summary"), cart.get()
        answer = self.anna.call("POST", f"{cart.at}/checkout", sent)
        if before["readOnly"] or not before["items"]:
            assert answer.status_code == 400
        if answer.status_code != 200:
            return None
        made = answer.json()
        assert made["prices"] == summary["prices"]
        order = self.anna.get(f"/me/order/{made['orderId']}")
        assert order["priceWithTax"] == summary["prices"]["withTax"]
        self.statuses[made["orderId"]] = "notPaid"
        order_id: int = made["orderId"]
        return order_id

    @rule(order=orders, which=st.integers(0, 2))
    def pay(self, order: int | None, which: int) -> None:
        if order is not None:
            sent = {"paymentMethod": {"id": self.methods[which]}}
            assert self.anna.call("POST", f"/me/order/{order}/pay", sent).status_code in (200, 400, 403, 404)

    @rule(order=orders)
    def withdraw(self, order: int | None) -> None:
        if order is not None:
            told = self.anna.call("GET", f"/me/order/{order}").json().get("retractionDate")
            answer = self.anna.call("POST", f"/me/order/{order}/retraction", {"reason": "other"})
            assert answer.status_code in (200, 400, 404)
            assert answer.status_code != 200 or told is not None

    @rule(order=orders)
    def waive(self, order: int | None) -> None:
        if order is not None:
            assert self.anna.call("POST", f"/me/order/{order}/waiveRetraction").status_code in (200, 400, 404)

    @rule(order=orders)
    def let_it_expire(self, order: int | None) -> None:
        if order is not None:
            self.sandbox.change_order(order, expirationDate="2020-01-01T00:00:00+00:00")

    @precondition(lambda self: self.statuses)
    @rule()
    def let_time_pass(self) -> None:
        self._let_time_pass()
        for order_id in self.statuses:
            self._look_at(order_id)

    @invariant()
    def statuses_follow_the_graph(self) -> None:
        for order_id, before in self.statuses.items():
            answer = self.anna.call("GET", f"/me/order/{order_id}/status")
            if answer.status_code == 404:
                assert before == "notPaid"
                continue
            assert answer.json() in _reachable(before)
            self.statuses[order_id] = answer.json()

    def _look_at(self, order_id: int) -> list[str]:
        """Check the money and the ledger of an order, and return what happened to it."""
        order = self.anna.call("GET", f"/me/order/{order_id}")
        if order.status_code == 200:
            self._check_money(order.json())
        told = self.sandbox.events(order_id)
        self._check_life([event for event in told if event not in _REFUSALS])
        return told

    def _check_money(self, order: dict[str, Any]) -> None:
        at = f"/me/order/{order['orderId']}"
        lines = [self.anna.get(f"{at}/details/{one}") for one in self.anna.get(f"{at}/details")]
        net, tax, total = (_cents(order[name]) for name in ("priceWithoutTax", "tax", "priceWithTax"))
        assert sum(_cents(line["totalPrice"]) for line in lines) == net
        assert net + tax == total >= 0
        assert tax == (net * 20 + 50) // 100
        bills = [self.anna.get(f"/me/bill/{one}") for one in self.anna.get(f"/me/bill?orderId={order['orderId']}")]
        assert [bill["priceWithTax"] for bill in bills] in ([], [order["priceWithTax"]])
        refunds = self.anna.get(f"/me/refund?orderId={order['orderId']}")
        assert len(refunds) <= 1
        for refund in refunds:
            assert _cents(self.anna.get(f"/me/refund/{refund}")["priceWithTax"]) <= total

    def _check_life(self, events: list[str]) -> None:
        assert events[0] == "created"
        for before, after in pairwise(events):
            assert after in _FOLLOWS[before], events
        # Each at most once: one payment, one withdrawal, one refund; nothing delivered that was not paid.
        assert len(events) == len(set(events)), events
        assert "paid" in events or not {"checking", "delivering", "delivered"} & set(events)


def test_every_story_keeps_the_rules(sandbox: Sandbox) -> None:
    Stories.told.clear()
    run_state_machine_as_test(
        lambda: Stories(sandbox),
        settings=settings(
            max_examples=10,
            stateful_step_count=15,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    wanted = ("created", "paid", "payment_refused", "delivered", "expired", "retraction_accepted", "refunded")
    assert {event: Stories.told[event] for event in wanted if not Stories.told[event]} == {}, Stories.told
