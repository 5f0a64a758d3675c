"""What a customer's own download says of choosing and ordering. Codes of registries are said to be there, no more."""

from typing import Any

from accounts.models import Nichandle
from carts.models import Cart, CartItem, Checkout
from orders.export import all_fields

# What of a cart is ours alone: how far copying it is. Whose it is, the download says itself.
_INTERNAL = {
    *("id", "nichandle", "visitor", "ovh_cart_id", "mirrored_revision", "quoted_revision", "next_mirror_at"),
    *("leased_until", "lease", "failures"),
}


def carts(nichandle: Nichandle) -> dict[str, Any]:
    """Carts with what was filled in, orders as they were asked for, contacts, and names looked up of late."""
    return {
        "carts": [_cart(cart) for cart in nichandle.carts.order_by("pk").prefetch_related("items__configurations")],
        "ordered": [
            _checkout(checkout) for checkout in nichandle.checkouts.order_by("pk").select_related("intent", "nichandle")
        ],
        "contacts": [contact.facts | {"path": contact.path} for contact in nichandle.contacts.order_by("pk")],
        "searches": list(nichandle.domain_checks.order_by("pk").values("domain", "asked_at", "state")),
    }


def _cart(cart: Cart) -> dict[str, Any]:
    return all_fields(cart, without=_INTERNAL) | {"items": [_item(item) for item in cart.items.all()]}


def _item(item: CartItem) -> dict[str, Any]:
    filled_in = {
        row.label: "(kept, not shown)" if row.encrypted_value else row.value for row in item.configurations.all()
    }
    return all_fields(item, without={"id", "cart", "ovh_item_id"}) | {"filled_in": filled_in}


def _checkout(checkout: Checkout) -> dict[str, Any]:
    without = {"id", "nichandle", "intent", "order", "next_look_at"}
    return all_fields(checkout, without=without) | {"state": checkout.intent.state}
