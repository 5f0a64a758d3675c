"""A cart. Our rows own it; OVHcloud has a copy, made by tasks, that can be made again at any time."""

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import Nichandle

if TYPE_CHECKING:
    from carts.models.checkout import Checkout


class Cart(models.Model):
    """
    What somebody means to order.

    Before sign-in it belongs to a visitor and is our rows only; then to a nichandle, and is copied to OVHcloud with
    its key. Each change by the customer raises `revision`; what is known of an older one (the copy, the quote) is not
    shown as if it were of this one.
    """

    class State(models.TextChoices):
        OPEN = "open"
        ORDERING = "ordering"
        ORDERED = "ordered"
        LEFT = "left"

    class Trouble(models.TextChoices):
        """Why the copy or the quote is not there; "" while all is well."""

        AWAY = "away"
        REFUSED = "refused"
        RIGHTS = "rights"
        KEY = "key"

    nichandle = models.ForeignKey(Nichandle, models.CASCADE, null=True, related_name="carts")
    visitor = models.UUIDField(null=True, help_text="Before sign-in: kept in the visitor's session.")
    subsidiary = models.CharField(max_length=10, help_text="Whose price list it is of: FR, GB, …")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    revision = models.PositiveIntegerField(default=1)
    coupons = models.JSONField(default=list, help_text="[{coupon, problem}]; problem: OVHcloud's words, or empty.")

    ovh_cart_id = models.CharField(max_length=64, blank=True, help_text="A secret until assigned: never on a page.")
    expires_at = models.DateTimeField(null=True, help_text="When OVHcloud forgets its copy.")
    assigned_at = models.DateTimeField(null=True)
    mirrored_revision = models.PositiveIntegerField(default=0)
    expired_once = models.BooleanField(default=False, help_text="Its copy was made again: prices may have changed.")

    quote = models.JSONField(null=True, help_text="The last dry run: lines, prices, contracts (quotes.py).")
    quoted_revision = models.PositiveIntegerField(default=0)
    quoted_at = models.DateTimeField(null=True)

    trouble = models.CharField(max_length=10, choices=Trouble.choices, blank=True)
    message = models.TextField(blank=True, help_text="OVHcloud's own words.")
    query_id = models.CharField(max_length=120, blank=True)
    next_mirror_at = models.DateTimeField(null=True, help_text="Null: nothing to copy.")
    leased_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    failures = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["nichandle"], condition=Q(state="open"), name="cart_is_one_per_account"),
            models.UniqueConstraint(fields=["visitor"], condition=Q(state="open"), name="cart_is_one_per_visitor"),
            models.CheckConstraint(
                condition=Q(nichandle__isnull=False) | Q(visitor__isnull=False), name="cart_is_somebodys"
            ),
        ]
        indexes = [
            models.Index(fields=["next_mirror_at"], name="cart_due", condition=Q(next_mirror_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.state} cart"

    @property
    def checkout(self) -> "Checkout | None":
        """How it is being ordered, or was; None after a refusal, as before."""
        return self.checkouts.filter(ended=False).first()

    @property
    def is_quoted(self) -> bool:
        """Whether the quote is of what the cart holds now."""
        return self.quote is not None and self.quoted_revision == self.revision


class CartItem(models.Model):
    """Something in a cart, or an option of it (with a parent)."""

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False, help_text="What addresses name it by.")
    cart = models.ForeignKey(Cart, models.CASCADE, related_name="items")
    parent = models.ForeignKey("self", models.CASCADE, null=True, related_name="options")
    product = models.CharField(max_length=40, help_text="The API's segment: domain, vps, webHosting, emailpro, dns, …")
    plan_code = models.CharField(max_length=100)
    name = models.CharField(max_length=300, blank=True, help_text="OVHcloud's name of the product.")
    family = models.CharField(max_length=60, blank=True, help_text="An option's.")
    domain = models.CharField(max_length=253, blank=True, help_text="ASCII (punycode), lower case.")
    pricing_mode = models.CharField(max_length=60, default="default", help_text="create-default, transfer-premium, …")
    offer_id = models.CharField(max_length=100, blank=True)
    duration = models.CharField(max_length=10, help_text="P1M, P1Y, …")
    quantity = models.PositiveIntegerField(default=1)
    chosen_at_prices = models.JSONField(
        default=dict, help_text="By label (PRICE, RENEW, TOTAL, …), without tax, as they stood when it was chosen."
    )
    prices = models.JSONField(default=dict, help_text="The same as OVHcloud's item says now; empty: not yet.")
    without_zone = models.BooleanField(
        default=False, help_text="A domain name's: the DNS zone that comes by itself is not wanted."
    )
    came_by_itself = models.BooleanField(default=False, help_text="The DNS zone of a domain name.")
    ovh_item_id = models.BigIntegerField(null=True)
    requirements = models.JSONField(
        null=True, help_text="[{label, type, required, fields, allowed_values}]; null: not read yet."
    )
    problem = models.TextField(blank=True, help_text="What the dry run says against it.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.domain or self.plan_code

    @property
    def extension(self) -> str:
        """A domain name's: "fr", "co.uk"."""
        return self.domain.partition(".")[2]

    @property
    def action(self) -> str:
        """For a domain name: "create" or "transfer"; else ""."""
        return self.pricing_mode.partition("-")[0] if self.product == "domain" and not self.parent_id else ""


class Configuration(models.Model):
    """What was filled in for one label of an item. Codes that open something are kept encrypted."""

    item = models.ForeignKey(CartItem, models.CASCADE, related_name="configurations")
    label = models.CharField(max_length=100)
    value = models.TextField(blank=True, help_text="Empty for a secret.")
    encrypted_value = models.TextField(blank=True)
    problem = models.TextField(blank=True, help_text="What the dry run says against it.")
    ovh_configuration_id = models.BigIntegerField(null=True)
    is_mirrored = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "label"], name="configuration_is_one_per_label")]

    # The registries' codes: whoever has one can take the name.
    SECRET_LABELS = ("AUTH_INFO", "PROTECTED_CODE")

    def __str__(self) -> str:
        return self.label

    @property
    def key_binding(self) -> str:
        """Where a code opens: in this item and nowhere else."""
        return str(self.item.key)
