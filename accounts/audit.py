"""The audit trail: one call to write a line. No audit, no act: the line is written in the act's own transaction."""

from ipaddress import ip_address, ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from accounts.models import AuditEvent


def client_address(request: HttpRequest) -> str:
    """The caller's address: the connection's, or what our own TRUSTED_PROXIES appended; never what a caller sent."""
    if settings.TRUSTED_PROXIES:
        hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
        if len(hops) >= settings.TRUSTED_PROXIES:
            return hops[-settings.TRUSTED_PROXIES][:64]
    return str(request.META.get("REMOTE_ADDR", ""))[:64]


def kept_address(request: HttpRequest) -> str:
    """As much of the caller's address as the operator keeps: all of it, its network (/24, /48), or nothing."""
    address = client_address(request)
    if settings.AUDIT_ADDRESSES == "full":
        return address
    if settings.AUDIT_ADDRESSES == "none":
        return ""
    try:
        prefix = 24 if ip_address(address).version == 4 else 48
        return str(ip_network(f"{address.partition('%')[0]}/{prefix}", strict=False))
    except ValueError:
        return ""


def record(
    request: HttpRequest | None,
    action: str,
    *,
    subject: str = "",
    target: str = "",
    result: str = "done",
    actor: str | None = None,
    **detail: Any,
) -> AuditEvent:
    """
    Write one line.

    subject: the nichandle it is about. target: which object, in words a person can look up. result: done, refused or
    failed. request None: the panel itself acted.
    """
    user = getattr(request, "user", None)
    if actor is None:
        actor = user.get_username() if user is not None and user.is_authenticated else ""
    return AuditEvent.objects.create(
        actor=actor,
        subject=subject,
        action=action,
        target=str(target).replace("\0", "")[:200],  # PostgreSQL stores no NUL, and no line must fail for one
        result=result,
        address=kept_address(request) if request is not None else "",
        request_id=getattr(request, "request_id", ""),
        detail=detail,
    )
