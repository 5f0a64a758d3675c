"""What must hold of every order's life and money, whoever tells it. Each check returns what is against it."""

from collections import Counter
from itertools import pairwise
from typing import Any

# Chapter 7.1 of the contract; what lies between two looks may have been passed through.
GOES_TO: dict[str, set[str]] = {
    "notPaid": {"checking", "delivering", "delivered", "cancelled"},
    "checking": {"documentsRequested", "delivering", "cancelling"},
    "documentsRequested": {"checking", "delivering", "cancelling"},
    "delivering": {"delivered", "cancelling"},
    "delivered": {"cancelling"},
    "cancelling": {"cancelled"},
    "cancelled": set(),
}
# The ledger leaves nothing out, so one entry follows the other directly. Refusals change nothing.
_FOLLOWS: dict[str, set[str]] = {
    "created": {"paid", "expired"},
    "paid": {"checking"},
    "checking": {"documents_requested", "delivering", "cancelling", "retraction_accepted"},
    "documents_requested": {"checking", "delivering", "cancelling", "retraction_accepted"},
    "delivering": {"delivered", "cancelling", "retraction_accepted"},
    "delivered": {"retraction_accepted"},
    "retraction_accepted": {"cancelling"},
    "cancelling": {"cancelled"},
    "cancelled": {"refunded"},
    "expired": set(),
    "refunded": set(),
}
REFUSALS = ("payment_refused", "retraction_refused")
_OF_THE_PAID = {"checking", "documents_requested", "delivering", "delivered", "retraction_accepted", "refunded"}


def reachable(status: str) -> set[str]:
    found: set[str] = set()
    waiting = [status]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += GOES_TO[one]
    return found


def faults_of_step(before: str, after: str | None) -> list[str]:
    """Look at two statuses of an order, the later one None for an order that is gone (404)."""
    if after is None:
        return [] if before == "notPaid" else [f"{before}, and then gone"]
    return [] if after in reachable(before) else [f"{before}, and then {after}"]


def faults_of_life(told: list[str]) -> list[str]:
    """Look at the events of an order's ledger, oldest first."""
    events = [event for event in told if event not in REFUSALS]
    if not events or events[0] != "created":
        return ["it was never created"]
    found = [f"{after} after {before}" for before, after in pairwise(events) if after not in _FOLLOWS[before]]
    # Papers lead back to being checked; everything else happens once.
    allowed = {"checking": 2 if "documents_requested" in events else 1}
    found += [f"{event} {n} times" for event, n in Counter(events).items() if n > allowed.get(event, 1)]
    paid = events.index("paid") if "paid" in events else len(events)
    found += [f"{event} unpaid" for event in events[:paid] if event in _OF_THE_PAID]
    if "refunded" in events and not {"retraction_accepted", "cancelling"} & set(events):
        found.append("refunded for nothing")
    return found


def cents(price: dict[str, Any]) -> int:
    """Return an amount in cents, from the field that no float has been through."""
    whole, rest = divmod(price["priceInUcents"], 1_000_000)
    assert rest == 0, price
    assert round(price["value"] * 100) == whole, price
    return int(whole)


def faults_of_money(
    order: dict[str, Any], lines: list[dict[str, Any]], bills: list[dict[str, Any]], refunds: list[dict[str, Any]]
) -> list[str]:
    """Look at an order of a French account with its lines, bills and refunds, all as the API answers them."""
    net, tax, total = (cents(order[name]) for name in ("priceWithoutTax", "tax", "priceWithTax"))
    found = []
    if (lines_net := sum(cents(line["totalPrice"]) for line in lines)) != net:
        found.append(f"lines of {lines_net}, an order of {net}")
    if net + tax != total or total < 0:
        found.append(f"{net} and {tax} are not {total}")
    if tax != (net * 20 + 50) // 100:
        found.append(f"a tax of {tax} on {net}")
    if len(bills) > 1 or any(bill["priceWithTax"] != order["priceWithTax"] for bill in bills):
        found.append(f"bills of {[bill['priceWithTax']['text'] for bill in bills]}")
    if len(refunds) > 1 or sum(cents(refund["priceWithTax"]) for refund in refunds) > total:
        found.append(f"refunds of {[refund['priceWithTax']['text'] for refund in refunds]}")
    return found
