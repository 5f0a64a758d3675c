"""
The negative control: the worker of people with a relay that claims nothing.

    python -m tests.chaos.careless

A run against it must end with violations, or its races were never run.
"""

from typing import Any

from celery import Task
from celery.signals import worker_init
from django.conf import settings

from panel.celery import app


@worker_init.connect
def _take_the_relays_place(**kwargs: Any) -> None:
    from django.utils import timezone

    from orders import relay
    from orders.models import Intent

    class Careless(relay.Relay):
        """Takes what is due, whoever else has it, and calls without a lease and without a note of it."""

        def _claim(self) -> Intent | None:
            due = Intent.objects.filter(next_attempt_at__lte=timezone.now())
            return due.select_related("order__nichandle").order_by("?").first()

        def _note(self, intent: Intent) -> bool:
            # When, but not that: whoever comes next still finds it waiting.
            intent.attempted_at = timezone.now()
            intent.save(update_fields=["attempted_at"])
            return True

        def _may_call(self, intent: Intent) -> bool:
            return True

    class RelayIntents(Task):
        name = "orders.tasks.relay_intents"

        def run(self) -> None:
            Careless().run()

    app.register_task(RelayIntents())


if __name__ == "__main__":
    app.worker_main(
        [
            *("worker", "--pool", "prefork", "--concurrency", "4", "--loglevel", "warning"),
            *("--queues", ",".join(settings.QUEUES_FOR_PEOPLE), "--hostname", "people@%h"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )
