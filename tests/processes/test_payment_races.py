"""
The interleavings of tests/orders/payment/test_races.py once more, with real processes and real deaths: clicks in tabs
with different methods go through the real server, workers are killed by SIGKILL whenever chance says so, OVHcloud
fails as it likes and takes a second payment, too. The sample takes some seconds; `make prove` tells all 200.
"""

import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Link, Nichandle
from orders.models import Intent, Order, OrderEvent, PaymentChoices
from orders.payment import choices
from tests.factories import make_order
from tests.orders.payment.paying import WIDE, unpaid
from tests.orders.payment.test_races import FAULTS, paid_by_us
from tests.orders.test_relay import pass_time
from tests.processes.conftest import Browser
from tests.processes.stack import Stack
from tests.processes.test_relay_races import UNSETTLED, Workers

pytestmark = [pytest.mark.processes, pytest.mark.prove, pytest.mark.django_db(transaction=True)]

PROVE = os.environ.get("PROVE") == "1"
STORIES = 200 if PROVE else 4
State = Intent.State


class Story:
    """One order, told by chance from its seed."""

    def __init__(self, seed: int, ovh: Any, account: Nichandle, browser: Browser, workers: Workers) -> None:
        self.seed, self.ovh, self.browser, self.workers = seed, ovh, browser, workers
        self.chance = random.Random(seed)
        number = ovh.make_order(nichandle=account.nichandle, price="11.99", products=["VPS"])
        self.order = make_order(account, number, status="notPaid", was_paid=False, price="11.99", next_poll_at=None)
        self.entries: list[dict[str, Any]] = PaymentChoices.objects.exclude(choices=None)[0].choices
        PaymentChoices.objects.create(order=self.order, choices=self.entries, read_at=timezone.now())
        self.heard = ovh.last_request()
        self.killed = 0

    def tell(self) -> str:
        if self.chance.random() < 0.7:
            self.ovh.arm(**self.chance.choice(FAULTS))
        self.press()
        for _ in range(self.chance.randint(1, 3)):
            self.work()
            pass_time(seconds=self.chance.choice([1, 25, 46, 61]))
        self.ovh.disarm()
        self.end_well()
        return self.check()

    def press(self) -> None:
        """A click, or two or three at once, in tabs where different methods are chosen."""
        path = f"/orders/{self.order.order_id}/pay/"
        form = self.browser.form_on(path, 'id="pay"') | {"way": "here"}
        answers: list[int] = []

        def click(key: str) -> None:
            answers.append(self.browser.post(path, form | {"method": key}, path).status_code)

        keys = [self.chance.choice(self.entries)["key"] for _ in range(self.chance.randint(1, 3))]
        clicks = [Thread(target=click, args=(key,)) for key in keys]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join(60)
        assert answers == [200] * len(clicks)
        assert Intent.objects.filter(order=self.order).count() == 1

    def work(self) -> None:
        chosen = self.chance.sample(self.workers.alive, self.chance.randint(1, 3))
        for worker in chosen:
            self.workers.begin(worker)
        if self.chance.random() < 0.6:
            time.sleep(self.chance.uniform(0, 0.3))
            self.workers.kill(self.chance.choice(chosen))
            self.killed += 1
        self.workers.wait()

    def end_well(self) -> None:
        for _ in range(12):
            if Intent.objects.get(order=self.order).state not in UNSETTLED:
                return
            pass_time(seconds=125)
            self.workers.begin(self.workers.alive[0])
            self.workers.wait()

    def check(self) -> str:
        intent = Intent.objects.get(order=self.order)
        took = paid_by_us(self.ovh, self.order)
        assert took <= 1, "paid twice"
        assert intent.state not in UNSETTLED, f"left {intent.state}"
        path = f"/1.0/me/order/{self.order.order_id}/"
        log = [call for call in self.ovh.requests(self.heard) if call["path"].startswith(path)]
        sent = [call for call in log if call["method"] == "POST" and call["path"].startswith(f"{path}pay")]
        noted = OrderEvent.objects.filter(order=self.order, kind=OrderEvent.Kind.SENT).count()
        for first, second in pairwise(sent):
            if 400 <= (first["status"] or 0) < 500:
                continue
            between = [call for call in log if first["n"] < call["n"] < second["n"]]
            looks = [call for call in between if call["path"] == f"{path}status" and call["status"] == 200]
            assert looks, "sent again without a look"
        judged = [call for call in sent if call["status"] != 429]
        assert len(judged) <= noted, "a call that was not noted"
        if intent.state == State.ACCEPTED:
            assert took == 1, "said to be accepted, and OVHcloud knows nothing of it"
        elif intent.state != State.DEAD:
            assert took == 0, f"paid, and the page says {intent.state}"
        return str(intent.state)


@pytest.fixture
def workers(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Workers]:
    hired = Workers(stack, *getattr(request, "param", ()))
    yield hired
    hired.stop()


@pytest.fixture
def payer(ovh: Any, account: Nichandle) -> Nichandle:
    """Whose key may pay, in a world that takes a second payment; the methods are read once for all stories."""
    Link.objects.update(rules=WIDE)
    choices.read_choices(unpaid(ovh, account).pk)
    Order.objects.update(next_poll_at=None)
    ovh.settings(pays_twice=True)
    return account


def tell_all(count: int, ovh: Any, account: Nichandle, browser: Browser, workers: Workers) -> tuple[Counter[str], int]:
    """How the stories ended, and how many workers died in them. Raises AssertionError with the seed of a bad end."""
    ends: Counter[str] = Counter()
    killed = 0
    for seed in range(count):
        story = Story(seed, ovh, account, browser, workers)
        try:
            ends[story.tell()] += 1
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        killed += story.killed
        Intent.objects.filter(order=story.order).update(next_attempt_at=None)
    return ends, killed


def test_real_processes_that_die_pay_once(ovh, payer, browser, workers):
    ends, killed = tell_all(STORIES, ovh, payer, browser, workers)
    assert ends[State.ACCEPTED] + ends[State.REFUSED] > STORIES * 0.6, ends
    assert killed >= STORIES // 4, "few died, so little was shown"


@pytest.mark.parametrize("workers", [("careless",)], indirect=True)
def test_negative_control_without_claim_note_and_question_it_pays_twice(ovh, payer, browser, workers):
    for seed in range(40):
        try:
            Story(seed, ovh, payer, browser, workers).tell()
        except AssertionError as error:
            if "paid twice" in str(error):
                return
        Intent.objects.update(next_attempt_at=None)
    pytest.fail("nobody paid twice, so nothing was shown above")
