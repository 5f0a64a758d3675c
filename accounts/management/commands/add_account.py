"""`manage.py add_account`: an account that the operator looks after, by a consumer key OVHcloud granted for it."""

import os
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import operator
from gateway import CredentialRevoked, OvhError, OvhUnavailable


class Command(BaseCommand):
    help = (
        "Keep a consumer key for a customer's account. The key is read from standard input, or from the environment "
        "variable that --key-env names; never from an argument, which every process of this machine could read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--key-env", metavar="NAME", help="the environment variable that holds the key")

    def handle(self, *args: Any, key_env: str | None, **options: Any) -> None:
        try:
            link = operator.add_account(None, self._key(key_env))
        except operator.KeyTooNarrow as error:
            raise CommandError(f"This key may not {', '.join(error.args)}: ask OVHcloud for a wider one.") from error
        except CredentialRevoked as error:
            raise CommandError("OVHcloud does not take this key: it is wrong, was revoked or has run out.") from error
        except OvhUnavailable as error:
            raise CommandError(f"OVHcloud did not answer, and nothing was kept: {error}.") from error
        except OvhError as error:
            raise CommandError(f"OVHcloud refused, and nothing was kept: {error}.") from error
        until = f"until {link.expiration:%Y-%m-%d}" if link.expiration else "until it is taken back"
        self.stdout.write(f"{link.nichandle.nichandle} is kept, {until}. Its orders are being read.")

    def _key(self, variable: str | None) -> str:
        if variable:
            key = os.environ.get(variable, "")
        elif sys.stdin.isatty():
            key = getpass("Consumer key: ")
        else:
            key = sys.stdin.readline()
        key = key.strip()
        if not (key.isascii() and key.isalnum() and 16 <= len(key) <= 64):
            raise CommandError("That is no consumer key: letters and digits, 32 of them as a rule.")
        return key
