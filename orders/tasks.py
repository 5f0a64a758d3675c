"""
Celery's entrances. A task carries no facts: workers claim rows from PostgreSQL, so a task lost with Redis costs only
the time to the next ring.
"""

from celery import shared_task
from celery.signals import worker_ready

from orders import export, refunds, relay, sync
from orders.retraction import receipt


@shared_task
def poll_orders() -> None:
    sync.poll_all()


@shared_task
def check_awaited() -> None:
    """What somebody waits for, beside the long turns of the poll."""
    sync.poll_awaited()


@shared_task
def find_orders() -> None:
    sync.find_orders()


@shared_task
def import_orders() -> None:
    if sync.import_orders():
        # One batch a task: a large account gives the worker back between batches.
        import_orders.delay()
    else:
        read_idle_details.delay()


@shared_task
def read_details(order_pk: int) -> None:
    sync.read_details(order_pk)


@shared_task
def read_payment_choices(order_pk: int) -> None:
    from orders.payment import choices

    choices.read_choices(order_pk)


@shared_task
def read_idle_details() -> None:
    if sync.read_idle_details():
        read_idle_details.delay()


@shared_task
def expire_orders() -> None:
    sync.mark_all_expired()


@shared_task
def relay_intents() -> None:
    relay.relay_due()


@shared_task
def send_receipts() -> None:
    receipt.send_due()


@shared_task
def match_declarations() -> None:
    # Matching rings tasks itself.
    from orders.retraction import matching

    matching.match_due()


@shared_task
def look_for_refunds() -> None:
    refunds.look_for_refunds()


@shared_task
def make_exports() -> None:
    export.make_due()


@shared_task
def sing() -> None:
    sync.sing()


@worker_ready.connect
def _sing_at_once(**kwargs: object) -> None:
    # Else pages would say for a while after each start that our own checking has stopped.
    sing.delay()
