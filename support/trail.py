"""What staff do, in the audit trail: their signing in, good and bad, and each look at customers' data."""

import hashlib
from typing import Any

from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit
from accounts.http import StaffRequest


def looked(request: StaffRequest, action: str, *, subject: str = "", target: str = "", **facts: Any) -> None:
    """
    Write who looked at what. Call it in the transaction that reads: no line, no page.

    facts: `result` (done by default), and whatever else a person asks afterwards, such as the words searched for.
    """
    audit.record(request, action, subject=subject, target=target, session=_session(request), **facts)


def refused(request: HttpRequest, login: str, why: str) -> None:
    """Write a sign-in that failed. What was typed is kept where it is an address: else it may be a password."""
    audit.record(request, "staff_sign_in", actor="", target=login if "@" in login else "", result="refused", why=why)


def _session(request: HttpRequest) -> str:
    """Tells two sessions of one person apart without being of use to a thief."""
    return hashlib.sha256((request.session.session_key or "").encode()).hexdigest()[:16]


@receiver(user_logged_in, dispatch_uid="staff_sign_in")
def _signed_in(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    if user.is_staff:
        audit.record(request, "staff_sign_in", actor=user.username, target=user.username)


@receiver(user_login_failed, dispatch_uid="staff_sign_in_refused")
def _password_refused(credentials: dict[str, Any], request: HttpRequest | None = None, **kwargs: Any) -> None:
    if request is not None:
        refused(request, str(credentials.get("username", "")), "password")


@receiver(authentication_failed, dispatch_uid="staff_code_refused")
def _code_refused(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    refused(request, user.username, "code")
