"""Ordering a cart once, and what was shown and accepted as it was ordered; contacts that names are registered to."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Nichandle
from carts.models.cart import Cart
from orders.models import Intent, Order


class Checkout(models.Model):
    """
    The customer's "Order with obligation to pay". One that stands per cart, carried by one intent, so one order at
    most; after a refusal there may be another (`ended`).

    quote: as it was shown, with lines, prices and contracts. waived: the right of withdrawal, where a product of the
    cart asks for it, with the words that stood beside the box.
    """

    cart = models.ForeignKey(Cart, models.PROTECT, related_name="checkouts")
    # Whoever is forgotten takes their intents with them.
    intent = models.OneToOneField(Intent, models.CASCADE, related_name="checkout")
    nichandle = models.ForeignKey(Nichandle, models.PROTECT, related_name="checkouts")
    quote = models.JSONField()
    contracts = models.JSONField(default=list, help_text="[{name, sha256, content}] as accepted.")
    waived = models.BooleanField(default=False)
    waiver_words = models.TextField(blank=True)
    pay_at_once = models.BooleanField(default=False, help_text="With the account's default method.")
    language = models.CharField(max_length=10)
    asked_at = models.DateTimeField(default=timezone.now)
    ended = models.BooleanField(default=False, help_text="Nothing was ordered by it: the cart is open again.")
    ovh_order_id = models.BigIntegerField(null=True)
    candidates = models.JSONField(
        default=list, help_text="Numbers of orders that it may have made, where a look could not tell which."
    )
    answered: Any = models.JSONField(
        null=True, help_text="What OVHcloud ordered, as quote has it, where that differs; null: as shown, or not told."
    )
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="checkouts")
    next_look_at = models.DateTimeField(null=True, help_text="When to look for its order's row; null: nothing to find.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["nichandle", "ovh_order_id"], name="checkout_is_one_per_order"),
            models.UniqueConstraint(fields=["cart"], condition=Q(ended=False), name="checkout_is_one_per_cart"),
        ]

    def __str__(self) -> str:
        return f"checkout of {self.asked_at:%Y-%m-%d %H:%M}"


class Contact(models.Model):
    """One contact of an account: /me/contact or /domain/contact, as OVHcloud has it, or as it is to be sent there."""

    nichandle = models.ForeignKey(Nichandle, models.CASCADE, related_name="contacts")
    path = models.CharField(max_length=60, blank=True, help_text="/me/contact/1234; empty: not yet at OVHcloud.")
    facts = models.JSONField(default=dict, help_text="The API's fields.")
    problem = models.TextField(blank=True, help_text="OVHcloud's own words where it refused.")
    next_attempt_at = models.DateTimeField(null=True, help_text="To be sent; null: as OVHcloud has it.")
    leased_until = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["nichandle", "path"], condition=~Q(path=""), name="contact_is_one_per_path")
        ]

    def __str__(self) -> str:
        return self.path or "a new contact"


class ContactReading(models.Model):
    """How far an account's contacts are read."""

    nichandle = models.OneToOneField(Nichandle, models.CASCADE, related_name="contact_reading")
    read_at = models.DateTimeField(null=True)
    next_read_at = models.DateTimeField(null=True, default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    message = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"read {self.read_at}"
