"""What a customer can do. Each writes rows, and rings for a worker once they are committed."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.http import CustomerRequest
from accounts.models import Nichandle
from accounts.ringing import ring
from orders import tasks
from orders.models import Export, Order, OrderImport
from orders.payment.asking import pay_order as pay_order
from orders.payment.choices import ask_for_choices as ask_for_choices
from orders.retraction.declaration import retract_order as retract_order
from orders.retraction.declaration import send_receipt as send_receipt
from orders.retraction.open_door import declare_without_sign_in as declare_without_sign_in

# A watching page asks every few seconds; when it is closed, the fast lane ends by itself.
WATCH = timedelta(seconds=20)
CHECK_EVERY = timedelta(seconds=10)


def watch_order(order: Order) -> None:
    """Put an order on the fast lane while its tracking page is open. Cheap enough for every poll of that page."""
    now = timezone.now()
    changed = Order.objects.filter(pk=order.pk, next_poll_at__isnull=False).filter(
        Q(watched_until=None) | Q(watched_until__lt=now + WATCH / 2)
    )
    if changed.update(watched_until=now + WATCH):
        Order.objects.filter(pk=order.pk, next_poll_at__gt=now).filter(
            Q(status_checked_at=None) | Q(status_checked_at__lt=now - timedelta(seconds=3))
        ).exclude(next_poll_at__gt=now + timedelta(hours=2), status="delivered").update(next_poll_at=now)
        ring(tasks.check_awaited)


@transaction.atomic
def check_order(order: Order) -> bool:
    """Ask about this order now; False when it was asked for less than 10 s ago."""
    now = timezone.now()
    fresh = Order.objects.filter(pk=order.pk).filter(Q(check_asked_at=None) | Q(check_asked_at__lt=now - CHECK_EVERY))
    if not fresh.update(check_asked_at=now, next_poll_at=now):
        return False
    ring(tasks.check_awaited)
    return True


@transaction.atomic
def check_account(nichandle: Nichandle) -> bool:
    """Ask about every order that can still change, and for new ones; False when asked for less than 10 s ago."""
    now = timezone.now()
    fresh = OrderImport.objects.filter(nichandle=nichandle).filter(
        Q(check_asked_at=None) | Q(check_asked_at__lt=now - CHECK_EVERY)
    )
    if not fresh.update(check_asked_at=now):
        return False
    OrderImport.objects.filter(nichandle=nichandle, next_find_at__isnull=False).update(next_find_at=now)
    nichandle.orders.filter(next_poll_at__isnull=False).update(next_poll_at=now, check_asked_at=now)
    ring(tasks.find_orders)
    ring(tasks.check_awaited)
    return True


def note_seen(nichandle: Nichandle) -> None:
    """Somebody looks at this account: its orders are kept fresher for ten minutes. Writes at most once a minute."""
    now = timezone.now()
    was_seen_at = nichandle.seen_at
    if was_seen_at and was_seen_at > now - timedelta(minutes=1):
        return
    Nichandle.objects.filter(pk=nichandle.pk).update(seen_at=now)
    if was_seen_at is None or was_seen_at < now - timedelta(minutes=10):
        # Back after a while: what may have changed is asked about at once.
        with transaction.atomic():
            stale = nichandle.orders.filter(
                next_poll_at__gt=now + timedelta(seconds=5), status_checked_at__lt=now - timedelta(minutes=2)
            )
            stale.update(next_poll_at=now)
            OrderImport.objects.filter(nichandle=nichandle, next_find_at__gt=now).update(next_find_at=now)
            ring(tasks.poll_orders)
            ring(tasks.find_orders)


def open_order(order: Order) -> None:
    """Its page is open: read its details and its steps if nobody has yet."""
    if order.follow_up_read_at is None and order.next_poll_at is None and order.gone_at is None:
        asked = Order.objects.filter(pk=order.pk, follow_up_read_at=None, next_poll_at=None)
        if asked.update(next_poll_at=timezone.now()):
            ring(tasks.poll_orders)
    if order.details_read_at is None and order.gone_at is None:
        ring(tasks.read_details, order.pk)


# --- My data ----------------------------------------------------------------------------------------------------------
@transaction.atomic
def ask_for_export(request: CustomerRequest) -> Export:
    """Ask for a download of this account's data; one that stands already is the answer."""
    standing = Export.objects.of(request.user, request.nichandle).first()
    if standing is not None:
        return standing
    audit.record(request, "export_asked", subject=request.nichandle.nichandle)
    made = Export.objects.create(user=request.user, nichandle=request.nichandle)
    ring(tasks.make_exports)
    return made


@transaction.atomic
def take_export(request: CustomerRequest) -> bytes | None:
    """Return the file that is ready, and forget it: it is taken once. None when there is none."""
    ready = Export.objects.of(request.user, request.nichandle).exclude(made_at=None).select_for_update().first()
    if ready is None:
        return None
    content = bytes(ready.content or b"")
    ready.delete()
    return content
