"""Celery's entrances."""

from celery import shared_task

from accounts import notices, retention, seals, sync
from accounts.ringing import ring


@shared_task
def drop_keys() -> None:
    sync.drop_keys()


@shared_task
def seal() -> None:
    seals.seal_due()


@shared_task
def tell_of_lapsing_keys() -> None:
    notices.tell_of_lapsing_keys()


@shared_task
def apply_retention() -> None:
    retention.apply()


@shared_task
def send_notices() -> None:
    notices.send_due()


def ring_drop_keys() -> None:
    """Ring after the commit; if nobody hears, the schedule rings again."""
    ring(drop_keys)
