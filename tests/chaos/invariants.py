"""
What must be true once the trouble is over. Each function takes the facts and yields one line for each violation, with
what to look at; `violations` asks them all.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from tests.chaos import bought
from tests.chaos.ends import OVER, forgotten, wrong_end
from tests.chaos.facts import Facts


def violations(facts: Facts) -> list[str]:
    return [line for invariant in INVARIANTS for line in invariant(facts)]


# --- Declarations and intents -----------------------------------------------------------------------------------------
def told_is_stored(facts: Facts) -> Iterator[str]:
    """Every declaration, payment and order of a cart that a customer saw acknowledged is stored."""
    orders = {row.order_id for row in facts.retractions}
    references = {row.reference for row in facts.retractions}
    payments = {(intent.nichandle, intent.order_id) for intent in facts.intents_of("payment")}
    checkouts = {(row.nichandle, row.pk) for row in facts.checkouts}
    for told in facts.told:
        who, when = told.nichandle, f"acknowledged at {told.at:%H:%M:%S}"
        if told.kind == "payment":
            if (who, told.number) not in payments:
                yield f"LOST PAYMENT order {told.number} of {who}: {when}, no such row in orders_intent"
        elif told.kind == "checkout":
            if (who, told.number) not in checkouts:
                yield f"LOST CHECKOUT {told.number} of {who}: {when}, no such row in carts_checkout"
        elif told.number not in orders or (told.reference and told.reference not in references):
            how = told.reference or "by the redirect"
            yield f"LOST DECLARATION order {told.number} of {who}: {when} ({how}), no such row in orders_retraction"


def accepted_once(facts: Facts) -> Iterator[str]:
    """At most one retraction of an order is accepted."""
    for order_id, times in Counter(e.order_id for e in facts.ledger if e.event == "retraction_accepted").items():
        if times > 1:
            yield f"TWICE order {order_id}: {times} retractions accepted; see /_control/ledger?order={order_id}"


def withdrawals_end_as_the_ledger_says(facts: Facts) -> Iterator[str]:
    """Accepted where OVHcloud accepted, not where it did not."""
    accepted = facts.happened("retraction_accepted")
    states: dict[int | None, list[str]] = defaultdict(list)
    for intent in facts.intents_of("retraction"):
        states[intent.order_id].append(intent.state)
        yield from wrong_end(intent, intent.order_id in accepted)
    for order_id in sorted(accepted):
        if not states[order_id]:
            yield f"NOBODY ASKED order {order_id}: OVHcloud accepted a retraction of which orders_intent knows nothing"
        elif set(states[order_id]) <= OVER:
            yield f"WRONG END order {order_id}: OVHcloud accepted its retraction, its intents say {states[order_id]}"


def none_is_forgotten(facts: Facts) -> Iterator[str]:
    """No intent of any kind is left on its way."""
    for intent in facts.intents:
        yield from forgotten(intent, facts.now)


def no_intent_is_doubled(facts: Facts) -> Iterator[str]:
    """One standing intent of a kind for an order, however many declarations name it."""
    open_ones = [row for row in facts.intents if row.state not in OVER and row.order_id is not None]
    standing = Counter((row.order_id, row.kind) for row in open_ones)
    for (order_id, kind), count in standing.items():
        if count > 1:
            yield f"DOUBLED order {order_id}: {count} standing intents of kind {kind} in orders_intent"
    over = Counter(row.order_id for row in facts.intents_of("retraction") if row.state in OVER)
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
    withdrawals_end_as_the_ledger_says,
    none_is_forgotten,
    no_intent_is_doubled,
    bought.paid_once,
    bought.payments_end_as_the_ledger_says,
    bought.needless_is_not_sent,
    bought.carts_become_one_order,
    bought.checkouts_end_as_the_ledger_says,
    bought.carts_are_as_their_checkouts,
    bought.ordered_is_shown,
    orders_are_as_ovhcloud_has_them,
    expired_is_never_early_nor_paid,
    receipts_arrive,
    no_page_failed,
    no_secret_is_told,
)


def unsettled(facts: Facts) -> list[str]:
    """What is still on its way, though nothing need be wrong with it."""
    on_its_way = [row for row in facts.intents if row.state in ("waiting", "sending", "doubtful")]
    return [f"{row.kind} {row.pk}, {row.about}, is {row.state}" for row in on_its_way] + [
        f"receipt {row.pk} of {row.reference} is not sent" for row in facts.receipts if row.sent_at is None
    ]


def duplicate_receipts(facts: Facts) -> int:
    """How many mails came beyond the first of each receipt."""
    came = Counter((mail.reference, mail.to) for mail in facts.mails)
    return sum(count - 1 for count in came.values())
