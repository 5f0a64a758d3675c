"""
What a checkout means to the relay: one POST that makes a purchase order, never repeated blindly.

After a lost answer the cart itself tells: open, nothing was ordered by it; read-only, or gone, the order is looked for
among those that came since, by what it comes to and by its lines. Where that leaves a doubt, a person decides.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from carts.models import Cart, Checkout
from carts.prices import amount
from carts.sync import kept, ordered
from carts.sync.codes import hide_codes
from gateway import (
    Gateway,
    NotAdmitted,
    NotFound,
    OrderDetailRecord,
    OvhError,
    OvhRefused,
    QuoteRecord,
    UnusableAnswer,
)
from orders.models import Intent, Order, OrderEvent
from orders.relay.kinds import Kind, Needless, Unclear

Event = OrderEvent.Kind

# OVHcloud dates its orders by its own clock. How far that is behind ours now is known; that it was further behind as
# the order was made is not, and costs little: orders that we knew before are none of those that are looked at.
BEFORE_IT_WAS_ASKED = timedelta(hours=1)
# So long after an attempt its order may not be listed yet.
SHOWS_WITHIN = timedelta(seconds=60)
MOST_CANDIDATES = 20


class CheckoutKind(Kind):
    """Order a cart. What comes of it: {"order_id", "answered"}."""

    route = "POST /order/cart/{cartId}/checkout"
    ordering = True
    words: Mapping[str, Any] = {
        Event.SENT: _("Order sent to OVHcloud"),
        Event.ACCEPTED: _("Ordered at OVHcloud"),
        Event.REFUSED: _("Order refused by OVHcloud"),
        Event.DOUBTFUL: _("No clear answer from OVHcloud to the order; we look again"),
        Event.HELD: _("Order held for a person to look at"),
        Event.GIVEN_UP: _("Order not confirmed by OVHcloud; a person looks at it"),
        Event.RUNG: _("Support had the order taken up again"),
        Event.CLOSED: _("Support closed the order; it is not sent any more"),
        Event.NEEDLESS: _("Order not sent: it would have cost something else than was shown"),
    }

    def before(self, gateway: Gateway, intent: Intent) -> None:
        """
        Ask once more what it comes to: nobody is bound to a price they did not see.

        Raises:
            Needless: "prices"; "copy", where OVHcloud's cart is not what was to be ordered; "refused", by OVHcloud.
        """
        checkout = _checkout(intent)
        cart = checkout.cart
        if not cart.ovh_cart_id or cart.mirrored_revision != cart.revision or cart.state != Cart.State.ORDERING:
            raise Needless("copy")
        try:
            now = gateway.try_check_out(cart.ovh_cart_id)
        except OvhRefused as error:
            if isinstance(error, NotAdmitted):
                raise
            if intent.attempts:
                # The first attempt may be what is against it; then this one is refused, too, and a look tells.
                return
            hide_codes(cart, error)
            # The call itself might be taken all the same, at a price that nobody saw.
            raise Needless("copy" if isinstance(error, NotFound) else "refused", error) from None
        if not _is_as_shown(kept.quote(now, {}, {}, is_dry_run=True), checkout.quote):
            raise Needless("prices")

    def send(self, gateway: Gateway, intent: Intent) -> dict[str, Any]:
        checkout = _checkout(intent)
        try:
            placed = gateway.check_out(
                checkout.cart.ovh_cart_id, pay_at_once=checkout.pay_at_once, waive_withdrawal=checkout.waived
            )
        except OvhError as error:
            hide_codes(checkout.cart, error)
            raise
        return {"order_id": placed.order_id, "answered": _difference(placed, checkout)}

    def look(self, gateway: Gateway, intent: Intent) -> dict[str, Any] | None:
        checkout = _checkout(intent)
        try:
            if not gateway.cart(checkout.cart.ovh_cart_id).read_only:
                return None
            told = "OVHcloud's cart was ordered"
        except NotFound:
            told = "OVHcloud knows the cart no more"
        found = _orders_like(gateway, checkout)
        if len(found) == 1:
            return {"order_id": found[0], "answered": None}
        if not found and intent.attempted_at and intent.attempted_at > timezone.now() - SHOWS_WITHIN:
            raise UnusableAnswer(detail="the order may not be listed yet")
        # For the person who decides: they choose among these and no others.
        Checkout.objects.filter(pk=checkout.pk).update(candidates=found)
        numbers = ", ".join(str(number) for number in found)
        which = f"these orders are like it: {numbers}" if found else "no new order is like it"
        total, currency = amount(checkout.quote["prices"]["with_tax"])
        raise Unclear(f"{told}, and {which}. It was to cost {total} {currency} with tax.")

    def shows(self, order: Order) -> bool:
        return False

    def accepted(self, intent: Intent, outcome: Any) -> None:
        checkout = _checkout(intent)
        Checkout.objects.filter(pk=checkout.pk).update(
            ovh_order_id=outcome["order_id"], answered=outcome.get("answered")
        )
        Cart.objects.filter(pk=checkout.cart_id).update(
            state=Cart.State.ORDERED, next_mirror_at=None, trouble="", message="", query_id=""
        )
        if not ordered.arrived(checkout.nichandle_id, [outcome["order_id"]]):
            ordered.find_at_once(checkout)

    def refused(self, intent: Intent) -> None:
        ordered.reopen(_checkout(intent), intent.message, intent.query_id)


def _checkout(intent: Intent) -> Checkout:
    return Checkout.objects.select_related("cart", "nichandle").get(intent=intent)


# --- The order that a checkout made -----------------------------------------------------------------------------------
def _orders_like(gateway: Gateway, checkout: Checkout) -> list[int]:
    """
    Orders that came since it was asked for, that nobody knew before and no other checkout made, of the same total and
    the same lines. Where several are, and their lines' words tell one from the others, that one.
    """
    behind = timedelta(seconds=gateway.clock_behind_s)
    numbers = gateway.order_ids(date_from=checkout.asked_at - BEFORE_IT_WAS_ASKED - behind)
    own = Order.objects.filter(nichandle=checkout.nichandle, order_id__in=numbers)
    known = set(own.filter(created_at__lt=checkout.asked_at).values_list("order_id", flat=True))
    others = Checkout.objects.filter(nichandle=checkout.nichandle, ovh_order_id__in=numbers).exclude(pk=checkout.pk)
    known |= {other.ovh_order_id for other in others if other.ovh_order_id is not None}
    candidates = sorted(set(numbers) - known)
    if len(candidates) > MOST_CANDIDATES:
        raise Unclear(f"{len(candidates)} orders came since it was asked for.")
    lines = {number: found for number in candidates if (found := _lines_of(gateway, number, checkout)) is not None}
    wanted = _lines_wanted(checkout)
    alike = [number for number, found in lines.items() if _amounts(found) == _amounts(wanted)]
    exactly = [number for number in alike if lines[number] == wanted]
    return exactly if len(exactly) == 1 else alike


Lines = Counter[tuple[str, Decimal]]


def _lines_of(gateway: Gateway, number: int, checkout: Checkout) -> Lines | None:
    """The lines of an order of the same total; None for one of another, or that is gone."""
    try:
        order = gateway.order(number)
        if (order.price_with_tax.value, order.price_with_tax.currency_code) != amount(
            checkout.quote["prices"]["with_tax"]
        ):
            return None
        details: list[OrderDetailRecord] = [
            gateway.order_detail(number, detail_id) for detail_id in gateway.order_detail_ids(number)
        ]
    except NotFound:
        return None
    return Counter((detail.description, detail.total_price.value) for detail in details)


def _lines_wanted(checkout: Checkout) -> Lines:
    return _lines_in(checkout.quote)


def _lines_in(quote: Mapping[str, Any]) -> Lines:
    return Counter((line["description"], amount(line["total_price"])[0]) for line in quote["lines"])


def _amounts(lines: Lines) -> Counter[Decimal]:
    """What lines cost, whatever they are called; those that cost nothing tell nothing."""
    found: Counter[Decimal] = Counter()
    for (_description, total), count in lines.items():
        if total:
            found[total] += count
    return found


# --- What was shown and what is ---------------------------------------------------------------------------------------
def _is_as_shown(now: Mapping[str, Any], shown: Mapping[str, Any]) -> bool:
    sums = ("with_tax", "without_tax", "tax")
    same = all(amount(now["prices"][name]) == amount(shown["prices"][name]) for name in sums)
    return same and _lines_in(now) == _lines_in(shown)


def _difference(placed: QuoteRecord, checkout: Checkout) -> dict[str, Any] | None:
    """What OVHcloud says it ordered, where that is not what was shown."""
    answered = kept.quote(placed, {}, {}, is_dry_run=False)
    if _is_as_shown(answered, checkout.quote):
        return None
    return {"lines": answered["lines"], "prices": answered["prices"]}
