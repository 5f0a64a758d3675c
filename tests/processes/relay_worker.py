"""
A worker that lives only for the relay: `python -m tests.processes.relay_worker [careless]`.

It takes one turn for each line on its standard input and answers with a line. So a test says when, and kills it
whenever it likes. `careless` is the negative control: it takes what is due without a claim, and calls without a note
and without asking before.
"""

import logging
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")
    import django

    django.setup()
    logging.disable(logging.CRITICAL)
    from django.db import close_old_connections, connection
    from django.utils import timezone

    from gateway import Gateway
    from orders import relay
    from orders.models import Intent

    class Careless(relay.Relay):
        def _claim(self) -> Intent | None:
            due = Intent.objects.filter(next_attempt_at__lte=timezone.now()).order_by("next_attempt_at")
            return due.select_related("order__nichandle").first()

        def _asked_before(self, intent: Intent, gateway: Gateway) -> bool:
            return True

        def _note(self, intent: Intent) -> bool:
            return True

        def _may_call(self, intent: Intent) -> bool:
            return True

    worker = Careless if sys.argv[1:] == ["careless"] else relay.Relay
    connection.ensure_connection()
    _say("ready")
    for _line in sys.stdin:
        close_old_connections()
        worker().run(1)
        _say("done")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
