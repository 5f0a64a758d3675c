"""Writes what OVHcloud answered into our rows, with an event for each change. The database's side of sync."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Nichandle
from gateway import CredentialRevoked, FollowUpRecord, OrderRecord, OvhError, RateLimited
from orders import policy
from orders.answers import Answer, Details
from orders.models import Order, OrderDetail, OrderEvent, Status
from orders.relay import release_held

# Statuses that OVHcloud gives only to orders whose payment it has seen.
PAID = frozenset({Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.DELIVERED})


@transaction.atomic
def learn(order_pk: int, answer: Answer, asked_at: datetime) -> None:
    """
    Take one answer about one order: facts, events, and when to ask next.

    asked_at: when the question left. What a customer asked for after that is not answered by it.
    """
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order_pk)
    now = timezone.now()
    if answer.error is not None:
        _note_failure(order, answer.error)
        return
    order.status_checked_at, order.poll_failures = asked_at, 0
    order.last_error, order.last_error_query_id = "", ""
    if answer.gone:
        _learn_gone(order)
    else:
        if order.gone_at:
            order.gone_at = None
            _event(order, OrderEvent.Kind.BACK, source="GET /me/order/{orderId}/status")
        _learn_payment(order, answer)
        _learn_object(order, answer.order)
        _learn_status(order, answer.status)
        if answer.follow_up is not None:
            order.follow_up, order.follow_up_read_at = _follow_up_as_json(answer.follow_up), now
        if answer.associated is not None:
            order.associated_type, order.associated_id = answer.associated.type, answer.associated.id
        _expire_if_lapsed(order)
    asked_again = order.check_asked_at is not None and order.check_asked_at > asked_at
    order.next_poll_at = now if asked_again else policy.next_check(order, now)
    order.save()
    release_held(order)


def keep_new(nichandle: Nichandle, answers: Sequence[Answer], *, found_later: bool = False) -> list[int]:
    """
    Insert orders we did not have. Returns the numbers that must be asked again.

    found_later: they were placed since the import, which is worth an event.
    """
    now = timezone.now()
    failed = [answer.order_id for answer in answers if answer.error is not None]
    rows = [_new_row(nichandle, answer, answer.order) for answer in answers if answer.order is not None]
    for row in rows:
        row.next_poll_at = policy.next_check(row, now)
        if row.next_poll_at is not None and row.status != Status.CANCELLED:
            # The list needs the status only; the steps follow with the first check, old ones when they are opened.
            row.next_poll_at = min(row.next_poll_at or now, now + timedelta(seconds=5))
    with transaction.atomic():
        Order.objects.bulk_create(rows, ignore_conflicts=True)
        if found_later:
            new = Order.objects.filter(nichandle=nichandle, order_id__in=[row.order_id for row in rows])
            OrderEvent.objects.bulk_create(
                OrderEvent(order=order, kind=OrderEvent.Kind.FOUND, after=order.status, source="GET /me/order")
                for order in new.filter(events=None)
            )
    return failed


@transaction.atomic
def keep_details(order_pk: int, details: Details) -> None:
    """Write the parts of an order, replacing what was there."""
    order = Order.objects.select_for_update().get(pk=order_pk)
    rows = [
        OrderDetail(
            order=order,
            order_detail_id=detail.order_detail_id,
            description=detail.description.replace("\0", ""),
            domain=detail.domain.replace("\0", "")[:300],
            detail_type=detail.detail_type[:40],
            quantity=detail.quantity[:40],
            unit_price=detail.unit_price.value,
            total_price=detail.total_price.value,
            currency_code=detail.total_price.currency_code[:10],
            cancelled=detail.cancelled,
            extension=asdict(extension) if extension else {},
        )
        for detail, extension in details.details
    ]
    order.details.all().delete()
    OrderDetail.objects.bulk_create(rows)
    products = [row for row in rows if row.detail_type not in ("INSTALLATION", "GIFT")] or rows
    order.first_description = products[0].description[:300] if products else ""
    order.product_count = len({row.domain or row.description for row in products})
    words = dict.fromkeys(text for row in rows for text in (row.description, row.domain) if text.strip("*.0123456789"))
    order.search_text = "\n".join(words)[:20_000]
    if details.payment_methods is not None:
        order.payment_methods = details.payment_methods
    order.details_read_at = timezone.now()
    order.save(
        update_fields=["first_description", "product_count", "search_text", "payment_methods", "details_read_at"]
    )


def note_error(order_pk: int, error: OvhError) -> None:
    """Keep why a question about this order failed, for staff and, in small print, for its customer."""
    Order.objects.filter(pk=order_pk).update(
        last_error=(str(error.message or error.detail) or type(error).__name__)[:300],
        last_error_query_id=error.query_id[:120],
    )


def _note_failure(order: Order, error: OvhError) -> None:
    now = timezone.now()
    order.poll_failures += 1
    order.next_poll_at = policy.retry(order.poll_failures, now)
    if isinstance(error, RateLimited):
        order.next_poll_at = now + timedelta(seconds=max(error.retry_after, 1))
    elif isinstance(error, CredentialRevoked):
        order.next_poll_at = now + timedelta(hours=1)
    order.save(update_fields=["poll_failures", "next_poll_at"])
    note_error(order.pk, error)


def _learn_gone(order: Order) -> None:
    """404: an unpaid order lapsed; one that was paid keeps its last status and is asked about no more."""
    if order.gone_at is None:
        order.gone_at = timezone.now()
        _event(order, OrderEvent.Kind.GONE, before=order.status, source="GET /me/order/{orderId}/status, 404")
    if not order.was_paid and order.status == Status.NOT_PAID and order.expired_at is None:
        order.expired_at = timezone.now()
        _event(order, OrderEvent.Kind.EXPIRED, before=order.status, source="GET /me/order/{orderId}/status, 404")


def _learn_payment(order: Order, answer: Answer) -> None:
    if answer.status in PAID or answer.payment is not None:
        order.was_paid = True
    if answer.payment is not None and answer.payment.payment_date is not None:
        order.payment_date = answer.payment.payment_date


def _learn_object(order: Order, record: OrderRecord | None) -> None:
    if record is None:
        return
    if record.retraction_date != order.retraction_date:
        _event(
            order,
            OrderEvent.Kind.RETRACTION_DATE,
            before=_iso(order.retraction_date),
            after=_iso(record.retraction_date),
            source="GET /me/order/{orderId}",
        )
    _copy(order, record)


def _learn_status(order: Order, status: str) -> None:
    status = status[:40]
    if status == order.status:
        return
    _event(order, OrderEvent.Kind.STATUS, before=order.status, after=status, source="GET /me/order/{orderId}/status")
    order.status, order.status_since = status, timezone.now()


def _expire_if_lapsed(order: Order) -> None:
    """OVHcloud has just been asked once more and still says notPaid past the date it names itself."""
    now = timezone.now()
    lapsed = order.status == Status.NOT_PAID and order.expiration_date is not None and order.expiration_date <= now
    if lapsed and not order.was_paid and order.expired_at is None:
        order.expired_at = now
        _event(
            order,
            OrderEvent.Kind.EXPIRED,
            before=order.status,
            after=_iso(order.expiration_date),
            source="GET /me/order/{orderId}/status",
        )
    elif not lapsed and order.expired_at is not None:
        order.expired_at = None


def _new_row(nichandle: Nichandle, answer: Answer, record: OrderRecord) -> Order:
    row = Order(
        nichandle=nichandle,
        order_id=answer.order_id,
        status=answer.status[:40],
        status_checked_at=timezone.now(),
        was_paid=answer.status in PAID or answer.payment is not None,
        payment_date=answer.payment.payment_date if answer.payment else None,
        billing=nichandle.billing
        | {"name": nichandle.full_name, "organisation": nichandle.organisation}
        | {"country": nichandle.country, "email": nichandle.email, "legalform": nichandle.legalform},
    )
    _copy(row, record)
    return row


def _copy(order: Order, record: OrderRecord) -> None:
    order.date = record.date or order.date or timezone.now()
    order.expiration_date = record.expiration_date
    order.retraction_date = record.retraction_date
    order.price_with_tax = record.price_with_tax.value
    order.price_without_tax = record.price_without_tax.value
    order.tax = record.tax.value
    order.currency_code = record.price_with_tax.currency_code[:10]


def _follow_up_as_json(steps: tuple[FollowUpRecord, ...]) -> list[dict[str, Any]]:
    return [
        {
            "step": step.step,
            "status": step.status,
            "history": [
                {"date": entry.date.isoformat(), "label": entry.label, "description": entry.description}
                for entry in step.history
            ],
        }
        for step in steps
    ]


def _iso(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _event(order: Order, kind: str, *, before: str = "", after: str = "", source: str = "") -> None:
    OrderEvent.objects.create(order=order, kind=kind, before=before[:60], after=after[:60], source=source)
