"""
Rows about orders, and what a row can answer about itself.

Names and words are the API's: `notPaid` stays `notPaid`. Amounts are Decimal in whole currency units beside their
currency_code; times are stored in UTC.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import OuterRef, Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Nichandle, User


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

    def page_status(self, now: datetime) -> str:
        """The word of `data-status`: OVHcloud's, or `expired`."""
        return EXPIRED if self.is_expired(now) else self.status

    def can_be_paid(self, now: datetime) -> bool:
        return self.status == Status.NOT_PAID and self.gone_at is None and not self.is_expired(now)

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


class Intent(models.Model):
    """
    Something a customer asked for that OVHcloud must do exactly once. Written in the customer's own transaction.

    The relay notes the attempt before each call; whoever comes after a lost answer looks before sending again. Kinds
    other than a retraction (payments, checkouts) come to the same table.
    """

    class Kind(models.TextChoices):
        RETRACTION = "retraction"

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting to be sent")
        SENDING = "sending", _("being sent")
        DOUBTFUL = "doubtful", _("answer lost")
        HELD = "held", _("held for a person")
        ACCEPTED = "accepted", _("accepted by OVHcloud")
        REFUSED = "refused", _("refused by OVHcloud")
        DEAD = "dead", _("given up to a person")
        CLOSED = "closed", _("closed by staff")

    # Its call may be at OVHcloud, or on its way there.
    UNDER_WAY = (State.SENDING, State.DOUBTFUL)
    # Over without having been done: the customer may ask for the same again.
    OVER = (State.REFUSED, State.CLOSED)
    OPEN_STATES = (State.WAITING, State.SENDING, State.DOUBTFUL, State.HELD, State.DEAD)

    kind = models.CharField(max_length=20, choices=Kind.choices)
    order = models.ForeignKey(Order, models.PROTECT, related_name="intents")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    why = models.CharField(
        max_length=40,
        blank=True,
        help_text="Held: late, no-right, key. Given up: unclear, not-found, too-long, stumbled. Else empty.",
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
            models.UniqueConstraint(
                fields=["order", "kind"],
                condition=~Q(state__in=["refused", "closed"]),
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
        matched = Matching.objects.filter(order=within).values("retraction")
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


class Matching(models.Model):
    """
    To which order a declaration made without signing in belongs, or that nobody can tell: append-only, the last counts.

    Who matches neither approves nor sends anything: the intent is the customer's, dated by their declaration.
    """

    retraction = models.ForeignKey(Retraction, models.PROTECT, related_name="matchings")
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="matchings", help_text="Null: none found.")
    intent = models.ForeignKey(Intent, models.PROTECT, null=True, related_name="matchings")
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, blank=True, help_text="Of the staff; empty: number and e-mail agreed.")
    note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["retraction"], condition=Q(order__isnull=False), name="retraction_is_matched_once"
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
    nothing of what was typed.
    """

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("receipt")
        NOTICE = "notice", _("notice to the account")

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


class ExportQuerySet(models.QuerySet["Export"]):
    def of(self, user: User, nichandle: Nichandle) -> "ExportQuerySet":
        """This person's download of this account's data, while it may be taken."""
        return self.filter(user=user, nichandle=nichandle, asked_at__gt=timezone.now() - Export.LIFETIME)


class Export(models.Model):
    """A download of one account's data for one of its holders: made by a task, taken once, gone after a day."""

    LIFETIME = timedelta(hours=24)

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    nichandle = models.ForeignKey(Nichandle, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    next_attempt_at = models.DateTimeField(default=timezone.now)
    made_at = models.DateTimeField(null=True)
    content = models.BinaryField(null=True, help_text="A zip; null until it is made.")

    objects = ExportQuerySet.as_manager()

    def __str__(self) -> str:
        return f"asked for {self.asked_at:%Y-%m-%d %H:%M}"


class Canary(models.Model):
    """One row that a task rewrites: a worker lives when it sang lately, not when it answers a ping."""

    sang_at = models.DateTimeField()

    SILENT_AFTER = timedelta(seconds=90)

    def __str__(self) -> str:
        return f"{self.sang_at:%H:%M:%S}"
