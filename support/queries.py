"""What the desk's pages read, shaped for them: plain words and addresses, so that templates decide nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.urls import reverse

from orders import formats, words
from orders.freshness import signs
from orders.models import Intent, Order, OrderImport, Retraction
from orders.relay.waiting import FOR_STAFF
from support import checkouts, waiting
from support.search import PAGE

_NICHANDLE = re.compile(r"[A-Za-z0-9_.@-]{1,64}")
_NUMBER = re.compile(r"[1-9][0-9]{0,18}")
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Row:
    """One order in a list of the desk."""

    number: int
    status: str
    url: str
    date: str
    name: str
    nichandle: str
    product: str
    more: int
    pill: dict[str, str]
    waits_for: str
    amount: str


def orders_for_list(keys: Sequence[int], now: datetime, page: int) -> tuple[list[Row], bool]:
    """Return one page of these orders, newest first, and whether there are more. One query."""
    first = page * PAGE
    orders = list(_with_situation().filter(pk__in=keys).order_by("-date", "-order_id", "pk")[first : first + PAGE + 1])
    return [_row(order, now) for order in orders[:PAGE]], len(orders) > PAGE


def order_for_page(nichandle: str, order_id: str) -> Order | None:
    """
    Return the order with details, events, intents, declarations and receipts; None for one that we do not know.

    Whatever stands in the address may come: anything that is no nichandle or no number is unknown, too.
    """
    if not _NICHANDLE.fullmatch(nichandle) or not _NUMBER.fullmatch(order_id) or int(order_id) > _LARGEST:
        return None
    declarations = Retraction.objects.order_by("-declared_at").prefetch_related("receipts")
    intents = Intent.objects.order_by("-created_at").prefetch_related(Prefetch("retractions", declarations))
    return (
        _with_situation()
        .annotate(**signs("nichandle_id"))
        .filter(
            nichandle__endpoint=settings.OVH_ENDPOINT, nichandle__nichandle=nichandle.lower(), order_id=int(order_id)
        )
        .prefetch_related("details", "nichandle__links", Prefetch("intents", intents))
        .first()
    )


def situation(order: Order, now: datetime) -> waiting.Situation:
    """What decides why this order waits; the order must come from a query of this module."""
    row: Any = order
    account = import_of(order)
    return waiting.Situation(
        status=order.page_status(now),
        since=order.status_since,
        expiration_date=order.expiration_date,
        gone=order.gone_at is not None,
        zone=order.nichandle.zone,
        now=now,
        intent_state=row.intent_state or "",
        intent_why=row.intent_why or "",
        intent_since=row.intent_since,
        intent_kind=row.intent_kind or Intent.Kind.RETRACTION,
        away_why=account.unreachable_why if account else "",
        away_since=account.unreachable_since if account else None,
    )


def import_of(order: Order) -> OrderImport | None:
    """What we know of reaching the order's account; None before its first import."""
    account: OrderImport | None = getattr(order.nichandle, "order_import", None)
    return account


def order_url(order: Order) -> str:
    return reverse("support:order_show", args=[order.nichandle.nichandle, order.order_id])


def _with_situation() -> QuerySet[Order]:
    """Orders with their account, its import, and the state of their last withdrawal or payment."""
    last = Intent.objects.filter(order=OuterRef("pk")).exclude(kind=Intent.Kind.CHECKOUT).order_by("-pk")
    return Order.objects.select_related("nichandle__order_import").annotate(
        intent_state=Subquery(last.values("state")[:1]),
        intent_why=Subquery(last.values("why")[:1]),
        intent_since=Subquery(last.values("created_at")[:1]),
        intent_kind=Subquery(last.values("kind")[:1]),
    )


def _row(order: Order, now: datetime) -> Row:
    status = order.page_status(now)
    return Row(
        number=order.order_id,
        status=status,
        url=order_url(order),
        date=formats.day(order.date, order.nichandle.zone),
        name=order.nichandle.full_name,
        nichandle=order.nichandle.nichandle,
        product=order.first_description,
        more=max(0, order.product_count - 1),
        pill=words.pill(status),
        waits_for=waiting.waits_for(situation(order, now)),
        amount=formats.money(order.price_with_tax, order.currency_code),
    )


# --- Queues -----------------------------------------------------------------------------------------------------------
# As many as a person reads; the count then says that there are more.
LONGEST_QUEUE = 200


@dataclass(frozen=True)
class QueueEntry:
    """
    One thing that waits for a person. why: in our words; said: in OVHcloud's, or in a mail server's.

    number: "" where there is no order (yet). kind: of an intent, with its word for people in `title`; else "".
    intent: its number where staff may ring it again or close it, else None. facts: what is known of a checkout.
    candidates: of a checkout whose answer was lost, numbers of the orders it may have made; `which` its intent's.
    """

    number: int | str
    url: str
    name: str
    nichandle: str
    since: str
    age: str
    why: str = ""
    said: str = ""
    query_id: str = ""
    action_url: str = ""
    action: str = ""
    intent: int | None = None
    kind: str = ""
    title: str = ""
    facts: Sequence[str] = ()
    candidates: Sequence[int] = ()
    which: int | None = None


@dataclass(frozen=True)
class Queue:
    """Entries, oldest first. more: there are more than LONGEST_QUEUE."""

    name: str
    entries: list[QueueEntry]
    more: bool = False


def doubtful(now: datetime) -> Queue:
    """Intents whose answer was lost: the panel looks by itself, and gives up to a person in the end. One query."""
    return _queue("doubtful", _intents(Intent.State.DOUBTFUL).order_by("created_at"), now)


def dead(now: datetime) -> Queue:
    """Intents that the panel gave up to a person: it could not settle them by itself. One query."""
    return _queue("dead", _intents(Intent.State.DEAD).order_by("created_at"), now)


def held(now: datetime) -> Queue:
    """Intents that wait for a person. One query."""
    return _queue("held", _intents(Intent.State.HELD).order_by("created_at"), now)


def refused(now: datetime) -> Queue:
    """
    What OVHcloud refused and no later one of its kind took up again. One query.

    A refused payment is over when its order is: paid otherwise, or lapsed.
    """
    later = Intent.objects.filter(order=OuterRef("order"), kind=OuterRef("kind"), pk__gt=OuterRef("pk"))
    unpaid = Order.objects.awaiting_payment(now).filter(pk=OuterRef("order"))
    refused = _intents(Intent.State.REFUSED).filter(~Q(kind=Intent.Kind.PAYMENT) | Exists(unpaid))
    refused = refused.filter(checkouts.still_refused(now))
    intents = refused.annotate(later=Subquery(later.values("pk")[:1])).filter(later=None)
    return _queue("refused", intents.order_by("created_at"), now)


def _intents(state: str) -> QuerySet[Intent]:
    declarations = Retraction.objects.filter(Q(intent=OuterRef("pk")) | Q(matchings__intent=OuterRef("pk")))
    first = declarations.order_by("declared_at")
    return (
        Intent.objects.filter(state=state)
        .select_related("nichandle", "order__nichandle", "checkout")
        .annotate(declared_at=Subquery(first.values("declared_at")[:1]))
    )


def _queue(name: str, intents: QuerySet[Intent], now: datetime) -> Queue:
    rows: list[Any] = list(intents[: LONGEST_QUEUE + 1])
    entries = [
        _intent_entry(
            row,
            now,
            kind=row.kind,
            title=row.get_kind_display(),
            facts=checkouts.facts(row),
            why=waiting.why_held(row.why) if row.state in FOR_STAFF else "",
            said=row.message,
            query_id=row.query_id,
            intent=row.pk if is_for_staff(row) else None,
            candidates=checkouts.candidates(row),
            which=row.pk,
        )
        for row in rows[:LONGEST_QUEUE]
    ]
    return Queue(name, entries, more=len(rows) > LONGEST_QUEUE)


def _intent_entry(row: Any, now: datetime, **facts: Any) -> QueueEntry:
    """One of an order's page, or of nothing but its account where it has no order yet."""
    since = row.declared_at or row.created_at
    if row.order is not None:
        return entry(row.order, since, now, **facts)
    account = row.nichandle
    return QueueEntry(
        number="",
        url=f"{reverse('support:search')}?{urlencode({'q': account.nichandle})}",
        name=account.full_name,
        nichandle=account.nichandle,
        since=formats.short_moment(since, account.zone, now),
        age=formats.length(max(now - since, timedelta())),
        **facts,
    )


def is_for_staff(intent: Intent) -> bool:
    """Whether staff may ring it again or close it: what lacks a key waits for the customer alone."""
    return intent.state in FOR_STAFF and intent.why != "key"


def entry(order: Order, since: datetime, now: datetime, **facts: Any) -> QueueEntry:
    """One of an order; facts: whatever else of QueueEntry there is to say."""
    account = order.nichandle
    return QueueEntry(
        number=order.order_id,
        url=order_url(order),
        name=account.full_name,
        nichandle=account.nichandle,
        since=formats.short_moment(since, account.zone, now),
        age=formats.length(max(now - since, timedelta())),
        **facts,
    )
