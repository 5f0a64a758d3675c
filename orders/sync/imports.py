"""The first import of an account's orders: the list, then the orders on it, newest first, as its budget allows."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts import budget, ovh
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent, Wanted
from accounts.metering import Meter
from accounts.models import Link, Nichandle
from accounts.ovh import Key
from gateway import Gateway, OrderRecord, OvhError, OvhUnavailable
from orders import learning
from orders.answers import Answer, Question, ask
from orders.models import OrderImport
from orders.sync import account, reach
from orders.sync.claims import CLAIM
from orders.sync.turn import Turn

IMPORT_BATCH = 40
# Where OVHcloud gives whole orders by the list, a batch asks for statuses only and may be larger.
EXPANDED_BATCH = 400
# What a customer who has just signed in sees first: these calls count as people's.
FIRST_PAGE = 20
AFTER_TROUBLE = timedelta(seconds=20)
# Accounts of so many orders have each of them checked at once after the import, larger ones what still moves.
QUICK = 200
# A list read with whole orders serves the batches of so many seconds, of so many accounts.
LIST_KEPT_S, LISTS_KEPT = 900.0, 4

_lists: dict[int, tuple[float, dict[int, OrderRecord]]] = {}


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
    more = [_import_batch(row) for row in claim("next_batch_at", accounts)]
    return any(more)


def claim(date_field: str, limit: int) -> list[OrderImport]:
    """Take rows whose date has come; the claim moves it ahead."""
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
        link = ovh.usable_link(row.nichandle)
        if row.remaining is None:
            _begin_list(row, ovh.gateway_for(row.nichandle))
        return _read_some(row, link)
    except ovh.NoKey:
        reach.no_key([row.nichandle_id])
    except (BudgetSpent, BreakerOpen) as error:
        _go_on_later(row, wait_for(error))
    except OvhError as error:
        reach.note_one(row.nichandle, asked_at, error)
        _go_on_later(row, AFTER_TROUBLE)
    return False


def wait_for(error: BudgetSpent | BreakerOpen) -> timedelta:
    """How long to wait after our own refusal."""
    if isinstance(error, BreakerOpen):
        return max(error.retry_at - timezone.now(), timedelta(seconds=1))
    return timedelta(seconds=max(error.retry_after, 1))


def _go_on_later(row: OrderImport, pause: timedelta) -> None:
    OrderImport.objects.filter(pk=row.pk).update(next_batch_at=timezone.now() + pause)


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


def _read_some(row: OrderImport, link: Key | Link) -> bool:
    """Read as many as the budget lets through, the first page as people's."""
    remaining: list[int] = row.remaining or []
    first = row.done == 0
    known = _expanded(link, first) if len(remaining) > IMPORT_BATCH or row.nichandle_id in _lists else {}
    calls_each = 1 if known else 2
    size = FIRST_PAGE if first and len(remaining) > IMPORT_BATCH else EXPANDED_BATCH if known else IMPORT_BATCH
    size = min(size, len(remaining))
    now = timezone.now()
    want = size * calls_each
    grant = budget.reserve({link.pk: Wanted(want if first else 0, 0 if first else want)}, now).get(link.pk)
    tokens = (grant.people + grant.background) if grant else 0
    size = min(size, -(-tokens // calls_each))
    if remaining and not size:
        budget.count(held_back=want)
        wait = grant.seconds_to_wait(now, people=first) if grant else 1
        # Some tokens together: each batch reads the list again.
        _go_on_later(row, timedelta(seconds=wait + (10 if grant and not first else 0)))
        return False
    batch, rest = remaining[:size], remaining[size:]
    with Turn(people=first, tries=3) as turn:
        answers = ask_whole(turn, link, batch, known, tokens)
    if batch:
        reach.note_one(row.nichandle, now, *(answer.error for answer in answers))
    failed = learning.keep_new(row.nichandle, answers, of_the_list=frozenset(known), quick=row.total <= QUICK)
    if first:
        account.keep_payment_methods(row, ovh.gateway_for(row.nichandle, people=False))
    held_back = sum(isinstance(answer.error, BudgetSpent) for answer in answers)
    return _note_progress(row, failed, rest, trouble=len(failed) > held_back, held_back=bool(held_back))


def _note_progress(row: OrderImport, failed: list[int], rest: list[int], *, trouble: bool, held_back: bool) -> bool:
    row.remaining = failed + rest
    row.done = row.total - len(row.remaining)
    now = timezone.now()
    if row.remaining:
        pause = AFTER_TROUBLE if trouble else timedelta(seconds=10) if held_back else timedelta(0)
        row.next_batch_at = now + pause
    else:
        _lists.pop(row.nichandle_id, None)
        row.finished_at = row.finished_at or now
        row.next_batch_at, row.next_find_at = None, now + timedelta(seconds=30)
    row.save(update_fields=["remaining", "done", "finished_at", "next_batch_at", "next_find_at"])
    return bool(row.remaining) and not (trouble or held_back)


def _expanded(link: Key | Link, people: bool) -> dict[int, OrderRecord]:
    """
    Whole orders by number, in one call a page. Empty where OVHcloud does not give them: then each is asked alone.

    Source: GET /me/order with X-Pagination-Mode, undocumented and cached; so it never says which orders exist.
    """
    read_at, known = _lists.get(link.nichandle_id, (0.0, {}))
    if time.monotonic() - read_at < LIST_KEPT_S:
        return known
    application = ovh.application()
    meter = Meter(application.address, link.pk, people=people)
    gateway = Gateway(application, link.consumer_key(), before_call=meter.before, witness=meter.heard)
    try:
        known = {record.order_id: record for record in gateway.order_objects() or ()}
    except (BudgetSpent, BreakerOpen):
        raise
    except OvhError:
        known = {}
    while len(_lists) >= LISTS_KEPT:
        _lists.pop(next(iter(_lists)))
    _lists[link.nichandle_id] = (time.monotonic(), known)
    return known


def ask_whole(
    turn: Turn, link: Key | Link, order_ids: Sequence[int], known: Mapping[int, OrderRecord], tokens: int
) -> list[Answer]:
    """Ask for orders we do not have yet: the status, and the object unless it is known."""
    gateway = turn.gateway(link, tokens)
    found = turn.run([partial(_ask_one, gateway, order_id, known.get(order_id)) for order_id in order_ids])
    return [
        answer or Answer(order_id, error=OvhUnavailable(detail="not asked in this turn"))
        for order_id, answer in zip(order_ids, found, strict=True)
    ]


def _ask_one(gateway: Gateway, order_id: int, known: OrderRecord | None) -> Answer:
    answer = ask(gateway, Question(order_id, order=known is None, new=True))
    return replace(answer, order=known) if answer.error is None and known is not None and answer.status else answer
