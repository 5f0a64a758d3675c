"""`manage.py reset_factors NAME`: take the second factors of somebody who lost them away."""

from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.models import Session, User


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
        with transaction.atomic():
            factors = Authenticator.objects.filter(user=user)
            removed = factors.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
            factors.delete()
            ended, _rows = Session.objects.filter(user=user).delete()
            subject = user.nichandle.nichandle if user.nichandle else ""
            audit.record(None, "factors_reset", subject=subject, target=user.username, removed=removed)
        self.stdout.write(f"{removed} factors of {name} are removed and {ended} sessions ended.")
