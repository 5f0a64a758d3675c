"""The money that a withdrawal brings back."""

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order


class Refund(models.Model):
    """The money that a withdrawal brings back: when it is due, and when to look for it at OVHcloud next."""

    order = models.OneToOneField(Order, models.PROTECT, related_name="refund")
    declared_at = models.DateTimeField(help_text="Of the first declaration: the 14 days count from it.")
    due_on = models.DateField(help_text="The last of the 14 days, in the customer's zone.")
    next_look_at = models.DateTimeField(null=True, default=timezone.now, help_text="Null: looked for no more.")
    looked_at = models.DateTimeField(null=True, help_text="When OVHcloud last answered whether it has refunded.")

    class Meta:
        indexes = [
            models.Index(fields=["next_look_at"], name="refund_due", condition=Q(next_look_at__isnull=False)),
            models.Index(fields=["due_on"], name="refund_by_due_day"),
        ]

    def __str__(self) -> str:
        return f"{self.order_id}, due {self.due_on}"


class RefundSeen(models.Model):
    """A refund that OVHcloud lists (GET /me/refund/{refundId}). Each counts once, whoever sees it."""

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="seen")
    ovh_id = models.CharField(max_length=64, unique=True, help_text="refundId.")
    amount = models.DecimalField(max_digits=20, decimal_places=8, help_text="With tax.")
    currency_code = models.CharField(max_length=10)
    date = models.DateTimeField(help_text="OVHcloud's.")
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.ovh_id


class RefundNote(models.Model):
    """What a person says of a refund: append-only, the last of its kinds counts."""

    class Kind(models.TextChoices):
        ELSEWHERE = "elsewhere", _("refunded elsewhere")
        WITHHELD = "withheld", _("withheld")
        RESUMED = "resumed", _("due again")

    refund = models.ForeignKey(Refund, models.PROTECT, related_name="notes")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    day = models.DateField(null=True, help_text="When the money came, or when it was withheld.")
    words = models.TextField(blank=True)
    by = models.CharField(max_length=200)
    by_staff = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"
