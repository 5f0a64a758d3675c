"""
`make chaos`: kill and spoil for CHAOS_SECONDS (600) from CHAOS_SEED (by chance unless given), then compare.

The last line is `kills N, faults N, intents N, violations N`; the exit code is 0 only without violations.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.run import SETTLES_WITHIN_S, Plan, Run
from tests.chaos.script import KILL_EVERY_S

_PREFIX = "order-panel-chaos-"


def main() -> int:
    plan, keep = _plan()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Unwind, so that what was started is stopped.
        signal.signal(number, lambda number, frame: sys.exit(1))
    _remove_what_killed_runs_left()
    directory = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    directory.chmod(0o711)  # PostgreSQL may have to run as nobody
    wrong = True
    say(f"seed {plan.seed}: CHAOS_SEED={plan.seed} CHAOS_SECONDS={plan.seconds:g} make chaos tells the same story")
    try:
        outcome = Run(plan, directory, say).carry_out()
        wrong = bool(outcome.violations)
    finally:
        if not (wrong and keep):
            shutil.rmtree(directory, ignore_errors=True)
    for line in (*outcome.notes, *outcome.violations):
        say(line)
    if wrong and keep:
        say(f"logs and databases are kept in {directory}")
    say(outcome.last_line())
    return 1 if wrong else 0


def _plan() -> tuple[Plan, bool]:
    environment = os.environ
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=float(environment.get("CHAOS_SECONDS") or 600))
    # Any number will do, but a short one is easier to say again.
    chosen = int(environment.get("CHAOS_SEED") or random.SystemRandom().randrange(100_000))
    parser.add_argument("--seed", type=int, default=chosen)
    parser.add_argument("--kill-every", type=float, default=KILL_EVERY_S, help="seconds, on average")
    parser.add_argument("--settle", type=float, default=SETTLES_WITHIN_S, help="seconds at most")
    parser.add_argument("--careless", action="store_true", help="the negative control: a relay that claims nothing")
    parser.add_argument("--forget", action="store_true", help="keep nothing, whatever comes of it")
    asked = parser.parse_args()
    plan = Plan(asked.seed, asked.seconds, asked.kill_every, asked.careless, asked.settle)
    return plan, not asked.forget


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _remove_what_killed_runs_left() -> None:
    """Directories of runs that did not end by themselves, older than a day: a violation's are kept to be looked at."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        process = directory.name.removeprefix(_PREFIX).partition("-")[0]
        alive = process.isdecimal() and Path(f"/proc/{process}").exists()
        if not alive and time.time() - directory.stat().st_mtime > 86_400:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
