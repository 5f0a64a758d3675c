"""Each answer of OVHcloud, and each silence, to the one call of a withdrawal: what it comes to, and how many calls."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.models import Link
from accounts.ovh import gateway_for
from accounts.signals import key_granted
from orders import relay, sync
from orders.models import Intent, Order, OrderEvent
from orders.retraction.declaration import retract_order
from tests.factories import make_customer, make_order
from tests.sandboxes import Sandbox
from tests.world import forget_trouble

pytestmark = pytest.mark.django_db

State = Intent.State


@pytest.fixture
def order(ovh: Sandbox) -> Order:
    """A delivered order inside its window, at the sandbox and in our rows, of an account whose key works."""
    return order_at(ovh)


def order_at(ovh: Sandbox, **wanted: Any) -> Order:
    who = ovh.anna
    link = Link.objects.filter(nichandle__nichandle=who["nichandle"]).first()
    if link is None:
        link = Link.objects.get(user=make_customer(nichandle=who["nichandle"]))
        link.keep_key(who["consumer_key"])
        link.save()
    number = ovh.make_order(who, **{"status": "delivered", "price": "24.00", "products": ["VPS"]} | wanted)
    order = make_order(link.nichandle, number, price="24.00", retraction_date=timezone.now() + timedelta(days=10))
    return order


def declare(order: Order) -> Intent:
    return retract_order(order, email="anna@example.com", language="en", request=None).retraction.intent


def pass_time(**span: float) -> None:
    """As if so much time had gone by for every intent under way; leases run out, looks and retries fall due."""
    gone = timedelta(**span)
    Intent.objects.filter(next_attempt_at__isnull=False).update(
        attempted_at=F("attempted_at") - gone,
        next_attempt_at=F("next_attempt_at") - gone,
        leased_until=F("leased_until") - gone,
        settled_at=F("settled_at") - gone,
        created_at=F("created_at") - gone,
    )
    forget_trouble()


def calls(ovh: Sandbox, order: Order, method: str = "POST", route: str = "retraction") -> int:
    path = f"/1.0/me/order/{order.order_id}/{route}"
    return sum(call["path"] == path and call["method"] == method for call in ovh.requests())


def accepted(ovh: Sandbox, order: Order) -> int:
    return ovh.events(order.order_id).count("retraction_accepted")


def kinds(order: Order) -> list[str]:
    return list(order.events.order_by("pk").values_list("kind", flat=True))


def until_shown(ovh: Sandbox, order: Order) -> None:
    """OVHcloud shows a retraction that it took within 2 s."""
    ovh.wait_until(lambda: "cancelling" in ovh.events(order.order_id), within_s=5)


# --- Answers ----------------------------------------------------------------------------------------------------------
def test_accepted(ovh, order):
    intent = declare(order)
    assert relay.relay_due() == 1
    intent.refresh_from_db()
    assert (intent.state, intent.attempts, intent.lease) == (State.ACCEPTED, 1, None)
    assert intent.settled_at is not None
    assert kinds(order) == ["declared", "sent", "accepted"]
    assert accepted(ovh, order) == calls(ovh, order) == 1
    order.refresh_from_db()
    assert order.next_poll_at <= timezone.now()


def test_accepted_is_asked_about_until_the_status_shows_it(ovh, order):
    intent = declare(order)
    relay.relay_due()
    Order.objects.update(next_poll_at=None)
    pass_time(seconds=5)
    assert relay.relay_due() == 1
    order.refresh_from_db()
    assert order.next_poll_at is not None
    until_shown(ovh, order)
    sync.check_orders([order.pk])
    pass_time(seconds=30)
    assert relay.relay_due() == 1
    intent.refresh_from_db()
    assert (intent.state, intent.next_attempt_at) == (State.ACCEPTED, None)
    assert calls(ovh, order) == 1


def test_nothing_of_the_customer_goes_along(ovh, order):
    declare(order)
    relay.relay_due()
    told = next(line for line in ovh.ledger(order.order_id) if line["event"] == "retraction_accepted")
    assert told["reason"] == "other"
    assert not told.get("comment")


def test_refused_keeps_ovhclouds_words_and_is_not_sent_again(ovh, order):
    ovh.change_order(order.order_id, retractionDate=None)
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.next_attempt_at) == (State.REFUSED, None)
    assert "not eligible" in intent.message
    assert intent.query_id
    assert kinds(order) == ["declared", "sent", "refused"]
    pass_time(days=1)
    assert relay.relay_due() == 0
    assert calls(ovh, order) == 1


def test_asked_elsewhere_before_is_ovhclouds_refusal_on_a_first_attempt(ovh, order):
    """Only after a doubtful attempt of ours do the words tell that ours was taken."""
    first = declare(order)
    relay.relay_due()
    first.refresh_from_db()
    Intent.objects.update(state=State.REFUSED)
    retract_order(order, email="a@example.com", language="en", request=None, after=first.retractions.get().reference)
    relay.relay_due()
    second = Intent.objects.latest("pk")
    assert second.state == State.REFUSED
    assert "already" in second.message
    assert accepted(ovh, order) == 1


# --- It did not happen ------------------------------------------------------------------------------------------------
def test_no_connection_is_tried_again_and_counts_no_attempt(ovh, order, settings):
    intent = declare(order)
    working = settings.OVH_BASE_URL
    settings.OVH_BASE_URL = "http://127.0.0.1:9/1.0"
    for _ in range(4):
        relay.relay_due()
        pass_time(minutes=3)
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.WAITING, 0)
    assert kinds(order) == ["declared"], "nothing was sent, and the page does not say so"
    settings.OVH_BASE_URL = working
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.ACCEPTED, 1)
    assert accepted(ovh, order) == calls(ovh, order) == 1


def test_too_many_calls_waits_as_long_as_ovhcloud_says(ovh, order):
    ovh.arm("status", path="/me/order/*/retraction", status=429, retry_after=40, count=1)
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.WAITING, 0)
    wait = intent.next_attempt_at - timezone.now()
    assert timedelta(seconds=30) < wait <= timedelta(seconds=40)
    pass_time(seconds=41)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED


def test_without_a_key_it_waits_for_the_next_sign_in(ovh, order):
    Link.objects.update(state=Link.State.REVOKED)
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.why, intent.attempts) == (State.HELD, "key", 0)
    assert calls(ovh, order) == 0
    Link.objects.update(state=Link.State.VALID)
    key_granted.send(sender=type(order.nichandle), nichandle=order.nichandle)
    intent.refresh_from_db()
    assert (intent.state, intent.why) == (State.WAITING, "")
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED


def test_a_key_that_ovhcloud_no_longer_takes_is_noted(ovh, order):
    link = Link.objects.get()
    link.keep_key("a key that nobody gave")
    link.renewed_at = timezone.now() - timedelta(days=1)
    link.save()
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    link.refresh_from_db()
    assert (intent.state, intent.why, intent.attempts) == (State.HELD, "key", 0)
    assert link.state == Link.State.REVOKED


def test_a_key_that_cannot_be_read_holds_up_nobody_else(ovh, order):
    Link.objects.update(encrypted_key="not what we wrote")
    intent = declare(order)
    assert relay.relay_due() == 1
    intent.refresh_from_db()
    assert (intent.state, intent.why) == (State.HELD, "key")


def test_the_panels_own_key_refused_is_tried_again(ovh, order, settings):
    settings.OVH_APPLICATION_KEY = "0000000000000000"
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.WAITING, 0)


# --- Doubtful ---------------------------------------------------------------------------------------------------------
def test_an_answer_lost_after_ovhcloud_accepted(ovh, order):
    ovh.arm("accept_then_reset", path="/me/order/*/retraction", count=1)
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.DOUBTFUL, 1)
    assert relay.relay_due() == 0, "the first look is 5 s after the attempt"
    until_shown(ovh, order)
    pass_time(seconds=5)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED
    assert accepted(ovh, order) == calls(ovh, order) == 1
    assert kinds(order) == ["declared", "sent", "doubtful", "accepted"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "count": 1},
        {"kind": "html", "count": 1},
        {"kind": "reset", "count": 1},
        # Closed unanswered when its second is over; a longer silence ends by our own time-out, in the same way.
        {"kind": "hang", "seconds": 1},
    ],
    ids=lambda fault: fault["kind"],
)
def test_what_ovhcloud_did_not_do_is_sent_once_more_and_not_before_a_minute(ovh, order, fault):
    ovh.arm(path="/me/order/*/retraction", **fault)
    intent = declare(order)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.DOUBTFUL
    for looks, seconds in ((1, 5), (2, 25)):
        pass_time(seconds=seconds)
        assert relay.relay_due() == 1
        intent.refresh_from_db()
        assert (intent.state, intent.looks) == (State.DOUBTFUL, looks)
        assert calls(ovh, order) == 1
    pass_time(seconds=30)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.ACCEPTED, 2)
    assert calls(ovh, order) == 2
    assert accepted(ovh, order) == 1


def test_a_look_that_comes_late_may_send_at_once(ovh, order):
    ovh.arm("status", path="/me/order/*/retraction", status=503, count=1)
    intent = declare(order)
    relay.relay_due()
    pass_time(minutes=10)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.ACCEPTED, 2)


def test_asked_before_counts_as_accepted_on_a_second_attempt(ovh, order):
    """OVHcloud took the first and is slow to show it: its refusal of the second tells."""
    # OVHcloud's clock is put back after it took the retraction, so its status moves an hour later.
    ovh.clock(3600)
    gateway_for(order.nichandle).time()
    ovh.arm("accept_then_reset", path="/me/order/*/retraction", count=1)
    intent = declare(order)
    relay.relay_due()
    ovh.clock(0)
    pass_time(seconds=61)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.ACCEPTED, 2)
    assert "already" in intent.message
    assert calls(ovh, order) == 2
    assert accepted(ovh, order) == 1


def test_doubtful_twice_is_for_a_person(ovh, order):
    ovh.arm("status", path="/me/order/*/retraction", status=503)
    intent = declare(order)
    for _ in range(8):
        relay.relay_due()
        pass_time(seconds=61)
    intent.refresh_from_db()
    assert (intent.state, intent.why, intent.next_attempt_at) == (State.DEAD, "unclear", None)
    assert calls(ovh, order) == 2


def test_no_look_no_second_call_while_ovhcloud_is_silent(ovh, order):
    ovh.arm("status", path="/me/order/*", status=503)
    intent = declare(order)
    for _ in range(6):
        relay.relay_due()
        pass_time(minutes=3)
    intent.refresh_from_db()
    assert intent.state == State.DOUBTFUL
    assert calls(ovh, order) == 1
    ovh.disarm()
    pass_time(minutes=3)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED
    assert accepted(ovh, order) == 1


def test_what_was_unclear_is_settled_by_a_later_check(ovh, order):
    intent = declare(order)
    Intent.objects.update(state=State.DEAD, why="unclear", attempts=2, next_attempt_at=None)
    ovh.change_order(order.order_id, status="cancelled")
    sync.check_orders([order.pk])
    intent.refresh_from_db()
    assert (intent.state, intent.why) == (State.ACCEPTED, "")


def test_a_doubtful_one_that_waited_for_a_key_is_looked_at_first(ovh, order):
    intent = declare(order)
    Intent.objects.update(
        state=State.HELD,
        why="key",
        attempts=1,
        attempted_at=timezone.now() - timedelta(seconds=10),
        next_attempt_at=None,
    )
    assert relay.release_waiting_for_key(order.nichandle) == 1
    intent.refresh_from_db()
    assert intent.state == State.DOUBTFUL
    relay.relay_due()
    assert calls(ovh, order) == 0


# --- A worker that dies -----------------------------------------------------------------------------------------------
class Killed(BaseException):
    """The worker is gone; nothing of it runs any more."""


class DiesBeforeTheCall(relay.Relay):
    def _call(self, intent, gateway):
        raise Killed


class DiesAfterTheCall(relay.Relay):
    def _call(self, intent, gateway):
        super()._call(intent, gateway)
        raise Killed


class DiesAfterTheCallHavingNotedNothing(DiesAfterTheCall):
    """The negative control: without the note nobody knows that there is something to look at."""

    def _note(self, intent):
        return True


def test_killed_between_note_and_call(ovh, order):
    intent = declare(order)
    with pytest.raises(Killed):
        DiesBeforeTheCall().run()
    assert relay.relay_due() == 0, "the lease still stands"
    pass_time(seconds=46)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.DOUBTFUL
    pass_time(seconds=15)
    relay.relay_due()
    intent.refresh_from_db()
    assert (intent.state, intent.attempts) == (State.ACCEPTED, 2)
    assert accepted(ovh, order) == calls(ovh, order) == 1


def test_killed_between_answer_and_outcome(ovh, order):
    intent = declare(order)
    with pytest.raises(Killed):
        DiesAfterTheCall().run()
    until_shown(ovh, order)
    pass_time(seconds=46)
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED
    assert accepted(ovh, order) == calls(ovh, order) == 1


def test_negative_control_without_the_note_it_is_sent_twice(ovh, order):
    declare(order)
    with pytest.raises(Killed):
        DiesAfterTheCallHavingNotedNothing().run()
    until_shown(ovh, order)
    pass_time(seconds=46)
    relay.relay_due()
    assert calls(ovh, order) == 2


def test_an_outcome_after_the_lease_has_ended_is_not_written(ovh, order):
    """A worker that slept through its lease: the other one, which looked, is right."""

    class Sleeps(relay.Relay):
        def _call(self, intent, gateway):
            super()._call(intent, gateway)
            until_shown(ovh, order)
            pass_time(seconds=46)
            relay.relay_due()

    intent = declare(order)
    Sleeps().run()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED
    assert kinds(order).count("accepted") == 1


def test_a_worker_that_lost_its_lease_does_not_call(ovh, order):
    class Sleeps(relay.Relay):
        def _note(self, intent):
            pass_time(seconds=46)
            return super()._note(intent)

    declare(order)
    Sleeps().run(1)
    assert calls(ovh, order) == 0


def test_a_worker_that_was_stopped_after_its_note_does_not_call_later(ovh, order):
    """A paused machine wakes up: others looked meanwhile, and a call now would come after their look."""

    class Paused(relay.Relay):
        def _note(self, intent):
            noted = super()._note(intent)
            pass_time(seconds=61)
            return noted

    intent = declare(order)
    Paused().run(1)
    assert calls(ovh, order) == 0
    relay.relay_due()
    intent.refresh_from_db()
    assert intent.state == State.ACCEPTED
    assert calls(ovh, order) == 1


# --- Held, and released by itself -------------------------------------------------------------------------------------
def test_a_declaration_where_ovhcloud_saw_no_right_is_sent_once_it_does(ovh, order):
    Order.objects.update(retraction_date=None)
    order.refresh_from_db()
    intent = declare(order)
    assert intent.state == State.HELD
    assert relay.relay_due() == 0
    # The next check finds the date that the sandbox has had all the time.
    Order.objects.update(status_checked_at=None)
    sync.check_orders([order.pk])
    intent.refresh_from_db()
    assert intent.state == State.WAITING
    relay.relay_due()
    assert accepted(ovh, order) == 1


def test_a_late_one_stays_held_while_checks_say_it_is_over(ovh):
    placed = timezone.now() - timedelta(days=60)
    order = order_at(ovh, date=placed.isoformat())
    Order.objects.update(date=placed, retraction_date=placed + timedelta(days=14), status_checked_at=None)
    order.refresh_from_db()
    intent = declare(order)
    assert (intent.state, intent.why) == (State.HELD, "late")
    sync.check_orders([order.pk])
    intent.refresh_from_db()
    assert intent.state == State.HELD
    assert calls(ovh, order) == 0


def test_one_bad_intent_does_not_stop_the_others(ovh, order):
    class Stumbles(relay.Relay):
        def _call(self, intent, gateway):
            if intent.order_id == order.pk:
                raise ValueError("something nobody thought of")
            super()._call(intent, gateway)

    declare(order)
    other = declare(order_at(ovh))
    assert Stumbles().run() == 2
    other.refresh_from_db()
    assert other.state == State.ACCEPTED
    assert Intent.objects.get(order=order).state == State.SENDING


def test_every_step_left_its_event(ovh, order):
    declare(order)
    relay.relay_due()
    sent = order.events.get(kind=OrderEvent.Kind.SENT)
    assert sent.source == "POST /me/order/{orderId}/retraction"
