"""
What must be true once the trouble is over. Each function takes the facts and yields one line for each violation, with
what to look at; `violations` asks them all.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta

from tests.chaos.facts import Facts, PanelIntent

# Whoever still waits for its turn is not late before this.
LATE = timedelta(seconds=15)
# A person decides about these, and the desk lists them.
_WITH_A_PERSON = {"held", "dead", "closed"}
_OVER = {"refused", "closed"}


def violations(facts: Facts) -> list[str]:
    return [line for invariant in INVARIANTS for line in invariant(facts)]


# --- Declarations and intents -----------------------------------------------------------------------------------------
def told_is_stored(facts: Facts) -> Iterator[str]:
    """Every declaration that a customer saw acknowledged is stored."""
    orders = {row.order_id for row in facts.retractions}
    references = {row.reference for row in facts.retractions}
    for told in facts.told:
        if told.order_id not in orders or (told.reference and told.reference not in references):
            yield (
                f"LOST DECLARATION order {told.order_id} of {told.nichandle}: acknowledged at {told.at:%H:%M:%S}"
                f" ({told.reference or 'by the redirect'}), no such row in orders_retraction"
            )


def accepted_once(facts: Facts) -> Iterator[str]:
    """At most one retraction of an order is accepted."""
    for order_id, times in Counter(e.order_id for e in facts.ledger if e.event == "retraction_accepted").items():
        if times > 1:
            yield f"TWICE order {order_id}: {times} retractions accepted; see /_control/ledger?order={order_id}"


def intents_end_as_the_ledger_says(facts: Facts) -> Iterator[str]:
    """Accepted where OVHcloud accepted, not where it did not; and none is forgotten on its way."""
    accepted = facts.happened("retraction_accepted")
    by_order: dict[int, list[PanelIntent]] = defaultdict(list)
    for intent in facts.intents:
        by_order[intent.order_id].append(intent)
        yield from _wrong_end(intent, intent.order_id in accepted)
        yield from _forgotten(facts, intent)
    for order_id in sorted(accepted):
        if not by_order[order_id]:
            yield f"NOBODY ASKED order {order_id}: OVHcloud accepted a retraction of which orders_intent knows nothing"
        elif all(intent.state in _OVER for intent in by_order[order_id]):
            states = ", ".join(f"{intent.pk} {intent.state}" for intent in by_order[order_id])
            yield f"WRONG END order {order_id}: OVHcloud accepted, and its intents say {states}"


def _wrong_end(intent: PanelIntent, taken: bool) -> Iterator[str]:
    if intent.state == "accepted" and not taken:
        yield f"WRONG END order {intent.order_id}: intent {intent.pk} says accepted, OVHcloud's ledger does not"
    if intent.state in _WITH_A_PERSON - _OVER and taken:
        yield (
            f"WRONG END order {intent.order_id}: intent {intent.pk} is {intent.state} ({intent.why}) for a person,"
            " and OVHcloud has accepted"
        )


def _forgotten(facts: Facts, intent: PanelIntent) -> Iterator[str]:
    """Open, and nobody comes for it. One whose time has not come, or that a worker holds, is on its way."""
    if intent.state in _WITH_A_PERSON | {"accepted", "refused"}:
        return
    due = intent.next_attempt_at
    held = intent.leased_until is not None and intent.leased_until + LATE > facts.now
    what = f"FORGOTTEN order {intent.order_id}: intent {intent.pk} is {intent.state}"
    if due is None:
        yield f"{what} and has no time at which anybody comes"
    elif due + LATE < facts.now and not held:
        yield f"{what}, its time was {due:%H:%M:%S}"


def no_intent_is_doubled(facts: Facts) -> Iterator[str]:
    """One standing intent of a kind for an order, however many declarations name it."""
    standing = Counter((row.order_id, row.kind) for row in facts.intents if row.state not in _OVER)
    for (order_id, kind), count in standing.items():
        if count > 1:
            yield f"DOUBLED order {order_id}: {count} standing intents of kind {kind} in orders_intent"
    over = Counter(row.order_id for row in facts.intents if row.state in _OVER)
    for order_id, count in Counter(row.order_id for row in facts.retractions).items():
        if count > over[order_id] + 1:
            yield f"DOUBLED order {order_id}: {count} declarations stored while one stood, in orders_retraction"


# --- Orders -----------------------------------------------------------------------------------------------------------
def orders_are_as_ovhcloud_has_them(facts: Facts) -> Iterator[str]:
    """None missing, none twice, none with a wrong status or price, none that does not exist."""
    rows = defaultdict(list)
    for row in facts.orders:
        rows[row.nichandle, row.order_id].append(row)
    known = {(order.nichandle, order.order_id) for order in facts.ovh_orders}
    for (nichandle, order_id), found in rows.items():
        if len(found) > 1:
            yield f"TWICE order {order_id} of {nichandle}: {len(found)} rows in orders_order"
        if (nichandle, order_id) not in known:
            yield f"INVENTED order {order_id} of {nichandle}: OVHcloud has no such order"
    for order in facts.ovh_orders:
        if order.nichandle not in facts.signed_in:
            continue
        found = rows[order.nichandle, order.order_id]
        if not found and not order.gone:
            yield f"MISSING order {order.order_id} of {order.nichandle}: OVHcloud lists it as {order.status}"
        for row in found:
            where = f"order {order.order_id} of {order.nichandle} (orders_order {row.pk})"
            if row.price != order.price:
                yield f"WRONG PRICE {where}: {row.price}, OVHcloud says {order.price}"
            if order.gone and row.gone_at is None and row.expired_at is None:
                yield f"WRONG STATUS {where}: {row.status}, OVHcloud has let it go"
            elif not order.gone and row.gone_at is not None:
                yield f"WRONG STATUS {where}: said to be gone, OVHcloud says {order.status}"
            elif not order.gone and row.status != order.status:
                yield f"WRONG STATUS {where}: {row.status}, OVHcloud says {order.status}"


def expired_is_never_early_nor_paid(facts: Facts) -> Iterator[str]:
    """Marked from its date on or when OVHcloud had let it go, and never what was paid; no payment is unseen."""
    paid = facts.happened("paid")
    let_go = facts.happened("expired")
    for row in facts.orders:
        where = f"order {row.order_id} (orders_order {row.pk})"
        if row.expired_at is not None and row.order_id in paid:
            yield f"EXPIRED THOUGH PAID {where}: marked at {row.expired_at:%H:%M:%S}, the ledger has its payment"
        early = row.expired_at and (row.expiration_date is None or row.expired_at < row.expiration_date)
        if early and row.order_id not in let_go:
            yield f"EXPIRED EARLY {where}: marked at {row.expired_at}, its date is {row.expiration_date}"
        if row.order_id in paid and not row.was_paid:
            yield f"PAYMENT UNSEEN {where}: the ledger has its payment, the row no trace of it"


# --- Receipts, pages, secrets -----------------------------------------------------------------------------------------
def receipts_arrive(facts: Facts) -> Iterator[str]:
    """
    Every declaration's receipt reaches each of its addresses at least once.

    A worker that dies between the mail server's yes and its note sends a mail again, so a mail may come twice; but
    each sending is noted before it begins, so never more often than the row's `attempts`.
    """
    came = Counter((mail.reference, mail.to) for mail in facts.mails)
    owed = {row.reference for row in facts.receipts}
    for declared in facts.retractions:
        if declared.reference not in owed:
            yield f"NO RECEIPT declaration {declared.reference} of order {declared.order_id}: none in orders_receipt"
    for row in facts.receipts:
        mails = came[row.reference, row.address.lower()]
        if mails == 0:
            sent = f"said to be sent at {row.sent_at:%H:%M:%S}" if row.sent_at else "not sent"
            yield f"NO RECEIPT declaration {row.reference}: orders_receipt {row.pk} is {sent}, no mail came"
        elif mails > row.attempts:
            yield f"RECEIPTS declaration {row.reference}: {mails} mails after {row.attempts} noted attempts"


def no_page_failed(facts: Facts) -> Iterator[str]:
    """503 while PostgreSQL is away is an answer; 500 is a mistake of ours."""
    times: dict[str, list[str]] = defaultdict(list)
    for page in facts.failed_pages:
        what, _, at = page.partition(" at ")
        times[re.sub(r"\d{4,}", "N", what)].append(at)
    for what, moments in times.items():
        yield f"FAILED PAGE {what}: {len(moments)} times, first at {moments[0]}; see logs/web.log"


def no_secret_is_told(facts: Facts) -> Iterator[str]:
    for found in facts.found_secrets:
        yield f"SECRET {found}"


INVARIANTS: tuple[Callable[[Facts], Iterator[str]], ...] = (
    told_is_stored,
    accepted_once,
    intents_end_as_the_ledger_says,
    no_intent_is_doubled,
    orders_are_as_ovhcloud_has_them,
    expired_is_never_early_nor_paid,
    receipts_arrive,
    no_page_failed,
    no_secret_is_told,
)


def unsettled(facts: Facts) -> list[str]:
    """What is still on its way, though nothing need be wrong with it."""
    on_its_way = [row for row in facts.intents if row.state in ("waiting", "sending", "doubtful")]
    return [f"intent {row.pk} of order {row.order_id} is {row.state}" for row in on_its_way] + [
        f"receipt {row.pk} of {row.reference} is not sent" for row in facts.receipts if row.sent_at is None
    ]


def duplicate_receipts(facts: Facts) -> int:
    """How many mails came beyond the first of each receipt."""
    came = Counter((mail.reference, mail.to) for mail in facts.mails)
    return sum(count - 1 for count in came.values())
