"""
When an order is asked about next: one table, read from top to bottom, the first line that fits decides.

    being watched (its tracking page is open)                      3 s
    just asked for by its customer (Check now)                     at once
    cancelling                                                     10 s
    delivering                                                     20 s
    unpaid, about to expire (10 min before to 10 min after)        20 s
    unpaid                                                         2 min
    checking                                                       2 min
    documents requested                                            5 min
    unknown, or a word we do not know                              5 min
    delivered, withdrawal still possible                           5 min while the account is looked at, else 1 h
    delivered, younger than 45 days                                1 h while the account is looked at, else 12 h
    cancelled, not yet refunded as far as we know, under 45 days   12 h
    everything else                                                never

An account that nobody looked at for ten minutes waits five times as long, never longer than to the next moment at
which something must change by itself (the expiration date). Each wait is shortened at random by up to a tenth, so
that orders imported together do not stay in step.
"""

import random
from datetime import datetime, timedelta

from orders.models import Order, Status

WATCHED = timedelta(seconds=3)
LOOKED_AT = timedelta(minutes=10)
# After a refusal or silence: doubled at each, so that a broken account costs little.
FIRST_RETRY = timedelta(seconds=10)
LAST_RETRY = timedelta(minutes=10)


def next_check(order: Order, now: datetime) -> datetime | None:
    """Return when to ask about this order again, or None when nothing about it can change any more."""
    if order.watched_until and order.watched_until > now and not _is_over(order, now):
        return now + WATCHED
    wait = _wait(order, now)
    if wait is None:
        return None
    seen_at = order.nichandle.seen_at
    if seen_at is None or seen_at < now - LOOKED_AT:
        wait *= 5
    # S311: jitter, not a secret.
    moment = now + wait * (1 - random.random() / 10)  # noqa: S311
    if order.status == Status.NOT_PAID and order.expiration_date and order.expiration_date > now:
        moment = min(moment, order.expiration_date + timedelta(seconds=1))
    return moment


def retry(failures: int, now: datetime) -> datetime:
    """Return when to ask again after `failures` failures in a row (1 or more)."""
    return now + min(FIRST_RETRY * 2 ** min(failures - 1, 10), LAST_RETRY)


def _is_over(order: Order, now: datetime) -> bool:
    return order.gone_at is not None or order.status in (Status.DELIVERED, Status.CANCELLED) or order.is_expired(now)


def _wait(order: Order, now: datetime) -> timedelta | None:
    if order.gone_at is not None or order.expired_at is not None:
        return None
    young = order.date > now - timedelta(days=45)
    looked_at = order.nichandle.seen_at is not None and order.nichandle.seen_at > now - LOOKED_AT
    match order.status:
        case Status.CANCELLING:
            return timedelta(seconds=10)
        case Status.DELIVERING:
            return timedelta(seconds=20)
        case Status.NOT_PAID:
            soon = order.expiration_date and abs(order.expiration_date - now) < timedelta(minutes=10)
            return timedelta(seconds=20) if soon else timedelta(minutes=2)
        case Status.CHECKING:
            return timedelta(minutes=2)
        case Status.DELIVERED:
            if order.retraction_date and order.retraction_date > now:
                return timedelta(minutes=5) if looked_at else timedelta(hours=1) / 5
            if young:
                return timedelta(hours=1) if looked_at else timedelta(hours=12) / 5
            return None
        case Status.CANCELLED:
            return timedelta(hours=12) / 5 if young and order.associated_type != "Refund" and order.was_paid else None
        case _:
            return timedelta(minutes=5)
