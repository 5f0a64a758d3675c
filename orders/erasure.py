"""
What goes when somebody asks to be forgotten, and what the law keeps.

A declaration of withdrawal and its receipt are kept for ten years, and with them the order they name, stripped of what
is not needed to say which it was. Everything else of the account is deleted, also what was still to be paid or ordered.
"""

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Nichandle
from orders.models import Evidence, Intent, Matching, OrderDetail, OrderImport


@transaction.atomic
def erase(nichandle: Nichandle) -> int:
    """Delete the account's orders but those that a withdrawal names. Returns how many of these stay."""
    OrderImport.objects.filter(nichandle=nichandle).delete()
    Intent.objects.filter(nichandle=nichandle).exclude(kind=Intent.Kind.RETRACTION).delete()
    declared = Exists(Intent.objects.filter(order=OuterRef("pk"))) | Exists(
        Matching.objects.filter(order=OuterRef("pk"))
    )
    nichandle.orders.filter(~declared).delete()
    kept = nichandle.orders.all()
    OrderDetail.objects.filter(order__in=kept).delete()
    Evidence.objects.filter(order__in=kept).delete()
    return kept.update(
        billing={},
        search_text="",
        first_description="",
        product_count=0,
        details_read_at=None,
        payment_methods=None,
        watched_until=None,
    )
