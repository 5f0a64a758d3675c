"""OVHcloud's clock, the pace of life, the switches, and the gate that a reset closes."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from .models import World

# Answers of the real API carry French local time.
PARIS = ZoneInfo("Europe/Paris")
MAX_SPEED = 100_000.0
# Orders made after the world was told have numbers from here.
ORDERS_FROM = 300_000_000


def _is_latency(value: Any) -> bool:
    """None, or {"median_ms": 120, "p95_ms": 800}; the second may be left out."""
    if value is None:
        return True
    if not isinstance(value, dict) or "median_ms" not in value or not set(value) <= {"median_ms", "p95_ms"}:
        return False
    return all(isinstance(one, int | float) and not isinstance(one, bool) and 0 < one < 1e6 for one in value.values())


def _is_rate(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1_000_000


# What each switch may hold; the first value is where it stands at first.
SWITCHES: dict[str, tuple[Any, ...]] = {
    "expanded_lists": (False, True),
    "batch": (False, True),
    "error_shape": ("new", "old", "bare"),
    # What followUp answers: what is kept, 404 for all, or four steps that never began.
    "follow_up": ("kept", "missing", "todo"),
    # How a paid order is looked at: by a program that now and then asks for papers, by somebody on working days, with
    # papers first, or to be refused in the end.
    "checking": ("usual", "by_hand", "documents", "refused"),
    # Whether a payment for what is paid already is taken as well, as payment systems that do not ask may do.
    "pays_twice": (False, True),
    # A cart that was checked out makes another order when it is checked out again: for negative controls.
    "checkout_repeats": (False, True),
    # Expanded lists hold a null here and there, as cached ones do.
    "null_entries": (False, True),
    # How a call beyond rate_limit is refused.
    "rate_limit_body": ("json", "html"),
    "rate_limit": (0,),
    "latency": (None,),
}
# Those that hold more than a few words.
_OPEN: dict[str, tuple[Callable[[Any], bool], str]] = {
    "rate_limit": (_is_rate, "a number of calls a minute, 0 for no limit"),
    "latency": (_is_latency, 'null, or {"median_ms": 120, "p95_ms": 800}'),
}


def may_hold(name: str, value: Any) -> bool:
    if name in _OPEN:
        return _OPEN[name][0](value)
    return any(value is one or (isinstance(value, str) and value == one) for one in SWITCHES[name])


def words_for(name: str) -> str:
    """Return what a switch may hold, for a person."""
    return _OPEN[name][1] if name in _OPEN else f"one of {json.dumps(SWITCHES[name])}"


class _Now:
    """How clock and pace stand, kept here because every call asks; its row is what survives a restart."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forward_s = 0.0
        self.speed = 1.0
        self.life_s = 0.0
        self.life_at = time.time()
        self.seed = 1
        self.first_number = 0
        self.switches: dict[str, Any] = {name: values[0] for name, values in SWITCHES.items()}


_now = _Now()


def now() -> datetime:
    """Return OVHcloud's time, UTC."""
    return datetime.fromtimestamp(time.time() + _now.forward_s, UTC)


def unix_time() -> int:
    return int(time.time() + _now.forward_s)


def life_s() -> float:
    """Return the age of the world in seconds of life: as many per second as the pace says."""
    with _now.lock:
        return _now.life_s + max(0.0, time.time() - _now.life_at) * _now.speed


def on_wire(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(PARIS).isoformat(timespec="seconds")


def speed() -> float:
    return _now.speed


def forward_s() -> float:
    return _now.forward_s


def chance(order_id: int, of: str) -> random.Random:
    """
    Return the chance of one thing in an order's life.

    It is the same for the same seed and the same order of this world, whatever else happens and in whichever order.
    """
    place = order_id - ORDERS_FROM - _now.first_number if order_id >= ORDERS_FROM else order_id
    return random.Random(f"{_now.seed}/{place}/{of}")


def switch(name: str) -> Any:
    return _now.switches[name]


def switches() -> dict[str, Any]:
    return dict(_now.switches)


def set_speed(value: float) -> None:
    with _now.lock:
        _now.life_s, _now.life_at, _now.speed = life_s(), time.time(), value
        _save()


def shift(seconds: float) -> None:
    """Move OVHcloud's clock by so many seconds; 0 puts it back to the machine's."""
    with _now.lock:
        _now.forward_s = _now.forward_s + seconds if seconds else 0.0
        _save()


def set_switches(wanted: dict[str, Any]) -> None:
    with _now.lock:
        _now.switches |= wanted
        _save()


def begin(scenario: str, seed: int) -> None:
    """Note a new world. Age goes on, so that nothing due in the old one is due in the new."""
    with _now.lock:
        _now.life_s, _now.life_at = life_s(), time.time()
        _now.speed, _now.forward_s = 1.0, 0.0
        _now.switches = {name: values[0] for name, values in SWITCHES.items()} | _from_environment
        _now.seed, _now.first_number = seed, next_numbers(1)[0]
        told = {"scenario": scenario, "seed": seed, "first_number": _now.first_number}
        World.objects.update_or_create(pk=1, defaults=told | _standing())


def resume() -> World | None:
    """Take up the world that the database holds, or return None if it holds none."""
    world = World.objects.filter(pk=1).first()
    if world is not None:
        with _now.lock:
            _now.forward_s, _now.speed = world.forward_s, world.speed
            _now.life_s, _now.life_at = world.life_s, world.life_at
            _now.seed, _now.first_number = world.seed, world.first_number
            _now.switches |= {name: value for name, value in world.switches.items() if name in SWITCHES}
            _now.switches |= _from_environment
    return world


_from_environment: dict[str, Any] = {}


def start_with(wanted: dict[str, Any]) -> None:
    """Let these switches stand so after every reset."""
    _from_environment.update(wanted)


def _standing() -> dict[str, Any]:
    return {
        "forward_s": _now.forward_s,
        "speed": _now.speed,
        "life_s": _now.life_s,
        "life_at": _now.life_at,
        "switches": _now.switches,
    }


def _save() -> None:
    World.objects.filter(pk=1).update(**_standing())


class _Gate:
    """Many may use the world at once; replacing it waits for them, and they for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._users = 0
        self._replacing = False

    @contextmanager
    def use(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._replacing)
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    @contextmanager
    def replace(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._replacing)
            self._replacing = True
            self._changed.wait_for(lambda: self._users == 0)
        try:
            with transaction.atomic():
                yield
        finally:
            with self._changed:
                self._replacing = False
                self._changed.notify_all()


gate = _Gate()


def next_numbers(count: int) -> list[int]:
    """Return numbers that no world before had, for orders and what belongs to them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sandbox_number') FROM generate_series(1, %s)", [count])
        return [row[0] for row in cursor.fetchall()]
