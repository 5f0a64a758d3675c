"""What the stand-in holds. Names are the API's, in Python's spelling; amounts are kept as the API quotes them."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q

from .callers import forget_once_committed
from .money import tax_rate

# An order in one of these is over; nothing moves it but a retraction.
SETTLED = ("delivered", "cancelled")
# A retraction is not taken in these.
BEYOND_RETRACTION = ("notPaid", "cancelling", "cancelled")


class Watched(models.QuerySet[Any]):
    """Rows that say who may call. Every change of them is told to what remembers callers; saves are, below."""

    def update(self, **values: Any) -> int:
        changed = super().update(**values)
        forget_once_committed()
        return changed

    def delete(self) -> tuple[int, dict[str, int]]:
        gone = super().delete()
        forget_once_committed()
        return gone

    def bulk_create(self, *given: Any, **more: Any) -> list[Any]:
        made = super().bulk_create(*given, **more)
        forget_once_committed()
        return made


class WatchedModel(models.Model):
    objects = Watched.as_manager()

    class Meta:
        abstract = True

    def save(self, **more: Any) -> None:
        super().save(**more)
        forget_once_committed()

    def delete(self, using: Any = None, keep_parents: bool = False) -> tuple[int, dict[str, int]]:
        gone = super().delete(using, keep_parents)
        forget_once_committed()
        return gone


class World(models.Model):
    """One row: which story is told, and how OVHcloud's clock and the pace of life stand."""

    scenario = models.TextField()
    seed = models.BigIntegerField()
    forward_s = models.FloatField(default=0, help_text="seconds that OVHcloud's clock is ahead of the machine's")
    speed = models.FloatField(default=1)
    life_s = models.FloatField(default=0, help_text="age of the world in seconds of life, at life_at")
    life_at = models.FloatField(help_text="Unix time of life_s by the machine's clock")
    switches = models.JSONField(default=dict)
    first_number = models.BigIntegerField(default=0, help_text="of those given out in this world")


class Application(WatchedModel):
    application_id = models.BigIntegerField(primary_key=True)
    key = models.TextField(unique=True)
    secret = models.TextField()
    name = models.TextField()
    owner = models.TextField(default="", blank=True, help_text="nichandle of who made it; empty: the sandbox's own")


class Customer(WatchedModel):
    nichandle = models.TextField(primary_key=True)
    about = models.TextField()
    password = models.TextField()
    totp_secret = models.TextField(null=True, help_text="base32; null: no second factor")  # noqa: DJ001
    profile = models.JSONField(help_text="nichandle.Nichandle, whole")
    position = models.IntegerField(help_text="place in the ready file")
    quirks = models.JSONField(default=dict, help_text="what is special: median_ms, revoked_after, untold")

    @property
    def language(self) -> str:
        """Two letters, French or English: the languages the sandbox writes."""
        return "fr" if (self.profile.get("language") or "").startswith("fr") else "en"

    @property
    def currency(self) -> str:
        return str(self.profile["currency"]["code"])

    @property
    def tax_rate(self) -> Decimal:
        return tax_rate(self.profile["ovhSubsidiary"])

    @property
    def is_individual(self) -> bool:
        return self.profile["legalform"] == "individual"


class Credential(WatchedModel):
    """One account's grant to one application (auth.ApiCredential), and the request that it began as."""

    credential_id = models.BigAutoField(primary_key=True)
    application = models.ForeignKey(Application, models.CASCADE)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True)
    consumer_key = models.TextField(unique=True)
    token = models.TextField(unique=True, help_text="credentialToken of the validation page")
    status = models.TextField(default="pendingValidation")
    rules = models.JSONField()
    redirection = models.TextField(null=True)  # noqa: DJ001
    allowed_ips = models.JSONField(null=True)
    creation = models.DateTimeField()
    expiration = models.DateTimeField(null=True)
    last_use = models.DateTimeField(null=True)
    of_scenario = models.BooleanField(default=False, help_text="made with the world, for tools")
    calls = models.IntegerField(default=0, help_text="signed calls, counted where the customer's grants wear out")

    def status_at(self, now: datetime) -> str:
        if self.expiration is not None and self.expiration <= now and self.status != "refused":
            return "expired"
        return self.status


class ServiceAccount(models.Model):
    """A program that signs in by OAuth2 client credentials. It outlives a reset, as granted keys do."""

    client_id = models.TextField(primary_key=True)
    secret = models.TextField()
    # Without a constraint, for a reset replaces the customers under it.
    customer = models.ForeignKey(Customer, models.DO_NOTHING, db_constraint=False)
    name = models.TextField()
    description = models.TextField()
    actions = models.JSONField(default=list, help_text="its policy: IAM actions it may take, with stars")


class Order(models.Model):
    order_id = models.BigIntegerField(primary_key=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="orders")
    status = models.TextField(default="notPaid")
    date = models.DateTimeField(null=True)
    expiration_date = models.DateTimeField(null=True)
    retraction_date = models.DateTimeField(null=True)
    password = models.TextField()
    price_without_tax = models.JSONField()
    tax = models.JSONField()
    price_with_tax = models.JSONField()
    metadatas = models.JSONField(default=list, null=True)
    left_out = models.JSONField(default=list, help_text="fields that its answer lacks, against the schema")
    follow_up = models.JSONField(null=True, help_text="null: no tracking, 404")

    renewal = models.BooleanField(default=False)
    waived = models.BooleanField(default=False, help_text="no right of withdrawal: waived, or excluded product")
    paid_at = models.DateTimeField(null=True)
    payment = models.JSONField(null=True, help_text="billing.Payment without its date")
    retracted_at = models.DateTimeField(null=True, help_text="when a retraction was accepted")
    gone_at = models.DateTimeField(null=True, help_text="off the lists and 404 since then")
    lapses = models.BooleanField(default=True, help_text="goes when it was not paid in time")
    # The next step of its life, and when: seconds of life, not a date, so that the pace can change under way.
    next_step = models.TextField(blank=True, default="")
    due_s = models.FloatField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["customer", "order_id"], name="order_of_customer"),
            # The engine looks for these several times a second, among a million orders that are at rest.
            models.Index(fields=["due_s"], name="order_due", condition=Q(due_s__isnull=False)),
            models.Index(
                fields=["expiration_date"],
                name="order_lapsing",
                condition=Q(status="notPaid", gone_at__isnull=True, lapses=True),
            ),
            models.Index(
                fields=["retracted_at"],
                name="order_retracted",
                condition=Q(retracted_at__isnull=False) & ~Q(status__in=["cancelling", "cancelled"]),
            ),
        ]

    def has_lapsed(self, now: datetime) -> bool:
        """Whether it is over for want of payment, even if the engine has not come round to it yet."""
        expired = self.expiration_date is not None and self.expiration_date <= now
        return self.gone_at is not None or (self.status == "notPaid" and self.lapses and expired)


class Detail(models.Model):
    order_detail_id = models.BigIntegerField(primary_key=True)
    order = models.ForeignKey(Order, models.CASCADE, related_name="details")
    description = models.TextField()
    domain = models.TextField(default="*")
    detail_type = models.TextField(null=True)  # noqa: DJ001
    quantity = models.TextField(default="1")
    unit_price = models.JSONField()
    total_price = models.JSONField()
    cancelled = models.BooleanField(default=False)
    extension = models.JSONField(null=True, help_text="billing.ItemDetail; null: 404")
    service = models.TextField(default="", help_text="what stands in `domain` once it is delivered, if anything else")


class Bill(models.Model):
    """A bill, the refund that takes one back, or what was taken from a prepaid account (kind): much the same fields."""

    bill_id = models.TextField(primary_key=True)
    kind = models.TextField(choices=[(kind, kind) for kind in ("Bill", "Refund", "Withdrawal")])
    customer = models.ForeignKey(Customer, models.CASCADE)
    order = models.ForeignKey(Order, models.CASCADE, related_name="bills")
    original_bill_id = models.TextField(null=True)  # noqa: DJ001
    date = models.DateTimeField()
    category = models.TextField(default="purchase-web")
    password = models.TextField()
    price_without_tax = models.JSONField()
    tax = models.JSONField()
    price_with_tax = models.JSONField()


class PaymentMethod(models.Model):
    payment_method_id = models.BigIntegerField(primary_key=True)
    customer = models.ForeignKey(Customer, models.CASCADE, related_name="payment_methods")
    answer = models.JSONField(help_text="me.payment.PaymentMethod, whole")
    refuses = models.BooleanField(default=False, help_text="every payment by it is refused")


class Belonging(models.Model):
    """Something of an account or an order that is little more than its answer: a contact, a debt, a balance."""

    customer = models.ForeignKey(Customer, models.CASCADE, related_name="belongings")
    kind = models.TextField()
    number = models.BigIntegerField(help_text="its id on the wire, or the order it is about")
    answer = models.JSONField()

    class Meta:
        indexes = [models.Index(fields=["customer", "kind", "number"], name="belonging_of_customer")]


class Cart(models.Model):
    """A cart. Until it is assigned, whoever knows its id may use it."""

    cart_id = models.UUIDField(primary_key=True)
    customer = models.ForeignKey(Customer, models.CASCADE, null=True, related_name="carts")
    subsidiary = models.TextField()
    description = models.TextField(default="")
    expire = models.DateTimeField()
    read_only = models.BooleanField(default=False)
    coupons = models.JSONField(default=list)
    items = models.JSONField(default=list, help_text="in the order they came; see carts.items")
    order_id = models.BigIntegerField(null=True, help_text="what checking out made of it")


class LedgerEntry(models.Model):
    """What happened to an order. No foreign key: the ledger outlives what it tells of."""

    order_id = models.BigIntegerField(db_index=True)
    at = models.DateTimeField()
    event = models.TextField()
    facts = models.JSONField(default=dict)

    def as_answer(self) -> dict[str, Any]:
        return {"at": self.at.isoformat(), "event": self.event, **self.facts}
