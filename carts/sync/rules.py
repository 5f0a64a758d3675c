"""
What registries ask, read beside an item's requirements: once a day for each extension and action, with nobody's key.

They are hints: a route that does not answer changes nothing, and nobody waits for it.
"""

import json
import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.breaker import BreakerOpen
from accounts.ovh import gateway_with
from accounts.ringing import ring
from carts.models import Cart, CartItem, RegistryRule
from carts.sync.copies import back_off
from gateway import NotAdmitted, OvhError, OvhRefused, RateLimited

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=1)
TASK_SECONDS = 25
# Then it is let be until somebody wants such a name again, an hour later or more.
MOST_FAILURES = 3
AFTER_FAILURES = timedelta(hours=1)
# Longer than any that was seen by far: a country list in each field.
LARGEST = 1_000_000


def want_rules(items: Iterable[CartItem]) -> None:
    """Have the rules of these names read where they are not known, or for a day. Writes only then."""
    from carts import tasks

    now, rang = timezone.now(), False
    for extension, action in sorted({(item.extension, item.action) for item in items if item.action}):
        rule, made = RegistryRule.objects.get_or_create(extension=extension, action=action)
        old = rule.read_at is None or rule.read_at < now - RegistryRule.FRESH
        if not made and old and rule.next_read_at is None:
            RegistryRule.objects.filter(pk=rule.pk, next_read_at=None).update(next_read_at=now, failures=0)
        rang = rang or made or old
    if rang:
        ring(tasks.read_rules)


def read_rules_due(limit: int = 20) -> int:
    """Read what is due. Returns how many were taken up."""
    begun = time.monotonic()
    for taken in range(limit):
        rule = _claim() if time.monotonic() - begun < TASK_SECONDS else None
        if rule is None:
            return taken
        try:
            _read(rule)
        except OvhError as error:
            _trouble(rule, error)
        except Exception:
            # Its lease runs out; the others go on.
            log.exception("a registry's rules could not be read")
    return limit


def _claim() -> RegistryRule | None:
    now = timezone.now()
    with transaction.atomic():
        due = RegistryRule.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), next_read_at__lte=now)
        rule = due.order_by("next_read_at").select_for_update(skip_locked=True).first()
        if rule is not None:
            RegistryRule.objects.filter(pk=rule.pk).update(leased_until=now + LEASE)
    return rule


def _read(rule: RegistryRule) -> None:
    domain = _wanted_name(rule)
    if domain is None:
        # Taken out of its cart meanwhile.
        _keep(rule)
        return
    tree: Any = dict(gateway_with("").registry_rule(domain, rule.action))
    _keep(rule, read_at=timezone.now(), tree=tree if len(json.dumps(tree)) <= LARGEST else None)


def _wanted_name(rule: RegistryRule) -> str | None:
    """The route asks for a whole name: one that somebody has in a cart."""
    names = CartItem.objects.filter(product="domain", parent=None, cart__state=Cart.State.OPEN)
    names = names.filter(domain__endswith=f".{rule.extension}", pricing_mode__startswith=f"{rule.action}-")
    found = names.order_by("-pk").values_list("domain", flat=True)
    return next((name for name in found if name.partition(".")[2] == rule.extension), None)


def _keep(rule: RegistryRule, **values: Any) -> None:
    done = {"next_read_at": None, "leased_until": None, "failures": 0}
    RegistryRule.objects.filter(pk=rule.pk).update(**done | values)


def _trouble(rule: RegistryRule, error: OvhError) -> None:
    now, failures = timezone.now(), rule.failures + 1
    if isinstance(error, RateLimited):
        _keep(rule, next_read_at=now + timedelta(seconds=max(error.retry_after, 1)), failures=rule.failures)
    elif isinstance(error, BreakerOpen):
        _keep(rule, next_read_at=max(error.retry_at, now + timedelta(seconds=1)), failures=rule.failures)
    elif isinstance(error, OvhRefused) and not isinstance(error, NotAdmitted):
        # It has none to tell of this extension: that is known for a day, too.
        _keep(rule, read_at=now, tree=None)
    elif failures < MOST_FAILURES:
        _keep(rule, next_read_at=now + back_off(failures), failures=failures)
    else:
        # What was known stays; it is as old as it is, and asked for again in an hour at the soonest.
        _keep(rule, read_at=now - RegistryRule.FRESH + AFTER_FAILURES)
