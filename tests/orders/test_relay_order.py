"""
Intents of one order go one after the other, whatever their kinds; and what will not do is given up to a person.

A second kind is needed to see the first: a rehearsal, which is registered as payments and checkouts will be.
"""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts.models import Link, Nichandle
from gateway import AnswerLost, Gateway, NotConnected
from orders import relay, sync
from orders.models import Intent, Order, OrderEvent
from orders.relay import outcomes
from orders.relay.carry import MOST_STUMBLES
from orders.relay.kinds import KINDS, Kind, RetractionKind, register
from tests.factories import make_order
from tests.orders.test_relay import Killed, accepted, calls, declare, kinds, order_at, pass_time, until_shown
from tests.orders.test_relay_races import at_once
from tests.sandboxes import Sandbox

State = Intent.State


class Rehearsal(Kind):
    """A kind that speaks to nobody and notes what it did. `lasts`: seconds of a call."""

    route = "POST /rehearsal"
    words = RetractionKind.words

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.lasts = 0.0
        self.is_down = False
        self.at_once, self.most_at_once = 0, 0
        self._lock = threading.Lock()

    def send(self, gateway: Gateway, intent: Intent) -> None:
        if self.is_down:
            raise NotConnected
        with self._lock:
            self.sent.append(intent.pk)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.lasts)
        with self._lock:
            self.at_once -= 1

    def look(self, gateway: Gateway, intent: Intent) -> bool:
        return intent.pk in self.sent

    def shows(self, order: Order) -> bool:
        return True

    def may_go(self, intent: Intent, order: Order, now: datetime) -> bool:
        return True


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    """Two kinds that share one stage, "one" and "two"."""
    kind = Rehearsal()
    register("one", kind)
    register("two", kind)
    yield kind
    del KINDS["one"], KINDS["two"]


@pytest.fixture
def account(ovh: Sandbox, db: None) -> Nichandle:
    return order_at(ovh).nichandle


def intend(order: Order, kind: str = "one", **fields: Any) -> Intent:
    return Intent.objects.create(kind=kind, nichandle=order.nichandle, order=order, **fields)


def states(*intents: Intent) -> list[str]:
    for intent in intents:
        intent.refresh_from_db()
    return [intent.state for intent in intents]


# --- One after the other ----------------------------------------------------------------------------------------------
@pytest.mark.django_db
class TestOrder:
    def test_the_older_goes_first_even_when_the_newer_is_due_longer(self, account, rehearsal):
        order = make_order(account)
        older, newer = intend(order), intend(order, "two", next_attempt_at=timezone.now() - timedelta(hours=1))
        relay.relay_due()
        assert rehearsal.sent == [older.pk, newer.pk]

    def test_a_newer_one_waits_while_nobody_knows_what_came_of_the_older(self, account, rehearsal):
        order = make_order(account)
        ahead = timezone.now() + timedelta(hours=1)
        older = intend(order, state=State.DOUBTFUL, attempts=1, attempted_at=timezone.now(), next_attempt_at=ahead)
        newer = intend(order, "two")
        assert relay.relay_due() == 0
        older.state, older.next_attempt_at = State.ACCEPTED, None
        older.save()
        assert relay.relay_due() >= 1
        assert states(newer) == [State.ACCEPTED]

    @pytest.mark.parametrize("state", [State.HELD, State.DEAD, State.REFUSED, State.CLOSED])
    def test_what_waits_for_a_person_or_is_over_blocks_nobody(self, account, rehearsal, state):
        order = make_order(account)
        intend(order, state=state, next_attempt_at=None)
        newer = intend(order, "two")
        relay.relay_due()
        assert states(newer) == [State.ACCEPTED]

    def test_a_withdrawal_waits_for_another_matter_of_its_order_and_for_no_other_orders(self, ovh, rehearsal):
        order, elsewhere = order_at(ovh), order_at(ovh)
        ahead = timezone.now() + timedelta(hours=1)
        intend(order, state=State.SENDING, attempts=1, attempted_at=timezone.now(), next_attempt_at=ahead)
        waits, goes = declare(order), declare(elsewhere)
        relay.relay_due()
        assert states(waits, goes) == [State.WAITING, State.ACCEPTED]


class Unordered(relay.Relay):
    """Whose turn it is, is not asked: the constraint alone is left. Two of these note at the same moment."""

    def __init__(self, meet: threading.Barrier) -> None:
        self.meet = meet

    def _its_turn(self, now: datetime) -> Q:
        return Q()

    def _note(self, intent: Intent) -> bool:
        self.meet.wait(10)
        return super()._note(intent)


def race(order: Order, rehearsal: Rehearsal) -> None:
    """Two workers, two intents of one order, noted at the same moment."""
    rehearsal.lasts = 0.3
    intend(order), intend(order, "two")
    meet = threading.Barrier(2)
    assert at_once(lambda: Unordered(meet).run(1), lambda: Unordered(meet).run(1)) == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_have_two_intents_of_an_order_under_way(ovh, account, rehearsal):
    for _ in range(4):
        order = make_order(account)
        intend(order), intend(order, "two")
        rehearsal.lasts = 0.1
        at_once(relay.relay_due, relay.relay_due)
        pass_time(minutes=5)
        relay.relay_due()
        assert {intent.state for intent in order.intents.all()} == {State.ACCEPTED}
    assert rehearsal.most_at_once == 1
    assert len(rehearsal.sent) == 8


@pytest.mark.django_db(transaction=True)
def test_the_constraint_holds_where_the_rule_was_passed_by(ovh, account, rehearsal):
    order = make_order(account)
    race(order, rehearsal)
    assert rehearsal.most_at_once == 1
    left = order.intents.get(state=State.WAITING)
    assert left.lease is None
    pass_time(minutes=1)
    relay.relay_due()
    assert states(left) == [State.ACCEPTED]


@pytest.mark.django_db(transaction=True)
def test_negative_control_without_rule_and_constraint_two_are_under_way(ovh, account, rehearsal):
    constraint = next(one for one in Intent._meta.constraints if one.name == "intent_is_one_under_way_per_order")
    with connection.schema_editor() as editor:
        editor.remove_constraint(Intent, constraint)
    try:
        race(make_order(account), rehearsal)
    finally:
        with connection.schema_editor() as editor:
            editor.add_constraint(Intent, constraint)
    assert rehearsal.most_at_once == 2


# --- Back off, give up ------------------------------------------------------------------------------------------------
def test_the_pause_doubles_and_is_bounded():
    pauses = [outcomes.back_off(failures).total_seconds() for failures in (1, 2, 3, 4, 5, 6, 7, 8, 1000)]
    wanted = [2, 4, 8, 16, 32, 64, 120, 120, 120]
    assert all(most * 0.9 <= pause <= most for pause, most in zip(pauses, wanted, strict=True)), pauses


@pytest.mark.django_db
def test_failures_are_counted_and_forgotten_at_the_first_success(account, rehearsal):
    intent = intend(make_order(account))
    rehearsal.is_down = True
    for _ in range(3):
        relay.relay_due()
        pass_time(minutes=3)
    intent.refresh_from_db()
    assert (intent.state, intent.failures, intent.attempts) == (State.WAITING, 3, 0)
    rehearsal.is_down = False
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.failures) == (State.ACCEPTED, 0)


@pytest.mark.django_db
def test_after_days_of_failures_a_person_is_asked_and_ovhclouds_return_sends_it_all_the_same(ovh, settings):
    order = order_at(ovh)
    intent = declare(order)
    Intent.objects.update(failures=outcomes.MOST_FAILURES - 1)
    working, settings.OVH_BASE_URL = settings.OVH_BASE_URL, "http://127.0.0.1:9/1.0"
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.why, intent.attempts, intent.next_attempt_at) == (State.DEAD, "too-long", 0, None)
    assert kinds(order)[-1] == "givenUp"
    settings.OVH_BASE_URL = working
    sync.check_orders([order.pk])
    assert states(intent) == [State.WAITING]
    relay.relay_due()
    assert states(intent) == [State.ACCEPTED]
    assert accepted(ovh, order) == calls(ovh, order) == 1


@pytest.mark.django_db
def test_a_doubtful_one_whose_order_ovhcloud_forgot_is_given_up(ovh):
    order = order_at(ovh)
    intent = declare(order)
    ovh.arm("status", path="/me/order/*/retraction", status=503, count=1)
    relay.relay_due()
    ovh.arm("status", path=f"/me/order/{order.order_id}/status", status=404)
    pass_time(seconds=6)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.why) == (State.DEAD, "not-found")
    assert order.events.latest("pk").after == "not-found"


@pytest.mark.django_db
def test_our_own_mistake_is_given_up_after_a_few_turns(account, rehearsal):
    class Stumbles(relay.Relay):
        def _look(self, intent: Intent, gateway: Gateway) -> None:
            raise ZeroDivisionError

    ahead = timezone.now() - timedelta(seconds=1)
    order = make_order(account)
    intent = intend(order, state=State.DOUBTFUL, attempts=1, attempted_at=ahead, next_attempt_at=ahead)
    for _ in range(MOST_STUMBLES):
        assert states(intent) == [State.DOUBTFUL]
        Stumbles().run(1)
        pass_time(minutes=3)
    intent.refresh_from_db()
    assert (intent.state, intent.why) == (State.DEAD, "stumbled")
    assert order.events.latest("pk").kind == OrderEvent.Kind.GIVEN_UP
    assert "ZeroDivisionError" in intent.message


@pytest.mark.django_db
def test_rung_again_it_is_looked_at_and_sent_once_more_at_most(ovh):
    order = order_at(ovh)
    intent = declare(order)
    ovh.arm("status", path="/me/order/*/retraction", status=503)
    for _ in range(8):
        relay.relay_due()
        pass_time(seconds=61)
    assert states(intent) == [State.DEAD]
    assert calls(ovh, order) == 2
    relay.ring_again(intent.pk)
    for _ in range(8):
        relay.relay_due()
        pass_time(seconds=61)
    assert states(intent) == [State.DEAD]
    assert calls(ovh, order) == 3
    ovh.disarm()
    relay.ring_again(intent.pk)
    relay.relay_due()
    assert states(intent) == [State.ACCEPTED]
    assert accepted(ovh, order) == 1


@pytest.mark.django_db
def test_rung_again_after_ovhcloud_took_it_nothing_is_sent(ovh):
    order = order_at(ovh)
    intent = declare(order)
    ovh.arm("accept_then_reset", path="/me/order/*/retraction", count=1)
    relay.relay_due()
    until_shown(ovh, order)
    Intent.objects.update(state=State.DEAD, why="unclear", attempts=2, next_attempt_at=None)
    relay.ring_again(intent.pk)
    relay.relay_due()
    assert states(intent) == [State.ACCEPTED]
    assert calls(ovh, order) == accepted(ovh, order) == 1


# --- Each lease with its negative control -----------------------------------------------------------------------------
@pytest.mark.django_db
def test_negative_control_a_worker_that_does_not_ask_for_its_lease_notes_and_calls(ovh):
    """test_a_worker_that_lost_its_lease_does_not_call, with the lease taken out of the note."""

    class Sleeps(relay.Relay):
        def _note(self, intent: Intent) -> bool:
            pass_time(seconds=46)
            Intent.objects.filter(pk=intent.pk).update(leased_until=timezone.now() + timedelta(minutes=1))
            return super()._note(intent)

    order = order_at(ovh)
    declare(order)
    Sleeps().run(1)
    assert calls(ovh, order) == 1


@pytest.mark.django_db
def test_negative_control_a_paused_worker_that_does_not_ask_again_calls_too_late(ovh):
    """test_a_worker_that_was_stopped_after_its_note_does_not_call_later, without the question."""

    class Paused(relay.Relay):
        def _note(self, intent: Intent) -> bool:
            noted = super()._note(intent)
            pass_time(seconds=61)
            relay.relay_due()
            return noted

    class Heedless(Paused):
        def _may_call(self, intent: Intent) -> bool:
            return True

    heeded, heedless = order_at(ovh), order_at(ovh)
    for worker, order, wanted in ((Paused, heeded, 1), (Heedless, heedless, 2)):
        declare(order)
        worker().run(1)
        assert calls(ovh, order) == wanted
        assert accepted(ovh, order) == 1
        Intent.objects.update(next_attempt_at=None)


@pytest.mark.django_db
@pytest.mark.parametrize("keeps_lease", [False, True])
def test_an_old_outcome_overwrites_a_newer_one_only_where_the_lease_is_not_asked_for(ovh, keeps_lease):
    class Sleeps(relay.Relay):
        def _call(self, intent: Intent, gateway: Gateway) -> None:
            try:
                super()._call(intent, gateway)
            finally:
                until_shown(ovh, intent.order)
                pass_time(seconds=46)
                relay.relay_due()
                if keeps_lease:  # the negative control: as if the others had never taken it
                    Intent.objects.filter(pk=intent.pk).update(lease=intent.lease)

    order = order_at(ovh)
    intent = declare(order)
    ovh.arm("accept_then_reset", path="/me/order/*/retraction", count=1)
    Sleeps().run(1)
    assert states(intent) == [State.DOUBTFUL if keeps_lease else State.ACCEPTED]


@pytest.mark.django_db
def test_a_killed_turn_leaves_its_lease_and_the_next_one_resumes_well_within_180_seconds(ovh):
    class Dies(relay.Relay):
        def _call(self, intent: Intent, gateway: Gateway) -> None:
            raise Killed

    order = order_at(ovh)
    intent = declare(order)
    with pytest.raises(Killed):
        Dies().run(1)
    waited = 0
    while states(intent) != [State.ACCEPTED]:
        assert waited < 180
        pass_time(seconds=5)
        waited += 5
        relay.relay_due()
    assert accepted(ovh, order) == 1


# --- What a kind may say, and an intent that has no order -------------------------------------------------------------
class Shopping(Rehearsal):
    """A kind whose intents have no order yet. `finds`: what a look finds; `against`: what it says before an attempt."""

    def __init__(self) -> None:
        super().__init__()
        self.finds: Any = None
        self.against: Exception | None = None
        self.told: list[Any] = []

    def before(self, gateway: Gateway, intent: Intent) -> None:
        if self.against is not None:
            raise self.against

    def send(self, gateway: Gateway, intent: Intent) -> int:
        super().send(gateway, intent)
        return 4711

    def look(self, gateway: Gateway, intent: Intent) -> Any:
        if isinstance(self.finds, Exception):
            raise self.finds
        return self.finds

    def accepted(self, intent: Intent, outcome: Any) -> None:
        assert connection.in_atomic_block
        assert Intent.objects.get(pk=intent.pk).state == State.ACCEPTED
        self.told.append(("accepted", outcome))

    def refused(self, intent: Intent) -> None:
        self.told.append(("refused", intent.state))


@pytest.fixture
def shopping() -> Iterator[Shopping]:
    kind = Shopping()
    register("one", kind)
    yield kind
    del KINDS["one"]


def wish(account: Nichandle, **fields: Any) -> Intent:
    return Intent.objects.create(kind="one", nichandle=account, **fields)


def in_doubt(account: Nichandle, **fields: Any) -> Intent:
    since = timezone.now() - timedelta(seconds=6)
    return wish(account, state=State.DOUBTFUL, attempts=1, attempted_at=since, next_attempt_at=since, **fields)


@pytest.mark.django_db
class TestWithoutAnOrder:
    def test_it_waits_for_no_other_and_its_kind_hears_what_came_of_it(self, account, shopping):
        in_doubt(account, leased_until=timezone.now() + timedelta(minutes=1))
        intent = wish(account)
        relay.relay_due()
        assert states(intent) == [State.ACCEPTED]
        assert (intent.next_attempt_at, intent.lease) == (None, None)
        assert shopping.told == [("accepted", 4711)]
        assert not OrderEvent.objects.exclude(kind="found").exists()

    def test_a_look_that_finds_it_tells_what_it_found(self, account, shopping):
        shopping.finds = 4712
        intent = in_doubt(account)
        relay.relay_due()
        assert states(intent) == [State.ACCEPTED]
        assert (shopping.told, shopping.sent) == ([("accepted", 4712)], [])

    def test_what_only_a_person_can_tell_is_given_up_with_what_is_known(self, account, shopping):
        shopping.finds = relay.Unclear("two orders look like it")
        intent = in_doubt(account)
        relay.relay_due()
        assert states(intent) == [State.DEAD]
        assert (intent.why, intent.message, shopping.told) == ("unclear", "two orders look like it", [])

    def test_staff_ring_it_again_and_close_it(self, account, shopping):
        shopping.finds = relay.Unclear("two orders look like it")
        intent = in_doubt(account)
        relay.relay_due()
        relay.ring_again(intent.pk)
        assert states(intent) == [State.DOUBTFUL]
        relay.relay_due()
        assert states(relay.close(intent.pk, "nothing was ordered")) == [State.CLOSED]

    def test_what_was_never_sent_can_be_ended(self, account, shopping):
        intent = wish(account)
        assert relay.end_unsent(intent.pk, "changed my mind")
        assert relay.relay_due() == 0
        assert shopping.sent == []

    def test_it_waits_for_a_key_of_its_account(self, account, shopping):
        Link.objects.update(state=Link.State.REVOKED)
        intent = wish(account)
        relay.relay_due()
        assert (states(intent), intent.why) == ([State.HELD], "key")
        Link.objects.update(state=Link.State.VALID)
        assert relay.release_waiting_for_key(account) == 1
        relay.relay_due()
        assert states(intent) == [State.ACCEPTED]


@pytest.mark.django_db
class TestBefore:
    def test_what_became_needless_is_never_sent(self, account, shopping):
        shopping.against = relay.Needless("elsewhere")
        order = make_order(account)
        intent = intend(order)
        relay.relay_due()
        assert states(intent) == [State.NEEDLESS]
        assert (intent.why, intent.attempts, intent.next_attempt_at) == ("elsewhere", 0, None)
        assert (shopping.sent, shopping.told) == ([], [("refused", State.NEEDLESS)])
        assert kinds(order) == ["needless"]
        assert intend(order).state == State.WAITING, "the same may be asked for again"

    def test_a_question_that_is_not_answered_counts_no_attempt(self, account, shopping):
        shopping.against = AnswerLost("nothing")
        intent = intend(make_order(account))
        relay.relay_due()
        assert states(intent) == [State.WAITING]
        assert (intent.attempts, intent.failures, shopping.sent) == (0, 1, [])
        shopping.against = None
        pass_time(minutes=3)
        relay.relay_due()
        assert states(intent) == [State.ACCEPTED]


@pytest.mark.django_db
def test_a_hook_that_falls_over_leaves_nothing_half_written(account, shopping):
    """The outcome is found again by a look, and told again."""

    def falls_over(intent: Intent, outcome: Any) -> None:
        raise ZeroDivisionError

    intent = intend(make_order(account))
    shopping.accepted = falls_over
    relay.relay_due()
    assert states(intent) == [State.SENDING]
    del shopping.accepted
    shopping.finds = 4713
    pass_time(seconds=46)
    relay.relay_due()
    assert states(intent) == [State.ACCEPTED]
    assert (len(shopping.sent), shopping.told) == (1, [("accepted", 4713)])


@pytest.mark.django_db
def test_a_second_attempts_refusal_is_no_end_while_nobody_can_look(ovh):
    """The first may have been taken: it is looked at until OVHcloud answers, and then a person decides."""
    order = order_at(ovh)
    intent = declare(order)
    ovh.arm("status", path="/me/order/*/retraction", status=503, count=1)
    relay.relay_due()
    ovh.arm("status", path="/me/order/*/retraction", status=403, count=1)
    pass_time(seconds=61)

    class Blind(relay.Relay):
        def _call(self, intent: Intent, gateway: Gateway) -> Any:
            ovh.arm("status", path="/me/order/*/status", status=503)
            return super()._call(intent, gateway)

    Blind().run(1)
    assert states(intent) == [State.DOUBTFUL]
    ovh.disarm()
    pass_time(seconds=61)
    relay.relay_due()
    assert states(intent) == [State.DEAD]
    assert (intent.why, calls(ovh, order)) == ("unclear", 2)
