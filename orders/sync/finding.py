"""Orders placed since we looked last, and the account's own facts."""

from datetime import datetime, timedelta
from functools import partial

from django.db.models import Max
from django.utils import timezone

from accounts import ovh
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent, Wanted, reserve
from accounts.ovh import Key
from gateway import Gateway, OvhError
from orders import learning, policy
from orders.answers import Answer
from orders.models import Order, OrderImport
from orders.sync import account, reach
from orders.sync.imports import IMPORT_BATCH, ask_whole, claim, wait_for
from orders.sync.turn import Turn

OVERLAP = timedelta(days=1)
ACCOUNTS = 100
LOOKED_AT, AWAY = timedelta(seconds=60), timedelta(hours=1)
AFTER_TROUBLE = timedelta(seconds=30)


def find_orders(accounts: int = ACCOUNTS) -> None:
    """Look for orders placed since the newest we know, less a day of overlap, for many accounts at once."""
    try:
        with Turn(tries=2) as turn:
            rows = claim("next_find_at", 1 if turn.is_probe else accounts)
            if rows:
                _find(turn, rows)
    except BreakerOpen:
        return


def _find(turn: Turn, rows: list[OrderImport]) -> None:
    links = ovh.usable_keys([row.nichandle_id for row in rows])
    reach.no_key({row.nichandle_id for row in rows} - set(links))
    rows = [row for row in rows if row.nichandle_id in links]
    newest = _newest([row.nichandle_id for row in rows])
    waited_for = {row.nichandle_id for row in rows if _somebody_waits(row)}
    # The look itself, and the first of what follows it.
    grants = reserve(
        {
            links[nichandle].pk: Wanted(int(nichandle in waited_for), int(nichandle not in waited_for), look=True)
            for nichandle in (row.nichandle_id for row in rows)
        }
    )
    gateways = {}
    for row in rows:
        link = links[row.nichandle_id]
        grant = grants.get(link.pk)
        tokens = grant.people + grant.background if grant else 0
        try:
            gateways[row.nichandle_id] = turn.gateway(link, tokens, people=row.nichandle_id in waited_for)
        except ovh.NoKey:
            reach.no_key([row.nichandle_id])
    rows = [row for row in rows if row.nichandle_id in gateways]
    began = timezone.now()
    found = turn.run([partial(_list, gateways[row.nichandle_id], newest.get(row.nichandle_id)) for row in rows])
    # One account after the other: most have nothing new.
    for row, ids in zip(rows, found, strict=True):
        if isinstance(ids, list):
            try:
                _take_in(turn, row, links[row.nichandle_id], gateways[row.nichandle_id], ids)
                continue
            except OvhError as error:
                ids = error
        _try_again(row, ids, began)


def _somebody_waits(row: OrderImport) -> bool:
    """Check now was pressed since the last look, or what that look found is still to be read."""
    asked_at = row.check_asked_at
    if asked_at is None or asked_at < timezone.now() - policy.LOOKED_AT:
        return False
    return row.found_at is None or asked_at > row.found_at or bool(row.to_read)


def _list(gateway: Gateway, newest: datetime | None) -> list[int] | OvhError:
    try:
        return gateway.order_ids(date_from=newest - OVERLAP if newest else None)
    except OvhError as error:
        return error


def _newest(nichandles: list[int]) -> dict[int, datetime]:
    found = Order.objects.filter(nichandle__in=nichandles).values("nichandle").annotate(newest=Max("date"))
    return {row["nichandle"]: row["newest"] for row in found.order_by()}


def _try_again(row: OrderImport, error: OvhError | None, began: datetime) -> None:
    pause = AFTER_TROUBLE
    if isinstance(error, BudgetSpent | BreakerOpen):
        pause = wait_for(error)
    elif error is not None:
        reach.note_one(row.nichandle, began, error)
    OrderImport.objects.filter(pk=row.pk).update(next_find_at=timezone.now() + pause)


def _take_in(turn: Turn, row: OrderImport, link: Key, gateway: Gateway, ids: list[int]) -> None:
    """
    Read what is new, oldest first, and what could not be read before.

    The next look begins at the newest we have, so the numbers that are not read now are kept on the row: they may be
    older than that by then.
    """
    nichandle, asked_at = row.nichandle, timezone.now()
    wanted = set(ids) | set(row.to_read)
    known = set(nichandle.orders.filter(order_id__in=wanted).values_list("order_id", flat=True))
    new = sorted(wanted - known)
    answers = ask_whole(turn, link, new[:IMPORT_BATCH], {}, 0) if new else []
    gone = {answer.order_id for answer in answers if answer.gone}
    failed = learning.keep_new(nichandle, answers, found_later=True)
    to_read = [*failed, *(number for number in new[IMPORT_BATCH:] if number not in gone)]
    if to_read != row.to_read:
        OrderImport.objects.filter(pk=row.pk).update(to_read=to_read)
    account.refresh(row, gateway)
    reach.note_one(nichandle, asked_at, None)
    now = timezone.now()
    OrderImport.objects.filter(pk=row.pk).update(found_at=now, next_find_at=now + _pause(row, answers, new, now))


def _pause(row: OrderImport, answers: list[Answer], new: list[int], now: datetime) -> timedelta:
    held_back = [answer.error for answer in answers if isinstance(answer.error, BudgetSpent | BreakerOpen)]
    if held_back:
        return wait_for(held_back[0])
    if any(answer.error for answer in answers):
        return AFTER_TROUBLE
    if len(new) > IMPORT_BATCH:
        return timedelta(0)
    seen_at = row.nichandle.seen_at
    return LOOKED_AT if seen_at is not None and seen_at > now - policy.LOOKED_AT else AWAY
