"""Invitations of staff. Everything else at the desk belongs to orders and accounts."""

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Neither used, replaced nor run out, for somebody who may still come in."""
        return self.filter(used_at=None, created_at__gt=timezone.now() - Invitation.LIFETIME, user__is_active=True)


class Invitation(models.Model):
    """
    A link that works once: whoever holds it chooses the password of a staff account.

    Only a digest of its token is stored. A newer invitation replaces an older one.
    """

    LIFETIME = timedelta(hours=24)

    user = models.ForeignKey(User, models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the link's token, in hexadecimal.")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, help_text="When a password was set with it, or a newer one replaced it.")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(used_at__isnull=True), name="invitation_is_one_per_user"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id}, {self.created_at:%Y-%m-%d %H:%M}"
