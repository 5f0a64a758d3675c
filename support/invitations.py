"""Staff come in by a link that works once: an administrator has it mailed, `manage.py add_staff` prints it."""

import hashlib
import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from support.models import Invitation


def invite(user: User) -> str:
    """Return the absolute address of a new link for this staff account; its earlier links stop working."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        Invitation.objects.filter(user=user, used_at=None).update(used_at=timezone.now())
        Invitation.objects.create(user=user, digest=_digest(token))
    return settings.BASE_URL + reverse("staff_welcome_link", args=[token])


def by_token(token: str) -> Invitation | None:
    """The open invitation of this token; None whether it is used, out of time or was never one."""
    return Invitation.objects.open().filter(digest=_digest(token)).select_related("user").first()


def use(invitation: Invitation, password: str) -> bool:
    """Set the password and end the invitation. False: somebody else was quicker, and nothing changed."""
    with transaction.atomic():
        if not Invitation.objects.open().filter(pk=invitation.pk).update(used_at=timezone.now()):
            return False
        user = User.objects.select_for_update().get(pk=invitation.user_id)
        user.set_password(password)
        user.save(update_fields=["password"])
    return True


def let_go(before: datetime) -> int:
    """Delete what nobody can use any more."""
    return Invitation.objects.filter(created_at__lt=before).delete()[0]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
