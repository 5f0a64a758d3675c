"""What became of an order that was asked for, until its own page tells."""

from typing import Any

from accounts.models import Nichandle
from carts.checkout import quotes
from carts.models import Cart, Checkout
from carts.prices import amount
from orders.models import Intent

State = Intent.State


def outcome_for_page(checkout: Checkout, nichandle: Nichandle) -> dict[str, Any]:
    """
    Where it stands. checkout: with its intent and cart. One query, for the order's own page.

    stage: waiting, doubtful, held, refused, closed, dead or accepted. order_number: that of the order's page, once
    there is one.
    """
    intent = checkout.intent
    number = checkout.ovh_order_id
    is_there = number is not None and nichandle.orders.filter(order_id=number).exists()
    return {
        "checkout": checkout,
        "stage": _stage(intent),
        "why": intent.why,
        "is_different": checkout.answered is not None,
        "said": intent.message if intent.state in (State.REFUSED, State.NEEDLESS, State.HELD) else "",
        "note": intent.note,
        "query_id": intent.query_id,
        "number": number,
        "order_number": number if is_there else None,
        "total": quotes.money(checkout.quote["prices"]["with_tax"]),
        "is_free": quotes.is_free(checkout.quote),
        "lines": [line["description"] for line in checkout.quote["lines"] if amount(line["total_price"])[0] > 0],
        "cart_is_open": checkout.cart.state == Cart.State.OPEN,
        "is_live": _stage(intent) in ("waiting", "doubtful", "accepted"),
    }


def _stage(intent: Intent) -> str:
    match intent.state:
        case State.WAITING | State.SENDING:
            return "waiting"
        case State.NEEDLESS:
            return "refused"
        case other:
            return str(other)
