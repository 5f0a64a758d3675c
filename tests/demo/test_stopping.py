"""However a demo ends, it leaves no process, and the next one begins where it ended."""

import json
import os
import resource
import signal
import subprocess
import sys
import time

import pytest

from .conftest import CHECKOUT, Demo, descendants, gone_within

pytestmark = pytest.mark.processes


def test_a_demo_ends_in_order_and_after_kill_and_begins_again(demo_place):
    """One story, for each start costs seconds: killed, begun again unheard, stopped twice over."""
    demo = Demo(demo_place / "story")
    demo.start()
    before = demo.wait_until_ready()
    below = descendants(demo.process.pid)
    assert len(below) > 10
    demo.process.kill()
    demo.process.communicate()
    assert gone_within(below, 5) == []
    assert demo.ready_path.exists()

    reading, writing = os.pipe()
    demo.start(stdout=writing)
    os.close(writing)
    os.close(reading)  # nobody listens to what it says
    while demo.ready_path.exists() and json.loads(demo.ready_path.read_text()) == before:
        assert demo.process.poll() is None, demo.process.stderr.read()
        time.sleep(0.01)
    after = demo.wait_until_ready()
    assert after["staff"] == before["staff"]
    assert after["customers"] == before["customers"]

    below = descendants(demo.process.pid)
    began = time.monotonic()
    os.killpg(demo.process.pid, signal.SIGINT)
    os.killpg(demo.process.pid, signal.SIGTERM)
    _, complaints = demo.process.communicate(timeout=20)
    assert time.monotonic() - began < 8
    assert (demo.process.returncode, complaints) == (0, "")
    assert gone_within(below, 0) == []
    assert not demo.ready_path.exists()


def test_a_demo_that_is_stopped_while_it_starts_leaves_nothing(demo_place):
    demo = Demo(demo_place / "early")
    demo.start()
    while not (demo.directory / "logs" / "sandbox.log").exists():
        assert demo.process.poll() is None, demo.process.stderr.read()
        time.sleep(0.01)
    below = descendants(demo.process.pid)
    os.killpg(demo.process.pid, signal.SIGTERM)
    _, complaints = demo.process.communicate(timeout=20)
    assert (demo.process.returncode, complaints) == (0, "")
    assert gone_within(below, 0) == []


def test_a_full_disk_is_told_in_one_sentence(demo_place):
    demo = Demo(demo_place / "full")
    demo.start(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)))
    assert demo.refusal().startswith("There is no room left on the disk that holds")


def test_a_disk_without_room_for_a_byte_is_told_in_one_sentence(demo_place):
    demo = Demo(demo_place / "fuller")
    demo.start(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)))
    assert demo.refusal().startswith("There is no room left on the disk that holds")


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "eighty", "PORT=eighty is no port"),
        ("SANDBOX_PORT", "70000", "SANDBOX_PORT=70000 is no port"),
        ("READY", "/nowhere/at/all.json", "READY=/nowhere/at/all.json cannot be written"),
    ],
)
def test_a_wrong_setting_is_told_in_one_sentence(demo_place, variable, value, sentence):
    demo = Demo(demo_place / "wrong", **{variable: value})
    demo.start()
    assert demo.refusal().startswith(sentence)


def test_damaged_data_is_told_and_can_be_forgotten(demo_place):
    directory = demo_place / "damaged"
    directory.mkdir()
    (directory / "secrets.json").write_text("{")
    demo = Demo(directory)
    demo.start()
    assert "make demo-reset" in demo.refusal()
    command = [sys.executable, "-m", "panel.demo", "--reset"]
    for _ in range(2):
        subprocess.run(command, cwd=CHECKOUT, env=os.environ | {"DEMO_DIR": str(directory)}, check=True)
        assert not directory.exists()
