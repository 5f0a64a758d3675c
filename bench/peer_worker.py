"""The plain Celery application: one order a task. `celery -A bench.peer_worker worker`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "panel.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402

from bench import peers  # noqa: E402

QUEUE = "peer"
app = Celery("peer", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    task_default_queue=QUEUE,
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task
def check(pk: int) -> None:
    peers.check(pk)


@app.task
def nothing(pk: int) -> None:
    """What a task costs that does nothing."""
