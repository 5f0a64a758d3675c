"""Writes what OVHcloud answered into our rows, with an event for each change. The database's side of sync."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Nichandle
from gateway import CredentialRevoked, FollowUpRecord, OrderRecord, OvhError, RateLimited
from orders import policy
from orders.answers import Answer, Details
from orders.evidence import Witness
from orders.models import EXPIRED, Due, Intent, Order, OrderDetail, OrderEvent, Status
from orders.relay import release_held
from orders.signals import orders_found

# Statuses that OVHcloud gives only to orders whose payment it has seen.
PAID = frozenset({Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.DELIVERED})
# An intent in one of these may go on with what the next answer says, so no answer is passed over.
WAITING_FOR_ANSWERS = (Intent.State.HELD, Intent.State.DEAD)


class Unchanged(NamedTuple):
    """
    An answer that told nothing new, and what is written for it.

    status, watched_until: as they were when the question left; where they are others now, nothing is written.
    """

    pk: int
    status: str
    asked_at: datetime
    next_poll_at: datetime
    kind: int
    watched_until: datetime | None
    follow_up_read_at: datetime | None
    object_read_at: datetime | None
    behind_s: int = 0

    @property
    def is_lapsed(self) -> bool:
        return self.kind == Due.Kind.LAPSED


# Both tables in one statement, so the trigger between them is told to stand back. Who waited for a row here would keep
# others waiting: what somebody else holds, or has changed, is left for `learn`.
_KEEP = """
WITH told AS (
    SELECT * FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::timestamptz[], %s::smallint[],
                         %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::int[])
    AS told (id, status, asked_at, next_poll_at, kind, watched_until, follow_up_read_at, object_read_at, behind_s)
),
free AS MATERIALIZED (
    SELECT o.id FROM orders_order o JOIN told ON told.id = o.id
    WHERE o.status = told.status AND o.gone_at IS NULL AND o.expired_at IS NULL
        AND (o.status_checked_at IS NULL OR o.status_checked_at < told.asked_at)
        AND (o.check_asked_at IS NULL OR o.check_asked_at <= told.asked_at)
        AND o.watched_until IS NOT DISTINCT FROM told.watched_until
    FOR NO KEY UPDATE OF o SKIP LOCKED
),
written AS (
    UPDATE orders_order o
    SET status_checked_at = told.asked_at, next_poll_at = told.next_poll_at, poll_failures = 0,
        last_error = '', last_error_query_id = '', behind_s = told.behind_s,
        follow_up_read_at = coalesce(told.follow_up_read_at, o.follow_up_read_at),
        object_read_at = coalesce(told.object_read_at, o.object_read_at)
    FROM told JOIN free USING (id) WHERE o.id = told.id
    RETURNING o.id, o.nichandle_id, told.kind, told.next_poll_at
),
queued AS (
    INSERT INTO orders_due (order_id, nichandle_id, kind, at) SELECT id, nichandle_id, kind, next_poll_at FROM written
    ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, at = excluded.at
)
SELECT id FROM written
"""


def keep_unchanged(rows: Sequence[Unchanged]) -> set[int]:
    """Write answers that told nothing new, thousands in one statement. Returns the keys of those that were written."""
    if not rows:
        return set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('orders.queue', 'kept', true)")
        cursor.execute(_KEEP, [list(column) for column in zip(*rows, strict=True)])
        written = {pk for (pk,) in cursor.fetchall()}
        cursor.execute("SELECT set_config('orders.queue', '', true)")
    return written


@transaction.atomic
def learn(order_pk: int, answer: Answer, asked_at: datetime, witness: Witness | None = None) -> None:
    """
    Take one answer about one order: facts, events, and when to ask next.

    asked_at: when the question left. What a customer asked for after that is not answered by it, and a slow worker's
    old answer changes nothing that a newer one told. witness: heard the answers, so that events name theirs.
    """
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order_pk)
    now = timezone.now()
    if order.status_checked_at is not None and order.status_checked_at > asked_at:
        return
    if answer.error is not None:
        _note_failure(order, answer.error)
        return
    dated = _newest_date(answer, order.status_checked_at, unpaid=order.status == Status.NOT_PAID)
    order.witness = witness  # type: ignore[attr-defined]
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
        _learn_status(order, answer.status, dated)
        if answer.follow_up is not None:
            order.follow_up, order.follow_up_read_at = follow_up_as_json(answer.follow_up), now
        if answer.associated is not None:
            order.associated_type, order.associated_id = answer.associated.type, answer.associated.id
        order.behind_s = answer.behind_s
        _expire_if_lapsed(order)
    asked_again = order.check_asked_at is not None and order.check_asked_at > asked_at
    order.next_poll_at = now if asked_again else policy.next_check(order, now)
    order.save()
    release_held(order)


def keep_new(
    nichandle: Nichandle,
    answers: Sequence[Answer],
    *,
    found_later: bool = False,
    of_the_list: Collection[int] = (),
    quick: bool = True,
) -> list[int]:
    """
    Insert orders we did not have. Returns the numbers that must be asked again.

    found_later: they were placed since the import, which is worth an event. of_the_list: numbers whose facts come from
    a cached list, so the first check reads them again. quick: check each of them soon, not only those that still move.
    """
    now = timezone.now()
    failed = [answer.order_id for answer in answers if answer.error is not None]
    rows = [_new_row(nichandle, answer, answer.order) for answer in answers if answer.order is not None]
    for row in rows:
        row.object_read_at = None if row.order_id in of_the_list else now
        row.next_poll_at = policy.next_check(row, now)
        soon = row.status != Status.CANCELLED and (quick or row.status != Status.DELIVERED)
        if row.next_poll_at is not None and soon:
            # The list needs the status only; the steps follow with the first check, old ones when they are opened.
            row.next_poll_at = min(row.next_poll_at or now, now + timedelta(seconds=5))
    with transaction.atomic():
        Order.objects.bulk_create(rows, ignore_conflicts=True)
        orders_found.send(Order, nichandle=nichandle, numbers=[row.order_id for row in rows])
        if found_later:
            new = Order.objects.filter(nichandle=nichandle, order_id__in=[row.order_id for row in rows])
            OrderEvent.objects.bulk_create(
                OrderEvent(
                    order=order,
                    kind=OrderEvent.Kind.FOUND,
                    after=order.status,
                    source="GET /me/order",
                    said_at=order.date,
                )
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
    order.object_read_at = timezone.now()


def _learn_status(order: Order, status: str, dated: datetime | None) -> None:
    status = status[:40]
    if status == order.status:
        return
    source = "GET /me/order/{orderId}/status"
    _event(order, OrderEvent.Kind.STATUS, before=order.status, after=status, source=source, said_at=dated)
    order.status, order.status_since = status, timezone.now()


def _newest_date(answer: Answer, since: datetime | None, *, unpaid: bool) -> datetime | None:
    """
    The date that OVHcloud's own answers give to what is new in them; None where none of them carries one.

    since: the answers before these. What is older than them happened before, whatever changed now. unpaid: so the
    order stood; the date of its payment dates what came next, and nothing later.
    """
    entries = [entry.date for step in answer.follow_up or () for entry in step.history]
    paid_on = answer.payment.payment_date if unpaid and answer.payment is not None else None
    dates = [moment for moment in (*entries, paid_on) if moment is not None and since is not None and moment > since]
    return max(dates, default=None)


def _expire_if_lapsed(order: Order) -> None:
    """
    Mark an order that OVHcloud, just asked once more, still calls notPaid past the date it names itself, by its clock
    and by ours; and take a mark back that a payment or a later date disproves.
    """
    now = timezone.now()
    if order.expired_at is not None:
        _take_the_mark_back(order, now)
    elif order.status == Status.NOT_PAID and not order.was_paid and order.has_lapsed(now):
        order.expired_at = now
        _event(
            order,
            OrderEvent.Kind.EXPIRED,
            before=order.status,
            after=_iso(order.expiration_date),
            source="GET /me/order/{orderId}/status",
        )


def _take_the_mark_back(order: Order, now: datetime) -> None:
    still_unpaid = not order.was_paid and order.status in (Status.NOT_PAID, Status.CANCELLED)
    if still_unpaid and order.expiration_date is not None and order.expiration_date <= now:
        return
    order.expired_at = None
    source = "GET /me/order/{orderId}/status"
    _event(order, OrderEvent.Kind.NOT_EXPIRED, before=EXPIRED, after=order.status, source=source)


def _new_row(nichandle: Nichandle, answer: Answer, record: OrderRecord) -> Order:
    row = Order(
        nichandle=nichandle,
        order_id=answer.order_id,
        status=answer.status[:40],
        status_checked_at=timezone.now(),
        behind_s=answer.behind_s,
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


def follow_up_as_json(steps: tuple[FollowUpRecord, ...]) -> list[dict[str, Any]]:
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


def _event(
    order: Order, kind: str, *, before: str = "", after: str = "", source: str = "", said_at: datetime | None = None
) -> None:
    witness: Witness | None = getattr(order, "witness", None)
    query_id = witness.query_id(order.order_id, source.partition(",")[0]) if witness else ""
    OrderEvent.objects.create(
        order=order,
        kind=kind,
        before=before[:60],
        after=after[:60],
        source=source,
        query_id=query_id,
        said_at=said_at,
    )
