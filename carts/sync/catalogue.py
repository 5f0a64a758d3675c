"""Price lists, read in a cart of nobody's by routes that ask for no key; one reading for each kind and subsidiary."""

import logging
import time
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.breaker import BreakerOpen
from accounts.ovh import gateway_with
from carts.models import CatalogueReading, Plan
from carts.sync import kept
from carts.sync.copies import back_off
from gateway import Gateway, NotFound, OvhError, OvhRefused, ProductRecord, RateLimited

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
TASK_SECONDS = 25
# What OVHcloud does not sell there is asked about again after so long.
REFUSED_FOR = timedelta(hours=1)


def read_catalogues_due(limit: int = 6) -> int:
    """Read what is due. Returns how many readings were taken up."""
    begun = time.monotonic()
    for taken in range(limit):
        reading = _claim() if time.monotonic() - begun < TASK_SECONDS else None
        if reading is None:
            return taken
        try:
            _read(reading)
        except OvhError as error:
            _trouble(reading, error)
        except Exception:
            # Its lease runs out; the others go on.
            log.exception("a price list could not be read")
    return limit


def _claim() -> CatalogueReading | None:
    now = timezone.now()
    with transaction.atomic():
        due = CatalogueReading.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), next_read_at__lte=now)
        reading = due.order_by("next_read_at").select_for_update(skip_locked=True).first()
        if reading is not None:
            CatalogueReading.objects.filter(pk=reading.pk).update(leased_until=now + LEASE)
    return reading


def _read(reading: CatalogueReading) -> None:
    gateway = gateway_with("")
    cart_id = gateway.make_cart(reading.subsidiary).cart_id
    plans = gateway.product_offers(cart_id, reading.product)
    options = {plan.plan_code: _options(gateway, cart_id, reading.product, plan.plan_code) for plan in plans}
    _keep(reading, plans, options)


def _options(gateway: Gateway, cart_id: str, product: str, plan_code: str) -> tuple[ProductRecord, ...]:
    try:
        return gateway.product_options(cart_id, product, plan_code)
    except NotFound:
        # Taken from the list since.
        return ()


@transaction.atomic
def _keep(
    reading: CatalogueReading, plans: tuple[ProductRecord, ...], options: dict[str, tuple[ProductRecord, ...]]
) -> None:
    """A plan that is sold no more is shown no more; items in carts keep what they say."""
    now = timezone.now()
    of_it = Plan.objects.filter(subsidiary=reading.subsidiary, product=reading.product)
    sold = [plan for plan in plans if kept.pricings(plan.prices)]
    of_it.exclude(plan_code__in=[plan.plan_code for plan in sold]).delete()
    for position, plan in enumerate(sold):
        Plan.objects.update_or_create(
            subsidiary=reading.subsidiary,
            product=reading.product,
            plan_code=plan.plan_code[:100],
            defaults={
                "position": position,
                "name": (plan.product_name or plan.plan_code)[:300],
                "prices": kept.pricings(plan.prices),
                "options": [kept.option(one) for one in options[plan.plan_code] if kept.pricings(one.prices)],
                "read_at": now,
            },
        )
    done = {"read_at": now, "next_read_at": None, "leased_until": None, "failures": 0, "message": ""}
    CatalogueReading.objects.filter(pk=reading.pk).update(**done)


def _trouble(reading: CatalogueReading, error: OvhError) -> None:
    wait, failures = back_off(reading.failures + 1), reading.failures + 1
    if isinstance(error, RateLimited):
        wait, failures = timedelta(seconds=max(error.retry_after, 1)), reading.failures
    elif isinstance(error, BreakerOpen):
        wait = max(error.retry_at - timezone.now(), timedelta(seconds=1))
    elif isinstance(error, OvhRefused):
        wait = REFUSED_FOR
    CatalogueReading.objects.filter(pk=reading.pk).update(
        next_read_at=timezone.now() + wait, leased_until=None, failures=failures, message=error.message
    )
