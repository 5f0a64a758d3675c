"""
Carries intents to OVHcloud: each at most once, however often this runs, in how many workers, and wherever one dies.

    claim    take the row for LEASE (SKIP LOCKED); only the holder of the lease writes what comes of it
    note     write down and commit that an attempt is made, before the call
    call     15 s at most
    settle   write the outcome, if the lease still stands

After the note nobody knows whether the call was made until an outcome is written. So a claim that finds an attempt
without an outcome (the answer was lost, or the worker) looks before it sends: `_look` is the one place for that. It
reads the order's status 5, 30 and 60 s after the attempt; a look that finds nothing done at least 60 s after it sends
once more, and after that a person decides.

A kind of intent is a line in `KINDS`: how to send, what shows that it was done, and which refusal tells the same.
"""

import logging
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.actions import note_revoked
from accounts.crypto import KeyUnreadable
from accounts.models import Nichandle
from accounts.ovh import NoKey, gateway_for
from gateway import (
    CredentialRevoked,
    Gateway,
    NotAdmitted,
    NotConnected,
    NotFound,
    NotGranted,
    OvhError,
    OvhRefused,
    OvhUnavailable,
    RateLimited,
)
from orders.models import Intent, Order, OrderEvent, Status
from orders.retraction.eligibility import Reason, eligibility

log = logging.getLogger(__name__)

State = Intent.State
Event = OrderEvent.Kind

# A call ends after 15 s; a worker that has not written by now is taken for dead.
LEASE = timedelta(seconds=45)
CALL_ENDS_WITHIN = timedelta(seconds=20)
# When to look after an attempt whose answer was lost. Only a look at least as late as the last may send again.
LOOKS = (timedelta(seconds=5), timedelta(seconds=30), timedelta(seconds=60))
# Attempts that may have reached OVHcloud; what is unclear after them is for a person.
MOST_ATTEMPTS = 2
# What did not happen is tried again after a quarter of the time that has gone by, within these.
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=2), timedelta(minutes=2)
# OVHcloud took it; its order is asked about until it shows that, for so long.
SHOWS_WITHIN = timedelta(days=1)
# A task's turn: it begins no other intent after so many seconds, to stay below its own time limit.
TURN_SECONDS = 25


@dataclass(frozen=True)
class Kind:
    """
    What a kind of intent means at OVHcloud.

    send: makes the one call. done: whether an order's status shows that it was done. asked_before: words of a refusal
    that tell the same.
    """

    send: Callable[[Gateway, Order], None]
    done: Callable[[str], bool]
    asked_before: re.Pattern[str]


KINDS = {
    Intent.Kind.RETRACTION: Kind(
        send=lambda gateway, order: gateway.retract_order(order.order_id, reason="other"),
        done=lambda status: status in (Status.CANCELLING, Status.CANCELLED),
        asked_before=re.compile(r"already|d[ée]j[àa]", re.IGNORECASE),
    )
}


def relay_due(limit: int = 20) -> int:
    """Carry what is due, one after the other. Returns how many intents were taken up."""
    return Relay().run(limit)


class Relay:
    """One worker's turn. Its steps are methods, so that a test can stop a worker between any two of them."""

    def run(self, limit: int = 20) -> int:
        begun = time.monotonic()
        for taken in range(limit):
            intent = self._claim() if time.monotonic() - begun < TURN_SECONDS else None
            if intent is None:
                return taken
            try:
                self._carry(intent)
            except Exception:
                # Its lease runs out and somebody looks; the others must not wait for that.
                log.exception("an intent could not be carried")
        return limit

    def _claim(self) -> Intent | None:
        """Take the intent that has waited longest, with a lease on it; None when nothing is due."""
        now = timezone.now()
        with transaction.atomic():
            due = Intent.objects.filter(next_attempt_at__lte=now).filter(
                Q(leased_until=None) | Q(leased_until__lte=now)
            )
            due = due.order_by("next_attempt_at").select_for_update(skip_locked=True, of=("self",))
            intent = due.select_related("order__nichandle").first()
            if intent is not None:
                intent.lease, intent.leased_until = uuid.uuid4(), now + LEASE
                intent.save(update_fields=["lease", "leased_until"])
        return intent

    def _carry(self, intent: Intent) -> None:
        if intent.state == State.ACCEPTED:
            _ask_until_it_shows(intent)
            return
        try:
            gateway = gateway_for(intent.order.nichandle)
        except (NoKey, KeyUnreadable):
            _hold(intent, "key")
            return
        if intent.state == State.WAITING:
            self._send(intent, gateway)
            return
        if intent.state == State.SENDING:
            # Whoever noted this attempt has not told its outcome and will not.
            _settle(intent, Event.DOUBTFUL, state=State.DOUBTFUL, keep_lease=True)
        self._look(intent, gateway)

    def _send(self, intent: Intent, gateway: Gateway) -> None:
        """Note the attempt, make the call, write what came of it."""
        if not self._note(intent) or not self._may_call(intent):
            return
        asked_at = timezone.now()
        try:
            self._call(intent, gateway)
        except NotConnected as error:
            _did_not_happen(intent, error)
        except RateLimited as error:
            _did_not_happen(intent, error, pause=timedelta(seconds=max(error.retry_after, 1)))
        except (CredentialRevoked, NotGranted) as error:
            if isinstance(error, CredentialRevoked):
                note_revoked(intent.order.nichandle, asked_at)
            _did_not_happen(intent, error, hold=True)
        except NotAdmitted as error:
            # The panel's own key or clock: the operator's trouble, and it passes.
            log.error("OVHcloud does not admit the panel: %s", type(error).__name__)
            _did_not_happen(intent, error)
        except OvhRefused as error:
            _refused(intent, gateway, error)
        except OvhUnavailable as error:
            _settle(intent, Event.DOUBTFUL, error, state=State.DOUBTFUL, next_attempt_at=_next_look(intent, 0))
        else:
            _settle(intent, Event.ACCEPTED, state=State.ACCEPTED)

    def _note(self, intent: Intent) -> bool:
        """
        Commit that an attempt is made. False: the lease is no longer ours, so the call must not be made.

        durable: inside somebody else's transaction the note would not be there when it is needed.
        """
        now = timezone.now()
        values = {"state": State.SENDING, "attempts": intent.attempts + 1, "attempted_at": now, "looks": 0}
        values |= {"leased_until": now + LEASE, "next_attempt_at": now + LEASE}
        with transaction.atomic(durable=True):
            mine = Intent.objects.filter(pk=intent.pk, lease=intent.lease, leased_until__gt=now)
            if not mine.update(**values):
                return False
            OrderEvent.objects.create(order=intent.order, kind=Event.SENT, source=_route(intent))
        _copy(intent, values)
        return True

    def _may_call(self, intent: Intent) -> bool:
        """
        Whether the lease lasts longer than a call. A worker that was stopped after its note (a paused machine) comes
        back when others may have looked already, and its call would come after their look.
        """
        enough = timezone.now() + CALL_ENDS_WITHIN
        return Intent.objects.filter(pk=intent.pk, lease=intent.lease, leased_until__gt=enough).exists()

    def _call(self, intent: Intent, gateway: Gateway) -> None:
        KINDS[Intent.Kind(intent.kind)].send(gateway, intent.order)

    def _look(self, intent: Intent, gateway: Gateway) -> None:
        """An attempt was made and nobody knows what came of it: read the status before anything else."""
        assert intent.attempted_at is not None  # noqa: S101  (it is noted before every call)
        asked_at = timezone.now()
        age = asked_at - intent.attempted_at
        try:
            status = gateway.order_status(intent.order.order_id)
        except (CredentialRevoked, NotGranted) as error:
            if isinstance(error, CredentialRevoked):
                note_revoked(intent.order.nichandle, asked_at)
            _hold(intent, "key", error)
        except NotFound as error:
            _hold(intent, "unclear", error)
        except OvhError as error:
            _settle(intent, None, error, next_attempt_at=timezone.now() + _pause(age))
        else:
            if KINDS[Intent.Kind(intent.kind)].done(status):
                _settle(intent, Event.ACCEPTED, state=State.ACCEPTED)
            elif age < LOOKS[-1]:
                _settle(intent, looks=intent.looks + 1, next_attempt_at=_next_look(intent, intent.looks + 1))
            elif intent.attempts < MOST_ATTEMPTS:
                self._send(intent, gateway)
            else:
                _hold(intent, "unclear")


def _refused(intent: Intent, gateway: Gateway, error: OvhRefused) -> None:
    """OVHcloud's answer. On a second attempt "already asked" tells that the first was taken, and so does the status."""
    kind = KINDS[Intent.Kind(intent.kind)]
    if intent.attempts > 1 and (kind.asked_before.search(error.message) or _shows(intent, gateway)):
        _settle(intent, Event.ACCEPTED, error, state=State.ACCEPTED)
    else:
        _settle(intent, Event.REFUSED, error, state=State.REFUSED)


def _shows(intent: Intent, gateway: Gateway) -> bool:
    try:
        return KINDS[Intent.Kind(intent.kind)].done(gateway.order_status(intent.order.order_id))
    except OvhError:
        return False


def _did_not_happen(intent: Intent, error: OvhError, *, pause: timedelta | None = None, hold: bool = False) -> None:
    """The call was not made, or nobody judged it: the attempt does not count. An earlier doubt stays one."""
    attempts = intent.attempts - 1
    if hold:
        _hold(intent, "key", error, attempts=attempts)
        return
    next_attempt_at = timezone.now() + (pause or _pause(timezone.now() - intent.created_at))
    state = State.DOUBTFUL if attempts else State.WAITING
    _settle(intent, None, error, state=state, attempts=attempts, next_attempt_at=next_attempt_at)


def _ask_until_it_shows(intent: Intent) -> None:
    """OVHcloud took it, and its status may follow later than any answer: have the order asked about meanwhile."""
    now = timezone.now()
    age = now - (intent.settled_at or now)
    shows = KINDS[Intent.Kind(intent.kind)].done(intent.order.status)
    if not shows and intent.order.gone_at is None:
        Order.objects.filter(pk=intent.order_id).update(next_poll_at=now)
    over = shows or intent.order.gone_at is not None or age > SHOWS_WITHIN
    _settle(intent, next_attempt_at=None if over else now + _pause(age))


# --- Writing what came of it ------------------------------------------------------------------------------------------
def _hold(intent: Intent, why: str, error: OvhError | None = None, *, attempts: int | None = None) -> None:
    attempts = intent.attempts if attempts is None else attempts
    _settle(intent, Event.HELD, error, state=State.HELD, why=why, attempts=attempts)


@transaction.atomic
def _settle(
    intent: Intent,
    event: Event | None = None,
    error: OvhError | None = None,
    *,
    keep_lease: bool = False,
    **values: object,
) -> None:
    """Write an outcome, if the lease still stands. The order's row is taken first, as everybody does."""
    order = Order.objects.select_for_update(of=("self",)).get(pk=intent.order_id)
    now = timezone.now()
    if not keep_lease:
        values = {"lease": None, "leased_until": None, "next_attempt_at": None} | values
    if error is not None:
        values |= {"message": error.message.replace("\0", "")[:2000], "query_id": error.query_id[:120]}
    if event in (Event.ACCEPTED, Event.REFUSED):
        values["settled_at"] = now
    if event == Event.ACCEPTED:
        # OVHcloud shows what it took some moments later.
        values["next_attempt_at"] = now + SHORTEST_PAUSE
        Order.objects.filter(pk=order.pk).update(next_poll_at=now)
    if not Intent.objects.filter(pk=intent.pk, lease=intent.lease).update(**values):
        log.warning("an outcome came after its lease had ended; whoever holds the intent now looks it up")
        return
    _copy(intent, values)
    if event is not None:
        _tell(intent, event)


def _tell(intent: Intent, event: Event) -> None:
    OrderEvent.objects.create(
        order_id=intent.order_id,
        kind=event,
        after=intent.why if event == Event.HELD else "",
        source=_route(intent),
        note=intent.message if event != Event.HELD or intent.why != "key" else "",
        query_id=intent.query_id,
    )


def _copy(intent: Intent, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(intent, name, value)


def _route(intent: Intent) -> str:
    return f"POST /me/order/{{orderId}}/{intent.kind}"


def _next_look(intent: Intent, looks: int) -> datetime:
    assert intent.attempted_at is not None  # noqa: S101  (it is noted before every call)
    return intent.attempted_at + LOOKS[min(looks, len(LOOKS) - 1)]


def _pause(age: timedelta) -> timedelta:
    return min(max(age / 4, SHORTEST_PAUSE), LONGEST_PAUSE)


# --- Held for a person, until something changes -----------------------------------------------------------------------
@transaction.atomic
def release_held(order: Order) -> bool:
    """
    OVHcloud was just asked about this order: send what was held if it is open now, and settle what its status shows.

    order: saved and locked by the caller, with its nichandle. Returns whether something is to be sent.
    """
    held = Intent.objects.select_for_update().filter(order=order, kind=Intent.Kind.RETRACTION, state=State.HELD)
    intent = held.exclude(why="key").first()
    if intent is None:
        return False
    if intent.why == "unclear":
        if KINDS[Intent.Kind.RETRACTION].done(order.status):
            intent.state, intent.why, intent.settled_at = State.ACCEPTED, "", timezone.now()
            intent.save(update_fields=["state", "why", "settled_at"])
            _tell(intent, Event.ACCEPTED)
        return False
    verdict = eligibility(order, (), order.nichandle, timezone.now())
    declared = intent.retractions.order_by("declared_at").values_list("declared_at", flat=True).first()
    in_time = verdict.reason == Reason.OVER and verdict.until is not None and declared and not verdict.is_late(declared)
    if not (verdict.open or in_time):
        return False
    _release(intent)
    return True


@transaction.atomic
def release_waiting_for_key(nichandle: Nichandle) -> int:
    """A key was granted for this account: go on with what waited for one. Returns how many."""
    waiting = Intent.objects.select_for_update(of=("self",)).filter(order__nichandle=nichandle)
    intents = list(waiting.filter(state=State.HELD, why="key"))
    for intent in intents:
        _release(intent)
    return len(intents)


def _release(intent: Intent) -> None:
    """Back to where it stood: what may have reached OVHcloud is looked at before it is sent."""
    intent.state = State.DOUBTFUL if intent.attempts else State.WAITING
    intent.why, intent.next_attempt_at = "", timezone.now()
    intent.save(update_fields=["state", "why", "next_attempt_at"])
