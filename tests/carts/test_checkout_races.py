"""
Two workers, deaths at any point, answers lost: a cart becomes one order at most.

The sandbox takes a second checkout of the same cart (`checkout_repeats`), so whoever repeats blindly makes two orders;
each proof has its negative control, which must be lost.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import Nichandle
from carts import actions
from carts.actions import Wanted
from carts.checkout.kind import CheckoutKind
from carts.models import Cart, Checkout
from gateway import Gateway
from orders import relay
from orders.models import Intent
from orders.relay import kinds
from tests.carts.shop import checkouts, mirror, open_cart, order, orders_of, shopper
from tests.factories import make_import
from tests.orders.test_relay import pass_time
from tests.orders.test_relay_races import Puppet, Unguarded, at_once
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = Intent.State
PROVE = os.environ.get("PROVE") == "1"
# `make prove` tells 500, and INTERLEAVINGS=10000 as many; each needs a cart of its own at OVHcloud, most of its time.
INTERLEAVINGS = int(os.environ.get("INTERLEAVINGS", "500" if PROVE else "12"))
# So many stories in one world: whoever asks what came of them reads all that happened in it.
IN_ONE_WORLD = 200
PATH = "/order/cart/*/checkout"


@pytest.fixture
def anna(ovh: Sandbox) -> Nichandle:
    ovh.settings(checkout_repeats=True)
    nichandle = shopper(ovh)
    make_import(nichandle)
    return nichandle


def ordered(anna: Nichandle) -> Checkout:
    cart = open_cart(anna)
    actions.add_item(cart, Wanted("emailpro", "emailpro2026", "P1M"))
    mirror(cart)
    return order(cart, waived=False)


class Blind(CheckoutKind):
    """The negative control: whatever happened, it takes it for not done."""

    def look(self, gateway: Gateway, intent: Intent) -> None:
        return None


@pytest.fixture
def blind() -> Iterator[None]:
    kinds.register(Intent.Kind.CHECKOUT, Blind())
    yield
    kinds.register(Intent.Kind.CHECKOUT, CheckoutKind())


# --- Two workers ------------------------------------------------------------------------------------------------------
def test_two_workers_make_one_order(ovh: Sandbox, anna: Nichandle) -> None:
    checkout = ordered(anna)
    ovh.arm("latency", method="POST", path=PATH, ms=200)
    assert at_once(relay.relay_due, relay.relay_due) == []
    assert len(orders_of(ovh, checkout.cart)) == checkouts(ovh, checkout.cart) == 1


def test_negative_control_two_workers_without_claim_make_two(ovh: Sandbox, anna: Nichandle) -> None:
    checkout = ordered(anna)
    ovh.arm("latency", method="POST", path=PATH, ms=300)
    at_once(lambda: Unguarded().run(1), lambda: Unguarded().run(1))
    assert len(orders_of(ovh, checkout.cart)) == 2


def test_negative_control_a_blind_repeat_makes_two(ovh: Sandbox, anna: Nichandle, blind: None) -> None:
    checkout = ordered(anna)
    ovh.arm("accept_then_reset", method="POST", path=PATH, count=1)
    relay.relay_due()
    for _ in range(4):
        pass_time(seconds=61)
        relay.relay_due()
    assert len(orders_of(ovh, checkout.cart)) == 2


# --- Interleavings ----------------------------------------------------------------------------------------------------
class Worker(Puppet):
    """A worker that stops before and after each step, or dies there; a call's outcome goes with it."""

    def _call(self, intent: Intent, gateway: Any) -> Any:
        outcome = relay.Relay._call(self, intent, gateway)
        self._point("called")
        return outcome


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    made = [Worker(), Worker()]
    for worker in made:
        worker.start()
    yield made
    for worker in made:
        while worker.busy:
            worker.die()
        worker.orders.put("end")
        worker.thread.join(10)


FAULTS: list[dict[str, Any]] = [
    {"kind": "accept_then_reset", "method": "POST", "path": PATH},
    {"kind": "truncated", "method": "POST", "path": PATH},
    {"kind": "status", "method": "POST", "path": PATH, "status": 503},
    {"kind": "status", "method": "POST", "path": PATH, "status": 429},
    {"kind": "html", "method": "POST", "path": PATH},
    {"kind": "reset", "method": "POST", "path": PATH},
    {"kind": "status", "method": "GET", "path": "/order/cart/*", "status": 500},
    {"kind": "status", "method": "GET", "path": "/me/order", "status": 502},
]


class Story:
    """One interleaving, told by chance from its seed: who moves next, who dies, what OVHcloud does, how time goes."""

    def __init__(self, ovh: Sandbox, anna: Nichandle, workers: list[Worker], seed: int) -> None:
        self.ovh, self.workers, self.chance = ovh, workers, random.Random(seed)
        self.checkout = ordered(anna)
        self.told: list[str] = []

    def move(self) -> None:
        worker = self.chance.choice(self.workers)
        if not worker.busy:
            worker.begin()
        elif self.chance.random() < 0.25:
            worker.die()
        else:
            worker.go_on()

    def wait(self) -> None:
        pass_time(seconds=self.chance.choice([1, 5, 25, 46, 61]))

    def fault(self) -> None:
        self.ovh.arm(count=1, **self.chance.choice(FAULTS))

    def run(self) -> None:
        acts: list[Callable[[], None]] = [self.move] * 8 + [self.wait] * 4 + [self.fault] * 3
        for _ in range(self.chance.randint(4, 12)):
            act = self.chance.choice(acts)
            self.told.append(act.__name__)
            act()
        for worker in self.workers:
            while worker.busy:
                worker.die() if self.chance.random() < 0.3 else worker.go_on()
        self.ovh.disarm()
        for _ in range(12):
            if self.state() not in (State.WAITING, State.SENDING, State.DOUBTFUL):
                break
            pass_time(seconds=125)
            relay.relay_due()

    def state(self) -> str:
        return Intent.objects.get(pk=self.checkout.intent_id).state

    def check(self) -> str:
        made, state = orders_of(self.ovh, self.checkout.cart), self.state()
        row = Checkout.objects.select_related("cart").get(pk=self.checkout.pk)
        assert len(made) <= 1, f"{len(made)} orders"
        assert state in (State.ACCEPTED, State.DEAD, State.REFUSED), state
        if state == State.ACCEPTED:
            assert made == [row.ovh_order_id]
            assert row.cart.state == Cart.State.ORDERED
        elif state == State.REFUSED:
            assert made == [], "said to be refused, and there is an order"
            assert row.cart.state == Cart.State.OPEN
        return state


def tell(ovh: Sandbox, anna: Nichandle, workers: list[Worker], seed: int) -> str:
    """Run one story; return how it ended. Raises AssertionError, with the story, where it ended badly."""
    story = Story(ovh, anna, workers, seed)
    try:
        story.run()
        return story.check()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}; {story.told}") from error
    finally:
        Intent.objects.update(next_attempt_at=None)
        Cart.objects.update(state=Cart.State.LEFT, next_mirror_at=None)


def test_generated_interleavings(ovh: Sandbox, anna: Nichandle, workers: list[Worker]) -> None:
    ends: Counter[str] = Counter()
    for seed in range(INTERLEAVINGS):
        if seed % IN_ONE_WORLD == IN_ONE_WORLD - 1:
            ovh.reset()
            ovh.settings(checkout_repeats=True)
        ends[tell(ovh, anna, workers, seed)] += 1
    assert ends[State.ACCEPTED] > INTERLEAVINGS * 0.6


def test_negative_control_interleavings_with_a_blind_look_end_badly(
    ovh: Sandbox, anna: Nichandle, workers: list[Worker], blind: None
) -> None:
    def tell_many() -> None:
        for seed in range(100):
            tell(ovh, anna, workers, seed)

    with pytest.raises(AssertionError, match="2 orders"):
        tell_many()
