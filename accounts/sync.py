"""Moves facts about keys between our rows and OVHcloud; every function may run twice."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.crypto import KeyUnreadable
from accounts.models import DroppedKey, SignIn
from accounts.ovh import gateway_with
from gateway import OvhRefused, OvhUnavailable

log = logging.getLogger(__name__)


def drop_keys(limit: int = 20) -> None:
    """Revoke at OVHcloud (POST /auth/logout) what nobody should use any more; try again until it answered."""
    abandon_old_sign_ins()
    now = timezone.now()
    with transaction.atomic():
        keys = list(DroppedKey.objects.select_for_update(skip_locked=True).filter(next_attempt_at__lte=now)[:limit])
        for key in keys:
            key.attempts += 1
            key.next_attempt_at = now + timedelta(seconds=min(30 * 2**key.attempts, 6 * 3600))
            key.save(update_fields=["attempts", "next_attempt_at"])
    for key in keys:
        try:
            gateway_with(key.consumer_key()).log_out()
        except OvhUnavailable:
            continue
        except (OvhRefused, KeyUnreadable):
            # Refused: it was never validated, or lapsed already. Unreadable: nobody can use it any more.
            log.info("a dropped key was no longer usable")
        key.delete()


def abandon_old_sign_ins() -> None:
    """Drop the keys of journeys that nobody finished in time."""
    now = timezone.now()
    for sign_in in SignIn.objects.filter(created_at__lt=now - SignIn.LIFETIME).exclude(encrypted_key="")[:200]:
        abandon(sign_in, "never finished")


@transaction.atomic
def abandon(sign_in: SignIn, reason: str) -> None:
    """End a journey; its key, live at OVHcloud if somebody approved it, is to be revoked there."""
    sign_in = SignIn.objects.select_for_update().get(pk=sign_in.pk)
    if sign_in.encrypted_key:
        DroppedKey.objects.create(encrypted_key=sign_in.encrypted_key, bound_to=sign_in.key_binding, reason=reason)
    sign_in.encrypted_key, sign_in.finished_at, sign_in.me = "", timezone.now(), None
    sign_in.save(update_fields=["encrypted_key", "finished_at", "me"])
