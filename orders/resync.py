"""Ring everything of an account anew. Nothing is asked here: workers ask, as fast as the account's budget lets them."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import Nichandle
from accounts.ringing import ring
from orders import tasks
from orders.models import Intent, OrderImport

# Asked for again sooner than that, it would only ring for what is being answered.
AGAIN_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class Rung:
    """How many orders are asked about, how many of them anew for their parts, and how many intents are carried."""

    orders: int
    details: int
    intents: int
    is_importing: bool


@transaction.atomic
def resync(nichandle: Nichandle, *, all_orders: bool = False, details: bool = False) -> Rung | None:
    """
    Have every order of the account that can still change asked about, new ones looked for, and intents carried.

    all_orders: also those that are final, unless OVHcloud no longer knows them. details: read their parts again.
    Returns None when that was done less than ten seconds ago, or nothing was ever imported.
    """
    now = timezone.now()
    row = OrderImport.objects.select_for_update().filter(nichandle=nichandle).first()
    if row is None or (row.check_asked_at is not None and row.check_asked_at > now - AGAIN_AFTER):
        return None
    row.check_asked_at = now
    row.next_batch_at = now if row.is_running else row.next_batch_at
    row.next_find_at = row.next_find_at if row.is_running else now
    row.save(update_fields=["check_asked_at", "next_batch_at", "next_find_at"])
    known = nichandle.orders.filter(gone_at=None)
    asked = known if all_orders else known.filter(next_poll_at__isnull=False)
    orders = asked.update(next_poll_at=now, check_asked_at=now)
    parts = known.filter(details_read_at__isnull=False).update(details_read_at=None) if details else 0
    waiting = Intent.objects.filter(nichandle=nichandle, state__in=[Intent.State.WAITING, Intent.State.DOUBTFUL])
    intents = waiting.filter(Q(leased_until=None) | Q(leased_until__lte=now)).exclude(next_attempt_at=None)
    rung = Rung(orders, parts, intents.filter(state=Intent.State.WAITING).update(next_attempt_at=now), row.is_running)
    for task in (tasks.poll_orders, tasks.find_orders, tasks.relay_intents, tasks.import_orders):
        ring(task)
    return rung
