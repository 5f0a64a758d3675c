"""The four steps by the table of the specification, and histories of every shape."""

import pytest

from orders.models import EXPIRED
from orders.tracking import STEPS, bar_classes, doing_since, histories, step_states


def said(*statuses):
    return [{"step": step, "status": status, "history": []} for step, status in zip(STEPS, statuses, strict=False)]


ALL_TODO = said("TODO", "TODO", "TODO", "TODO")


@pytest.mark.parametrize(
    ("status", "follow_up", "seen", "states"),
    [
        ("notPaid", None, [], "doing todo todo todo"),
        ("notPaid", said("DONE", "DONE", "DONE", "DONE"), [], "doing todo todo todo"),
        ("checking", ALL_TODO, [], "doing todo todo todo"),
        ("documentsRequested", said("DOING"), [], "error todo todo todo"),
        (EXPIRED, None, [], "error todo todo todo"),
        ("delivering", [], [], "done done doing todo"),
        ("delivered", ALL_TODO, [], "done done done done"),
        ("cancelling", None, [], "error todo todo todo"),
        ("cancelled", ALL_TODO, [], "error todo todo todo"),
        ("cancelled", said("DONE", "TODO", "TODO", "TODO"), [], "done error todo todo"),
        ("cancelled", None, ["delivering"], "done done error todo"),
        ("cancelling", said("DONE", "DONE", "DONE", "DONE"), [], "done done done done"),
        ("cancelling", ALL_TODO, ["checking", "delivered"], "done done done done"),
        ("cancelled", said("DONE", "TODO"), ["aNewWord", "checking"], "done error todo todo"),
        ("unknown", None, [], "todo todo todo todo"),
        ("unknown", said("DONE", "ERROR", "TODO", "NEW"), ["delivered"], "done error todo todo"),
        ("aNewWord", said("DONE", "DOING", "TODO", "TODO"), [], "done doing todo todo"),
    ],
)
def test_the_status_wins_over_the_follow_up(status, follow_up, seen, states):
    assert " ".join(step_states(status, follow_up, seen)) == states


def test_entries_are_newest_first_and_unreadable_dates_come_last():
    history = histories(
        [
            {
                "step": "VALIDATING",
                "history": [
                    {"date": "someday", "label": "C"},
                    {"date": "2026-08-16T02:17:31+02:00", "label": "A"},
                    {"date": "2026-08-16T00:18:05+00:00", "label": "B"},
                ],
            },
            {"step": "ELSEWHERE", "history": None},
        ]
    )
    assert [entry.label for entry in history["VALIDATING"]] == ["B", "A", "C"]
    assert [entry.date is None for entry in history["VALIDATING"]] == [False, False, True]


def test_a_step_is_in_progress_since_its_own_first_entry_else_since_the_one_before():
    follow_up = said("DONE", "DONE", "DOING", "TODO")
    follow_up[1]["history"] = [{"date": "2026-08-16T02:18:00+02:00", "label": "ORDER_ACCEPTED"}]
    states = step_states("delivering", follow_up)
    assert doing_since(states, histories(follow_up)).isoformat() == "2026-08-16T02:18:00+02:00"
    follow_up[2]["history"] = [{"date": "2026-08-16T02:20:00+02:00", "label": "DELIVERY"}]
    assert doing_since(states, histories(follow_up)).isoformat() == "2026-08-16T02:20:00+02:00"
    assert doing_since(step_states("delivered", None), histories(None)) is None


def test_the_small_bar_names_what_is_not_to_do():
    assert bar_classes(("done", "done", "doing", "todo")) == "a-done b-done c-doing"
