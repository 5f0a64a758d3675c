"""
Accounts that the operator looks after for customers: keys the operator was given, entered by hand, never shown again.

They are links like a customer's own, held by a name that nobody signs in with. Staff see such an account's orders at
the desk as they see all others; its owner, on signing in, gets a key of their own, sees who holds this one, and may
end it.
"""

from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from django.db import transaction
from django.db.models.query import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts import audit, notices, tasks
from accounts.actions import account_of
from accounts.crypto import KeyUnreadable
from accounts.models import DroppedKey, Link, Nichandle, Notice, User
from accounts.ovh import WHILE_A_BROWSER_WAITS, gateway_with
from accounts.signals import key_granted
from gateway import AccessRule, CredentialRecord

# Without these there is nothing to show, and no way to give the key back.
NEEDED = tuple(
    AccessRule(method, path)
    for method, path in (
        ("GET", "/auth/currentCredential"),
        ("GET", "/me"),
        ("GET", "/me/order"),
        ("GET", "/me/order/*"),
        ("POST", "/auth/logout"),
    )
)


class KeyTooNarrow(Exception):
    """This key lacks rights without which its account cannot be shown; the arguments name them."""


def accounts() -> QuerySet[Link]:
    """What the operator holds, by account."""
    held = Link.objects.filter(user__role=User.Role.OPERATOR)
    return held.select_related("nichandle", "user__nichandle").order_by("nichandle__nichandle")


def add_account(request: HttpRequest | None, consumer_key: str) -> Link:
    """
    Keep a key that OVHcloud granted to the operator for somebody's account; which one, OVHcloud says.

    Source: GET /auth/currentCredential, GET /me. request None: somebody at the command line did it.
    Raises:
        KeyTooNarrow: see there.
        OvhUnavailable, OvhRefused: of the gateway; CredentialRevoked among them is what a mistyped key gives.
    """
    gateway = gateway_with(consumer_key, **WHILE_A_BROWSER_WAITS)
    credential, me = gateway.current_credential(), gateway.me()
    missing = [f"{rule.method} {rule.path}" for rule in NEEDED if not _covers(credential, rule)]
    if missing:
        raise KeyTooNarrow(*missing)
    with transaction.atomic():
        nichandle, operator = account_of(asdict(me)), User.objects.operator()
        link = Link.objects.select_for_update().filter(user=operator, nichandle=nichandle).first()
        is_new = link is None
        if link is None:
            link = Link(user=operator, nichandle=nichandle)
        elif not _is_of(link, consumer_key):
            _give_back(link, "replaced by the operator")
        link.keep_key(consumer_key)
        link.expiration, link.rules = credential.expiration, [asdict(rule) for rule in credential.rules]
        link.state, link.revoked_at, link.renewed_at = Link.State.VALID, None, timezone.now()
        link.save()
        audit.record(request, "account_add", subject=nichandle.nichandle, target=nichandle.nichandle)
        if is_new:
            notices.tell_holders(nichandle, Notice.Kind.LINKED, operator)
        key_granted.send(sender=Nichandle, nichandle=nichandle)
        tasks.ring_drop_keys()
    return link


@transaction.atomic
def drop_account(request: HttpRequest, link: Link) -> None:
    """Let an account go: its key is revoked at OVHcloud by a task, its orders stay as they were known."""
    _give_back(link, "let go by the operator")
    audit.record(request, "account_drop", subject=link.nichandle.nichandle, target=link.nichandle.nichandle)
    notices.tell_holders(link.nichandle, Notice.Kind.UNLINKED, link.user)
    link.delete()
    tasks.ring_drop_keys()


def _give_back(link: Link, reason: str) -> None:
    if link.encrypted_key:
        DroppedKey.objects.create(encrypted_key=link.encrypted_key, bound_to=link.key_binding, reason=reason)


def _is_of(link: Link, consumer_key: str) -> bool:
    try:
        return bool(link.encrypted_key) and link.consumer_key() == consumer_key
    except KeyUnreadable:
        return False


def _covers(credential: CredentialRecord, needed: AccessRule) -> bool:
    rules: Any = credential.rules
    return any(rule.method == needed.method and fnmatchcase(needed.path, rule.path) for rule in rules)
