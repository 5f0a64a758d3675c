"""
A worker's turn with the carts that are due: OVHcloud's copy is made equal to our rows, and asked what it comes to.

In the guide's order: the cart, its items, assigned, what they want to know, what was filled in, coupons, and the dry
run. The customer may change the cart at any moment: what is written at the end is of the revision that was copied, and
a newer one is the next turn's.
"""

import logging
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.actions import note_revoked
from accounts.breaker import BreakerOpen
from accounts.crypto import KeyUnreadable
from accounts.models import Nichandle
from accounts.ovh import NoKey, gateway_for
from carts.models import Cart, Configuration
from carts.sync import copies, ordered
from carts.sync.copies import LEASE, LeaseLost, back_off, write
from carts.sync.copying import OutOfTime, Work, copy_items
from carts.sync.filling import copy_configurations, copy_coupons, read_requirements
from carts.sync.quoting import quote
from gateway import (
    CartRecord,
    CredentialRevoked,
    Gateway,
    NotAdmitted,
    NotFound,
    NotGranted,
    OvhError,
    OvhRefused,
    RateLimited,
)

log = logging.getLogger(__name__)

Trouble = Cart.Trouble
# A task begins no other cart after so many seconds.
TASK_SECONDS = 25


def mirror_due(limit: int = 50) -> int:
    """Copy what is due, one cart after the other. Returns how many were taken up."""
    ordered.follow_up()
    begun = time.monotonic()
    for taken in range(limit):
        found = _claim() if time.monotonic() - begun < TASK_SECONDS else None
        if found is None:
            return taken
        _mirror(*found)
    return limit


def _claim() -> tuple[Cart, bool] | None:
    """The cart that has waited longest, with a lease; and whether its last turn may have left something behind."""
    now = timezone.now()
    with transaction.atomic():
        due = Cart.objects.filter(copies.free(now), state=Cart.State.OPEN, nichandle__isnull=False)
        due = due.filter(next_mirror_at__lte=now).order_by("next_mirror_at")
        cart = due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle").first()
        if cart is None:
            return None
        doubtful = cart.lease is not None or cart.failures > 0
        cart.lease, cart.leased_until = uuid.uuid4(), now + LEASE
        cart.save(update_fields=["lease", "leased_until"])
    return cart, doubtful


def _mirror(cart: Cart, doubtful: bool) -> None:
    assert cart.nichandle is not None  # noqa: S101  (a visitor's is not claimed)
    asked_at = timezone.now()
    try:
        try:
            gateway = gateway_for(cart.nichandle, ordering=True)
            _copy(cart, gateway, doubtful)
        except (NoKey, KeyUnreadable):
            _stop(cart, _why_no_key(cart.nichandle))
        except OutOfTime:
            write(cart, lease=None, leased_until=None, next_mirror_at=timezone.now())
        except NotFound as error:
            _not_found(cart, gateway, error)
        except OvhError as error:
            _trouble(cart, error, asked_at)
    except LeaseLost:
        log.warning("a cart was taken over by another worker")
    except Exception as error:
        # Our own mistake: its turn comes again, later and later; the others go on.
        log.exception("a cart could not be copied")
        _again(cart, error=None, message=f"({type(error).__name__})")


def _copy(cart: Cart, gateway: Gateway, doubtful: bool) -> None:
    # Also when nothing was changed: then the prices of now are wanted.
    reread = doubtful or cart.revision == cart.mirrored_revision
    work = Work(cart, gateway, cart.revision, reread)
    if not cart.items.exists() and not cart.ovh_cart_id:
        _finish(work, None)
        return
    record, is_new = _record(cart, gateway)
    copy_items(work, record.items)
    if cart.assigned_at is None:
        work.before_a_write()
        gateway.assign_cart(cart.ovh_cart_id)
        write(cart, assigned_at=timezone.now())
    read_requirements(work)
    copy_configurations(work)
    copy_coupons(work, is_new=is_new)
    _finish(work, quote(work))


def _record(cart: Cart, gateway: Gateway) -> tuple[CartRecord, bool]:
    """OVHcloud's cart as it stands, and whether it was made just now."""
    if copies.is_alive(cart, timezone.now()):
        try:
            record = gateway.cart(cart.ovh_cart_id)
            if not record.read_only:
                return record, False
        except NotFound:
            pass
        # Gone, or ordered elsewhere: what is in ours is still wanted.
    return copies.make(cart, gateway), True


# --- The end of a turn ------------------------------------------------------------------------------------------------
@transaction.atomic
def _finish(work: Work, quoted: object) -> None:
    """All is copied: say so, with what OVHcloud said, unless the customer changed something meanwhile."""
    now = timezone.now()
    cart = copies.held(work.cart).select_for_update().first()
    if cart is None:
        raise LeaseLost
    cart.mirrored_revision = work.revision
    cart.lease, cart.leased_until, cart.failures = None, None, 0
    cart.next_mirror_at = None if cart.revision == work.revision else now
    cart.trouble = Trouble.REFUSED if work.message else ""
    cart.message, cart.query_id = work.message, work.query_id[:120]
    if cart.revision == work.revision:
        cart.quote, cart.quoted_revision, cart.quoted_at = quoted, work.revision if quoted else 0, now
        cart.coupons = [one | {"problem": work.coupon_problems.get(one["coupon"], "")} for one in cart.coupons]
        if work.was_judged:
            forget_problems(cart)
        cart.items.filter(pk__in=work.settled).update(problem="")
        write_problems(cart, work.item_problems, work.label_problems)
    cart.save()


def forget_problems(cart: Cart) -> None:
    """All was judged anew. The cart's row is locked."""
    cart.items.exclude(problem="").update(problem="")
    Configuration.objects.filter(item__cart=cart).exclude(problem="").update(problem="")


def write_problems(cart: Cart, of_items: dict[int, str], of_labels: dict[tuple[int, str], str]) -> None:
    """What OVHcloud says against items and labels. The cart's row is locked."""
    for pk, words in of_items.items():
        cart.items.filter(pk=pk).update(problem=words)
    for (pk, label), words in of_labels.items():
        if cart.items.filter(pk=pk).exists():
            # Not filled in yet, it has nothing that could be copied.
            new = {"problem": words, "is_mirrored": True}
            Configuration.objects.update_or_create(
                item_id=pk, label=label, defaults={"problem": words}, create_defaults=new
            )


def _not_found(cart: Cart, gateway: Gateway, error: NotFound) -> None:
    """An item, or the cart itself: that alone decides what there is still to lose."""
    try:
        gateway.cart(cart.ovh_cart_id)
    except NotFound:
        copies.forget(cart)
    except OvhError as worse:
        _trouble(cart, worse, timezone.now())
        return
    _again(cart, error)


def _trouble(cart: Cart, error: OvhError, asked_at: datetime) -> None:
    match error:
        case CredentialRevoked():
            assert cart.nichandle is not None  # noqa: S101  (a visitor's is not claimed)
            note_revoked(cart.nichandle, asked_at)
            _stop(cart, Trouble.KEY)
        case NotGranted():
            _stop(cart, Trouble.RIGHTS)
        case RateLimited():
            wait = timedelta(seconds=max(error.retry_after, 0.5))
            write(cart, lease=None, leased_until=None, next_mirror_at=timezone.now() + wait)
        case NotAdmitted():
            log.error("OVHcloud does not admit the panel: %s", type(error).__name__)
            _again(cart, error)
        case OvhRefused():
            _stop(cart, Trouble.REFUSED, error)
        case _:
            _again(cart, error)


def _stop(cart: Cart, trouble: str, error: OvhError | None = None) -> None:
    """Nothing changes by itself: the customer's next act, or a new key, brings the next turn."""
    values: dict[str, Any] = {"trouble": trouble, "message": error.message if error else "", "next_mirror_at": None}
    with transaction.atomic():
        # Changed since, it is due again at once.
        row = copies.held(cart).select_for_update().first()
        if row is None:
            raise LeaseLost
        if row.revision != cart.revision and trouble == Trouble.REFUSED:
            values["next_mirror_at"] = timezone.now()
        if row.next_mirror_at != cart.next_mirror_at and trouble != Trouble.REFUSED:
            # A new key has come while this turn still had the old one.
            values |= {"trouble": "", "next_mirror_at": row.next_mirror_at}
        write(cart, lease=None, leased_until=None, failures=0, query_id=_query_id(error), **values)


def _again(cart: Cart, error: OvhError | None, message: str = "") -> None:
    """This turn came to nothing; the next one reads everything again before it adds anything."""
    failures = cart.failures + 1
    wait = back_off(failures)
    if isinstance(error, BreakerOpen):
        wait = max(error.retry_at - timezone.now(), timedelta(seconds=1))
    values = {"failures": failures, "next_mirror_at": timezone.now() + wait, "lease": None, "leased_until": None}
    told = {"trouble": Trouble.AWAY, "message": error.message if error else message, "query_id": _query_id(error)}
    if isinstance(error, NotFound):
        told = {"trouble": "", "message": "", "query_id": ""}
    Cart.objects.filter(pk=cart.pk, lease=cart.lease).update(**values, **told)


def _why_no_key(nichandle: Nichandle) -> str:
    """Rights, where there is a key and it may not order."""
    return Trouble.RIGHTS if nichandle.links.usable().exists() else Trouble.KEY


def _query_id(error: OvhError | None) -> str:
    return error.query_id[:120] if error else ""
