"""`make demo-code`: the six digits that the demo's member of staff would read off their phone just now."""

import json
import os
import sys
from pathlib import Path

import pyotp

from .data import default_directory
from .output import complain, say


def main() -> int:
    path = Path(os.environ.get("DEMO_DIR") or default_directory()) / "secrets.json"
    try:
        secret = json.loads(path.read_text())["staff_totp_secret"]
    except (OSError, ValueError, KeyError):
        complain("There is no demo here: start one with make demo.")
        return 1
    say(pyotp.TOTP(secret).now())
    return 0


if __name__ == "__main__":
    sys.exit(main())
