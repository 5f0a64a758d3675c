"""With what an order can be paid, as OVHcloud said when somebody was about to."""

from datetime import datetime, timedelta
from typing import Any

from django.db import models

from orders.models.order import Order


class PaymentChoices(models.Model):
    """
    The customer's own methods for one order: read by a task when its payment page is opened, for pages never wait.

    What is chosen is paid by what stands here, never by what a form says.
    """

    # Read again once it is older; and not asked for again before so long.
    FRESH_FOR = timedelta(minutes=1)
    ASKED_EVERY = timedelta(seconds=10)

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="payment_choices")
    # [{"key", "mean", "mean_id", "method_id", "type", "sub_type", "label", "default", "available"}]; null: never read.
    choices: Any = models.JSONField(null=True)
    asked_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True, help_text="When reading them failed, if that came last.")

    def __str__(self) -> str:
        return f"{len(self.choices or ())} choices"

    def is_stale(self, now: datetime) -> bool:
        return self.read_at is None or self.read_at < now - self.FRESH_FOR
