"""OAuth2 client credentials: access tokens, and what a service account's policy lets it do."""

import hmac
from fnmatch import fnmatchcase

from django.core import signing

from . import world
from .models import ServiceAccount

LIVES_S = 3599
_SALT = "access token"


def grant(client_id: str, secret: str) -> str | None:
    """Return a new access token, None where there is no such client or its secret is another."""
    found = _account(client_id)
    if found is None or not hmac.compare_digest(found.secret.encode(), secret.encode()):
        return None
    return signing.dumps([client_id, world.unix_time() + LIVES_S], salt=_SALT)


def bearer(token: str) -> ServiceAccount | None:
    """Return whose token this is, None where it is nobody's or over."""
    try:
        client_id, until = signing.loads(token, salt=_SALT)
    except signing.BadSignature:
        return None
    return _account(client_id) if world.unix_time() < until else None


def _account(client_id: str) -> ServiceAccount | None:
    if "\0" in client_id:
        return None
    return ServiceAccount.objects.select_related("customer").filter(pk=client_id).first()


def may(account: ServiceAccount, action: str) -> bool:
    """Tell whether a policy covers an action of IAM, such as account:apiovh:me/order/get."""
    return any(fnmatchcase(action, pattern) for pattern in account.actions)
