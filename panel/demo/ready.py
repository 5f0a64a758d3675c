"""What the demo tells: the READY file for tools, a few lines for people."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .commands import STAFF_EMAIL, STAFF_ROLE, Addresses
from .data import CHECKOUT, DataDirectory, Secrets, write_by_rename
from .errors import DemoError


def read_sandbox(path: Path) -> dict[str, Any]:
    """Return what the sandbox wrote once it answered."""
    try:
        world: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise DemoError(f"The sandbox left no readable {path}: run make demo-reset to begin anew.") from error
    return world


def document(addresses: Addresses, world: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """Return the READY document. Its shape is a contract with tools."""
    return {
        "panel": addresses.panel,
        "sandbox": addresses.sandbox,
        "api": {
            "base": f"{addresses.sandbox}/1.0",
            "application_key": world["api"]["application_key"],
            "application_secret": world["api"]["application_secret"],
        },
        "customers": world["customers"],
        "staff": [
            {
                "email": STAFF_EMAIL,
                "password": secrets.staff_password,
                "totp_secret": secrets.staff_totp_secret,
                "role": STAFF_ROLE,
            }
        ],
        "mail": f"{addresses.sandbox}/mail/",
    }


def write(path: Path, document: Mapping[str, Any]) -> None:
    write_by_rename(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def welcome(document: Mapping[str, Any], data: DataDirectory) -> str:
    """Return where to go and how to sign in. With the line before it, at most 15 lines."""
    customers = [customer for customer in document["customers"] if customer["totp_secret"] is None][:3]
    staff = document["staff"][0]
    lines = [
        "",
        f"  The panel            {document['panel']}",
        '  Customers            press "Sign in with OVHcloud", then as',
        *(f"                       {one['nichandle']}  {one['password']}  ({one['about']})" for one in customers),
        f"  Staff                {document['panel']}/staff/sign-in/",
        f"                       {staff['email']}  {staff['password']}  (code: make demo-code)",
        f"  Stand-in OVHcloud    {document['sandbox']}",
        f"  Mail it caught       {document['mail']}",
        f"  Data, and logs/      {_short(data.path)}  (make demo-reset forgets it)",
        "",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


def _short(path: Path) -> str:
    return str(path.relative_to(CHECKOUT)) if path.is_relative_to(CHECKOUT) else str(path)
