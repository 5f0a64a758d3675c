"""What becomes of carts after the button: the order's row is found; a cart that was not ordered opens again."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.ringing import ring
from carts.models import Cart, CartItem, Checkout
from carts.sync.copies import forget_items
from orders import tasks as order_tasks
from orders.models import Intent, Order, OrderImport
from orders.payment.at_checkout import pay_with_the_order

# OVHcloud may list an order some moments after it was made; then it is looked for again.
LOOK_EVERY, LOOK_FOR = timedelta(seconds=10), timedelta(days=2)
MANY = 50


def follow_up() -> None:
    """Two queries where nothing is to be done."""
    now = timezone.now()
    for checkout in Checkout.objects.filter(next_look_at__lte=now).select_related("intent")[:MANY]:
        _find(checkout)
    # The relay tells a kind of what OVHcloud said, not of what staff decided.
    closed = Checkout.objects.filter(ended=False, ovh_order_id=None, intent__state=Intent.State.CLOSED)
    for checkout in closed.select_related("cart")[:MANY]:
        reopen(checkout)


def find_at_once(checkout: Checkout) -> None:
    """Have the order's row made by the task that finds orders. Within a transaction."""
    now = timezone.now()
    OrderImport.objects.filter(nichandle=checkout.nichandle_id, next_find_at__isnull=False).update(next_find_at=now)
    Checkout.objects.filter(pk=checkout.pk, order=None).update(next_look_at=now + timedelta(seconds=1))
    ring(order_tasks.find_orders)


def arrived(nichandle_pk: int, numbers: list[int]) -> int:
    """
    Rows of these orders are there, or just come: give them to the checkouts that made them, and keep which of them
    OVHcloud was told to pay. Within a transaction; one query where none was made from here. Returns how many were.
    """
    made = Checkout.objects.filter(nichandle=nichandle_pk, order=None, ovh_order_id__in=numbers)
    checkouts = {checkout.ovh_order_id: checkout for checkout in made.select_related("intent")}
    if not checkouts:
        return 0
    found = Order.objects.filter(nichandle=nichandle_pk, order_id__in=list(checkouts)).order_by("pk")
    for order in found:
        checkout = checkouts[order.order_id]
        if not Checkout.objects.filter(pk=checkout.pk, order=None).update(order=order, next_look_at=None):
            continue
        if checkout.pay_at_once:
            pay_with_the_order(order, checkout.intent)
        # Paid at once or not: its status is what somebody waits for now.
        Order.objects.filter(pk=order.pk, next_poll_at__isnull=False).update(next_poll_at=timezone.now())
        ring(order_tasks.poll_orders)
    return len(found)


@transaction.atomic
def _find(checkout: Checkout) -> None:
    now = timezone.now()
    rows = Checkout.objects.filter(pk=checkout.pk, order=None)
    if rows.select_for_update().first() is None:
        # It was found meanwhile.
        Checkout.objects.filter(pk=checkout.pk).update(next_look_at=None)
        return
    assert checkout.ovh_order_id is not None  # noqa: S101  (else there is nothing to look for)
    if arrived(checkout.nichandle_id, [checkout.ovh_order_id]):
        return
    if checkout.intent.settled_at is None or checkout.intent.settled_at < now - LOOK_FOR:
        rows.update(next_look_at=None)
        return
    find_at_once(checkout)
    rows.update(next_look_at=now + LOOK_EVERY)


@transaction.atomic
def reopen(checkout: Checkout, message: str = "", query_id: str = "") -> None:
    """
    Nothing was ordered: the cart is open again, with all it held, and is judged anew. What was put into another cart
    meanwhile comes into this one.

    message: OVHcloud's own words, shown until it was judged.
    """
    cart = Cart.objects.select_for_update().get(pk=checkout.cart_id)
    if not Checkout.objects.filter(pk=checkout.pk, ended=False, ovh_order_id=None).update(ended=True):
        return
    newer = Cart.objects.select_for_update().filter(nichandle=cart.nichandle_id, state=Cart.State.OPEN)
    for other in newer.exclude(pk=cart.pk):
        _bring(other, cart)
    cart.state, cart.next_mirror_at, cart.failures = Cart.State.OPEN, timezone.now(), 0
    cart.lease, cart.leased_until = None, None
    cart.trouble = Cart.Trouble.REFUSED if message else ""
    cart.message, cart.query_id = message, query_id[:120]
    cart.save()


def _bring(other: Cart, cart: Cart) -> None:
    """Move what another open cart of the account holds into this one; a name that both hold is there once."""
    names = cart.items.filter(product="domain", parent=None).values_list("domain", flat=True)
    left = [item.pk for item in other.items.filter(product="domain", parent=None, domain__in=list(names))]
    moved = (
        other.items.exclude(pk__in=left).exclude(parent__in=left).exclude(came_by_itself=True, domain__in=list(names))
    )
    forget_items(moved)
    CartItem.objects.filter(pk__in=[row.pk for row in moved]).update(cart=cart)
    known = {one["coupon"] for one in cart.coupons}
    cart.coupons = cart.coupons + [one for one in other.coupons if one["coupon"] not in known]
    cart.revision += 1
    Cart.objects.filter(pk=other.pk).update(
        state=Cart.State.LEFT, next_mirror_at=None, lease=None, leased_until=None, trouble="", message=""
    )
