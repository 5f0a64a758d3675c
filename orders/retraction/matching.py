"""
To which order a declaration made without signing in belongs.

By machine only where number and e-mail agree with exactly one order of one account that we know; else by a person. Who
matches approves nothing: the intent that follows is the customer's own, judged by the moment of their declaration.
"""

from collections.abc import Sequence

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import audit
from accounts.ringing import ring
from orders import refunds, tasks
from orders.models import Matching, Order, OrderEvent, Receipt, Retraction
from orders.relay import end_unsent
from orders.retraction import limits
from orders.retraction.declaration import carrier
from orders.retraction.eligibility import eligibility

# For advisory locks: a declaration cannot be locked as a row, for nobody may change it.
_LOCK = 7_001


class AlreadyMatched(Exception):
    """The declaration belongs to another order already."""


class NotMatched(Exception):
    """There is no match that could be called wrong."""


def match_due(limit: int = 50) -> int:
    """
    Look at declarations that nobody has looked at yet, and again at those whose number we have met since: somebody
    signed in, and their orders came. Returns how many found their order.
    """
    return sum(_match(retraction) for retraction in _to_look_at().order_by("pk")[:limit])


def _to_look_at() -> QuerySet[Retraction]:
    looked = Matching.objects.filter(retraction=OuterRef("pk"))
    met_since = Order.objects.filter(order_id=OuterRef("order_number"), created_at__gt=OuterRef("looked_at"))
    last = looked.order_by("-pk").values("at")[:1]
    return waiting().annotate(looked_at=Subquery(last)).filter(Q(looked_at=None) | Exists(met_since))


@transaction.atomic
def _match(retraction: Retraction) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, retraction.pk % 2**31])
        mine = cursor.fetchone()[0]
    if not mine or not _to_look_at().filter(pk=retraction.pk).exists():
        return False
    orders = candidates(retraction)
    free = not retraction.receipts.filter(held_back=True).exists()
    agreeing = [order for order in orders if is_same_address(order.nichandle.email, retraction.email)]
    if free and len(orders) == 1 and agreeing:
        attach(retraction, orders[0])
        return True
    # Somebody has looked: a person is next.
    Matching.objects.create(retraction=retraction)
    if free and len(orders) == 1:
        _tell(retraction, orders[0])
    return False


def candidates(retraction: Retraction) -> list[Order]:
    """Orders of the number that was typed, under whatever account; [] when it is none."""
    if retraction.order_number is None:
        return []
    named = Order.objects.filter(order_id=retraction.order_number, nichandle__endpoint=settings.OVH_ENDPOINT)
    return list(named.select_related("nichandle").order_by("pk")[:5])


def is_same_address(kept: str, typed: str) -> bool:
    """Whether two addresses are one. Letter case is minded for nothing but plain letters: look-alikes differ."""
    kept, typed = kept.strip(), typed.strip()
    if kept.isascii() and typed.isascii():
        return bool(kept) and kept.lower() == typed.lower()
    return bool(kept) and kept == typed


@transaction.atomic
def attach(
    retraction: Retraction, order: Order, *, by: str = "", note: str = "", request: HttpRequest | None = None
) -> Matching:
    """
    Say that this declaration is about this order, and let what follows from it follow.

    by: whose judgement it is, "" for the machine's.

    Raises:
        AlreadyMatched: see there; the same order once more gives what stands.
    """
    order = Order.objects.select_for_update(of=("self",)).select_related("nichandle").get(pk=order.pk)
    found = standing(retraction)
    if found is not None:
        if found.order_id != order.pk:
            raise AlreadyMatched
        return found
    # The date of the declaration counts, not the day on which somebody found its order.
    verdict = eligibility(order, list(order.details.all()), order.nichandle, retraction.declared_at)
    intent = order.intents.filter(kind="retraction").order_by("-pk").first()
    if intent is None or intent.state not in intent.OVER:
        intent = carrier(order, verdict)
    try:
        with transaction.atomic():
            matching = retraction.matchings.create(order=order, intent=intent, by=by, note=note, turn=_turn(retraction))
    except IntegrityError as error:
        # Somebody else matched it at the same moment, to an order that they held locked.
        raise AlreadyMatched from error
    OrderEvent.objects.create(
        order=order, kind=OrderEvent.Kind.DECLARED, at=retraction.declared_at, after=retraction.reference
    )
    refunds.open_refund(order, retraction.declared_at)
    _tell(retraction, order)
    audit.record(
        request,
        "match_declaration",
        subject=order.nichandle.nichandle,
        target=f"order {order.order_id}",
        reference=retraction.reference,
        held=intent.why,
    )
    ring(tasks.relay_intents)
    return matching


@transaction.atomic
def leave_unmatched(retraction: Retraction, *, by: str, note: str, request: HttpRequest | None) -> Matching:
    """
    A person could not tell which order is meant, and says what was tried. It may still be matched later.

    Raises:
        AlreadyMatched: see there.
    """
    if standing(retraction):
        raise AlreadyMatched
    audit.record(request, "leave_unmatched", target=f"receipt {retraction.reference}", reference=retraction.reference)
    return Matching.objects.create(retraction=retraction, by=by, note=note, turn=_turn(retraction))


@transaction.atomic
def call_wrong(retraction: Retraction, *, by: str, note: str, request: HttpRequest | None) -> bool:
    """
    Say that this declaration was about another order. It may then be matched again; the account of the wrong one is
    told by mail. What OVHcloud has not heard of is ended; False: OVHcloud may know, and only a person can speak to it.

    Raises: NotMatched.
    """
    wrong = standing(retraction)
    if wrong is None or wrong.order is None or wrong.intent is None:
        raise NotMatched
    Order.objects.select_for_update(of=("self",)).get(pk=wrong.order.pk)
    if wrong != standing(retraction):
        raise NotMatched
    retraction.matchings.create(by=by, note=note, turn=wrong.turn)
    others = wrong.intent.retractions.exists() or Matching.objects.standing().filter(intent=wrong.intent).exists()
    # Another declaration of the same order is not to be stopped by this one.
    ended = others or end_unsent(wrong.intent.pk, note=_("A declaration without signing in was matched by mistake."))
    audit.record(
        request,
        "call_match_wrong",
        subject=wrong.order.nichandle.nichandle,
        target=f"order {wrong.order.order_id}",
        reference=retraction.reference,
        ended=ended,
    )
    for address in told_addresses([wrong.order]):
        Receipt.objects.create(retraction=retraction, kind=Receipt.Kind.AMENDS, order=wrong.order, address=address)
    ring(tasks.send_receipts)
    return ended


def standing(retraction: Retraction) -> Matching | None:
    """The match that counts, None where there is none or the last was called wrong."""
    found = Matching.objects.standing().filter(retraction=retraction)
    return found.select_related("order__nichandle", "intent").first()


def _turn(retraction: Retraction) -> int:
    return retraction.matchings.exclude(order=None).count()


def waiting() -> QuerySet[Retraction]:
    """Declarations that no machine could match and no person has judged yet, or wrongly; oldest first."""
    later = Matching.objects.filter(retraction=OuterRef("retraction"), pk__gt=OuterRef("pk"))
    called_wrong = Matching.objects.filter(
        retraction=OuterRef("retraction"), turn=OuterRef("turn"), order__isnull=False
    )
    last = Matching.objects.filter(~Exists(later), retraction=OuterRef("pk"))
    judged = last.exclude(order=None, by="").exclude(Q(order=None) & Exists(called_wrong))
    return (
        Retraction.objects.filter(channel=Retraction.Channel.PUBLIC)
        .exclude(Exists(judged))
        .order_by("declared_at", "pk")
    )


def told_addresses(orders: Sequence[Order]) -> list[str]:
    """Addresses kept with these orders' accounts that can be written to."""
    found = []
    for order in orders:
        try:
            validate_email(order.nichandle.email)
        except ValidationError:
            continue
        found.append(order.nichandle.email)
    return found


def _tell(retraction: Retraction, order: Order) -> None:
    """Tell the account that owns the order, at the address kept with it, once a declaration."""
    told = Receipt.objects.filter(retraction=retraction, kind=Receipt.Kind.NOTICE, order=order)
    addresses = told_addresses([order])
    if not addresses or told.exists() or not limits.account_within(order.nichandle_id):
        return
    Receipt.objects.create(retraction=retraction, kind=Receipt.Kind.NOTICE, order=order, address=addresses[0])
    ring(tasks.send_receipts)
