"""
Letting declarations go when they are old enough, with all that hangs on them; their seals stay.

By whole sealed batches, as the audit trail goes: else nobody could tell a row that was let go from one that was taken.
"""

from datetime import datetime

from django.db import models, transaction
from django.db.models import Exists, Min, OuterRef

from accounts import audit, seals
from accounts.models import Link
from orders.models import Intent, Matching, Order, Receipt, ReceiptDocument, Refund, RefundNote, RefundSeen, Retraction

# What names a declaration and is sealed itself.
_ABOUT_IT: tuple[type[models.Model], ...] = (ReceiptDocument, Matching)
_SEALED: tuple[type[models.Model], ...] = (Retraction, *_ABOUT_IT, RefundSeen, RefundNote)


class Busy(Exception):
    """Somebody seals one of the tables at this moment."""


@transaction.atomic
def purge_declarations(before: datetime) -> int:
    """
    Delete declarations made before that moment, with receipts, matches, refunds and intents; and the orders that were
    kept for them alone. Returns how many declarations went. Needs the rights of the tables' owner.

    Raises: Busy; seals.NotAsSealed: something was tampered with, and nothing was deleted.
    """
    if not all(seals.hold(model) for model in _SEALED):
        raise Busy
    upto, ends = _cut(before)
    if upto is None:
        return 0
    Receipt.objects.filter(retraction__lte=upto).delete()
    for model in _ABOUT_IT:
        seals.purge(model, before, upto=ends[model] or 0)
    gone = seals.purge(Retraction, before, upto=upto)
    seals.purge(RefundSeen, before)
    seals.purge(RefundNote, before)
    _drop_what_nothing_names(before)
    if gone:
        audit.record(None, "purge_declarations", target="declarations", removed=gone, before=before.date().isoformat())
    return gone


def _cut(before: datetime) -> tuple[int | None, dict[type[models.Model], int | None]]:
    """
    Up to which row each table goes, so that a declaration goes with all that names it or stays with all of it.

    A match that a person found years later keeps its declaration, and those sealed after it, until it is old, too.
    """
    mine = seals.whole_batches(Retraction, before)
    theirs = {model: seals.whole_batches(model, before) for model in _ABOUT_IT}
    while mine:
        for model, ends in theirs.items():
            rows = model._default_manager
            kept = rows.filter(retraction__gt=mine[-1]).aggregate(first=Min("pk"))["first"]
            theirs[model] = [end for end in ends if kept is None or end < kept]
        stays = [
            model._default_manager.filter(pk__gt=ends[-1] if ends else 0).aggregate(first=Min("retraction"))["first"]
            for model, ends in theirs.items()
        ]
        fitting = [end for end in mine if all(first is None or end < first for first in stays)]
        if fitting == mine:
            break
        mine = fitting
    return (mine[-1] if mine else None), {model: ends[-1] if ends else None for model, ends in theirs.items()}


def _drop_what_nothing_names(before: datetime) -> None:
    """Clocks and intents whose declarations went; and orders that outlived their account's erasure for these alone."""
    seen, notes = RefundSeen.objects.filter(refund=OuterRef("pk")), RefundNote.objects.filter(refund=OuterRef("pk"))
    Refund.objects.filter(~Exists(seen), ~Exists(notes), declared_at__lt=before).delete()
    named = Retraction.objects.filter(intent=OuterRef("pk"))
    matched = Matching.objects.filter(intent=OuterRef("pk"))
    over = Intent.objects.filter(~Exists(named), ~Exists(matched), created_at__lt=before)
    orders = list(over.values_list("order", flat=True))
    over.delete()
    left = Order.objects.filter(pk__in=orders).filter(
        ~Exists(Link.objects.filter(nichandle=OuterRef("nichandle"))),
        ~Exists(Intent.objects.filter(order=OuterRef("pk"))),
        ~Exists(Refund.objects.filter(order=OuterRef("pk"))),
    )
    left.delete()
