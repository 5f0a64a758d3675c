"""Sessions in PostgreSQL, found only by keys that Django could have made."""

import re

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

_KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(DatabaseStore):
    def _validate_session_key(self, key: str) -> bool:
        """A cookie may spell any octet, also the NUL that PostgreSQL refuses: what is no key is not looked up."""
        return bool(key and _KEY.fullmatch(key))
