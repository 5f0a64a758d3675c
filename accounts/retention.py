"""
How long what is kept: each kind has its number of days in settings, and a task lets go what is older.

Other packages add theirs with `keep_for`. What went is said in the log and, with its number, in the audit trail.
Declarations and receipts are not among them: the law wants them for years, and their tables are append-only.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit, seals
from accounts.models import AuditEvent, Notice, Session, SignIn

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rule:
    """setting: the name of its number of days. let_go: deletes what is older than a moment, returns how many."""

    kind: str
    setting: str
    let_go: Callable[[datetime], int]


_RULES: dict[str, Rule] = {}


def keep_for(kind: str, setting: str, let_go: Callable[[datetime], int]) -> None:
    """Have rows of a kind deleted once they are settings.<setting> days old."""
    _RULES[kind] = Rule(kind, setting, let_go)


def rules() -> list[Rule]:
    return sorted(_RULES.values(), key=lambda rule: rule.kind)


def apply() -> dict[str, int]:
    """Let go what is old enough. Returns how many of each kind; one kind that fails does not keep the others."""
    now, gone = timezone.now(), {}
    for rule in rules():
        days = getattr(settings, rule.setting)
        try:
            with transaction.atomic():
                gone[rule.kind] = rule.let_go(now - timedelta(days=days))
                if gone[rule.kind]:
                    audit.record(None, "retention", target=rule.kind, removed=gone[rule.kind], days=days)
        except seals.NotAsSealed as error:
            log.error("nothing of the trail was let go, for it is not as it was sealed: %s", error)
            continue
        if gone[rule.kind]:
            log.info("retention: %d %s older than %d days went", gone[rule.kind], rule.kind, days)
    return gone


def _sessions(before: datetime) -> int:
    return Session.objects.filter(Q(expire_date__lt=before) | Q(idle_until__lt=before)).delete()[0]


def _sign_ins(before: datetime) -> int:
    # One that still has a key is abandoned first, by the task that gives keys back.
    return SignIn.objects.filter(created_at__lt=before, encrypted_key="").delete()[0]


def _notices(before: datetime) -> int:
    return Notice.objects.filter(at__lt=before, next_attempt_at=None).delete()[0]


def _audit(before: datetime) -> int:
    if settings.DATABASE_APPLICATION_ROLE:
        # The panel's own role cannot delete here, which is the point: the owner's `manage.py purge_audit` does.
        return 0
    return seals.purge(AuditEvent, before) if seals.has_old(AuditEvent, before) else 0


keep_for("audit lines", "RETAIN_AUDIT_DAYS", _audit)
keep_for("notices", "RETAIN_NOTICES_DAYS", _notices)
keep_for("sessions", "RETAIN_SESSIONS_DAYS", _sessions)
keep_for("sign-ins", "RETAIN_SIGN_INS_DAYS", _sign_ins)
