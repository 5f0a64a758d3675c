"""
The Chromium that browser tests drive. CHROMIUM forces a path.

`python -m tests.chromium`, run before the tests, installs Debian's when there is none and we may; without one the
browser tests are skipped, or fail where REQUIRE_BROWSER is set.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The first is the same engine without windows: a page costs it a third of the CPU.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

MISSING = "No Chromium here, so the browser tests are skipped (on Debian: apt install chromium-headless-shell)."

# Chromium refuses its own sandbox as root, and must not call home from a test.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> Path | None:
    if forced := os.environ.get("CHROMIUM"):
        return Path(forced) if os.access(forced, os.X_OK) else None
    return next((Path(found) for name in _NAMES if (found := shutil.which(name))), None)


def is_required() -> bool:
    return os.environ.get("REQUIRE_BROWSER", "") not in ("", "0")


def _install() -> None:
    """Install Debian's, which takes about 40 s."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update"], env=environment, check=False, **quiet)
    for name in ("chromium-headless-shell", "chromium"):
        install = ["apt-get", "install", "--yes", "--no-install-recommends", name, "fonts-liberation"]
        if subprocess.run(install, env=environment, check=False, **quiet).returncode == 0:
            return


def main() -> int:
    if find_chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
    if find_chromium() is None:
        sys.stderr.write(f"{MISSING}\n")
        return 1 if is_required() else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
