"""
Where an order stands, as four steps: pure functions of its status, OVHcloud's follow-up and what we once saw.

`followUp` is unreliable (404 for old orders, TODO on delivered ones), so the status wins.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orders.models import EXPIRED, Status

STEPS = ("VALIDATING", "VALIDATED", "DELIVERING", "AVAILABLE")

TODO, DOING, DONE, ERROR = "todo", "doing", "done", "error"

_BY_STATUS: dict[str, tuple[str, ...]] = {
    Status.NOT_PAID: (DOING, TODO, TODO, TODO),
    Status.CHECKING: (DOING, TODO, TODO, TODO),
    Status.DOCUMENTS_REQUESTED: (ERROR, TODO, TODO, TODO),
    EXPIRED: (ERROR, TODO, TODO, TODO),
    Status.DELIVERING: (DONE, DONE, DOING, TODO),
    Status.DELIVERED: (DONE, DONE, DONE, DONE),
}

# How many steps were done once OVHcloud gave an order this status.
_DONE_BY = {Status.DELIVERING: 2, Status.DELIVERED: 4}


@dataclass(frozen=True)
class HistoryEntry:
    """What OVHcloud wrote into a step's history. date None: it gave none that we can read."""

    date: datetime | None
    label: str
    description: str


def step_states(
    page_status: str, follow_up: Sequence[dict[str, Any]] | None, seen_statuses: Iterable[str] = ()
) -> tuple[str, ...]:
    """
    Return the states of the four steps in order: todo, doing, done or error.

    seen_statuses: the statuses this order had before, from our own log.
    """
    if page_status in _BY_STATUS:
        return _BY_STATUS[page_status]
    said = [_said(follow_up, step) for step in STEPS]
    if page_status not in (Status.CANCELLING, Status.CANCELLED):
        return tuple({"DONE": DONE, "DOING": DOING, "ERROR": ERROR}.get(word, TODO) for word in said)
    done = max((_DONE_BY.get(Status(word), 0) for word in seen_statuses if word in Status.values), default=0)
    # A step is not done before those that lead to it, whatever the follow-up leaves out.
    done = max([done, *(index + 1 for index, word in enumerate(said) if word == "DONE")])
    return tuple(DONE if index < done else ERROR if index == done else TODO for index in range(len(STEPS)))


def histories(follow_up: Sequence[dict[str, Any]] | None) -> dict[str, list[HistoryEntry]]:
    """Return each step's entries, newest first; entries without a date come last."""
    found: dict[str, list[HistoryEntry]] = {step: [] for step in STEPS}
    for step in follow_up or ():
        entries = found.setdefault(str(step.get("step")), [])
        entries += [
            HistoryEntry(_moment(entry.get("date")), str(entry.get("label") or ""), str(entry.get("description") or ""))
            for entry in step.get("history") or ()
        ]
    for entries in found.values():
        entries.sort(key=lambda entry: entry.date or datetime.min.replace(tzinfo=UTC), reverse=True)
    return found


def doing_since(states: Sequence[str], history: dict[str, list[HistoryEntry]]) -> datetime | None:
    """Return when the step in progress began: its own first entry, else the last one of the step before it."""
    if DOING not in states:
        return None
    index = states.index(DOING)
    own = [entry.date for entry in history[STEPS[index]] if entry.date]
    if own:
        return own[-1]
    before = [entry.date for entry in history[STEPS[index - 1]] if entry.date] if index else []
    return before[0] if before else None


def bar_classes(states: Sequence[str]) -> str:
    """CSS classes that colour the small bar of four: `a-done b-doing` and so on."""
    return " ".join(f"{place}-{state}" for place, state in zip("abcd", states, strict=True) if state != TODO)


def _said(follow_up: Sequence[dict[str, Any]] | None, step: str) -> str:
    return next((str(row.get("status")) for row in follow_up or () if row.get("step") == step), "TODO")


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
