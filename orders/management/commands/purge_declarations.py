"""Let old declarations of withdrawal go and keep their seals: manage.py purge_declarations."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import seals
from orders.retraction import retention


class Command(BaseCommand):
    help = (
        "Deletes declarations of withdrawal older than --years with their receipts, matches and refunds, by whole"
        " sealed batches. Needs the owner's rights."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--years", type=int, default=10, help="how long a declaration is kept; 10 unless told")

    def handle(self, *args: Any, years: int, **options: Any) -> None:
        if not 3 <= years <= 1000:
            raise CommandError("A declaration is proof for as long as it may be disputed: 3 years at the least.")
        now = timezone.now()
        # 29 February is the 28th in other years.
        day = min(now.day, 28) if now.month == 2 else now.day
        try:
            gone = retention.purge_declarations(now.replace(year=now.year - years, day=day))
        except seals.NotAsSealed as error:
            raise CommandError(f"Nothing was deleted, for something is not as it was sealed. {error}") from error
        except retention.Busy as error:
            raise CommandError("Seals are being made just now: run it again in a moment.") from error
        self.stdout.write(f"{gone} declarations went; their seals stay.")
