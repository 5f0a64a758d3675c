"""What OVHcloud offers: answers to searches for a name, plans of the catalogue. Kept for minutes, never the truth."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Nichandle


class DomainCheck(models.Model):
    """One name, asked for one account (or, before sign-in, with the operator's): one call, one row, one answer."""

    class State(models.TextChoices):
        WAITING = "waiting"
        ANSWERED = "answered"
        FAILED = "failed"

    FRESH = timedelta(minutes=5)

    nichandle = models.ForeignKey(
        Nichandle, models.CASCADE, null=True, related_name="domain_checks", help_text="Null: for visitors."
    )
    subsidiary = models.CharField(max_length=10)
    domain = models.CharField(max_length=253, help_text="ASCII (punycode), lower case.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    offers = models.JSONField(default=list, help_text="As DomainOfferRecord says (sync/searching.py).")
    message = models.TextField(blank=True, help_text="OVHcloud's own words where it refused.")
    query_id = models.CharField(max_length=120, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now, help_text="Null: answered, or given up.")
    leased_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["nichandle", "subsidiary", "domain"], nulls_distinct=False, name="domain_check_is_one_per_name"
            )
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="domain_check_due", condition=Q(next_attempt_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.domain} {self.state}"


class SearchCart(models.Model):
    """The operator's own cart at OVHcloud, in which names are looked up before sign-in. Never a customer's."""

    subsidiary = models.CharField(max_length=10, unique=True)
    ovh_cart_id = models.CharField(max_length=64)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.subsidiary


class Plan(models.Model):
    """One plan of a price list, with its options."""

    FRESH = timedelta(hours=1)

    subsidiary = models.CharField(max_length=10)
    product = models.CharField(max_length=40, help_text="The API's segment: vps, webHosting, emailpro.")
    plan_code = models.CharField(max_length=100)
    position = models.PositiveIntegerField(default=0, help_text="As OVHcloud lists them.")
    name = models.CharField(max_length=300)
    prices = models.JSONField(default=list, help_text="As PricingRecord says, those that can be ordered.")
    options = models.JSONField(
        null=True, help_text="[{plan_code, name, family, exclusive, mandatory, prices}]; null: not read."
    )
    read_at = models.DateTimeField()

    class Meta:
        ordering = ["product", "position"]
        constraints = [
            models.UniqueConstraint(fields=["subsidiary", "product", "plan_code"], name="plan_is_one_per_price_list")
        ]

    def __str__(self) -> str:
        return self.plan_code


class CatalogueReading(models.Model):
    """How far the price list of one kind of product is read, for one subsidiary."""

    subsidiary = models.CharField(max_length=10)
    product = models.CharField(max_length=40)
    read_at = models.DateTimeField(null=True)
    next_read_at = models.DateTimeField(null=True, default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subsidiary", "product"], name="catalogue_is_one_per_product")]

    def __str__(self) -> str:
        return f"{self.product} {self.subsidiary}"


class RegistryRule(models.Model):
    """
    What the registry of an extension asks of whoever wants a name, for one action. Of nobody's: no customer's facts.

    tree: schema domain.configuration.rules.Rule, hints for people (configuring/rules.py); the dry run decides.
    """

    FRESH = timedelta(days=1)

    extension = models.CharField(max_length=253, help_text="fr, co.uk: of an ASCII name.")
    action = models.CharField(max_length=20, help_text="create or transfer.")
    tree = models.JSONField(null=True, help_text="As OVHcloud told it; null: it told nothing that is of use.")
    read_at = models.DateTimeField(null=True)
    next_read_at = models.DateTimeField(null=True, default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["extension", "action"], name="registry_rule_is_one_per_extension_and_action"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} .{self.extension}"
