"""`make chaos` for a minute from a fixed seed; `make prove` gives it its ten."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.processes
CHECKOUT = Path(__file__).parents[2]
WHOLE = os.environ.get("PROVE") == "1"
LAST = re.compile(r"kills (\d+), faults (\d+), intents (\d+), violations (\d+)")


def chaos(*arguments: str) -> tuple[int, str]:
    """Run it as make does. Returns its exit code and what it said."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.chaos", "--forget", *arguments],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
    )
    return ended.returncode, ended.stdout


@pytest.mark.prove
def test_nothing_is_lost_and_nothing_done_twice():
    length = ["--seconds", "600"] if WHOLE else ["--seconds", "60"]
    code, said = chaos("--seed", "1", *length)
    last = LAST.fullmatch(said.splitlines()[-1])
    assert last, said
    kills, faults, intents, violations = map(int, last.groups())
    assert (code, violations) == (0, 0), said
    # What it found nothing wrong with was worth looking at.
    assert kills >= (50 if WHOLE else 5), said
    assert faults >= 5, said
    assert intents >= 1, said


@pytest.mark.skipif(not WHOLE, reason="half a minute of killing; each guard's own control is beside its races")
def test_negative_control_a_relay_that_claims_nothing_is_found_out():
    for seed in ("1", "2", "3", "4"):
        code, said = chaos("--careless", "--seed", seed, "--seconds", "20", "--kill-every", "7", "--settle", "3")
        last = LAST.fullmatch(said.splitlines()[-1])
        assert last, said
        assert (code == 1) == (int(last[4]) >= 1)
        # Whichever of them it was that was asked for twice; a busy machine may kill them one after the other.
        if code == 1 and re.search("WRONG END|TWICE", said):
            return
    pytest.fail(f"nothing was asked for twice: {said}")
