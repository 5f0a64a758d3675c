"""One run: a stack, customers, troubles from a seed, then calm, and the comparison with OVHcloud's ledger."""

import contextlib
import dataclasses
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import redis
import requests
from celery import Celery
from kombu.exceptions import OperationalError

from tests.chaos import facts, invariants, script, secrets_search
from tests.chaos.customers import Person
from tests.chaos.facts import Facts
from tests.chaos.journal import Journal
from tests.chaos.script import Trouble
from tests.chaos.stack import Stack
from tests.sandboxes import Sandbox

# Seconds within which everything must be as OVHcloud has it, once the trouble is over.
SETTLES_WITHIN_S = 60
# What OVHcloud did so lately need not be known yet.
_NOT_LATE_S = 10
# OVHcloud's life goes on at this pace, so that orders pass through every status in a run.
_PACE, _PACE_AFTERWARDS = 15, 500
_ARRIVE_WITHIN_S = 15
# Nothing that OVHcloud is to do once is asked for in the last part of a run: its looks need a minute to end.
_ASKING = 0.8
# The tasks that a visibility time-out would deliver again, and their queues.
_TASKS = {
    "orders.tasks.relay_intents": "intents",
    "orders.tasks.send_receipts": "intents",
    "orders.tasks.poll_orders": "poll",
    "orders.tasks.find_orders": "poll",
    "orders.tasks.expire_orders": "bulk",
    "orders.tasks.import_orders": "import",
}


@dataclass
class Plan:
    """careless: run the negative control. settle_s: how long at most the end may take."""

    seed: int
    seconds: float = 600
    kill_every_s: float = script.KILL_EVERY_S
    careless: bool = False
    settle_s: float = SETTLES_WITHIN_S


@dataclass
class Outcome:
    kills: int = 0
    faults: int = 0
    intents: int = 0
    violations: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def last_line(self) -> str:
        return f"kills {self.kills}, faults {self.faults}, intents {self.intents}, violations {len(self.violations)}"


class Run:
    def __init__(self, plan: Plan, directory: Path, say: Callable[[str], None]) -> None:
        self._plan, self._say = plan, say
        self._stack = Stack(directory, careless=plan.careless)
        self._journal = Journal()
        self._outcome = Outcome()
        self._chance = random.Random(f"run/{plan.seed}")
        self._valkey_held: set[str] = set()
        self._people: list[Person] = []
        self._died: list[str] = []

    def carry_out(self) -> Outcome:
        """Everything, from the first process to the last; nothing is left running."""
        try:
            self._stack.start()
            self._begin()
            self._trouble()
            self._settle()
        finally:
            for person in self._people:
                person.stopped = True
            self._stack.close()
        return self._outcome

    # --- Customers ---

    def _begin(self) -> None:
        sandbox = self._stack.sandbox
        sandbox.pace(_PACE)
        # Whoever pays or orders twice is not refused, so that it shows.
        sandbox.settings(pays_twice=True, checkout_repeats=True)
        for position, who in enumerate(sandbox.customers):
            person = Person(
                who,
                self._stack.addresses.panel,
                # A session of their own: several threads may not share one.
                _own(sandbox),
                self._journal,
                f"{self._plan.seed}/{position}",
            )
            person.place_first_orders()
            self._people.append(person)
        for person in self._people:
            person.start()
        self._let_them_in()
        if self._plan.careless:
            # Room for two to be under way at once, all through the run.
            for path in ("/me/order/*/retraction", "/me/order/*/pay*", "/order/cart/*/checkout"):
                sandbox.arm("latency", method="POST", path=path, ms=3000)
                sandbox.arm("accept_then_reset", method="POST", path=path, probability=0.5)

    def _let_them_in(self) -> None:
        """Trouble begins once everybody is in and sees their orders, or after a while all the same."""
        until = time.monotonic() + _ARRIVE_WITHIN_S
        while time.monotonic() < until:
            found = self._facts()
            if len(found.signed_in) == len(self._people) and len(found.orders) >= 3 * len(self._people):
                return
            time.sleep(0.3)

    # --- Trouble ---

    def _trouble(self) -> None:
        troubles = script.write(self._plan.seed, self._plan.seconds, self._plan.kill_every_s)
        began = time.monotonic()
        self._began = began
        begin = sorted(troubles, reverse=True)
        ends: list[tuple[float, str, str]] = []
        while (now := time.monotonic() - began) < self._plan.seconds:
            if now > self._plan.seconds * _ASKING:
                for person in self._people:
                    person.asking = False
            for entry in [entry for entry in ends if entry[0] <= now]:
                ends.remove(entry)
                self._undo(*entry[1:])
            for name in self._stack.died():
                self._died.append(f"DIED {name}: it ended by itself after {now:.0f} s; see logs/{name}.log")
                self._say(f"{now:6.1f} s  {self._died[-1]}")
            if begin and begin[-1].at <= now:
                end = self._cause(begin.pop())
                if end is not None:
                    seconds, what, target = end
                    ends.append((time.monotonic() - began + seconds, what, target))
            else:
                time.sleep(0.05)

    def _cause(self, trouble: Trouble) -> tuple[float, str, str] | None:
        """Bring one trouble about. Returns after how long, how and for whom it ends, if it does not end by itself."""
        what = str(trouble)
        end: tuple[float, str, str] | None = None
        if trouble.kind == "kill":
            target = trouble.target if self._stack.is_up(trouble.target) else self._another()
            what = f"kill {self._stack.kill(target, self._chance)}, again in {trouble.seconds:.1f} s"
            self._outcome.kills += 1
            end = trouble.seconds, "start", target
        else:
            self._outcome.faults += 1
            if trouble.kind == "pause":
                if self._stack.pause(trouble.target):
                    end = trouble.seconds, "resume", trouble.target
            elif trouble.kind == "slow":
                self._stack.proxy.delay_s = trouble.more["delay_s"]
                end = trouble.seconds, "quicken", trouble.target
            else:
                self._by_wire(trouble)
        self._say(f"{time.monotonic() - self._began:6.1f} s  {what}")
        return end

    def _by_wire(self, trouble: Trouble) -> None:
        """Troubles that are asked for over a connection, which itself may be in trouble: then the asking was it."""
        with contextlib.suppress(requests.RequestException, redis.RedisError, OperationalError, OSError):
            if trouble.kind == "api":
                more = {"seconds": trouble.seconds, "kind": trouble.target} | trouble.more
                self._ask_sandbox("faults", more)
            elif trouble.kind == "clock":
                self._ask_sandbox("clock", trouble.more)
            elif trouble.kind == "flush":
                self._keep_what_valkey_holds()
                with self._valkey() as client:
                    client.flushall()
            elif trouble.kind == "again":
                self._deliver_again()

    def _ask_sandbox(self, call: str, sent: dict[str, object]) -> None:
        """A call of /_control/ that waits no longer than the next trouble can: the sandbox may be paused."""
        requests.post(f"{self._stack.sandbox.base}/_control/{call}", json=sent, timeout=1)

    def _undo(self, what: str, target: str) -> None:
        if what == "start":
            self._stack.start_again(target)
        elif what == "resume":
            self._stack.resume(target)
        else:
            self._stack.proxy.delay_s = 0

    def _another(self) -> str:
        return next((name for name in script.TARGETS if self._stack.is_up(name)), "people")

    def _deliver_again(self) -> None:
        with Celery(broker=self._stack.broker, set_as_current=False) as app:
            app.conf.broker_transport_options = {"socket_timeout": 1, "socket_connect_timeout": 1, "max_retries": 0}
            for name, queue in _TASKS.items():
                for _ in range(3):
                    app.send_task(name, queue=queue, retry=False, ignore_result=True)

    def _valkey(self) -> redis.Redis:
        return redis.Redis.from_url(self._stack.valkey.url, socket_timeout=2)

    def _keep_what_valkey_holds(self) -> None:
        self._valkey_held.add(secrets_search.held_by_valkey(self._stack.valkey.url))

    # --- Calm ---

    def _settle(self) -> None:
        """Take all trouble away, let customers look on, and wait until nothing is wrong; at most so long."""
        for person in self._people:
            person.settling = True
        self._stack.all_well()
        self._stack.sandbox.disarm()
        self._stack.sandbox.pace(_PACE_AFTERWARDS)
        began = time.monotonic()
        self._say(
            f"{began - self._began:6.1f} s  the trouble is over; everything must come right within"
            f" {self._plan.settle_s:g} s"
        )
        found, wrong, last = self._wait_for_peace(began)
        took = time.monotonic() - began
        for person in self._people:
            person.stopped = True
        for person in self._people:
            person.join()
        found.failed_pages = list(self._journal.failed_pages)
        self._keep_what_valkey_holds()
        secrets = self._journal.secrets | secrets_search.planted(self._stack.addresses.sandbox_database)
        own = self._stack.secrets
        secrets |= {own.secret_key: "SECRET_KEY", own.credential_keys: "CREDENTIAL_KEYS"}
        told = secrets_search.search(secrets, self._stack.log_files(), "\n".join(self._valkey_held))
        # A failed page stays one, also where its count grew between two readings.
        wrong = [line for line in wrong if not line.startswith("FAILED PAGE")]
        found.found_secrets = told
        at_the_end = [*invariants.no_page_failed(found), *invariants.no_secret_is_told(found)]
        self._outcome.violations = self._died + wrong + at_the_end
        self._conclude(found, took, len(secrets))
        if last:
            self._outcome.notes.append(f"last to come right: {last}")

    def _wait_for_peace(self, began: float) -> tuple[Facts, list[str], str]:
        """
        Read again and again until nothing is wrong twice in a row, or time is up.

        Returns what was read last; what was wrong at each of the readings of the last seconds, for OVHcloud may still
        move and what it did a moment ago is not late; and what came right last.
        """
        readings: list[tuple[float, list[str]]] = []
        last, quiet = "", 0
        while True:
            found = self._facts()
            wrong = invariants.violations(found)
            readings.append((time.monotonic(), wrong))
            left = wrong or invariants.unsettled(found)
            last, quiet = (left[0], 0) if left else (last, quiet + 1)
            if quiet == 2 or time.monotonic() - began >= self._plan.settle_s:
                break
            time.sleep(1.5)
        lately = [lines for at, lines in readings if at >= readings[-1][0] - _NOT_LATE_S]
        return found, [line for line in wrong if all(line in lines for lines in lately)], last

    def _facts(self) -> Facts:
        found = facts.read(self._stack.addresses.panel_database, self._stack.addresses.sandbox_database)
        found.paid_elsewhere = dict(self._journal.paid_elsewhere)
        found.told, found.signed_in = list(self._journal.told), set(self._journal.signed_in)
        found.mails, found.failed_pages = list(self._stack.postbox.mails), list(self._journal.failed_pages)
        return found

    def _conclude(self, found: Facts, took: float, secrets: int) -> None:
        outcome = self._outcome
        outcome.intents = len(found.intents)
        answers = ", ".join(f"{count} {what}" for what, count in self._journal.answers.most_common())
        outcome.notes = [
            f"settled after {took:.0f} s; {len(found.ovh_orders)} orders, {len(found.signed_in)} customers signed in",
            *(_of_kind(found, kind) for kind in ("retraction", "payment", "checkout")),
            f"{len(found.mails)} receipts came, {invariants.duplicate_receipts(found)} of them twice",
            f"pages: {answers}",
            f"{secrets} secrets were looked for in logs and Redis",
        ]


def _of_kind(found: Facts, kind: str) -> str:
    acknowledged = {told.number for told in found.told if told.kind == kind}
    ends = Counter(" ".join((row.state, row.why)).strip() for row in found.intents_of(kind))
    said = ", ".join(f"{count} {end}" for end, count in ends.most_common())
    return f"{kind}: {len(acknowledged)} acknowledged; intents: {said or 'none'}"


def _own(sandbox: Sandbox) -> Sandbox:
    session = requests.Session()
    session.trust_env = False
    return dataclasses.replace(sandbox, _session=session)
