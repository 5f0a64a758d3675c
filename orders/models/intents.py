"""What OVHcloud must do exactly once."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Nichandle
from orders.models.order import Order


class Intent(models.Model):
    """
    Something a customer asked for that OVHcloud must do exactly once. Written in the customer's own transaction.

    The relay notes the attempt before each call; whoever comes after a lost answer looks before sending again.
    """

    class Kind(models.TextChoices):
        RETRACTION = "retraction", _("withdrawal")
        PAYMENT = "payment", _("payment")
        CHECKOUT = "checkout", _("order")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENDING = "sending", _("being sent")
        DOUBTFUL = "doubtful", _("answer lost")
        HELD = "held", _("held for a person")
        ACCEPTED = "accepted", _("accepted by OVHcloud")
        REFUSED = "refused", _("refused by OVHcloud")
        DEAD = "dead", _("given up to a person")
        CLOSED = "closed", _("closed by staff")
        NEEDLESS = "needless", _("not sent: no longer needed")

    # Its call may be at OVHcloud, or on its way there.
    UNDER_WAY = (State.SENDING, State.DOUBTFUL)
    # Over without having been done: the customer may ask for the same again.
    OVER = (State.REFUSED, State.CLOSED, State.NEEDLESS)
    OPEN_STATES = (State.WAITING, State.SENDING, State.DOUBTFUL, State.HELD, State.DEAD)

    kind = models.CharField(max_length=20, choices=Kind.choices)
    nichandle = models.ForeignKey(Nichandle, models.PROTECT, related_name="intents", help_text="Whose key is used.")
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, related_name="intents", help_text="Null: a checkout that is not done yet."
    )
    # What the call needs besides, by names of its kind; never a secret.
    arguments: Any = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    why = models.CharField(
        max_length=40,
        blank=True,
        help_text="Held: late, no-right, key. Given up: unclear, not-found, too-long, stumbled. Needless: its kind's.",
    )
    attempts = models.PositiveIntegerField(default=0, help_text="Calls that may have reached OVHcloud.")
    failures = models.PositiveIntegerField(default=0, help_text="Turns in a row that came to nothing.")
    attempted_at = models.DateTimeField(null=True, help_text="Noted before the call is made.")
    looks = models.PositiveIntegerField(default=0, help_text="How often /status was read since that attempt.")
    next_attempt_at = models.DateTimeField(
        null=True, default=timezone.now, help_text="Null: settled, or waits for a person."
    )
    leased_until = models.DateTimeField(null=True, help_text="A worker has it until then.")
    lease = models.UUIDField(null=True, help_text="Which worker's turn; only its holder may write the outcome.")
    message = models.TextField(blank=True, help_text="OVHcloud's own words of the last answer.")
    query_id = models.CharField(max_length=120, blank=True)
    note = models.TextField(blank=True, help_text="What staff wrote as they closed it; its customer reads it.")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            # However many declarations name an order, one intent carries them; after a refusal there may be another.
            # Where there is no order yet, what the intent is about keeps it to one.
            models.UniqueConstraint(
                fields=["order", "kind"],
                condition=~Q(state__in=["refused", "closed", "needless"]),
                name="intent_is_one_per_order_and_kind",
            ),
            # Of whatever kind: OVHcloud is told one thing about an order at a time.
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=["sending", "doubtful"]),
                name="intent_is_one_under_way_per_order",
            ),
        ]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="intent_due", condition=Q(next_attempt_at__isnull=False)),
            models.Index(
                fields=["state"], name="intent_queue", condition=Q(state__in=["doubtful", "held", "dead", "refused"])
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.state}"
