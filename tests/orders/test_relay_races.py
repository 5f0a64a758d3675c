"""
Two workers, two tabs, deaths at any point: OVHcloud is called once where nothing went wrong, and accepts once always.

Each race has its negative control: the same race with the guard taken away must be lost, or it was never run.
"""

import contextlib
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from queue import Queue
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test import Client
from django.utils import timezone

from accounts.models import Link, Nichandle, User
from orders import relay
from orders.models import Intent, Order, OrderEvent, Receipt, Retraction
from orders.retraction.declaration import retract_order
from tests.factories import make_customer, make_order
from tests.orders.test_relay import Killed, accepted, calls, pass_time
from tests.sandboxes import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = Intent.State
PROVE = os.environ.get("PROVE") == "1"
# `make prove` tells all of them; the sample takes some seconds.
INTERLEAVINGS = 10_000 if PROVE else 30
PAIRS = 50 if PROVE else 4


@pytest.fixture
def account(ovh: Sandbox) -> Nichandle:
    user = make_customer(nichandle=ovh.anna["nichandle"])
    link = Link.objects.get(user=user)
    link.keep_key(ovh.anna["consumer_key"])
    link.save()
    assert user.nichandle
    return user.nichandle


def order_of(ovh: Sandbox, account: Nichandle) -> Order:
    number = ovh.make_order(ovh.anna, status="delivered", price="24.00", products=["VPS"])
    return make_order(account, number, price="24.00", retraction_date=timezone.now() + timedelta(days=10))


def at_once(*acts: Callable[[], Any]) -> list[BaseException]:
    """Run these together, each in its thread and on its own connection; return what they raised."""
    gate, raised = threading.Barrier(len(acts)), []

    def run(act: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            act()
        except BaseException as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return raised


# --- Two workers ------------------------------------------------------------------------------------------------------
class Unguarded(relay.Relay):
    """The negative control: nobody's turn is anybody's. Claims take what is due, and notes ask for no lease."""

    meet = threading.Barrier(2)

    def _claim(self) -> Intent | None:
        due = Intent.objects.filter(next_attempt_at__lte=timezone.now())
        intent = due.select_related("order__nichandle").first()
        self.meet.wait(10)
        return intent

    def _note(self, intent: Intent) -> bool:
        Intent.objects.filter(pk=intent.pk).update(state=State.SENDING, attempts=1, attempted_at=timezone.now())
        return True

    def _may_call(self, intent: Intent) -> bool:
        return True


def test_two_workers_one_call(ovh, account):
    for _ in range(PAIRS):
        order = order_of(ovh, account)
        retract_order(order, email="a@example.com", language="en", request=None)
        assert at_once(relay.relay_due, relay.relay_due) == []
        assert calls(ovh, order) == accepted(ovh, order) == 1
        assert Intent.objects.get(order=order).state == State.ACCEPTED


def test_negative_control_two_workers_without_claim_call_twice(ovh, account):
    order = order_of(ovh, account)
    retract_order(order, email="a@example.com", language="en", request=None)
    ovh.arm("latency", path="/me/order/*/retraction", ms=300)
    at_once(lambda: Unguarded().run(1), lambda: Unguarded().run(1))
    assert calls(ovh, order) == 2


# --- Twenty confirms --------------------------------------------------------------------------------------------------
def test_twenty_confirms_are_one_declaration_one_receipt_one_call(ovh, account):
    order = order_of(ovh, account)
    user = User.objects.get(nichandle=account)
    answers: list[Any] = []

    def confirm() -> None:
        client = Client()
        client.force_login(user)
        form = {"email": account.email, "confirm": "on", "language": "en", "after": ""}
        answers.append(client.post(f"/orders/{order.order_id}/withdrawal/", form))

    assert at_once(*[confirm] * 20) == []
    assert {(answer.status_code, answer.url) for answer in answers} == {
        (302, f"/orders/{order.order_id}/withdrawal/#declared")
    }
    assert Retraction.objects.count() == Receipt.objects.count() == Intent.objects.count() == 1
    at_once(relay.relay_due, relay.relay_due)
    assert calls(ovh, order) == accepted(ovh, order) == 1


# --- Interleavings ----------------------------------------------------------------------------------------------------
class Puppet(relay.Relay):
    """A worker whose steps are told from outside: it stops at each point until it may go on, or dies there."""

    def __init__(self) -> None:
        self.arrived: Queue[str] = Queue()
        self.orders: Queue[str] = Queue()
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.busy = False

    def start(self) -> None:
        self.thread.start()

    def _live(self) -> None:
        while self.orders.get() == "run":
            with contextlib.suppress(Killed):
                self.run(1)
            close_old_connections()
            self.arrived.put("done")
        connection.close()

    def _point(self, name: str) -> None:
        self.arrived.put(name)
        if self.orders.get() == "die":
            raise Killed

    def _claim(self) -> Intent | None:
        intent = super()._claim()
        if intent is not None:
            self._point("claimed")
        return intent

    def _note(self, intent: Intent) -> bool:
        noted = super()._note(intent)
        self._point("noted")
        return noted

    def _call(self, intent: Intent, gateway: Any) -> None:
        super()._call(intent, gateway)
        self._point("called")

    # From outside

    def begin(self) -> None:
        self._tell("run")

    def go_on(self) -> None:
        self._tell("go")

    def die(self) -> None:
        self._tell("die")

    def _tell(self, word: str) -> None:
        self.orders.put(word)
        self.busy = self.arrived.get(timeout=30) != "done"


class Forgetful(Puppet):
    """The negative control: it says that it calls, but the intent does not know it."""

    def _note(self, intent: Intent) -> bool:
        OrderEvent.objects.create(order=intent.order, kind=OrderEvent.Kind.SENT)
        self._point("not noted")
        return True


@pytest.fixture(params=[Puppet])
def puppets(request: pytest.FixtureRequest, ovh: Sandbox) -> Iterator[list[Puppet]]:
    Story.heard = ovh.last_request()
    made: list[Puppet] = [request.param(), request.param()]
    for puppet in made:
        puppet.start()
    yield made
    for puppet in made:
        while puppet.busy:
            puppet.die()
        puppet.orders.put("end")
        puppet.thread.join(10)


FAULTS: list[dict[str, Any]] = [
    {"kind": "accept_then_reset", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "status", "path": "/me/order/*/retraction", "status": 503, "count": 1},
    {"kind": "reset", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "html", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "status", "path": "/me/order/*/retraction", "status": 429, "count": 1},
    {"kind": "status", "path": "/me/order/*/status", "status": 500, "count": 3},
]


class Story:
    """One interleaving, told by chance from its seed: who moves next, who dies, what OVHcloud does, how time goes."""

    heard = 0  # the last call at the sandbox that an earlier story was told of

    def __init__(self, ovh: Sandbox, account: Nichandle, puppets: list[Puppet], seed: int) -> None:
        self.ovh, self.account, self.puppets = ovh, account, puppets
        self.chance = random.Random(seed)
        self.order = order_of(ovh, account)
        self.told: list[str] = []

    def declare(self) -> None:
        standing = Retraction.objects.filter(order=self.order).order_by("-pk").first()
        after = standing.reference if standing and self.chance.random() < 0.5 else ""
        retract_order(self.order, email="a@example.com", language="en", request=None, after=after)

    def move(self) -> None:
        puppet = self.chance.choice(self.puppets)
        if not puppet.busy:
            puppet.begin()
        elif self.chance.random() < 0.25:
            puppet.die()
        else:
            puppet.go_on()

    def wait(self) -> None:
        pass_time(seconds=self.chance.choice([1, 5, 25, 46, 61]))

    def fault(self) -> None:
        self.ovh.arm(**self.chance.choice(FAULTS))

    def run(self) -> None:
        self.declare()
        acts = [self.move] * 8 + [self.wait] * 4 + [self.declare] + [self.fault] * 2
        for _ in range(self.chance.randint(4, 12)):
            act = self.chance.choice(acts)
            self.told.append(act.__name__)
            act()
        for puppet in self.puppets:
            while puppet.busy:
                puppet.die() if self.chance.random() < 0.3 else puppet.go_on()
        self.ovh.disarm()
        self.end_well()

    def end_well(self) -> None:
        """Nothing dies any more: what is due is carried until nothing is due."""
        for _ in range(12):
            intent = Intent.objects.filter(order=self.order).latest("pk")
            if intent.state not in (State.WAITING, State.SENDING, State.DOUBTFUL):
                return
            pass_time(seconds=125)
            relay.relay_due()

    def check(self) -> str:
        last = Intent.objects.filter(order=self.order).latest("pk")
        took = accepted(self.ovh, self.order)
        assert took <= 1
        assert last.state in (State.ACCEPTED, State.REFUSED, State.DEAD), last.state
        calls_made = self.check_calls()
        if last.state == State.ACCEPTED:
            assert took == 1, "said to be accepted, and OVHcloud knows nothing of it"
            assert calls_made >= 1
        return str(last.state)

    def check_calls(self) -> int:
        """Each call was noted before; and none follows one that may have been taken, but after a look. How many."""
        path = f"/1.0/me/order/{self.order.order_id}/"
        log = [call for call in self.ovh.requests(Story.heard) if call["path"].startswith(path)]
        sent = [call for call in log if call["path"] == f"{path}retraction"]
        # What was turned away at the door counts as not sent.
        judged = [call for call in sent if call["status"] != 429]
        assert len(judged) <= self.kinds().count("sent"), "a call that was not noted"
        for first, second in pairwise(sent):
            if 400 <= (first["status"] or 0) < 500:
                continue
            between = [call for call in log if first["n"] < call["n"] < second["n"]]
            looks = [call for call in between if call["path"] == f"{path}status" and call["status"] == 200]
            assert looks, "sent again without a look"
        return len(sent)

    def kinds(self) -> list[str]:
        return list(self.order.events.values_list("kind", flat=True))


def tell(ovh: Sandbox, account: Nichandle, puppets: list[Puppet], seed: int) -> str:
    """Run one story; return how it ended. Raises AssertionError, with the story, where it ended badly."""
    story = Story(ovh, account, puppets, seed)
    try:
        story.run()
        return story.check()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}; {story.told}") from error
    finally:
        Intent.objects.filter(order=story.order).update(next_attempt_at=None)
        Story.heard = max((call["n"] for call in ovh.requests(Story.heard)), default=Story.heard)


def test_generated_interleavings(ovh, account, puppets):
    ends = Counter(tell(ovh, account, puppets, seed) for seed in range(INTERLEAVINGS))
    # The stories are worth something only if they end in different ways, most of them well; one in hundreds does not.
    assert ends[State.ACCEPTED] > INTERLEAVINGS * 0.6
    assert len(ends) > 1 or INTERLEAVINGS < 300


@pytest.mark.parametrize("puppets", [Forgetful], indirect=True)
def test_negative_control_interleavings_without_the_note_end_badly(ovh, account, puppets):
    def tell_many() -> None:
        for seed in range(300):
            tell(ovh, account, puppets, seed)

    with pytest.raises(AssertionError, match="sent again without a look"):
        tell_many()
