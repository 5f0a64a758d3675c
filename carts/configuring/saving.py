"""Keeping what was filled in."""

from collections.abc import Mapping

from django.db import transaction

from accounts import crypto
from carts.actions import CartMoved, changed, locked
from carts.models import CartItem, Configuration


@transaction.atomic
def configure(item: CartItem, values: Mapping[str, str]) -> bool:
    """
    Keep these values of an item, by label; "" takes one back. Returns whether anything is different now.

    Raises:
        CartClosed, CartMoved: see carts.actions.
    """
    cart = locked(item.cart)
    row = cart.items.filter(pk=item.pk).first()
    if row is None:
        raise CartMoved
    kept = {one.label: one for one in row.configurations.all()}
    # Every one is written before it is asked whether any is new.
    different = [_keep(row, label, value, kept.get(label)) for label, value in values.items()]
    if not any(different):
        return False
    # What the dry run said was of the item as it had been.
    row.problem = ""
    row.save(update_fields=["problem"])
    changed(cart)
    return True


def _keep(item: CartItem, label: str, value: str, kept: Configuration | None) -> bool:
    """Write one value; whether it is another one than before."""
    if label in Configuration.SECRET_LABELS:
        shown, sealed = "", crypto.encrypt(value, bound_to=str(item.key)) if value else ""
    else:
        shown, sealed = value, ""
    if kept is None:
        if value:
            Configuration.objects.create(item=item, label=label, value=shown, encrypted_value=sealed)
        return bool(value)
    if kept.value == shown and not sealed:
        return False
    if not value and kept.ovh_configuration_id is None:
        kept.delete()
        return True
    # An empty one stays until the copy at OVHcloud is taken back, too.
    kept.value, kept.encrypted_value, kept.problem, kept.is_mirrored = shown, sealed, "", False
    kept.save(update_fields=["value", "encrypted_value", "problem", "is_mirrored"])
    return True
