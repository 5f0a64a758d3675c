"""Check the seals of the audit trail and of the declarations: manage.py verify [--log FILE ...]."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import seals
from accounts.models import Seal


class Command(BaseCommand):
    help = "Says which sealed rows were changed, moved, removed or added since, and which seals. Ends with 1 if any."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--log",
            action="append",
            default=[],
            metavar="FILE",
            help="the workers' log, oldest first if several; - reads it from standard input",
        )

    def handle(self, *args: Any, log: list[str], **options: Any) -> None:
        told = self._told(log) if log else None
        if told is not None and not told:
            raise CommandError("No seal stands in this log: is it the workers', and from the level INFO on?")
        troubles = list(seals.verify(told))
        for trouble in troubles:
            self.stdout.write(str(trouble))
        if troubles:
            raise CommandError(f"{len(troubles)} found.")
        for sealed in seals.sealed_tables():
            count = Seal.objects.filter(table=sealed.table).count()
            self.stdout.write(f"{sealed.table}: {count} seals hold.")
        if told is None:
            self.stdout.write("Without --log, rows cut off at the end together with their seals cannot be seen.")

    def _told(self, files: list[str]) -> seals.Told:
        told: seals.Told = {}
        for name in files:
            if name == "-":
                told |= seals.told_by(sys.stdin)
                continue
            try:
                with open(name, encoding="utf-8", errors="replace") as lines:
                    told |= seals.told_by(lines)
            except OSError as error:
                raise CommandError(f"{name}: {error.strerror}") from error
        return told
