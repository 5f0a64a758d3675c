"""Says on an account whether OVHcloud answers for it, and why not."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.utils import timezone

from accounts.actions import note_revoked
from accounts.breaker import BreakerOpen
from accounts.budget import BudgetSpent
from accounts.models import Nichandle
from gateway import CredentialRevoked, OvhError, RateLimited
from orders.models import OrderImport

Error = OvhError | None


def note(outcomes: Mapping[int, Sequence[Error]], asked_at: datetime) -> None:
    """
    Note what came of one turn's calls. One good answer is an answer, however many others failed.

    outcomes: by nichandle; None for a good answer. What we did not ask says nothing about OVHcloud.
    """
    asked = {
        pk: [error for error in errors if not isinstance(error, BudgetSpent | BreakerOpen)]
        for pk, errors in outcomes.items()
    }
    good = [pk for pk, errors in asked.items() if any(error is None for error in errors)]
    OrderImport.objects.filter(nichandle__in=good, unreachable_since__isnull=False).update(
        unreachable_since=None, unreachable_why=""
    )
    for pk, errors in asked.items():
        if errors and all(errors):
            _note_trouble(pk, errors, asked_at)


def note_one(nichandle: Nichandle, asked_at: datetime, *errors: Error) -> None:
    note({nichandle.pk: errors}, asked_at)


def no_key(nichandles: Iterable[int]) -> None:
    """Nobody holds a usable key for these accounts."""
    _set(list(nichandles), "revoked")


def _note_trouble(nichandle: int, errors: Sequence[Error], asked_at: datetime) -> None:
    if any(isinstance(error, CredentialRevoked) for error in errors):
        note_revoked(Nichandle.objects.get(pk=nichandle), asked_at)
        _set([nichandle], "revoked")
    else:
        limited = any(isinstance(error, RateLimited) for error in errors)
        _set([nichandle], "limited" if limited else "unavailable")


def _set(nichandles: Sequence[int], why: str) -> None:
    OrderImport.objects.filter(nichandle__in=nichandles).exclude(unreachable_why=why).update(
        unreachable_since=timezone.now(), unreachable_why=why
    )
