"""Celery's entrances."""

from celery import shared_task

from accounts import sync
from accounts.ringing import ring


@shared_task
def drop_keys() -> None:
    sync.drop_keys()


def ring_drop_keys() -> None:
    """Ring after the commit; if nobody hears, the schedule rings again."""
    ring(drop_keys)
