"""Rows that are about no order: a download of one's data, and the sign that a worker lives."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from accounts.models import Nichandle, User


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
