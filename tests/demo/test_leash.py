"""Grandchildren that do not heed a signal, as a busy worker may not, still do not outlive a killed supervisor."""

import signal
import subprocess
import sys
import time

import pytest

from .conftest import CHECKOUT, alive, descendants, gone_within

pytestmark = pytest.mark.processes

# A supervisor with one child, which starts a grandchild; both ignore SIGTERM.
PROGRAM = """
import subprocess, sys, time
from pathlib import Path
from panel.demo.children import Child, Leash
stubborn = "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
stubborn += "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']) if len(sys.argv) > 1 else None;"
stubborn += "time.sleep(60)"
leash = Leash()
child = Child("stubborn", ["-c", stubborn, "with a grandchild"], {}, Path(sys.argv[1]), leash)
child.start()
if sys.argv[2] == "let go":
    leash.let_go(child._process.pid)
print(flush=True)
time.sleep(60)
"""


def killed_supervisor(logs, leash: str) -> dict[int, str]:
    """Start the program, kill it, and return what was below it."""
    command = [sys.executable, "-c", PROGRAM, str(logs), leash]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=CHECKOUT) as supervisor:
        supervisor.stdout.readline()
        until = time.monotonic() + 20
        while len(below := descendants(supervisor.pid)) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        supervisor.kill()
    return below


def test_the_leash_ends_what_does_not_heed_a_signal(tmp_path):
    below = killed_supervisor(tmp_path, "held")
    assert len(below) == 3
    assert gone_within(below, 5) == []


def test_without_the_leash_it_would_go_on(tmp_path):
    """The control: else the test above shows nothing."""
    below = killed_supervisor(tmp_path, "let go")
    time.sleep(0.5)
    left = alive(below)
    for process in below:
        subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(process)], stderr=subprocess.DEVNULL, check=False)
    assert len(left) == 2
