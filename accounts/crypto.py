"""Consumer keys at rest: encrypted with the newest of CREDENTIAL_KEYS, read with any, bound to one row."""

import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class KeyUnreadable(Exception):
    """The stored key was changed, moved to another row, or encrypted with a key we no longer hold."""


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(secret: str, *, bound_to: str) -> str:
    """Encrypt a secret so that it opens only where bound_to is the same."""
    text = json.dumps([bound_to, secret]).encode()
    return _fernet(tuple(settings.CREDENTIAL_KEYS)).encrypt(text).decode()


def decrypt(token: str, *, bound_to: str) -> str:
    """
    Return the secret.

    Raises:
        KeyUnreadable: see there.
    """
    try:
        owner, secret = json.loads(_fernet(tuple(settings.CREDENTIAL_KEYS)).decrypt(token.encode()))
    except (InvalidToken, ValueError):
        raise KeyUnreadable from None
    if owner != bound_to:
        raise KeyUnreadable
    return str(secret)
