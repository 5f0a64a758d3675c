"""Celery's entrances. A task carries no facts: workers claim rows."""

from celery import shared_task

from carts import sync


@shared_task
def mirror_carts() -> None:
    sync.mirror_due()


@shared_task
def ask_domains() -> None:
    sync.ask_domains_due()


@shared_task
def read_catalogues() -> None:
    sync.read_catalogues_due()


@shared_task
def carry_contacts() -> None:
    sync.carry_contacts_due()


@shared_task
def read_rules() -> None:
    sync.read_rules_due()
