"""OVHcloud's clock, the pace of life, the switches, and the gate that a reset closes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from .models import World

# Answers of the real API carry French local time.
PARIS = ZoneInfo("Europe/Paris")
MAX_SPEED = 100_000.0
# What each switch may hold; the first value is where it stands at first.
SWITCHES: dict[str, tuple[Any, ...]] = {
    "expanded_lists": (False, True),
    "batch": (False, True),
    "error_shape": ("new", "old"),
}


class _Now:
    """How clock and pace stand, kept here because every call asks; its row is what survives a restart."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forward_s = 0.0
        self.speed = 1.0
        self.life_s = 0.0
        self.life_at = time.time()
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
        World.objects.update_or_create(pk=1, defaults={"scenario": scenario, "seed": seed, **_standing()})


def resume() -> World | None:
    """Take up the world that the database holds, or return None if it holds none."""
    world = World.objects.filter(pk=1).first()
    if world is not None:
        with _now.lock:
            _now.forward_s, _now.speed = world.forward_s, world.speed
            _now.life_s, _now.life_at = world.life_s, world.life_at
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
