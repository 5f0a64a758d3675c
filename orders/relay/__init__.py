"""
Carries intents to OVHcloud: each at most once, however often this runs, in how many workers, and wherever one dies.

    claim    take the row for LEASE (SKIP LOCKED); only the holder of the lease writes what comes of it
    note     write down and commit that an attempt is made, before the call
    call     15 s at most
    settle   write the outcome, if the lease still stands

After the note nobody knows whether the call was made until an outcome is written. So a claim that finds an attempt
without an outcome (the answer was lost, or the worker) looks before it sends: `Relay._look` is the one place for that.
It looks 5, 30 and 60 s after the attempt; a look that finds nothing done at least 60 s after it sends once more, and
after that a person decides.

Intents of one order are carried one after the other, oldest first, whatever their kinds; one without an order, as a
checkout before it is done, waits for no other. What fails is tried again, each time after twice the pause, up to two
minutes; what will not do is given up to a person with its reason (DEAD).

kinds.py      what a kind of intent means at OVHcloud: an entry of KINDS
carry.py      a worker's turn
outcomes.py   what came of it, written
waiting.py    what waits for a person
"""

from orders.relay.carry import LEASE, LOOKS, Relay
from orders.relay.kinds import KINDS, Kind, Needless, Unclear, kind_of, register, words_for
from orders.relay.waiting import NotNow, accept, close, end_unsent, release_held, release_waiting_for_key, ring_again

__all__ = [
    "KINDS",
    "LEASE",
    "LOOKS",
    "Kind",
    "Needless",
    "NotNow",
    "Relay",
    "Unclear",
    "accept",
    "close",
    "end_unsent",
    "kind_of",
    "register",
    "relay_due",
    "release_held",
    "release_waiting_for_key",
    "ring_again",
    "words_for",
]


def relay_due(limit: int = 20) -> int:
    """Carry what is due, one after the other. Returns how many intents were taken up."""
    return Relay().run(limit)
