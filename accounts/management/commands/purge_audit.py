"""Let old lines of the audit trail go and keep their seals: manage.py purge_audit."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import seals
from accounts.models import AuditEvent


class Command(BaseCommand):
    help = "Deletes lines of the audit trail older than --days, by whole sealed batches. Needs the owner's rights."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, help="how long a line is kept; RETAIN_AUDIT_DAYS unless told")

    def handle(self, *args: Any, days: int | None, **options: Any) -> None:
        days = settings.RETAIN_AUDIT_DAYS if days is None else days
        if days < 30:
            raise CommandError("An audit trail of less than 30 days proves nothing.")
        try:
            gone = seals.purge(AuditEvent, timezone.now() - timedelta(days=days))
        except seals.NotAsSealed as error:
            raise CommandError(f"Nothing was deleted, for the trail is not as it was sealed. {error}") from error
        self.stdout.write(f"{gone} lines went; their seals stay.")
