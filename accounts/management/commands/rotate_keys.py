"""`manage.py rotate_keys`: encrypt every stored consumer key with the newest of CREDENTIAL_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import crypto, rotation


class Command(BaseCommand):
    help = (
        "Put a new key in front of CREDENTIAL_KEYS, restart web and workers, run this, then take the old key away. The "
        "panel serves all the while; running it again does no harm."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        before = rotation.count_by_key()
        newest = crypto.newest_id()
        old = sum(count for key, count in before.items() if key != newest)
        self.stdout.write(f"{sum(before.values())} keys stored, {old} of them encrypted with an older key.")
        unreadable = 0
        for done, unreadable in rotation.rotate():
            self.stdout.write(f"{done} of {old} encrypted anew, {unreadable} cannot be read")
        if unreadable:
            raise CommandError(
                f"{unreadable} keys cannot be read with any of CREDENTIAL_KEYS. Put the key they were encrypted with "
                "back at the end of the list and run this again; else their customers have to sign in once more."
            )
        self.stdout.write(f"All are encrypted with {newest}: older keys may be taken out of CREDENTIAL_KEYS.")
