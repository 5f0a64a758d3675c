"""Who someone is: people, OVHcloud accounts, the keys between them, and the trail of what was done."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower, Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import crypto


class Nichandle(models.Model):
    """
    An account at OVHcloud, the holder of orders. Identity is endpoint and nichandle, never an e-mail.

    Facts come from GET /me as we last read it; texts are "" where OVHcloud gives "" or null.
    """

    endpoint = models.CharField(max_length=32)
    nichandle = models.CharField(max_length=64)
    customer_code = models.CharField(max_length=32, blank=True)
    email = models.CharField(max_length=254, blank=True)
    name = models.CharField(max_length=200, blank=True)
    firstname = models.CharField(max_length=200, blank=True)
    organisation = models.CharField(max_length=200, blank=True)
    legalform = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=10, blank=True)
    currency_code = models.CharField(max_length=10, blank=True)
    ovh_subsidiary = models.CharField(max_length=10, blank=True)
    # Postal address and tax numbers, by the API's names: shown on purchase orders, never searched.
    billing = models.JSONField(default=dict)
    time_zone = models.CharField(max_length=64, default="Europe/Paris")
    me_read_at = models.DateTimeField(null=True, help_text="When GET /me was last read.")
    seen_at = models.DateTimeField(null=True, help_text="When somebody last looked at this account's orders.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["endpoint", "nichandle"], name="nichandle_is_one_per_endpoint")]
        indexes = [
            # The desk looks accounts up by what a caller says first.
            models.Index(fields=["nichandle"], name="nichandle_prefix", opclasses=["varchar_pattern_ops"]),
            models.Index(Lower("email"), name="nichandle_email"),
            # A pending list would make searches slow after bulk writes, until somebody vacuums.
            GinIndex(
                *(OpClass(Upper(field), "gin_trgm_ops") for field in ("name", "firstname", "organisation", "email")),
                name="nichandle_words",
                fastupdate=False,
            ),
        ]

    def __str__(self) -> str:
        return self.nichandle

    @property
    def full_name(self) -> str:
        """The person's name, else the organisation's, else the nichandle."""
        return f"{self.firstname} {self.name}".strip() or self.organisation or self.nichandle

    @property
    def initials(self) -> str:
        words = self.full_name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_private_individual(self) -> bool:
        return self.legalform == "individual"


class UserManager(BaseUserManager["User"]):
    """Makes the two kinds of people: customers without a password, staff with an e-mail and one."""

    def make_customer(self, nichandle: Nichandle) -> "User":
        user = self.model(username=f"{nichandle.endpoint}/{nichandle.nichandle}", nichandle=nichandle)
        user.set_unusable_password()
        user.save()
        return user

    def make_staff(self, email: str, role: str, password: str | None = None) -> "User":
        email = email.strip().lower()
        user = self.model(username=email, email=email, role=role)
        user.set_password(password)
        user.save()
        return user

    def operator(self) -> "User":
        """Who holds the links that the operator keeps: a name without password, with which nobody signs in."""
        values = {"role": User.Role.OPERATOR, "is_active": False, "password": make_password(None)}
        return self.get_or_create(username="operator", defaults=values)[0]


class User(AbstractBaseUser):
    """
    A person who signs in: a customer through OVHcloud, or staff with e-mail and password. Never both.

    nichandle: the account whose *own* user this is; null for staff.
    """

    class Role(models.TextChoices):
        CUSTOMER = "", _("customer")
        SUPPORT = "support", _("support")
        SUPERVISOR = "supervisor", _("supervisor")
        ADMINISTRATOR = "administrator", _("administrator")
        # Nobody: holds the links to accounts that the operator looks after. See UserManager.operator.
        OPERATOR = "operator", _("operator")

    # What staff may be; the order in which pages offer it.
    STAFF = (Role.SUPPORT, Role.SUPERVISOR, Role.ADMINISTRATOR)

    username = models.CharField(max_length=254, unique=True, help_text="endpoint/nichandle, or staff's e-mail.")
    email = models.EmailField(blank=True, help_text="Staff's only; a customer's stands at their nichandle.")
    role = models.CharField(max_length=20, choices=Role.choices, blank=True, default=Role.CUSTOMER)
    nichandle = models.OneToOneField(Nichandle, models.CASCADE, null=True, related_name="user")
    is_active = models.BooleanField(default=True)
    language = models.CharField(max_length=10, blank=True, help_text="The reader's own switch; empty: the browser's.")
    date_joined = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role="", nichandle__isnull=False)
                | (~models.Q(role="") & models.Q(nichandle__isnull=True)),
                name="user_is_customer_or_staff",
            )
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def is_staff(self) -> bool:
        return bool(self.role)

    @property
    def links_with_accounts(self) -> "models.QuerySet[Link]":
        """What this person holds, for the menu that switches between accounts: one query."""
        return self.links.select_related("nichandle").order_by("created_at")

    @property
    def desk(self) -> str:
        """The name of the page that staff of this role begin at."""
        return "support:search" if self.may_support else "support:people"

    @property
    def may_support(self) -> bool:
        """May look up customers' orders: an administrator keeps people and credentials, not customers' data."""
        return self.role in (self.Role.SUPPORT, self.Role.SUPERVISOR)


class LinkQuerySet(models.QuerySet["Link"]):
    def usable(self) -> "LinkQuerySet":
        """Links whose key OVHcloud still takes, as far as we know."""
        return self.filter(state=Link.State.VALID).exclude(expiration__lte=timezone.now())


class Link(models.Model):
    """A person's hold on a nichandle: the consumer key OVHcloud granted for it, encrypted."""

    class State(models.TextChoices):
        VALID = "valid", _("valid")
        REVOKED = "revoked", _("revoked")

    SOON = timedelta(days=7)

    user = models.ForeignKey(User, models.CASCADE, related_name="links")
    nichandle = models.ForeignKey(Nichandle, models.CASCADE, related_name="links")
    encrypted_key = models.TextField()
    rules = models.JSONField(default=list, help_text="Access rules as GET /auth/currentCredential said.")
    expiration = models.DateTimeField(null=True, help_text="Null: OVHcloud named no end.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.VALID)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    renewed_at = models.DateTimeField(default=timezone.now)

    objects = LinkQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "nichandle"], name="link_is_one_per_user_and_nichandle")]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.nichandle_id}"

    def consumer_key(self) -> str:
        """The key in clear. Hand it to the gateway and to nothing else."""
        return crypto.decrypt(self.encrypted_key, bound_to=self.key_binding)

    def keep_key(self, consumer_key: str) -> None:
        """Encrypt the key, bound to this link so that it opens in no other row."""
        self.encrypted_key = crypto.encrypt(consumer_key, bound_to=self.key_binding)

    @property
    def holder(self) -> str:
        """Who holds it, by the name that addresses and pages use: a nichandle, or "operator"."""
        return self.user.nichandle.nichandle if self.user.nichandle else self.user.username

    @property
    def key_binding(self) -> str:
        return f"link:{self.user_id}/{self.nichandle_id}"

    @property
    def is_usable(self) -> bool:
        return self.state == self.State.VALID and (self.expiration is None or self.expiration > timezone.now())

    @property
    def lapses_soon(self) -> bool:
        """Its key runs out within days: time to renew it, which is one journey to OVHcloud."""
        return self.is_usable and self.expiration is not None and self.expiration < timezone.now() + self.SOON


class Session(AbstractBaseSession):
    """A browser that knows us; accounts.sessions writes and reads it. Its key is a secret: pages use `name`."""

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    device = models.CharField(max_length=80, blank=True, help_text="Browser and system, in words.")
    began_at = models.DateTimeField(default=timezone.now, help_text="It ends some hours later, whatever is done.")
    used_at = models.DateTimeField(default=timezone.now)
    idle_until = models.DateTimeField()
    ended_because = models.CharField(max_length=20, blank=True, help_text="revoked: OVHcloud took the key back.")

    class Meta:
        db_table = "accounts_session"

    def __str__(self) -> str:
        return self.device or "session"

    @property
    def name(self) -> str:
        """What a form may say to mean this session; nobody gets from it to the key."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:20]

    @classmethod
    def get_session_store_class(cls) -> Any:
        from accounts.sessions import SessionStore  # it needs this model

        return SessionStore


class SignIn(models.Model):
    """
    A journey to OVHcloud that has begun: pending until its own browser returns with the nonce and confirms.

    purpose: what its end does. To sign in; to link one more account to `user`; to give `user` a key to `nichandle` that
    may order and pay, too; or only to show that `user` is there, after which the key is dropped.

    POST /auth/credential gives a validation page that anybody can be lured to, so coming back takes two secrets: the
    nonce in the registered redirection, which the browser that began never sees, and the session that began.
    """

    LIFETIME = timedelta(minutes=15)

    class Purpose(models.TextChoices):
        SIGN_IN = "sign_in"
        LINK = "link"
        ORDERING = "ordering"
        ASSURANCE = "assurance"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    nonce_digest = models.CharField(max_length=64, unique=True)
    encrypted_key = models.TextField(blank=True, help_text="Empty once the key was kept by a link or dropped.")
    validation_url = models.TextField()
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.SIGN_IN)
    user = models.ForeignKey(User, models.CASCADE, null=True, help_text="Who is signed in already; null to sign in.")
    nichandle = models.ForeignKey(Nichandle, models.CASCADE, null=True, help_text="Who must come back, if not anybody.")
    wider = models.BooleanField(default=False, db_default=False, help_text="Asks for what ordering and paying need.")
    then = models.CharField(max_length=500, blank=True, help_text="The page of ours to go on to.")
    created_at = models.DateTimeField(auto_now_add=True)
    returned_at = models.DateTimeField(null=True)
    me: Any = models.JSONField(null=True, help_text="GET /me of the account that returned.")
    credential: Any = models.JSONField(null=True, help_text="Rules and expiration of the key that returned.")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="sign_in_pending", condition=~models.Q(encrypted_key=""))]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_open(self) -> bool:
        return self.finished_at is None and timezone.now() < self.created_at + self.LIFETIME

    def consumer_key(self) -> str:
        return crypto.decrypt(self.encrypted_key, bound_to=self.key_binding)

    def keep_key(self, consumer_key: str) -> None:
        self.encrypted_key = crypto.encrypt(consumer_key, bound_to=self.key_binding)

    @property
    def key_binding(self) -> str:
        return f"sign-in:{self.pk}"


class Notice(models.Model):
    """Something an account's owner, and whoever else linked it, is told: on the account's page and by mail."""

    class Kind(models.TextChoices):
        LINKED = "linked", _("Somebody linked this account")
        UNLINKED = "unlinked", _("A link to this account was ended")
        KEY_REVOKED = "key_revoked", _("OVHcloud no longer takes our key")
        KEY_LAPSES = "key_lapses", _("The permission runs out soon")

    nichandle = models.ForeignKey(Nichandle, models.CASCADE, related_name="notices")
    to = models.ForeignKey(Nichandle, models.CASCADE, related_name="+", help_text="Whose address it is mailed to.")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    who = models.CharField(max_length=64, blank=True, help_text="The nichandle of whoever did it.")
    at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, default=timezone.now, help_text="Null: mailed, or given up.")

    class Meta:
        indexes = [
            models.Index(
                fields=["next_attempt_at"], name="notice_due", condition=models.Q(next_attempt_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.who}"


class DroppedKey(models.Model):
    """A consumer key that must still be revoked at OVHcloud (POST /auth/logout); the row goes once it is."""

    encrypted_key = models.TextField()
    bound_to = models.CharField(max_length=80)
    reason = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)
    next_attempt_at = models.DateTimeField(default=timezone.now, db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.reason}, {self.created_at:%Y-%m-%d}"

    def consumer_key(self) -> str:
        return crypto.decrypt(self.encrypted_key, bound_to=self.bound_to)


class Budget(models.Model):
    """
    How many calls OVHcloud may get from us: a bucket of tokens for each consumer key, and one for all of them.

    OVHcloud publishes no limit, so the refill feels its way: a 429 halves it, ten quiet minutes raise it by a tenth.
    accounts.budget is the only writer.
    """

    CAPACITY = 60

    link = models.OneToOneField(
        Link, models.CASCADE, null=True, related_name="budget", help_text="Null: the whole installation."
    )
    tokens = models.FloatField(default=CAPACITY, help_text="Calls that could be made at once at filled_at.")
    filled_at = models.DateTimeField(default=timezone.now)
    refill_per_minute = models.FloatField(default=60)
    silent_until = models.DateTimeField(null=True, help_text="OVHcloud's Retry-After: no call before.")
    limited_at = models.DateTimeField(null=True, help_text="The last 429.")
    changed_at = models.DateTimeField(default=timezone.now, help_text="When the refill was last halved or raised.")
    booked_until = models.DateTimeField(
        null=True, help_text="Background checks that found no token have theirs promised up to here."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(models.Value(1), condition=models.Q(link=None), name="budget_in_all_is_one")
        ]

    def __str__(self) -> str:
        return f"{self.refill_per_minute:g} a minute"


class Breaker(models.Model):
    """
    Whether calls to one OVHcloud address make sense now. After too many silences in a row it opens, and only one probe
    at a time may call, less and less often; the first good answer closes it. accounts.breaker is the only writer.
    """

    class State(models.TextChoices):
        CLOSED = "closed", _("closed")
        OPEN = "open", _("open")
        HALF_OPEN = "half-open", _("half open")

    address = models.CharField(max_length=200, unique=True, help_text="As in Application.address.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.CLOSED)
    failures = models.PositiveIntegerField(default=0, help_text="Silences and 5xx since the last good answer.")
    failing_since = models.DateTimeField(null=True, help_text="The first of them; what pages call unreachable since.")
    opened_at = models.DateTimeField(null=True)
    why = models.CharField(max_length=300, blank=True, help_text="The last failure, in words for staff.")
    probe_at = models.DateTimeField(null=True, help_text="Open: when the next probe may call.")
    probe = models.UUIDField(null=True, help_text="Half open: whose call is the probe.")
    probe_until = models.DateTimeField(null=True, help_text="Half open: after that the probe is taken for dead.")
    pause_seconds = models.FloatField(default=0, help_text="Between probes; doubled by each that fails.")
    answered_at = models.DateTimeField(null=True, help_text="A good answer, noted at most every few seconds.")

    def __str__(self) -> str:
        return f"{self.address} {self.state}"


class CallMinute(models.Model):
    """What we called in one minute, added to by batches; for staff. Minutes older than a day are dropped."""

    minute = models.DateTimeField(primary_key=True, help_text="Its beginning.")
    calls = models.PositiveIntegerField(default=0, help_text="Calls that left for OVHcloud.")
    limited = models.PositiveIntegerField(default=0, help_text="Answered by a 429.")
    failed = models.PositiveIntegerField(default=0, help_text="Silences, 5xx and what could not be read.")
    held_back = models.PositiveIntegerField(default=0, help_text="Not made, for the budget was spent.")
    checked = models.PositiveIntegerField(default=0, help_text="Orders whose status was learned.")

    def __str__(self) -> str:
        return f"{self.minute:%H:%M} {self.calls}"


class AuditEvent(models.Model):
    """
    Who did or saw what, on whose behalf, from where. Append-only: a trigger refuses UPDATE and DELETE.

    Texts are copied, not joined: the line outlives the rows it speaks of.
    """

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField(
        max_length=254, blank=True, help_text="username; empty: nobody signed in, or the panel itself."
    )
    subject = models.CharField(max_length=64, blank=True, help_text="The nichandle it is about.")
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=200, blank=True)
    result = models.CharField(max_length=20, default="done")
    address = models.CharField(max_length=64, blank=True)
    request_id = models.CharField(max_length=36, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["subject", "-at"], name="audit_by_subject")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action} {self.target}"


class Seal(models.Model):
    """
    What a batch of an append-only table held when it was sealed, and the seal before it. Immutable by a trigger.

    accounts.seals makes and checks them. The same words went to the log, so that a cut tail shows, too.
    """

    class Kind(models.TextChoices):
        BATCH = "batch"
        PURGE = "purge"

    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.BATCH)
    table = models.CharField(max_length=63)
    number = models.PositiveIntegerField(help_text="Counts from 1 in each table, without gaps.")
    last_pk = models.BigIntegerField(help_text="It speaks of the rows after the seal before it, up to this one.")
    count = models.PositiveIntegerField(help_text="Rows in the batch; of a purge: rows that went.")
    fields = models.JSONField(default=list, help_text="The columns that are sealed; later ones are not among them.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 over the rows; empty for a purge.")
    previous = models.CharField(max_length=64, blank=True, help_text="The seal before it; empty for the first.")
    seal = models.CharField(max_length=64, help_text="SHA-256 over all the above.")
    sealed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["table", "number"], name="seal_is_one_per_table_and_number")]

    def __str__(self) -> str:
        return f"{self.table} {self.number}"
