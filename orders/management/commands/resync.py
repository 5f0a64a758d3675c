"""`manage.py resync NICHANDLE [--all-orders] [--details]`: have everything of an account asked anew."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from accounts import audit
from accounts.models import Nichandle
from orders.resync import resync


class Command(BaseCommand):
    help = "Ring for everything of an account: its orders, new ones, what is to be sent. Workers ask within its budget."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("nichandle", help="such as ab12345-ovh")
        parser.add_argument("--all-orders", action="store_true", help="also the orders that are final")
        parser.add_argument("--details", action="store_true", help="read the parts of its orders again, too")

    def handle(self, *args: Any, nichandle: str, all_orders: bool, details: bool, **options: Any) -> None:
        name = nichandle.strip().lower().replace("\0", "")
        account = Nichandle.objects.filter(endpoint=settings.OVH_ENDPOINT, nichandle=name).first()
        if account is None:
            raise CommandError(
                f"No account {name!r} is known here. Only customers who signed in once are.", returncode=1
            )
        with transaction.atomic():
            rung = resync(account, all_orders=all_orders, details=details)
            if rung is not None:
                audit.record(None, "resync", subject=name, target=name, all_orders=all_orders, orders=rung.orders)
        if rung is None:
            self.stdout.write(
                f"{name} was rung for less than ten seconds ago, or was never imported; nothing was done."
            )
            return
        self.stdout.write(f"{rung.orders} orders of {name} are asked about now, as fast as its budget lets us.")
        if details:
            self.stdout.write(f"The parts of {rung.details} orders are read again.")
        if rung.intents:
            self.stdout.write(f"{rung.intents} intents are carried.")
        self.stdout.write("The import is still under way." if rung.is_importing else "New orders are looked for, too.")
        if not account.links.usable().exists():
            self.stdout.write(
                "Nobody holds a key for it: until its customer signs in again, OVHcloud is asked nothing."
            )
