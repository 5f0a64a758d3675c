"""`manage.py check_ovh`: can the panel reach OVHcloud, and does OVHcloud know its application key?"""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts.ovh import SIGN_IN_RULES, WHILE_A_BROWSER_WAITS, application
from gateway import Application, ApplicationKeyInvalid, Gateway, OvhError, OvhUnavailable

# Seconds by which the two clocks may differ; the panel corrects for it, an operator should know of more.
CLOCK_MAY_DIFFER = 30


class Command(BaseCommand):
    help = (
        "Try the address and the application key of OVH_*. To prove the key, a consumer key is asked for that nobody "
        "will validate: it opens nothing, and OVHcloud forgets it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.OVH_APPLICATION_KEY or not settings.OVH_APPLICATION_SECRET:
            raise CommandError("Set OVH_APPLICATION_KEY and OVH_APPLICATION_SECRET; README.md says where to get them.")
        try:
            ours = application()
        except ValueError as error:
            raise CommandError(f"OVH_ENDPOINT or OVH_BASE_URL cannot be used: {error}.") from error
        gateway = Gateway(ours, "", **WHILE_A_BROWSER_WAITS)
        self._check_clock(ours, gateway)
        self._check_key(gateway)

    def _check_clock(self, ours: Application, gateway: Gateway) -> None:
        try:
            theirs = gateway.time()
        except OvhError as error:
            raise CommandError(f"OVHcloud does not answer at {ours.address}: {error}.") from error
        self.stdout.write(f"OVHcloud answers at {ours.address}.")
        difference = round(time.time()) - theirs
        if abs(difference) > CLOCK_MAY_DIFFER:
            self.stdout.write(f"This machine's clock differs from OVHcloud's by {difference} s: set it by NTP.")
        else:
            self.stdout.write("This machine's clock agrees with OVHcloud's.")

    def _check_key(self, gateway: Gateway) -> None:
        try:
            asked = gateway.request_credential(SIGN_IN_RULES, settings.BASE_URL)
        except ApplicationKeyInvalid as error:
            raise CommandError(f"OVHcloud does not know this application key: {error}.") from error
        except OvhUnavailable as error:
            raise CommandError(f"OVHcloud did not answer when asked about the application key: {error}.") from error
        except OvhError as error:
            raise CommandError(f"OVHcloud refused the application key: {error}.") from error
        self.stdout.write(
            f"OVHcloud knows the application key (a consumer key came, {asked.state}; nobody will use it)."
        )
        self.stdout.write("The application secret shows at the first sign-in: only a validated key can try it.")
