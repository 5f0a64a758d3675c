"""Codes of registries in OVHcloud's words about them: nobody is to see one, nor support to read it."""

from accounts import crypto
from accounts.crypto import KeyUnreadable
from carts.models import Cart, Configuration
from gateway import OvhError


def hide_codes(cart: Cart, error: OvhError) -> None:
    """Take out of what OVHcloud said whatever code is filled in for this cart. A query."""
    kept = Configuration.objects.filter(item__cart=cart).exclude(encrypted_value="").select_related("item")
    for row in kept:
        try:
            code = crypto.decrypt(row.encrypted_value, bound_to=row.key_binding)
        except KeyUnreadable:
            continue
        error.message = error.message.replace(code, "…")
        error.args = (error.message, *error.args[1:])
