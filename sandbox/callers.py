"""
Who holds which consumer key, remembered between calls.

Every write to credentials, accounts and applications goes through models.Watched or a model's save, and lets all of it
be forgotten once it is committed. Whoever reads takes the dictionary before the row, and so puts what was read before
a change into one that nobody looks at any more.
"""

from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from .models import Credential

_MOST = 10_000


class _Memory:
    def __init__(self) -> None:
        self.credentials: dict[str, Credential] = {}

    def forget(self) -> None:
        self.credentials = {}


_memory = _Memory()


def forget_once_committed() -> None:
    transaction.on_commit(_memory.forget)


def holder_of(consumer_key: str) -> "Credential | None":
    """Return a credential with its customer and application. It is shared: not to be changed, nor are they."""
    credentials = _memory.credentials
    found = credentials.get(consumer_key)
    if found is None:
        found = _read(consumer_key)
        if found is not None:
            if len(credentials) >= _MOST:
                credentials.clear()
            credentials[consumer_key] = found
    return found


def _read(consumer_key: str) -> "Credential | None":
    from .models import Credential

    credentials = Credential.objects.select_related("customer", "application")
    return credentials.filter(consumer_key=consumer_key).first()
