"""One worker's turn with what is due. See the package for the rules."""

import logging
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.actions import note_revoked
from accounts.crypto import KeyUnreadable
from accounts.ovh import NoKey, gateway_for
from gateway import (
    CredentialRevoked,
    Gateway,
    Heard,
    NotAdmitted,
    NotConnected,
    NotFound,
    NotGranted,
    OvhError,
    OvhRefused,
    OvhUnavailable,
    RateLimited,
)
from orders.evidence import Witness
from orders.models import Intent, OrderEvent
from orders.relay import outcomes
from orders.relay.kinds import Needless, Unclear, kind_of
from orders.relay.outcomes import SHORTEST_PAUSE, did_not_happen, give_up, hold, settle

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
# Turns in a row in which our own code fell over.
MOST_STUMBLES = 5
# A task's turn: it begins no other intent after so many seconds, to stay below its own time limit.
TURN_SECONDS = 25


class Relay:
    """Its steps are methods, so that a test can stop a worker between any two of them."""

    def run(self, limit: int = 20) -> int:
        begun = time.monotonic()
        for taken in range(limit):
            intent = self._claim() if time.monotonic() - begun < TURN_SECONDS else None
            if intent is None:
                return taken
            try:
                self._carry(intent)
            except Exception as error:
                # Its lease runs out and somebody looks; the others must not wait for that.
                log.exception("an intent could not be carried")
                self._stumbled(intent, error)
        return limit

    def _claim(self) -> Intent | None:
        """Take the intent that has waited longest, with a lease on it; None when nothing is due."""
        now = timezone.now()
        with transaction.atomic():
            due = Intent.objects.filter(next_attempt_at__lte=now).filter(
                Q(leased_until=None) | Q(leased_until__lte=now)
            )
            due = due.filter(self._its_turn(now)).order_by("next_attempt_at")
            due = due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle", "order__nichandle")
            intent = due.first()
            if intent is not None:
                intent.lease, intent.leased_until = uuid.uuid4(), now + LEASE
                intent.save(update_fields=["lease", "leased_until"])
        return intent

    def _its_turn(self, now: datetime) -> Q:
        """
        Nothing else about the same order is under way, and nothing older waits to be sent. Always so without an order.

        What is held or given up blocks nobody: a person may take days. The rule keeps the order; that never two are
        under way is a constraint's, which `_note` runs into where two workers decided this at the same moment.
        """
        others = Intent.objects.filter(order=OuterRef("order")).exclude(pk=OuterRef("pk")).exclude(state=State.ACCEPTED)
        in_front = (
            Q(state__in=Intent.UNDER_WAY) | Q(leased_until__gt=now) | Q(state=State.WAITING, pk__lt=OuterRef("pk"))
        )
        return Q(state=State.ACCEPTED) | Q(~Exists(others.filter(in_front)))

    def _carry(self, intent: Intent) -> None:
        if intent.state == State.ACCEPTED:
            outcomes.ask_until_it_shows(intent)
            return
        self._witness, self._query_id = Witness(), ""
        try:
            gateway = gateway_for(intent.nichandle, ordering=kind_of(intent).ordering, witness=self._hear)
        except (NoKey, KeyUnreadable):
            hold(intent, "key")
            return
        if intent.state == State.WAITING:
            self._send(intent, gateway)
        else:
            if intent.state == State.SENDING:
                # Whoever noted this attempt has not told its outcome and will not.
                settle(intent, Event.DOUBTFUL, state=State.DOUBTFUL, keep_lease=True, failures=intent.failures)
            self._look(intent, gateway)
        if intent.order is not None:
            self._witness.keep({intent.order.order_id: intent.order.pk})

    def _hear(self, heard: Heard) -> None:
        self._witness(heard)
        if heard.method != "GET":
            self._query_id = heard.query_id

    def _send(self, intent: Intent, gateway: Gateway) -> None:
        """Note the attempt, make the call, write what came of it."""
        if not self._asked_before(intent, gateway):
            return
        if not self._note(intent) or not self._may_call(intent):
            return
        asked_at = timezone.now()
        try:
            outcome = self._call(intent, gateway)
        except NotConnected as error:
            did_not_happen(intent, error)
        except RateLimited as error:
            did_not_happen(intent, error, wait=timedelta(seconds=max(error.retry_after, 1)))
        except (CredentialRevoked, NotGranted) as error:
            if isinstance(error, CredentialRevoked):
                note_revoked(intent.nichandle, asked_at)
            hold(intent, "key", error, attempts=intent.attempts - 1)
        except NotAdmitted as error:
            # The panel's own key or clock: the operator's trouble, and it passes.
            log.error("OVHcloud does not admit the panel: %s", type(error).__name__)
            did_not_happen(intent, error)
        except OvhRefused as error:
            self._refused(intent, gateway, error)
        except OvhUnavailable as error:
            settle(intent, Event.DOUBTFUL, error, state=State.DOUBTFUL, next_attempt_at=_next_look(intent, 0))
        else:
            settle(intent, Event.ACCEPTED, state=State.ACCEPTED, query_id=self._query_id, outcome=outcome)

    def _asked_before(self, intent: Intent, gateway: Gateway) -> bool:
        """Whether its kind sees nothing against an attempt; what it sees is written."""
        asked_at = timezone.now()
        try:
            kind_of(intent).before(gateway, intent)
        except Needless as found:
            settle(intent, Event.NEEDLESS, found.told, state=State.NEEDLESS, why=found.why)
        except OvhError as error:
            self._could_not_ask(intent, error, asked_at)
        else:
            return True
        return False

    def _could_not_ask(self, intent: Intent, error: OvhError, asked_at: datetime) -> None:
        """A question about it came to nothing: it stays as it stands."""
        match error:
            case CredentialRevoked() | NotGranted():
                if isinstance(error, CredentialRevoked):
                    note_revoked(intent.nichandle, asked_at)
                hold(intent, "key", error)
            case NotFound():
                give_up(intent, "not-found", error)
            case RateLimited():
                outcomes.try_again(intent, error, wait=timedelta(seconds=max(error.retry_after, 1)))
            case _:
                outcomes.try_again(intent, error)

    def _note(self, intent: Intent) -> bool:
        """
        Commit that an attempt is made. False: it is not ours to make, so the call must not be made.

        durable: inside somebody else's transaction the note would not be there when it is needed.
        """
        now = timezone.now()
        values = {"state": State.SENDING, "attempts": intent.attempts + 1, "attempted_at": now, "looks": 0}
        values |= {"leased_until": now + LEASE, "next_attempt_at": now + LEASE}
        mine = Intent.objects.filter(pk=intent.pk, lease=intent.lease)
        try:
            with transaction.atomic(durable=True):
                if not mine.filter(leased_until__gt=now).update(**values):
                    return False
        except IntegrityError:
            # Another intent of this order is under way: this one waits for what becomes of it.
            mine.update(lease=None, leased_until=None, next_attempt_at=now + SHORTEST_PAUSE)
            return False
        outcomes.copy(intent, values)
        return True

    def _may_call(self, intent: Intent) -> bool:
        """
        Whether the lease lasts longer than a call. A worker that was stopped after its note (a paused machine) comes
        back when others may have looked already, and its call would come after their look.
        """
        enough = timezone.now() + CALL_ENDS_WITHIN
        return Intent.objects.filter(pk=intent.pk, lease=intent.lease, leased_until__gt=enough).exists()

    def _call(self, intent: Intent, gateway: Gateway) -> Any:
        return kind_of(intent).send(gateway, intent)

    def _refused(self, intent: Intent, gateway: Gateway, refusal: OvhRefused) -> None:
        """OVHcloud's no. On a second attempt it may tell that the first was taken, and so does a look."""
        kind = kind_of(intent)
        if intent.attempts > 1:
            try:
                outcome = kind.tells_of_an_earlier_one(refusal) or kind.look(gateway, intent)
            except (Needless, Unclear, OvhError):
                # Of the first attempt nobody knows yet, so this is no end.
                settle(intent, Event.DOUBTFUL, refusal, state=State.DOUBTFUL, next_attempt_at=_next_look(intent, 0))
                return
            if outcome:
                settle(intent, Event.ACCEPTED, refusal, state=State.ACCEPTED, outcome=outcome)
                return
        settle(intent, Event.REFUSED, refusal, state=State.REFUSED)

    def _look(self, intent: Intent, gateway: Gateway) -> None:
        """An attempt was made and nobody knows what came of it: read that before anything else."""
        assert intent.attempted_at is not None  # noqa: S101  (it is noted before every call)
        asked_at = timezone.now()
        age = asked_at - intent.attempted_at
        try:
            outcome = kind_of(intent).look(gateway, intent)
        except Unclear as found:
            give_up(intent, "unclear", message=found.words.replace("\0", "")[:2000])
        except Needless as found:
            settle(intent, Event.NEEDLESS, found.told, state=State.NEEDLESS, why=found.why)
        except OvhError as error:
            self._could_not_ask(intent, error, asked_at)
        else:
            if outcome:
                settle(intent, Event.ACCEPTED, state=State.ACCEPTED, outcome=outcome)
            elif age < LOOKS[-1]:
                settle(intent, looks=intent.looks + 1, next_attempt_at=_next_look(intent, intent.looks + 1))
            elif intent.attempts < MOST_ATTEMPTS:
                self._send(intent, gateway)
            else:
                give_up(intent, "unclear")

    def _stumbled(self, intent: Intent, error: Exception) -> None:
        """Our own mistake: count it, and after a few of them ask a person instead of trying for ever."""
        try:
            mine = Intent.objects.filter(pk=intent.pk, lease=intent.lease)
            mine.update(failures=intent.failures + 1)
            if intent.failures + 1 >= MOST_STUMBLES and intent.state != State.ACCEPTED:
                intent.message = ""
                give_up(intent, "stumbled", message=f"({type(error).__name__})")
        except Exception:
            log.exception("nor could that be written down")


def _next_look(intent: Intent, looks: int) -> datetime:
    assert intent.attempted_at is not None  # noqa: S101  (it is noted before every call)
    return intent.attempted_at + LOOKS[min(looks, len(LOOKS) - 1)]
