"""`manage.py reset_factors NAME`: take the second factors of somebody who lost them away."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import factors
from accounts.models import User


class Command(BaseCommand):
    help = (
        "Remove app, passkeys and recovery codes of a customer (their nichandle) or of staff (their e-mail), and end "
        "their sessions. Make sure first that it is they who ask. Staff set up a new factor when they next sign in."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="a nichandle, or the e-mail of a member of staff")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        user = (
            User.objects.filter(nichandle__nichandle=name).first() or User.objects.filter(username=name.lower()).first()
        )
        if user is None:
            raise CommandError(f"Nobody signs in here as {name!r}: give a nichandle, or the e-mail of staff.")
        removed, ended = factors.reset(None, user)
        self.stdout.write(f"{removed} factors of {name} are removed and {ended} sessions ended.")
