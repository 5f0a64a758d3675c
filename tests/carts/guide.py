"""The guide's sequence of calls, from a wish for a name to a paid order, and what must never be called twice."""

from collections.abc import Iterable

from carts.models import Checkout
from tests.carts.shop import route
from tests.sandboxes import Sandbox

# In its order. Source: the guide of the ordering API; docs/ordering.md says what each is.
SEQUENCE = (
    "POST /order/cart",
    "GET /order/cart/{}/domain",
    "POST /order/cart/{}/domain",
    "POST /order/cart/{}/assign",
    "GET /order/cart/{}/item/{}/requiredConfiguration",
    "POST /order/cart/{}/item/{}/configuration",
    "GET /order/cart/{}/checkout",
    "POST /order/cart/{}/checkout",
    "GET /me/order/{}/availableRegisteredPaymentMean",
    "POST /me/order/{}/payWithRegisteredPaymentMean",
    "GET /me/order/{}/status",
)

RULES = "/1.0/domain/configurationRule"

# Twice would make a second cart, product, answer to the registry, order or payment.
ONCE = tuple(call for call in SEQUENCE if call.startswith("POST"))


def journey(ovh: Sandbox, checkout: Checkout, since: int = 0) -> list[str]:
    """
    What OVHcloud was asked about one purchase, with this customer's key: about its cart, and about its order. And,
    with nobody's, what the registries of its names ask.

    Price lists are read in carts of nobody, and what is read of all orders belongs to no purchase.
    """
    about = (f"/order/cart/{checkout.cart.ovh_cart_id}/", f"/me/order/{checkout.ovh_order_id}/")
    return [
        route(one)
        for one in ovh.requests(since)
        if one["path"].startswith(RULES)
        or one["nichandle"] == checkout.nichandle.nichandle
        and (one["path"] == "/1.0/order/cart" or any(part in f"{one['path']}/" for part in about))
    ]


def assert_followed(calls: Iterable[str]) -> None:
    """
    Fail unless they hold the guide's sequence in its order, and nothing more than once that must be once.

    An order's status is asked before its payment, too; what counts is that it is asked after it.
    """
    made, at = list(calls), 0
    for step in SEQUENCE:
        assert step in made[at:], f"{step} does not follow: {made[at:]}"
        at = made.index(step, at) + 1
    assert {step: made.count(step) for step in ONCE} == dict.fromkeys(ONCE, 1)
