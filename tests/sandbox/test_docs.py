"""The page about the sandbox, read by a stranger: its examples work as they stand, and its lists are whole."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.sandboxes import Sandbox

from .client import Signing

_PAGE = (Path(__file__).resolve().parents[2] / "docs" / "sandbox.md").read_text()


def _examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)


def _beside_the_ready_file(sandbox: Sandbox, directory: Path, *command: str) -> str:
    """Run a command where a stranger would, and return what it prints."""
    ready = {
        "sandbox": sandbox.base,
        "api": {
            "base": sandbox.api_base,
            "application_key": sandbox.application_key,
            "application_secret": sandbox.application_secret,
        },
        "customers": sandbox.customers,
    }
    (directory / "sandbox.json").write_text(json.dumps(ready))
    environment = os.environ | {"OAUTHLIB_INSECURE_TRANSPORT": "1"}
    run = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_example_for_a_shell_signs(sandbox: Sandbox, tmp_path: Path) -> None:
    by_hand = next(example for example in _examples("sh") if "sha1sum" in example)
    told = _beside_the_ready_file(sandbox, tmp_path, "bash", "-euc", by_hand)
    assert json.loads(told) == Signing(sandbox, sandbox.anna).get("/me/order")


def test_the_examples_in_python_reach_an_account_by_both_ways(sandbox: Sandbox, tmp_path: Path) -> None:
    script = "\n".join([*_examples("python"), 'print(service.get("/me")["nichandle"])'])
    told = _beside_the_ready_file(sandbox, tmp_path, sys.executable, "-c", script).splitlines()
    assert json.loads(told[0]) == Signing(sandbox, sandbox.anna).get("/me/order")
    assert told[1] == sandbox.anna["nichandle"]


def test_the_page_names_every_account_switch_and_call(sandbox: Sandbox) -> None:
    named = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", _PAGE, flags=re.DOTALL)))
    assert {one["nichandle"] for one in sandbox.customers} <= named
    assert set(sandbox.control("GET", "settings")) <= named
    words = " ".join(named)
    for call in ("reset", "orders", "pace", "clock", "faults", "requests", "ledger", "settings", "policies", "mail"):
        assert f"/_control/{call}" in words, call
