"""How long what is kept of choosing: see accounts.retention."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from carts.models import Cart, CartItem, Checkout, Configuration, DomainCheck

VISITORS_NAMES = timedelta(days=1)


def let_carts_go(before: datetime) -> int:
    """
    Carts that nobody touched since, visitors' too, and names looked up. A cart that was ordered stays as long as its
    order; the codes that opened something in it go at once. Returns how many rows went.
    """
    ordered = Configuration.objects.filter(item__cart__state=Cart.State.ORDERED).exclude(encrypted_value="")
    went = ordered.update(encrypted_value="")
    left = Cart.objects.filter(state__in=[Cart.State.OPEN, Cart.State.LEFT], updated_at__lt=before)
    left = left.exclude(pk__in=Checkout.objects.values("cart"))
    CartItem.objects.filter(cart__in=left, parent__isnull=False).delete()
    count, _by_model = left.delete()
    # Whoever is nobody may look for any number of names.
    visitors = Q(nichandle=None, asked_at__lt=timezone.now() - VISITORS_NAMES)
    return went + count + DomainCheck.objects.filter(Q(asked_at__lt=before) | visitors).delete()[0]
