"""
What must be true of payments and of orders made from carts, as invariants.py has it.

The stand-in is told to take a second payment of an order and to make a second order of a cart, so that whoever asked
twice is seen in its ledger.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta

from tests.chaos.ends import ON_ITS_WAY, OVER, WITH_A_PERSON, wrong_end
from tests.chaos.facts import Entry, Facts, PanelCheckout

# From the question whether an order is still unpaid to the payment's arrival: a lease of 45 s and a call of 15 s. Only
# within it may somebody pay elsewhere unseen.
_UNSEEN = timedelta(seconds=60)


def _paid_by_us(facts: Facts) -> Counter[int]:
    """Payments that the panel caused, by order: with an account's own methods, which only the API takes."""
    return Counter(entry.order_id for entry in facts.ledger if entry.event == "paid" and entry.by == "customer")


def paid_once(facts: Facts) -> Iterator[str]:
    """At most one payment of an order is accepted that came from the panel."""
    for order_id, times in _paid_by_us(facts).items():
        if times > 1:
            yield f"PAID TWICE order {order_id}: {times} payments accepted; see /_control/ledger?order={order_id}"


def payments_end_as_the_ledger_says(facts: Facts) -> Iterator[str]:
    """
    Accepted where the order is paid, whoever's payment it was in the end; never given to a person or found needless for
    being paid where it is not; and where the panel paid, one of its intents says so.
    """
    paid, by_us = facts.happened("paid"), _paid_by_us(facts)
    states: dict[int | None, list[str]] = defaultdict(list)
    for intent in facts.intents_of("payment"):
        states[intent.order_id].append(intent.state)
        yield from wrong_end(intent, intent.order_id in paid)
        if intent.state == "needless" and intent.why == "paid" and intent.order_id not in paid:
            yield f"WRONG END {intent.about}: payment {intent.pk} was not sent for it was paid, and it is not"
    paid_with_checkout = {row.ovh_order_id for row in facts.checkouts if row.pays}
    for order_id in sorted(by_us):
        if order_id in paid_with_checkout:
            continue
        if not states[order_id]:
            yield f"NOBODY ASKED order {order_id}: OVHcloud took a payment of which orders_intent knows nothing"
        elif set(states[order_id]) <= OVER:
            yield f"WRONG END order {order_id}: OVHcloud took a payment, its intents say {states[order_id]}"


def needless_is_not_sent(facts: Facts) -> Iterator[str]:
    """What was paid at OVHcloud itself is not paid from the panel any more: such an intent ends as needless."""
    for intent in facts.intents_of("payment"):
        since = facts.paid_elsewhere.get(intent.order_id or 0)
        if since is not None and intent.attempted_at is not None and intent.attempted_at > since + _UNSEEN:
            yield (
                f"NEEDLESS {intent.about}: payment {intent.pk} was sent at {intent.attempted_at:%H:%M:%S}, paid at"
                f" OVHcloud since {since:%H:%M:%S}"
            )


def _made(facts: Facts) -> dict[int, Entry]:
    """Orders that OVHcloud made of carts."""
    return {entry.order_id: entry for entry in facts.ledger if entry.event == "created" and entry.by == "checkout"}


def carts_become_one_order(facts: Facts) -> Iterator[str]:
    """No cart became two orders: not OVHcloud's, and not ours, which may have had several copies there."""
    for cart, times in Counter(entry.cart for entry in _made(facts).values()).items():
        if times > 1:
            yield f"ORDERED TWICE cart {cart}: {times} orders in OVHcloud's ledger"
    for cart, times in Counter(row.cart for row in facts.checkouts if row.ovh_order_id is not None).items():
        if times > 1:
            yield f"ORDERED TWICE carts_cart {cart}: {times} checkouts of it have an order"
    for cart, times in Counter(row.cart for row in facts.checkouts if not row.ended).items():
        if times > 1:
            yield f"DOUBLED carts_cart {cart}: {times} checkouts stand"
    for order_id, times in Counter(row.ovh_order_id for row in facts.checkouts).items():
        if order_id is not None and times > 1:
            yield f"DOUBLED order {order_id}: {times} checkouts say that they made it"


def checkouts_end_as_the_ledger_says(facts: Facts) -> Iterator[str]:
    """Accepted with the very order that OVHcloud made of their cart; no order was made that no checkout knows of."""
    made, states = _made(facts), {intent.pk: intent.state for intent in facts.intents}
    claimed: set[int] = set()
    by_cart: dict[str, list[PanelCheckout]] = defaultdict(list)
    for checkout in facts.checkouts:
        by_cart[checkout.ovh_cart].append(checkout)
        order_id, state = checkout.ovh_order_id, states.get(checkout.intent, "without an intent")
        what = f"checkout {checkout.pk} of {checkout.nichandle} is {state}"
        if (state == "accepted") != (order_id is not None):
            yield f"WRONG END {what}, and its order is {order_id}"
        if order_id is None:
            continue
        claimed.add(order_id)
        if order_id not in made or made[order_id].cart != checkout.ovh_cart:
            of = made[order_id].cart if order_id in made else "none"
            yield f"WRONG END {what} with order {order_id}, which OVHcloud made of cart {of}, not {checkout.ovh_cart}"
    for order_id, entry in made.items():
        if order_id in claimed:
            continue
        found = by_cart[entry.cart]
        if not found:
            yield f"NOBODY ASKED order {order_id}: made of cart {entry.cart}, of which carts_checkout knows nothing"
        elif not any(states.get(row.intent) in ON_ITS_WAY for row in found):
            said = ", ".join(f"checkout {row.pk} is {states.get(row.intent)}" for row in found)
            yield f"WRONG END order {order_id}: OVHcloud made it, and {said}"


def carts_are_as_their_checkouts(facts: Facts) -> Iterator[str]:
    """
    A cart that was ordered is closed; one of which nothing was ordered can be ordered again, and of no other can that
    be said; one on its way, or with a person, waits.
    """
    states = {intent.pk: intent.state for intent in facts.intents}
    for checkout in facts.checkouts:
        state = states.get(checkout.intent, "without an intent")
        if checkout.ended:
            wrong = state not in OVER
        else:
            expected = "ordered" if state == "accepted" else "ordering" if state in ON_ITS_WAY | WITH_A_PERSON else ""
            wrong = checkout.cart_state != expected
        if wrong:
            yield (
                f"WRONG CART carts_cart {checkout.cart} of {checkout.nichandle} is {checkout.cart_state}: its checkout"
                f" {checkout.pk} is {state} and {'has ended' if checkout.ended else 'stands'}"
            )


def ordered_is_shown(facts: Facts) -> Iterator[str]:
    """The page of each checkout that made an order leads on to that order, among its own customer's."""
    for checkout in facts.checkouts:
        if checkout.ovh_order_id is None:
            continue
        if (checkout.shown, checkout.shown_to) != (checkout.ovh_order_id, checkout.nichandle):
            yield (
                f"NOT SHOWN order {checkout.ovh_order_id} of {checkout.nichandle}: checkout {checkout.pk} leads to"
                f" {checkout.shown} of {checkout.shown_to}"
            )
