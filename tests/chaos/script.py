"""The troubles of a run, told from its seed: the same seed tells the same story at the same seconds."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.stack import TARGETS

KILL_EVERY_S = 10.0
# One in so many seconds of each: pauses, slow or emptied Valkey, spoilt answers, clocks.
_FAULT_EVERY_S = 6.0
# Nothing new begins this shortly before the end.
_CALM_S = 1.0

# What OVHcloud's answers suffer, and on which calls. Those that act on the world before they fail come most often
# where it matters, on what must be done exactly once, and last longer there, for such calls are few.
_ONCE = [
    {"method": "POST", "path": "/me/order/*/retraction"},
    {"method": "POST", "path": "/me/order/*/pay*"},
    {"method": "POST", "path": "/order/cart/*/checkout"},
]
_LAST_S, _LAST_ON_THOSE_S = (2, 8), (6, 16)
_ON_THOSE: list[dict[str, Any]] = [
    {"kind": "accept_then_reset"},
    {"kind": "accept_then_reset"},
    {"kind": "accept_then_reset"},
    {"kind": "latency", "ms": 4000},
    {"kind": "truncated"},
    {"kind": "reset"},
    {"kind": "hang"},
]
_ON_OTHERS: list[dict[str, Any]] = [
    {"kind": "drip", "ms": 400, "match": {"path": "/me/order/*"}},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500, "match": {"path": "/me/order/*/status"}},
    {"kind": "status", "status": 503, "match": {"path": "/order/cart/*"}},
    {"kind": "status", "status": 429, "retry_after": "3"},
    {"kind": "html", "status": 502},
    {"kind": "truncated", "match": {"path": "/me/order*"}},
    {"kind": "truncated", "match": {"path": "/order/cart*"}},
    {"kind": "reset", "probability": 0.4},
    {"kind": "hang", "probability": 0.2},
    {"kind": "latency", "ms": 1500},
]
_PAUSABLE = ("people", "clock", "beat", "web", "valkey", "postgres", "sandbox")
# OVHcloud's clock, from where it stands; past 180 s the stand-in takes no signature by the old one.
_JUMPS = (-400, 60, 300, 3600)


@dataclass(frozen=True, order=True)
class Trouble:
    """
    at, seconds: from the beginning, and how long it lasts.

    kind: kill, pause, slow (Valkey), flush (Valkey), api (target is the fault's kind), clock, again (every task is
    delivered once more, as after a visibility time-out).
    """

    at: float
    kind: str
    target: str = ""
    seconds: float = 0.0
    more: dict[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        more = " ".join(
            f"on {value['path']}" if name == "match" else f"{name}={value}" for name, value in self.more.items()
        )
        return f"{self.kind} {self.target}{lasting} {more}".strip()


def write(seed: int, seconds: float, kill_every_s: float = KILL_EVERY_S) -> list[Trouble]:
    """Return the run's troubles by time. Kills meet every target in turn, in an order from the seed."""
    chance = random.Random(f"script/{seed}")
    last = max(seconds - _CALM_S, 0)
    kills = max(1, round(seconds / kill_every_s))
    targets: list[str] = []
    while len(targets) < kills:
        targets += chance.sample(TARGETS, len(TARGETS))
    story = [
        Trouble(chance.uniform(0, last), "kill", target, round(chance.uniform(0.2, 3.0), 1))
        for target in targets[:kills]
    ]
    kinds = ("api", "api", "api", "pause", "pause", "slow", "flush", "clock", "again")
    faults: list[str] = []
    while len(faults) < max(1, round(seconds / min(_FAULT_EVERY_S, kill_every_s))):
        faults += chance.sample(kinds, len(kinds))
    count = max(1, round(seconds / min(_FAULT_EVERY_S, kill_every_s)))
    story += [_fault(kind, chance.uniform(0, last), seconds, chance) for kind in faults[:count]]
    return sorted(story)


def _fault(kind: str, at: float, whole: float, chance: random.Random) -> Trouble:
    if kind == "api":
        return _api_fault(at, chance)
    if kind == "pause":
        target = chance.choice(_PAUSABLE)
        # A worker that comes back after its lease has ended is the hard case; a short run has no time for it.
        long = target in ("people", "clock") and whole >= 120 and chance.random() < 0.4
        return Trouble(at, kind, target, round(chance.uniform(46, 60) if long else chance.uniform(1, 6), 1))
    if kind == "slow":
        return Trouble(at, kind, "valkey", round(chance.uniform(2, 8), 1), {"delay_s": chance.choice((0.15, 0.5, 3.0))})
    if kind == "clock":
        return Trouble(at, kind, "ovhcloud", 0, {"forward_s": chance.choice(_JUMPS)})
    return Trouble(at, kind, "valkey" if kind == "flush" else "tasks")


def _api_fault(at: float, chance: random.Random) -> Trouble:
    on_those = chance.random() < 0.6
    more = dict(chance.choice(_ON_THOSE if on_those else _ON_OTHERS))
    if on_those:
        more["match"] = chance.choice(_ONCE)
    lasts = round(chance.uniform(*(_LAST_ON_THOSE_S if on_those else _LAST_S)), 1)
    return Trouble(at, "api", more.pop("kind"), lasts, more)
