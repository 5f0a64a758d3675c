"""How intents end, whatever their kind."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.chaos.facts import PanelIntent

# Whoever still waits for its turn is not late before this.
LATE = timedelta(seconds=15)
# A person decides about these, and the desk lists them.
WITH_A_PERSON = {"held", "dead"}
# Over without having been done.
OVER = {"refused", "closed", "needless"}
ON_ITS_WAY = {"waiting", "sending", "doubtful"}


def wrong_end(intent: PanelIntent, done: bool) -> Iterator[str]:
    """done: whether OVHcloud did it, by its ledger."""
    if intent.state == "accepted" and not done:
        yield f"WRONG END {intent.about}: {intent.kind} {intent.pk} says accepted, OVHcloud's ledger does not"
    if intent.state in WITH_A_PERSON and done:
        yield (
            f"WRONG END {intent.about}: {intent.kind} {intent.pk} is {intent.state} ({intent.why}) for a person,"
            " and OVHcloud has done it"
        )


def forgotten(intent: PanelIntent, now: datetime) -> Iterator[str]:
    """Open, and nobody comes for it. One whose time has not come, or that a worker holds, is on its way."""
    if intent.state not in ON_ITS_WAY:
        return
    due = intent.next_attempt_at
    held = intent.leased_until is not None and intent.leased_until + LATE > now
    what = f"FORGOTTEN {intent.about}: {intent.kind} {intent.pk} is {intent.state}"
    if due is None:
        yield f"{what} and has no time at which anybody comes"
    elif due + LATE < now and not held:
        yield f"{what}, its time was {due:%H:%M:%S}"
