"""Bring the demo's database in step and let staff in: one process, for each start of Python costs a second."""

import os

import django
from django.contrib.auth import get_user_model
from django.core.management import call_command

from .commands import STAFF_EMAIL, STAFF_PASSWORD_IN, STAFF_ROLE


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    # Compressed, the first page is a third of what it is as the files lie.
    call_command("collectstatic", verbosity=0, interactive=False)
    there = get_user_model().objects.filter(username=STAFF_EMAIL).first()
    # Setting a password again would sign its owner out.
    if there is None or not there.check_password(os.environ[STAFF_PASSWORD_IN]):
        call_command("add_staff", STAFF_EMAIL, role=STAFF_ROLE, password_env=STAFF_PASSWORD_IN)


if __name__ == "__main__":
    main()
