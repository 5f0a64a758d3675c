"""An order as OVHcloud last told us, what happened to it, and how far we are with reading an account's orders."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Nichandle


class Status(models.TextChoices):
    """billing.order.OrderStatusEnum. A word that is not among these is kept as it came and shown as unknown."""

    NOT_PAID = "notPaid"
    CHECKING = "checking"
    DOCUMENTS_REQUESTED = "documentsRequested"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


# Not a word of the API: what a page calls an order that was not paid in time.
EXPIRED = "expired"


class OrderQuerySet(models.QuerySet["Order"]):
    """
    Words for sets of orders. `now` is the panel's clock, handed in so that one page has one moment.

    An order is expired when it was not paid in time: `notPaid` past its expiration date, or cancelled or gone after
    that date without a trace of payment, or marked so because OVHcloud no longer knew it. Order.is_expired says the
    same of one row.
    """

    def expired(self, now: datetime) -> "OrderQuerySet":
        return self.filter(expired_q(now))

    def not_expired(self, now: datetime) -> "OrderQuerySet":
        return self.exclude(expired_q(now))

    def awaiting_payment(self, now: datetime) -> "OrderQuerySet":
        return self.filter(awaiting_payment_q(now))

    def in_progress(self) -> "OrderQuerySet":
        """Everything that is neither unpaid, complete nor cancelled; an unheard-of status is in progress, too."""
        return self.filter(in_progress_q())

    def due(self, now: datetime) -> "OrderQuerySet":
        return self.filter(next_poll_at__lte=now)


def expired_q(now: datetime) -> Q:
    """The words of OrderQuerySet as conditions, for counting many of them in one query."""
    lapsed = Q(status__in=[Status.NOT_PAID, Status.CANCELLED]) | Q(gone_at__isnull=False)
    # Marked: OVHcloud itself said so, be the date it named before as it may.
    return Q(was_paid=False) & (Q(expired_at__isnull=False) | (Q(expiration_date__lte=now) & lapsed))


def awaiting_payment_q(now: datetime) -> Q:
    return Q(status=Status.NOT_PAID, gone_at__isnull=True) & ~expired_q(now)


def in_progress_q() -> Q:
    return ~Q(status__in=[Status.NOT_PAID, Status.DELIVERED, Status.CANCELLED])


class Order(models.Model):
    """
    A purchase order of one nichandle, as OVHcloud last told us (GET /me/order/{orderId} and its /status).

    `password`, `url` and `pdfUrl` of the API are secrets and have no column here.
    """

    nichandle = models.ForeignKey(Nichandle, models.CASCADE, related_name="orders")
    order_id = models.BigIntegerField()
    date = models.DateTimeField(help_text="When it was placed; when we first saw it, if OVHcloud gives none.")
    expiration_date = models.DateTimeField(null=True, help_text="Null: it never expires.")
    retraction_date = models.DateTimeField(
        null=True, help_text="Last moment to withdraw; null: OVHcloud sees no right."
    )
    price_with_tax = models.DecimalField(max_digits=20, decimal_places=8)
    price_without_tax = models.DecimalField(max_digits=20, decimal_places=8)
    tax = models.DecimalField(max_digits=20, decimal_places=8)
    currency_code = models.CharField(max_length=10)

    status = models.CharField(max_length=40, default=Status.UNKNOWN, help_text="OVHcloud's word.")
    status_since = models.DateTimeField(default=timezone.now, help_text="When we first saw this status.")
    status_checked_at = models.DateTimeField(null=True, help_text="When OVHcloud last answered for this order.")
    behind_s = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Seconds that OVHcloud's clock was behind ours when it last answered for it."
    )
    was_paid = models.BooleanField(default=False, help_text="A trace of payment was seen once; never unset.")
    payment_date = models.DateTimeField(null=True, help_text="GET …/payment, or null.")
    gone_at = models.DateTimeField(null=True, help_text="When OVHcloud first answered 404 for it.")
    expired_at = models.DateTimeField(null=True, help_text="When a last question confirmed that it lapsed unpaid.")

    # billing.order.FollowUp[] by the API's names; null: never asked; []: OVHcloud has no tracking (404).
    follow_up: Any = models.JSONField(null=True)
    follow_up_read_at = models.DateTimeField(null=True)
    associated_type = models.CharField(max_length=20, blank=True, help_text="Bill, Refund, … or empty.")
    associated_id = models.CharField(max_length=64, blank=True)
    # What GET …/paymentMethods offers for this order: {"available": [words], "registered": [words]}.
    payment_methods: Any = models.JSONField(null=True)
    # The account's address when this order was first read; later moves do not rewrite old purchase orders.
    billing = models.JSONField(default=dict)

    details_read_at = models.DateTimeField(null=True, help_text="Null: details are still to be read.")
    details_asked_at = models.DateTimeField(null=True)
    first_description = models.CharField(max_length=300, blank=True, help_text="The first product, for lists.")
    product_count = models.PositiveIntegerField(default=0)
    search_text = models.TextField(blank=True, help_text="Descriptions and domains, for search; never shown.")

    next_poll_at = models.DateTimeField(null=True, default=timezone.now, help_text="Null: final, never asked again.")
    object_read_at = models.DateTimeField(null=True, help_text="When GET /me/order/{orderId} was last read.")
    poll_failures = models.PositiveIntegerField(default=0)
    watched_until = models.DateTimeField(null=True, help_text="Somebody looks at its tracking page until then.")
    check_asked_at = models.DateTimeField(null=True, help_text="The last Check now.")
    last_error = models.CharField(
        max_length=300, blank=True, help_text="Why the last check failed, in OVHcloud's words."
    )
    last_error_query_id = models.CharField(max_length=120, blank=True, help_text="X-Ovh-QueryID of that answer.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["nichandle", "order_id"], name="order_is_one_per_nichandle"),
        ]
        indexes = [
            # The list in each of its orders, by keyset: the number breaks ties.
            models.Index(fields=["nichandle", "-date", "-order_id"], name="order_list_by_date"),
            models.Index(fields=["nichandle", "price_with_tax", "order_id"], name="order_list_by_amount"),
            models.Index(fields=["nichandle", "status", "order_id"], name="order_list_by_status"),
            models.Index(fields=["status"], name="order_by_status"),
            # Nothing that every check changes is indexed here: such an update would touch all indexes, 400 µs a row
            # with the search text's, where it costs 6 without. What is due, the poller finds in Due.
            models.Index(fields=["-date"], name="order_details_unread", condition=Q(details_read_at__isnull=True)),
            # The desk: a number, or a piece of a product's or domain's name.
            models.Index(fields=["order_id"], name="order_by_number"),
            GinIndex(OpClass(Upper("search_text"), name="gin_trgm_ops"), name="order_search_text", fastupdate=False),
        ]

    def __str__(self) -> str:
        return str(self.order_id)

    def is_expired(self, now: datetime) -> bool:
        """The same question as OrderQuerySet.expired, for one row."""
        if self.was_paid:
            return False
        if self.expired_at is not None:
            return True
        if self.expiration_date is None or self.expiration_date > now:
            return False
        return self.status in (Status.NOT_PAID, Status.CANCELLED) or self.gone_at is not None

    def has_lapsed(self, now: datetime) -> bool:
        """Its date is over by our clock and by OVHcloud's. Marking asks so; a page goes by our clock alone."""
        return self.expiration_date is not None and self.expiration_date + timedelta(seconds=self.behind_s) <= now

    def page_status(self, now: datetime) -> str:
        """The word of `data-status`: OVHcloud's, or `expired`."""
        return EXPIRED if self.is_expired(now) else self.status

    def can_be_paid(self, now: datetime) -> bool:
        return self.status == Status.NOT_PAID and self.gone_at is None and not self.is_expired(now)

    @property
    def is_free(self) -> bool:
        """It costs nothing, in whatever currency; OVHcloud still wants it confirmed."""
        return self.price_with_tax == 0

    @property
    def is_final(self) -> bool:
        """Nothing is asked about it any more."""
        return self.next_poll_at is None


class Due(models.Model):
    """
    The poller's queue: one narrow row for each order that is not final. Triggers on Order keep it; claiming an order,
    or making it wait for the budget, moves `at` here and leaves Order.next_poll_at, the policy's wish, alone.

    So nothing is lost if a worker dies, and how late a check is stands in Order.next_poll_at.
    """

    class Kind(models.IntegerChoices):
        PEOPLE = 0, "somebody waits for it"
        SOON = 1, "about to change"
        LATER = 2, "everything else"
        LAPSED = 3, "asked after its expiration date and still unpaid: to be marked"

    order = models.OneToOneField(Order, models.CASCADE, primary_key=True, related_name="due")
    # Copied, so that a claim need not look at orders; no key, for only the triggers write it.
    nichandle_id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["kind", "at"], name="due_by_kind")]

    def __str__(self) -> str:
        return f"{self.order_id} at {self.at:%H:%M:%S}"


class OrderDetail(models.Model):
    """A part of an order (schema billing.OrderDetail). Prices are without tax."""

    order = models.ForeignKey(Order, models.CASCADE, related_name="details")
    order_detail_id = models.BigIntegerField()
    description = models.TextField()
    domain = models.CharField(
        max_length=300, blank=True, help_text="A service name, or a placeholder: *001, *001.001, *."
    )
    detail_type = models.CharField(max_length=40, blank=True, help_text="DURATION, INSTALLATION, GIFT, RENEW, …")
    quantity = models.CharField(max_length=40, help_text="Text in the API.")
    unit_price = models.DecimalField(max_digits=20, decimal_places=8)
    total_price = models.DecimalField(max_digits=20, decimal_places=8)
    currency_code = models.CharField(max_length=10)
    cancelled = models.BooleanField(default=False)
    # billing.ItemDetail.order of …/extension: action, plan code and duration; {} where the route answers 404.
    extension = models.JSONField(default=dict)

    class Meta:
        ordering = ["order_detail_id"]
        constraints = [models.UniqueConstraint(fields=["order", "order_detail_id"], name="detail_is_one_per_order")]

    def __str__(self) -> str:
        return self.description[:60]


class OrderEvent(models.Model):
    """
    What we learned about an order, and when. The page's history, the desk's and notifications are drawn from it.

    Append-only: one trigger refuses UPDATE, another lets a line go only with its order, in one transaction.
    """

    class Kind(models.TextChoices):
        FOUND = "found", _("found at OVHcloud")
        STATUS = "status", _("status changed")
        RETRACTION_DATE = "retractionDate", _("withdrawal date changed")
        EXPIRED = "expired", _("expired")
        NOT_EXPIRED = "notExpired", _("not expired after all")
        GONE = "gone", _("no longer listed")
        BACK = "back", _("listed again")
        DECLARED = "declared", _("withdrawal declared")
        SENT = "sent", _("sent to OVHcloud")
        ACCEPTED = "accepted", _("accepted by OVHcloud")
        REFUSED = "refused", _("refused by OVHcloud")
        DOUBTFUL = "doubtful", _("answer lost")
        HELD = "held", _("held for a person")
        REFUND = "refund", _("refund seen")
        GIVEN_UP = "givenUp", _("given up to a person")
        RUNG = "rung", _("rung again by staff")
        CLOSED = "closed", _("closed by staff")
        NEEDLESS = "needless", _("not sent: no longer needed")

    order = models.ForeignKey(Order, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now, help_text="When we saw it.")
    said_at = models.DateTimeField(null=True, help_text="When it happened, where OVHcloud's answer carries a date.")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    before = models.CharField(max_length=60, blank=True)
    after = models.CharField(max_length=60, blank=True)
    source = models.CharField(max_length=120, blank=True, help_text="The route that told us.")
    note = models.TextField(blank=True, help_text="OVHcloud's own words, where it gave some.")
    query_id = models.CharField(max_length=120, blank=True)

    class Meta:
        indexes = [models.Index(fields=["order", "-at"], name="event_by_order")]

    def __str__(self) -> str:
        return f"{self.kind} {self.before} → {self.after}"


class Evidence(models.Model):
    """
    What OVHcloud answered about an order: one row for each answer that differs from the one before it on its route.

    orders.evidence decides which fields are kept, and how many rows.
    """

    order = models.ForeignKey(Order, models.CASCADE, related_name="evidence")
    route = models.CharField(max_length=80, help_text="Such as GET /me/order/{orderId}/status.")
    asked_at = models.DateTimeField(default=timezone.now)
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Null: no whole answer came.")
    query_id = models.CharField(max_length=120, blank=True)
    # Only fields that are named in orders.evidence: what opens a document or an account is none of them.
    body: Any = models.JSONField(null=True)
    digest = models.BinaryField(max_length=16, help_text="Of status code and body, to tell a changed answer.")

    class Meta:
        indexes = [models.Index(fields=["order", "route", "-id"], name="evidence_by_order_and_route")]

    def __str__(self) -> str:
        return f"{self.route}, {self.status_code}"


class OrderImport(models.Model):
    """How far we are with one nichandle's list of orders: the first import, then looking for new ones."""

    nichandle = models.OneToOneField(Nichandle, models.CASCADE, related_name="order_import")
    # Order numbers of GET /me/order still to be read, newest first; taken away batch by batch.
    remaining: Any = models.JSONField(null=True)
    # Numbers found since the import whose reading failed: read again with the next look, however old they become.
    to_read: Any = models.JSONField(default=list)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    next_batch_at = models.DateTimeField(null=True, default=timezone.now, help_text="Null: the import is over.")
    next_find_at = models.DateTimeField(
        null=True, help_text="When to look for new orders next; null: not yet imported."
    )
    found_at = models.DateTimeField(null=True, help_text="When GET /me/order last answered.")
    payment_methods: Any = models.JSONField(null=True, help_text="GET /me/payment/method, shown on purchase orders.")
    payment_methods_read_at = models.DateTimeField(null=True)
    # OVHcloud cannot be asked for this account since then, and why: "unavailable", "revoked", "limited".
    unreachable_since = models.DateTimeField(null=True)
    unreachable_why = models.CharField(max_length=20, blank=True)
    check_asked_at = models.DateTimeField(null=True, help_text="The last Check now on the list.")

    class Meta:
        indexes = [
            models.Index(fields=["next_batch_at"], name="import_due", condition=Q(next_batch_at__isnull=False)),
            models.Index(fields=["next_find_at"], name="find_due", condition=Q(next_find_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.done} of {self.total}"

    @property
    def is_running(self) -> bool:
        return self.finished_at is None
