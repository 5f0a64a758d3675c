"""What staff see and note of declarations: whose they are, whether their mails went, whether the money came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, Subquery
from django.urls import reverse
from django.utils.translation import gettext as _

from orders import formats, refunds
from orders.models import Intent, Order, Receipt, Refund, Retraction
from orders.retraction import matching, receipt
from orders.retraction import words as said_of
from support import queries
from support.queries import LONGEST_QUEUE, Queue, QueueEntry


def unmatched(now: datetime) -> Queue:
    """Declarations made without signing in whose order nobody has found yet. One query."""
    rows = list(matching.waiting()[: LONGEST_QUEUE + 1])
    entries = [
        _public_entry(row, row.declared_at, now, why=_("Order as typed: %(order)s") % {"order": row.order_typed})
        for row in rows[:LONGEST_QUEUE]
    ]
    return Queue("unmatched", entries, more=len(rows) > LONGEST_QUEUE)


def unmailed(now: datetime) -> Queue:
    """Mails that no mail server has taken after at least one attempt, and their PDFs. One query."""
    late = Receipt.objects.filter(held_back=False).exclude(last_error="")
    return _mails("unmailed", late, now)


def held_back(now: datetime) -> Queue:
    """Receipts that a limit keeps from going: somebody floods the public page, or was caught in another's flood."""
    return _mails("held-back", Receipt.objects.filter(held_back=True, sent_at=None), now)


def unrefunded(now: datetime) -> Queue:
    """Refunds past the day by which the law wants them, unless somebody has settled or withheld them. One query."""
    today = now.date()
    rows = list(refunds.overdue(today)[: LONGEST_QUEUE + 1])
    entries = [
        queries.entry(
            row.order,
            row.declared_at,
            now,
            why=_("The refund was due by %(day)s.") % {"day": said_of.plain_day(row.due_on)},
        )
        for row in rows[:LONGEST_QUEUE]
    ]
    return Queue("unrefunded", entries, more=len(rows) > LONGEST_QUEUE)


def _mails(name: str, rows: Any, now: datetime) -> Queue:
    found = rows.select_related("retraction__order__nichandle", "order__nichandle").order_by("retraction__declared_at")
    mails = list(found[: LONGEST_QUEUE + 1])
    return Queue(name, [_mail_entry(row, now) for row in mails[:LONGEST_QUEUE]], more=len(mails) > LONGEST_QUEUE)


def _mail_entry(row: Receipt, now: datetime) -> QueueEntry:
    order = row.retraction.order or row.order
    # The words went; what could not be made is the PDF that is still owed.
    why = _("%(address)s: its mail went, its PDF could not be made yet") % {"address": row.address}
    act: dict[str, Any] = {"why": why if row.sent_at else row.address, "said": row.last_error}
    act |= {"action_url": reverse("support:receipt_send", args=[row.pk]), "action": _("Send now")}
    if order is None:
        return _public_entry(row.retraction, row.retraction.declared_at, now, **act)
    return queries.entry(order, row.retraction.declared_at, now, **act)


def _public_entry(row: Retraction, since: datetime, now: datetime, **facts: Any) -> QueueEntry:
    return QueueEntry(
        number=row.reference,
        url=reverse("support:declaration_show", args=[row.reference]),
        name=row.name,
        nichandle="",
        since=formats.short_moment(since, row.zone, now),
        age=formats.length(max(now - since, timedelta())),
        **facts,
    )


# --- One declaration made without signing in --------------------------------------------------------------------------
@dataclass(frozen=True)
class Candidate:
    """An order that the declaration may mean. same_email: the account's address is the one that was typed."""

    number: int
    nichandle: str
    name: str
    email: str
    url: str
    status: str
    product: str
    ordered: str
    same_email: bool


def declaration(reference: str) -> Retraction | None:
    """Return a public declaration with its mails and who judged it; None for anything else."""
    return (
        Retraction.objects.filter(channel=Retraction.Channel.PUBLIC, reference=reference[:60])
        .prefetch_related("receipts__order__nichandle", "matchings__order__nichandle", "matchings__intent")
        .first()
    )


def declaration_page(row: Retraction, now: datetime) -> dict[str, Any]:
    """Everything its page shows."""
    matchings = sorted(row.matchings.all(), key=lambda judged: judged.pk)
    # The last that was said counts: one without an order after one with an order called that wrong.
    matched = matchings[-1] if matchings and matchings[-1].order is not None else None
    return receipt.facts(row) | {
        "candidates": [] if matched else [_candidate(order, row, now) for order in matching.candidates(row)],
        "matched": matched,
        "matched_url": queries.order_url(matched.order) if matched and matched.order else "",
        "judged": [
            {
                "at": formats.short_moment(judged.at, row.zone, now),
                "by": judged.by or _("the panel"),
                "order": judged.order.order_id if judged.order else "",
                "note": judged.note,
            }
            for judged in matchings
        ],
        "mails": [
            {
                "pk": mail.pk,
                "kind": mail.get_kind_display(),
                "address": mail.address,
                "sent": formats.short_moment(mail.sent_at, row.zone, now) if mail.sent_at else "",
                "held_back": mail.held_back,
                "error": mail.last_error,
            }
            for mail in sorted(row.receipts.all(), key=lambda mail: mail.pk)
        ],
    }


def _candidate(order: Order, row: Retraction, now: datetime) -> Candidate:
    account = order.nichandle
    return Candidate(
        number=order.order_id,
        nichandle=account.nichandle,
        name=account.full_name,
        email=account.email,
        url=queries.order_url(order),
        status=order.page_status(now),
        product=order.first_description,
        ordered=formats.day(order.date, account.zone),
        same_email=matching.is_same_address(account.email, row.email),
    )


def order_named(nichandle: str, number: int) -> Order | None:
    """The order that staff name, None for one that we do not know."""
    named = Order.objects.filter(nichandle__endpoint=settings.OVH_ENDPOINT, order_id=number)
    return named.filter(nichandle__nichandle=nichandle.strip().lower()).select_related("nichandle").first()


# --- An order's refund ------------------------------------------------------------------------------------------------
def refund_of(order: Order, now: datetime) -> dict[str, Any] | None:
    """Where the money of this order stands, for the desk; None where no clock runs. Three queries."""
    row = Refund.objects.filter(order=order).first()
    if row is None:
        return None
    row.order = order
    intent = Intent.objects.filter(order=order, kind=Intent.Kind.RETRACTION).order_by("-pk").first()
    zone = order.nichandle.zone
    at = refunds.standing(row, intent, now.astimezone(zone).date())
    headline, sentence, tone = said_of.refund_state(at, row.due_on)
    return {
        "state": at.state,
        "headline": headline,
        "sentence": sentence,
        "tone": tone,
        "words": at.words,
        "ids": ", ".join(at.ids),
        "looked": formats.short_moment(row.looked_at, zone, now) if row.looked_at else "",
        "next": formats.short_moment(row.next_look_at, zone, now) if row.next_look_at else "",
        "notes": [
            {
                "at": formats.short_moment(note.at, zone, now),
                "by": note.by if note.by_staff else _("the customer"),
                "kind": note.get_kind_display(),
                "words": note.words,
            }
            for note in row.notes.order_by("-pk")
        ],
        "url": reverse("support:refund_note", args=[order.nichandle.nichandle, order.order_id]),
    }


def public_declarations(order: Order) -> list[Retraction]:
    """Declarations made without signing in that belong to this order, newest first."""
    found = Retraction.objects.of(order).filter(channel=Retraction.Channel.PUBLIC).order_by("-declared_at")
    first = Receipt.objects.filter(retraction=OuterRef("pk")).order_by("pk")
    return list(found.annotate(mailed_to=Subquery(first.values("address")[:1])))
