"""Bring the demo's database in step and let staff in: one process, for each start of Python costs a second."""

import hashlib
import os
from pathlib import Path

import django
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from .commands import STAFF_EMAIL, STAFF_PASSWORD_IN, STAFF_ROLE, STAFF_TOTP_IN


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    django.setup()
    from allauth.mfa.models import Authenticator  # models load once Django is set up

    call_command("migrate", verbosity=0, interactive=False)
    _collect_static_files(Path(os.environ["STATIC_ROOT"]))
    there = get_user_model().objects.filter(username=STAFF_EMAIL).first()
    # Setting a password again would sign its owner out.
    has_app = Authenticator.objects.filter(user=there, type=Authenticator.Type.TOTP).exists()
    if there is None or not has_app or not there.check_password(os.environ[STAFF_PASSWORD_IN]):
        given = {"password_env": STAFF_PASSWORD_IN, "totp_env": STAFF_TOTP_IN}
        call_command("add_staff", STAFF_EMAIL, role=STAFF_ROLE, **given)


def _collect_static_files(root: Path) -> None:
    """
    Put compressed files where STATIC_ROOT says, if they have changed: it takes five seconds.

    Compressed, the first page is a third of what it is as the files lie.
    """
    stamp, sources = root / ".collected", _sources()
    if stamp.is_file() and stamp.read_text() == sources:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(sources)


def _sources() -> str:
    """Return a digest of which files there are, and when they were written."""
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = os.stat(storage.path(name))
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
