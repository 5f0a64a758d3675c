"""What waits for a person: let go by itself when something changed, or by staff, who ring it again or close it."""

from collections.abc import Callable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Nichandle
from orders.models import Intent, Order, OrderEvent
from orders.relay.kinds import kind_of
from orders.relay.outcomes import settle, tell

State = Intent.State
Event = OrderEvent.Kind

# What staff may take up: not what waits for the customer's own sign-in.
FOR_STAFF = (State.DEAD, State.HELD)


class NotNow(Exception):
    """It is no longer waiting for a person, or another intent of its order is under way."""


@transaction.atomic
def release_held(order: Order) -> bool:
    """
    OVHcloud was just asked about this order: send what was held if it is open now, and settle what its status shows.

    order: saved and locked by the caller, with its nichandle. Returns whether something is to be sent.
    """
    waiting = Intent.objects.select_for_update().filter(order=order, state__in=FOR_STAFF).exclude(why="key")
    released = [_release_or_settle(intent, order) for intent in waiting.order_by("pk")]
    return any(released)


def _release_or_settle(intent: Intent, order: Order) -> bool:
    kind = kind_of(intent)
    if intent.attempts:
        if kind.shows(order):
            intent.state, intent.why, intent.settled_at = State.ACCEPTED, "", timezone.now()
            intent.save(update_fields=["state", "why", "settled_at"])
            tell(intent, Event.ACCEPTED)
            kind.accepted(intent, True)
        return False
    # What never reached OVHcloud in days goes on as soon as OVHcloud answers again.
    if intent.why != "too-long" and not (intent.state == State.HELD and kind.may_go(intent, order, timezone.now())):
        return False
    return _release(intent)


@transaction.atomic
def release_waiting_for_key(nichandle: Nichandle) -> int:
    """A key was granted for this account: go on with what waited for one. Returns how many."""
    waiting = Intent.objects.select_for_update(of=("self",)).filter(nichandle=nichandle)
    return sum(_release(intent) for intent in list(waiting.filter(state=State.HELD, why="key").order_by("pk")))


@transaction.atomic
def ring_again(intent_pk: int) -> Intent:
    """
    Staff have the customer's own intent taken up once more: what may have reached OVHcloud is looked at before it is
    sent, and then one more attempt is allowed.

    Raises:
        NotNow: see there.
    """
    intent = _for_staff(intent_pk)
    tell(intent, Event.RUNG, note="")
    if not _release(intent):
        raise NotNow
    return intent


@transaction.atomic
def close(intent_pk: int, note: str) -> Intent:
    """
    Staff end it: it is not sent any more. The customer reads the note, and may ask for the same again.

    Raises:
        NotNow: see there.
    """
    intent = _for_staff(intent_pk)
    intent.state, intent.note, intent.settled_at, intent.next_attempt_at = State.CLOSED, note, timezone.now(), None
    intent.save(update_fields=["state", "note", "settled_at", "next_attempt_at"])
    tell(intent, Event.CLOSED, note=note)
    return intent


@transaction.atomic
def accept(intent_pk: int, outcome_of: Callable[[Intent], Any]) -> Intent:
    """
    Staff say what came of it: it was done, though its answer was lost. What follows is what follows any acceptance.

    outcome_of: told the locked intent, gives what its kind's `accepted` takes; what it raises ends this, unwritten.

    Raises:
        NotNow: its answer is not lost, or a worker looks this moment.
    """
    Order.objects.select_for_update(of=("self",)).filter(intents=intent_pk).first()
    lost = Intent.objects.filter(pk=intent_pk, attempts__gt=0, state__in=(State.DOUBTFUL, State.DEAD))
    intent = lost.select_for_update(of=("self",)).select_related("nichandle").first()
    if intent is None or (intent.leased_until is not None and intent.leased_until > timezone.now()):
        raise NotNow
    outcome = outcome_of(intent)
    settle(intent, Event.ACCEPTED, state=State.ACCEPTED, why="", outcome=outcome)
    return intent


@transaction.atomic
def end_unsent(intent_pk: int, note: str) -> bool:
    """
    End an intent of which OVHcloud has heard nothing, also one that a worker has in hand: without its lease it cannot
    note an attempt, and without that it makes no call. False: OVHcloud may know of it.
    """
    # The order first, as everybody does.
    Order.objects.select_for_update(of=("self",)).filter(intents=intent_pk).first()
    unsent = Intent.objects.select_for_update().filter(pk=intent_pk, attempts=0, state__in=(State.WAITING, *FOR_STAFF))
    intent = unsent.first()
    if intent is None:
        return False
    intent.state, intent.note, intent.settled_at, intent.next_attempt_at = State.CLOSED, note, timezone.now(), None
    intent.lease = intent.leased_until = None
    intent.save(update_fields=["state", "note", "settled_at", "next_attempt_at", "lease", "leased_until"])
    tell(intent, Event.CLOSED, note=note)
    return True


def _for_staff(intent_pk: int) -> Intent:
    # The order first, as everybody does.
    order = Order.objects.select_for_update(of=("self",)).filter(intents=intent_pk).first()
    intent = Intent.objects.select_for_update().filter(pk=intent_pk, order=order, state__in=FOR_STAFF).first()
    if intent is None or intent.why == "key":
        raise NotNow
    return intent


def _release(intent: Intent) -> bool:
    """Back to where it stood. False: another intent of its order may be at OVHcloud now, so it stays."""
    values: dict[str, Any] = {"state": State.DOUBTFUL if intent.attempts else State.WAITING, "why": "", "failures": 0}
    values["next_attempt_at"] = timezone.now()
    if intent.attempts:
        # The attempts so far are one doubt; the look that comes now decides whether it is sent once more.
        values["attempts"] = 1
    try:
        with transaction.atomic():
            Intent.objects.filter(pk=intent.pk).update(**values)
    except IntegrityError:
        return False
    for name, value in values.items():
        setattr(intent, name, value)
    return True
