"""Days by OVHcloud's clock, for what waits for a working day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from tests.sandboxes import Sandbox


def go_to(sandbox: Sandbox, day: date) -> float:
    """Let it be noon of a day at OVHcloud, and return how many seconds ahead of the machine that is."""
    noon = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
    ahead_s = (noon - datetime.now(UTC)).total_seconds()
    sandbox.clock(0)
    sandbox.clock(ahead_s)
    return ahead_s


def next_day(wanted: Callable[[date], bool]) -> date:
    day = datetime.now(UTC).date() + timedelta(days=1)
    while not wanted(day):
        day += timedelta(days=1)
    return day


def is_quiet_tuesday(day: date) -> bool:
    """No holiday of any country falls on it: they lie in other months, or early in these."""
    return day.weekday() == 1 and day.month in (2, 9, 11) and 12 <= day.day <= 20
