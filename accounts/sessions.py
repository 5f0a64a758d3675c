"""
Sessions in PostgreSQL: whose, on which device, and for how long.

They end after a while without use and, whatever is done, some hours after they began. The row decides, not the
cookie: ending one is deleting it.
"""

import re
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

_KEY = re.compile(r"[a-z0-9]{32}")

# How exactly the last use is known; one write in so long is enough.
NOTED_EVERY = timedelta(minutes=1)


class SessionStore(DatabaseStore):
    """Django's own store over accounts.Session; `used_at` and `ended_because` are the row's, once it was read."""

    used_at: datetime | None = None
    # Why the session that this browser's cookie names was ended, where its page should say so.
    ended_because: str = ""
    # A fragment cannot say so: the browser keeps its cookie until a page did.
    is_told_later = False

    def is_empty(self) -> bool:
        return not self.is_told_later and super().is_empty()

    @classmethod
    def get_model_class(cls) -> Any:
        from accounts.models import Session  # models need the app registry, settings need this module

        return Session

    def _validate_session_key(self, key: str) -> bool:
        """A cookie may spell any octet, also the NUL that PostgreSQL refuses: what is no key is not looked up."""
        return bool(key and _KEY.fullmatch(key))

    def _get_session_from_db(self) -> Any:
        row = super()._get_session_from_db()  # type: ignore[misc]  # the stubs leave it out
        if row is None:
            return None
        if row.ended_because or row.idle_until <= timezone.now():
            self.ended_because = row.ended_because
            self._session_key = None
            return None
        self.used_at = row.used_at
        return row

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        now = timezone.now()
        began_at = datetime.fromisoformat(data["began_at"]) if "began_at" in data else now
        row: Any = self.get_model_class()
        return row(
            session_key=self._get_or_create_session_key(),  # type: ignore[attr-defined]  # the stubs leave it out
            session_data=self.encode(data),
            expire_date=began_at + timedelta(seconds=settings.SESSION_COOKIE_AGE),
            user_id=data.get(SESSION_KEY),
            device=data.get("device", ""),
            began_at=began_at,
            used_at=now,
            idle_until=now + idle_limit(data),
        )

    def note_use(self) -> None:
        """Somebody is there: the idle time begins anew. Written by itself, so that nothing else of the row changes."""
        now = timezone.now()
        if self.session_key and self.used_at and self.used_at < now - NOTED_EVERY:
            self.model.objects.filter(pk=self.session_key).update(used_at=now, idle_until=now + idle_limit(self))
            self.used_at = now


def idle_limit(data: Any) -> timedelta:
    """How long this session may lie unused: staff see other people's orders, so theirs is shorter."""
    minutes = settings.STAFF_SESSION_IDLE_MINUTES if data.get("of_staff") else settings.SESSION_IDLE_MINUTES
    return timedelta(minutes=minutes)
