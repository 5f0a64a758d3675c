"""
Consumer keys at rest: encrypted with the newest of CREDENTIAL_KEYS, read with any, bound to one row.

A stored text begins with the id of its key, so that whoever rotates keys can see, and count, what is still encrypted
with an old one.
"""

import hashlib
import json
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


class KeyUnreadable(Exception):
    """The stored key was changed, moved to another row, or encrypted with a key we no longer hold."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> dict[str, Fernet]:
    """Our keys by their ids, newest first."""
    return {hashlib.sha256(key.encode()).hexdigest()[:8]: Fernet(key) for key in keys}


def _keys() -> dict[str, Fernet]:
    return _ring(tuple(settings.CREDENTIAL_KEYS))


def newest_id() -> str:
    """Return the id of the key that new texts are encrypted with."""
    return next(iter(_keys()))


def key_id(stored: str) -> str:
    """Return the id of the key that a stored text was encrypted with."""
    return stored.partition(":")[0]


def encrypt(secret: str, *, bound_to: str) -> str:
    """Encrypt a secret so that it opens only where bound_to is the same."""
    name, fernet = next(iter(_keys().items()))
    return f"{name}:{fernet.encrypt(json.dumps([bound_to, secret]).encode()).decode()}"


def decrypt(stored: str, *, bound_to: str) -> str:
    """
    Return the secret.

    Raises:
        KeyUnreadable: see there.
    """
    name, colon, token = stored.partition(":")
    try:
        # Texts of before 0.2 do not name their key.
        fernet = _keys()[name] if colon else MultiFernet(list(_keys().values()))
        owner, secret = json.loads(fernet.decrypt((token or stored).encode()))
    except (KeyError, InvalidToken, ValueError):
        raise KeyUnreadable from None
    if owner != bound_to:
        raise KeyUnreadable
    return str(secret)
