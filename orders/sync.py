"""
Moves facts between our rows and OVHcloud. Every function may run twice, at once with itself, or hours late.

Work is claimed in PostgreSQL: a claim moves the row's own date ahead (SKIP LOCKED), so that a worker killed in the
middle loses nothing but the length of its claim.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.db.models.query import QuerySet
from django.utils import timezone

from accounts import ovh
from accounts.actions import keep_me, note_revoked
from accounts.models import Nichandle
from accounts.ovh import NoKey as NoKey
from accounts.ovh import gateway_for as gateway_for
from gateway import CredentialRevoked, Gateway, OrderRecord, OvhError, OvhUnavailable, RateLimited
from orders import learning, policy
from orders.answers import Answer, Question, ask, ask_details, in_threads
from orders.models import Canary, Order, OrderImport, Status

log = logging.getLogger(__name__)

# Long enough for a batch that meets a silent OVHcloud, short enough for what R3 promises of a killed worker.
CLAIM = timedelta(seconds=90)
IMPORT_BATCH = 40
# Where OVHcloud gives whole orders by the list, a batch asks for statuses only and may be larger.
EXPANDED_BATCH = 400
POLL_BATCH = 64
OVERLAP = timedelta(days=1)


class LinkNotAllowed(Exception):
    """OVHcloud's answer named an address outside the hosts a browser may be sent to."""


# --- Checking orders --------------------------------------------------------------------------------------------------
def poll_orders(limit: int = POLL_BATCH) -> int:
    """Claim what is due, ask, and write what was learned. Returns how many orders were claimed."""
    return _claim_and_check(Order.objects.due(timezone.now()).order_by("next_poll_at"), limit)


def expire_orders(limit: int = POLL_BATCH) -> int:
    """
    Ask once more about unpaid orders whose time is over; only OVHcloud's answer lets one be marked expired.

    The pages hide them from the very second, whether this ran or not.
    """
    now = timezone.now()
    lapsed = Order.objects.due(now).filter(
        status=Status.NOT_PAID, expired_at=None, gone_at=None, expiration_date__lte=now
    )
    return _claim_and_check(lapsed.order_by("expiration_date"), limit)


def _claim_and_check(due: QuerySet[Order], limit: int) -> int:
    with transaction.atomic():
        claimed = list(due.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Order.objects.filter(pk__in=claimed).update(next_poll_at=timezone.now() + CLAIM)
    check_orders(claimed)
    return len(claimed)


def check_orders(order_pks: Sequence[int]) -> None:
    """Ask OVHcloud about these orders and keep what it says, account by account."""
    by_nichandle: dict[Nichandle, list[Order]] = defaultdict(list)
    for order in Order.objects.filter(pk__in=order_pks).select_related("nichandle"):
        by_nichandle[order.nichandle].append(order)
    for nichandle, orders in by_nichandle.items():
        _check_account(nichandle, orders)


def _check_account(nichandle: Nichandle, orders: list[Order]) -> None:
    try:
        gateway = gateway_for(nichandle)
    except NoKey:
        _set_unreachable(nichandle, "revoked")
        Order.objects.filter(nichandle=nichandle, next_poll_at__isnull=False).update(
            next_poll_at=timezone.now() + timedelta(hours=1)
        )
        return
    asked_at = timezone.now()
    questions = [_question(order) for order in orders]
    answers = in_threads(
        lambda question: ask(gateway, question),
        questions,
        skipped=lambda question: _not_asked(question.order_id),
    )
    _note_reachability(nichandle, asked_at, [answer.error for answer in answers])
    for order, answer in zip(orders, answers, strict=True):
        learning.learn(order.pk, answer, asked_at)


def _not_asked(order_id: int) -> Answer:
    return Answer(order_id, error=OvhUnavailable(detail="others got no answer just now"))


def _question(order: Order) -> Question:
    """The dear routes only where they can tell something new."""
    now = timezone.now()
    moving = order.status not in (Status.DELIVERED, Status.CANCELLED)
    fresh_copy = order.status_checked_at is None or order.status_checked_at < now - timedelta(minutes=4)
    asked = order.check_asked_at is not None and (
        order.status_checked_at is None or order.check_asked_at > order.status_checked_at
    )
    watched = order.watched_until is not None and order.watched_until > now
    return Question(
        order.order_id,
        order=fresh_copy or asked or order.status in (Status.NOT_PAID, Status.UNKNOWN),
        follow_up=order.follow_up is None or moving or asked or watched,
        payment=order.payment_date is None and (order.was_paid or not moving),
        associated=not moving and order.associated_type not in ("Bill", "Refund"),
    )


def _note_reachability(nichandle: Nichandle, asked_at: datetime, errors: Iterable[OvhError | None]) -> None:
    """Say on the account whether OVHcloud answered for it; one good answer is an answer."""
    errors = list(errors)
    if any(error is None for error in errors):
        OrderImport.objects.filter(nichandle=nichandle, unreachable_since__isnull=False).update(
            unreachable_since=None, unreachable_why=""
        )
        return
    if any(isinstance(error, CredentialRevoked) for error in errors):
        note_revoked(nichandle, asked_at)
        _set_unreachable(nichandle, "revoked")
    elif errors:
        limited = any(isinstance(error, RateLimited) for error in errors)
        _set_unreachable(nichandle, "limited" if limited else "unavailable")


def _set_unreachable(nichandle: Nichandle, why: str) -> None:
    OrderImport.objects.filter(nichandle=nichandle).exclude(unreachable_why=why).update(
        unreachable_since=timezone.now(), unreachable_why=why
    )


# --- Importing and finding --------------------------------------------------------------------------------------------
def begin_import(nichandle: Nichandle) -> None:
    """A key was granted: import the account's orders, or go on where a lost key stopped us."""
    now = timezone.now()
    row, created = OrderImport.objects.get_or_create(nichandle=nichandle)
    if created:
        return
    row.unreachable_since, row.unreachable_why = None, ""
    row.check_asked_at = now
    if row.is_running:
        row.next_batch_at = now
    else:
        row.next_find_at = now
    row.save(update_fields=["unreachable_since", "unreachable_why", "check_asked_at", "next_batch_at", "next_find_at"])
    nichandle.orders.filter(next_poll_at__isnull=False).update(next_poll_at=now)


def import_orders(accounts: int = 4) -> bool:
    """Do one batch for each of a few accounts that wait. Returns whether one of them has more to do at once."""
    more = [_import_batch(row) for row in _claim_imports("next_batch_at", accounts)]
    return any(more)


def find_orders(accounts: int = 20) -> None:
    """Look for orders placed since the newest we know, less a day of overlap."""
    for row in _claim_imports("next_find_at", accounts):
        _find_new(row)


def _claim_imports(date_field: str, limit: int) -> list[OrderImport]:
    now = timezone.now()
    with transaction.atomic():
        due = OrderImport.objects.filter(**{f"{date_field}__lte": now}).order_by(date_field)
        rows = list(due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle")[:limit])
        OrderImport.objects.filter(pk__in=[row.pk for row in rows]).update(**{date_field: now + CLAIM})
    return rows


def _import_batch(row: OrderImport) -> bool:
    """Read the list first, then the newest orders that are still missing. True: go on at once."""
    asked_at = timezone.now()
    try:
        gateway = gateway_for(row.nichandle)
        if row.remaining is None:
            _begin_list(row, gateway)
    except NoKey:
        _set_unreachable(row.nichandle, "revoked")
        return False
    except OvhError as error:
        _note_reachability(row.nichandle, asked_at, [error])
        OrderImport.objects.filter(pk=row.pk).update(next_batch_at=timezone.now() + timedelta(seconds=20))
        return False
    remaining: list[int] = row.remaining or []
    known = _expanded(gateway) if len(remaining) > IMPORT_BATCH else {}
    size = EXPANDED_BATCH if known else IMPORT_BATCH
    batch, rest = remaining[:size], remaining[size:]
    answers = _ask_whole(gateway, batch, known)
    if batch:
        _note_reachability(row.nichandle, asked_at, [answer.error for answer in answers])
    failed = learning.keep_new(row.nichandle, answers)
    row.remaining = failed + rest
    row.done = row.total - len(row.remaining)
    now = timezone.now()
    if not row.remaining:
        row.finished_at = row.finished_at or now
        row.next_batch_at, row.next_find_at = None, now + timedelta(seconds=30)
    else:
        row.next_batch_at = now + (timedelta(seconds=20) if failed else timedelta(0))
    row.save(update_fields=["remaining", "done", "finished_at", "next_batch_at", "next_find_at"])
    return bool(row.remaining) and not failed


def _begin_list(row: OrderImport, gateway: Gateway) -> None:
    """
    Note which orders there are, newest first.

    Source: GET /me/order, whose order is not promised: numbers grow with time.
    """
    ids = sorted(gateway.order_ids(), reverse=True)
    known = set(row.nichandle.orders.values_list("order_id", flat=True))
    row.remaining = [order_id for order_id in ids if order_id not in known]
    row.total, row.started_at, row.found_at = len(ids), timezone.now(), timezone.now()
    row.save(update_fields=["remaining", "total", "started_at", "found_at"])
    keep_payment_methods(row, gateway)


def _expanded(gateway: Gateway) -> dict[int, OrderRecord]:
    """
    Whole orders by number, in one call a page. Empty where OVHcloud does not give them: then each is asked alone.

    Source: GET /me/order with X-Pagination-Mode, undocumented and cached; so it never says which orders exist.
    """
    try:
        return {record.order_id: record for record in gateway.order_objects() or ()}
    except OvhError:
        return {}


def _ask_whole(
    gateway: Gateway, order_ids: Sequence[int], known: Mapping[int, OrderRecord] | None = None
) -> list[Answer]:
    """Ask for orders we do not have yet: the status, and the object unless it is known."""
    known = known or {}

    def ask_one(order_id: int) -> Answer:
        answer = ask(gateway, Question(order_id, order=order_id not in known, new=True))
        return replace(answer, order=known[order_id]) if answer.status and order_id in known else answer

    return in_threads(ask_one, order_ids, skipped=_not_asked)


def _find_new(row: OrderImport) -> None:
    nichandle, asked_at = row.nichandle, timezone.now()
    newest = nichandle.orders.order_by("-date").values_list("date", flat=True).first()
    try:
        gateway = gateway_for(nichandle)
        found = gateway.order_ids(date_from=newest - OVERLAP if newest else None)
        known = set(nichandle.orders.filter(order_id__in=found).values_list("order_id", flat=True))
        # Oldest first: the next look begins at the newest we have, so nothing older may be left behind it.
        new = sorted(set(found) - known)
        answers = _ask_whole(gateway, new[:IMPORT_BATCH])
        _refresh_account(row, gateway)
    except NoKey:
        _set_unreachable(nichandle, "revoked")
        return
    except OvhError as error:
        _note_reachability(nichandle, asked_at, [error])
        OrderImport.objects.filter(pk=row.pk).update(next_find_at=timezone.now() + timedelta(seconds=30))
        return
    _note_reachability(nichandle, asked_at, [None])
    learning.keep_new(nichandle, answers, found_later=True)
    now = timezone.now()
    looked_at = nichandle.seen_at is not None and nichandle.seen_at > now - policy.LOOKED_AT
    pause = timedelta(seconds=60) if looked_at else timedelta(hours=1)
    if len(new) > IMPORT_BATCH:
        pause = timedelta(0)
    OrderImport.objects.filter(pk=row.pk).update(found_at=now, next_find_at=now + pause)


def _refresh_account(row: OrderImport, gateway: Gateway) -> None:
    """The account's own facts and its payment methods, once an hour while it is looked at at all."""
    hour_ago = timezone.now() - timedelta(hours=1)
    if row.nichandle.me_read_at is None or row.nichandle.me_read_at < hour_ago:
        keep_me(row.nichandle, asdict(gateway.me()))
    if row.payment_methods_read_at is None or row.payment_methods_read_at < hour_ago:
        keep_payment_methods(row, gateway)


def keep_payment_methods(row: OrderImport, gateway: Gateway) -> None:
    """
    Keep the customer's saved methods, default first; ones that are no longer valid are left out.

    Source: GET /me/payment/method, GET /me/payment/method/{id}.
    """
    methods = [gateway.payment_method(method_id) for method_id in gateway.registered_payment_method_ids()]
    row.payment_methods = [
        {
            "type": method.payment_type,
            "sub_type": method.payment_sub_type,
            "label": method.label or method.description,
            "default": method.default,
            "id": method.payment_method_id,
        }
        for method in sorted(methods, key=lambda method: not method.default)
        if method.status == "VALID"
    ]
    row.payment_methods_read_at = timezone.now()
    row.save(update_fields=["payment_methods", "payment_methods_read_at"])


# --- Details ----------------------------------------------------------------------------------------------------------
def read_details(order_pk: int) -> None:
    """Read the parts of one order and write them in one go. Running it again rewrites the same rows."""
    order = Order.objects.select_related("nichandle").get(pk=order_pk)
    try:
        details = ask_details(gateway_for(order.nichandle), order.order_id)
    except NoKey:
        return
    except OvhError as error:
        learning.note_error(order.pk, error)
        return
    learning.keep_details(order.pk, details)


def read_idle_details(limit: int = 12) -> bool:
    """Read details of a few newest orders that nobody opened yet. Returns whether more wait."""
    now = timezone.now()
    with transaction.atomic():
        unread = (
            Order.objects.filter(details_read_at=None, gone_at=None)
            .exclude(details_asked_at__gt=now - CLAIM)
            .exclude(nichandle__order_import__unreachable_since__isnull=False)
            .order_by("-date")
            .select_for_update(skip_locked=True, of=("self",))
        )
        claimed = list(unread.values_list("pk", flat=True)[:limit])
        Order.objects.filter(pk__in=claimed).update(details_asked_at=now)
    for order_pk in claimed:
        read_details(order_pk)
    return len(claimed) == limit


# --- One-time addresses, and signs of life ----------------------------------------------------------------------------
def fresh_order_url(order: Order) -> str:
    """
    Return the address of OVHcloud's own page of this order. It opens the document for whoever holds it: redirect the
    owner there and keep it nowhere.

    Raises:
        NoKey, OvhError; LinkNotAllowed: the answer names a host that is not on the list.
    """
    gateway = gateway_for(order.nichandle, **ovh.WHILE_A_BROWSER_WAITS)
    return _allowed(gateway.order_links(order.order_id).url)


def fresh_bill_url(order: Order) -> str:
    """The same for the bill that this order became."""
    gateway = gateway_for(order.nichandle, **ovh.WHILE_A_BROWSER_WAITS)
    return _allowed(gateway.bill_links(order.associated_id).url)


def _allowed(url: str) -> str:
    parts = urlsplit(url)
    schemes = {"https"} if settings.PRODUCTION else {"https", "http"}
    if parts.scheme not in schemes or parts.netloc not in settings.OVH_WEB_HOSTS:
        raise LinkNotAllowed
    return url


def sing() -> None:
    """Write that a worker is alive and reaches PostgreSQL."""
    Canary.objects.update_or_create(pk=1, defaults={"sang_at": timezone.now()})
