"""A declaration of withdrawal, to which order it belongs, and its receipts."""

import secrets
from typing import Any
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models.intents import Intent
from orders.models.order import Order


def make_reference() -> str:
    """A receipt's reference: 130 random bits in groups that can be read out, as in W-7K2QF-…"""
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    text = "".join(secrets.choice(alphabet) for _ in range(27))
    return "W-" + "-".join(text[start : start + 9] for start in range(0, 27, 9))


PUBLIC_ZONE = "Europe/Paris"


class RetractionQuerySet(models.QuerySet["Retraction"]):
    def of(self, order: "Order | OuterRef") -> "RetractionQuerySet":
        """
        Declarations about this order: made from its own page, or made without signing in and matched to it.

        order: a row, or OuterRef("pk") inside a query about orders.
        """
        # One query deeper, the same order is one level further out.
        within: Any = OuterRef(order) if isinstance(order, OuterRef) else order
        matched = Matching.objects.standing().filter(order=within).values("retraction")
        return self.filter(Q(order=order) | Q(pk__in=matched))


class Retraction(models.Model):
    """
    A declaration of withdrawal, as the customer made it. Immutable: a trigger refuses UPDATE and DELETE.

    What became of it stands in its intent; whether its receipt was mailed, in Receipt. One made without signing in
    names no order and no account of ours, only what was typed, for ever: to which order it belongs is said by Matching,
    and `matched` finds it.
    """

    class Channel(models.TextChoices):
        ACCOUNT = "account", _("signed in")
        PUBLIC = "public", _("without signing in")

    reference = models.CharField(max_length=40, unique=True, default=make_reference)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.ACCOUNT)
    order = models.ForeignKey(
        Order, models.PROTECT, related_name="retractions", null=True, help_text="Null: declared without signing in."
    )
    intent = models.ForeignKey(
        Intent, models.PROTECT, related_name="retractions", null=True, help_text="Null: declared without signing in."
    )
    declared_at = models.DateTimeField(default=timezone.now, help_text="The server's time.")
    nichandle = models.CharField(max_length=64, blank=True, help_text="Empty: declared without signing in.")
    order_number = models.BigIntegerField(null=True, help_text="Null: what was typed is no number.")
    order_typed = models.CharField(max_length=100, blank=True, help_text="What was typed without signing in.")
    name = models.CharField(max_length=200)
    email = models.EmailField(help_text="Where the customer wants the receipt.")
    statement = models.TextField(help_text="The exact words shown and declared.")
    statement_version = models.CharField(max_length=20)
    language = models.CharField(max_length=10)
    late = models.BooleanField(default=False, help_text="Made after the last moment that we or OVHcloud know.")
    # Eligibility, deadline with its working, and refund estimate as the page showed them.
    snapshot = models.JSONField(default=dict)
    form_key = models.UUIDField(null=True, unique=True, help_text="Of the public page: the same page sent twice.")

    objects = RetractionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(channel="account", order__isnull=False, intent__isnull=False)
                | Q(channel="public", order=None, intent=None, nichandle=""),
                name="retraction_names_what_its_channel_knows",
            )
        ]
        indexes = [models.Index(fields=["order", "-declared_at"], name="retraction_by_order")]

    def __str__(self) -> str:
        return self.reference

    @property
    def zone(self) -> ZoneInfo:
        """
        In which its receipt says the time. Made without signing in it is the installation's, also once a match was
        found: that receipt says nothing that was not typed.
        """
        named = self.snapshot.get("zone") or (self.order.nichandle.time_zone if self.order else "")
        return ZoneInfo(named or PUBLIC_ZONE)

    @property
    def number(self) -> str:
        """The order's number as its receipt names it."""
        return self.order_typed or str(self.order_number)


class MatchingQuerySet(models.QuerySet["Matching"]):
    def standing(self) -> "MatchingQuerySet":
        """Matches that nobody called wrong since."""
        later = Matching.objects.filter(retraction=OuterRef("retraction"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(later), order__isnull=False)


class Matching(models.Model):
    """
    To which order a declaration made without signing in belongs, or that nobody can tell: append-only, the last counts.
    One without an order after one with an order says that the match was wrong.

    Who matches neither approves nor sends anything: the intent is the customer's, dated by their declaration.
    """

    retraction = models.ForeignKey(Retraction, models.PROTECT, related_name="matchings")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="matchings", help_text="Null: none found.")
    intent = models.ForeignKey(Intent, models.PROTECT, null=True, related_name="matchings")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, blank=True, help_text="Of the staff; empty: number and e-mail agreed.")
    note = models.TextField(blank=True)
    turn = models.PositiveSmallIntegerField(
        default=0, help_text="How often a match of this declaration was called wrong before."
    )

    objects = MatchingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retraction", "turn"],
                condition=Q(order__isnull=False),
                name="retraction_is_matched_once_a_turn",
            ),
            models.CheckConstraint(
                condition=Q(order=None, intent=None) | Q(order__isnull=False, intent__isnull=False),
                name="match_has_its_intent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.retraction_id} → {self.order_id or 'nobody'}"


class Receipt(models.Model):
    """
    The mail that acknowledges a declaration: waits here until a mail server has taken it.

    A notice tells the address kept with an account that somebody declared for its order without signing in, and
    nothing of what was typed; amends, that the declaration was another's.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("receipt")
        NOTICE = "notice", _("notice to the account")
        AMENDS = "amends", _("notice of a wrong match")

    retraction = models.ForeignKey(Retraction, models.PROTECT, related_name="receipts")
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.RECEIPT)
    order = models.ForeignKey(
        Order, models.PROTECT, null=True, related_name="+", help_text="Of a notice: the order that was named."
    )
    address = models.EmailField()
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        null=True, default=timezone.now, help_text="Null: all of it was sent, or it is held back."
    )
    held_back = models.BooleanField(default=False, help_text="A limit keeps it from going by itself.")
    sent_at = models.DateTimeField(null=True, help_text="When a mail server first took it, with or without its PDF.")
    has_document = models.BooleanField(default=False, help_text="A mail server took the PDF, too.")
    last_error = models.CharField(max_length=300, blank=True, help_text="The mail server's own words, or Typst's.")

    class Meta:
        indexes = [
            models.Index(fields=["next_attempt_at"], name="receipt_due", condition=Q(next_attempt_at__isnull=False)),
            models.Index(fields=["retraction"], name="receipt_held_back", condition=Q(held_back=True)),
        ]

    def __str__(self) -> str:
        return f"{self.address}, {self.attempts} attempts"


class ReceiptDocument(models.Model):
    """The receipt as PDF, made once and kept as made: the same octets for who asks in ten years. Immutable."""

    retraction = models.OneToOneField(Retraction, models.PROTECT, related_name="document")
    pdf = models.BinaryField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of the PDF, in hex.")
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.digest
