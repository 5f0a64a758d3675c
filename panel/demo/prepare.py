"""Bring the demo's database in step and let staff in: one process, for each start of Python costs a second."""

import os

import django
from django.core.management import call_command

from .commands import STAFF_EMAIL, STAFF_ROLE


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    call_command("add_staff", STAFF_EMAIL, role=STAFF_ROLE, password_env="DEMO_STAFF_PASSWORD")  # noqa: S106


if __name__ == "__main__":
    main()
