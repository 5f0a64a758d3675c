"""`manage.py add_staff EMAIL --role support`: a staff account, and the link that lets its owner choose a password."""

import os
import re
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import transaction

from accounts import audit
from accounts.models import User
from support import invitations
from support.models import Invitation

ROLES = [role.value for role in User.STAFF]


class Command(BaseCommand):
    help = "Add a member of staff, or give an existing one a new link. The link works once, for 24 hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="what they sign in with")
        parser.add_argument("--role", choices=ROLES, help="what they may do (default: support)")
        parser.add_argument(
            "--password-env", metavar="NAME", help="set the password that this environment variable holds; no link"
        )

        parser.add_argument(
            "--totp-env", metavar="NAME", help="set up an authenticator app with the base32 secret of this variable"
        )

    def handle(
        self, *args: Any, email: str, role: str | None, password_env: str | None, totp_env: str | None, **options: Any
    ) -> None:
        email = email.strip().lower()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        with transaction.atomic():
            user = self._user(email, role)
            if totp_env:
                self._set_app(user, totp_env)
            if password_env:
                self._set_password(user, password_env)
                return
            self.stdout.write("Open this link within 24 hours to choose a password. It works once:")
            self.stdout.write(invitations.invite(user))

    def _user(self, email: str, role: str | None) -> User:
        user = User.objects.filter(username=email).first()
        if user is None:
            user = User.objects.make_staff(email, role or "support")
            audit.record(None, "staff_add", target=email, role=user.role)
            self.stdout.write(f"{email} was added, role {user.role}.")
            return user
        if role and role != user.role:
            audit.record(None, "staff_role", target=email, before=user.role, role=role)
            self.stdout.write(f"{email} exists already; role changed from {user.role} to {role}.")
            user.role = role
            user.save(update_fields=["role"])
        else:
            self.stdout.write(f"{email} exists already, role {user.role}.")
        if not user.is_active:
            raise CommandError(f"{email} was closed; nobody can sign in with it.")
        return user

    def _set_app(self, user: User, variable: str) -> None:
        secret = os.environ.get(variable, "")
        if not re.fullmatch("[A-Z2-7]{16,64}", secret):
            raise CommandError(f"The environment variable {variable} holds no base32 secret of 16 letters or more.")
        Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).delete()
        TOTP.activate(user, secret)
        audit.record(None, "factor_added", target=user.username)
        self.stdout.write(f"The authenticator app of {user.username} is set up.")

    def _set_password(self, user: User, variable: str) -> None:
        password = os.environ.get(variable, "")
        if not password:
            raise CommandError(f"The environment variable {variable} is empty.")
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        user.set_password(password)
        user.save(update_fields=["password"])
        Invitation.objects.open().filter(user=user).delete()
        audit.record(None, "staff_password", target=user.username)
        self.stdout.write(f"The password of {user.username} is set.")
