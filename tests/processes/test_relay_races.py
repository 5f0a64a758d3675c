"""
The interleavings of tests/orders/test_relay_races.py once more, with real processes and real deaths.

A browser's double click goes through the real server, workers are processes of their own that are killed by SIGKILL
whenever chance says so, OVHcloud fails as it likes. The sample takes some seconds; `make prove` tells all 200.
"""

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from subprocess import Popen
from threading import Thread
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Nichandle
from orders.models import Intent, Order, OrderEvent, Receipt, Retraction
from tests.factories import make_order
from tests.orders.test_relay import accepted, pass_time
from tests.processes.conftest import Browser
from tests.processes.stack import ROOT, Stack

pytestmark = [pytest.mark.processes, pytest.mark.prove, pytest.mark.django_db(transaction=True)]

PROVE = os.environ.get("PROVE") == "1"
STORIES = 200 if PROVE else 4
State = Intent.State
UNSETTLED = (State.WAITING, State.SENDING, State.DOUBTFUL)

FAULTS: list[dict[str, Any]] = [
    {"kind": "accept_then_reset", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "latency", "path": "/me/order/*/retraction", "ms": 250, "count": 2},
    {"kind": "status", "path": "/me/order/*/retraction", "status": 503, "count": 1},
    {"kind": "html", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "reset", "path": "/me/order/*/retraction", "count": 1},
    {"kind": "status", "path": "/me/order/*/status", "status": 500, "count": 2},
]


class Workers:
    """Three at work and one waiting to take the place of who is killed."""

    def __init__(self, stack: Stack, *arguments: str) -> None:
        self.stack, self.arguments = stack, arguments
        self.alive = [self._hire() for _ in range(3)]
        self.waiting = self._hire()
        self.busy: set[Popen[bytes]] = set()

    def _hire(self) -> Popen[bytes]:
        return Popen(
            [sys.executable, "-m", "tests.processes.relay_worker", *self.arguments],
            cwd=ROOT,
            env=self.stack.environment("worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def begin(self, worker: Popen[bytes]) -> None:
        assert worker.stdin
        self._hear(worker, "ready") if not hasattr(worker, "is_ready") else None
        worker.is_ready = True  # type: ignore[attr-defined]
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
        self.busy.add(worker)

    def kill(self, worker: Popen[bytes]) -> None:
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        self._close(worker)
        self.busy.discard(worker)
        self.alive[self.alive.index(worker)] = self.waiting
        self.waiting = self._hire()

    def wait(self) -> None:
        for worker in list(self.busy):
            self._hear(worker, "done")
            self.busy.discard(worker)

    def stop(self) -> None:
        for worker in [*self.alive, self.waiting]:
            worker.kill()
            worker.wait(10)
            self._close(worker)

    def _hear(self, worker: Popen[bytes], word: str) -> None:
        assert worker.stdout
        ready, _, _ = select.select([worker.stdout], [], [], 60)
        assert ready, f"a worker did not say {word} within a minute"
        assert worker.stdout.readline().decode().strip() == word

    def _close(self, worker: Popen[bytes]) -> None:
        for pipe in (worker.stdin, worker.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


class Story:
    """One order, told by chance from its seed."""

    def __init__(self, seed: int, ovh: Any, account: Nichandle, browser: Browser, workers: Workers) -> None:
        self.seed, self.ovh, self.browser, self.workers = seed, ovh, browser, workers
        self.chance = random.Random(seed)
        number = ovh.make_order(nichandle=account.nichandle, status="delivered", price="24.00", products=["VPS"])
        self.order = make_order(account, number, price="24.00", retraction_date=timezone.now() + timedelta(days=10))
        self.heard = ovh.last_request()
        self.killed = 0

    def tell(self) -> str:
        if self.chance.random() < 0.7:
            self.ovh.arm(**self.chance.choice(FAULTS))
        self.declare()
        for _ in range(self.chance.randint(1, 3)):
            self.work()
            pass_time(seconds=self.chance.choice([1, 25, 46, 61]))
        self.ovh.disarm()
        self.end_well()
        return self.check()

    def declare(self) -> None:
        """A click, or two or three at once."""
        path = f"/orders/{self.order.order_id}/withdrawal/"
        form = self.browser.form_on(path, 'id="withdrawal"') | {"confirm": "on"}
        answers: list[int] = []

        def click() -> None:
            answers.append(self.browser.post(path, form, path).status_code)

        clicks = [Thread(target=click) for _ in range(self.chance.randint(1, 3))]
        for thread in clicks:
            thread.start()
        for thread in clicks:
            thread.join(60)
        assert answers == [200] * len(clicks)
        assert Retraction.objects.filter(order=self.order).count() == 1
        assert Receipt.objects.filter(retraction__order=self.order).count() == 1

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
        assert accepted(self.ovh, self.order) <= 1, "accepted twice"
        assert intent.state not in UNSETTLED, f"left {intent.state}"
        path = f"/1.0/me/order/{self.order.order_id}/"
        log = [call for call in self.ovh.requests(self.heard) if call["path"].startswith(path)]
        sent = [call for call in log if call["path"] == f"{path}retraction"]
        noted = OrderEvent.objects.filter(order=self.order, kind=OrderEvent.Kind.SENT).count()
        for first, second in pairwise(sent):
            if 400 <= (first["status"] or 0) < 500:
                continue
            between = [call for call in log if first["n"] < call["n"] < second["n"]]
            looks = [call for call in between if call["path"] == f"{path}status" and call["status"] == 200]
            assert looks, "sent again without a look"
        assert len(sent) <= noted, "a call that was not noted"
        if intent.state == State.ACCEPTED:
            assert accepted(self.ovh, self.order) == 1, "said to be accepted, and OVHcloud knows nothing of it"
        return str(intent.state)


@pytest.fixture
def workers(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Workers]:
    hired = Workers(stack, *getattr(request, "param", ()))
    yield hired
    hired.stop()


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


def test_real_processes_that_die_send_one_retraction(ovh, account, browser, workers):
    Order.objects.update(next_poll_at=None)
    ends, killed = tell_all(STORIES, ovh, account, browser, workers)
    assert ends[State.ACCEPTED] > STORIES * 0.6, ends
    assert killed >= STORIES // 4, "few died, so little was shown"


@pytest.mark.parametrize("workers", [("careless",)], indirect=True)
def test_negative_control_without_claim_and_note_it_ends_badly(ovh, account, browser, workers):
    with pytest.raises(AssertionError, match=r"seed \d+: (sent again without a look|a call that was not noted)"):
        tell_all(40, ovh, account, browser, workers)
