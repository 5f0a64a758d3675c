"""Who calls: application key, consumer key, timestamp and signature, looked at before anything is decided."""

import hmac
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from django.db.models import F

from .. import tokens, world
from ..callers import holder_of
from ..models import Application, Credential, Customer, ServiceAccount
from ..signatures import is_granted, sign
from . import errors

# Seconds that a timestamp may be off. The real figure is not published.
TOLERANCE_S = 180


@dataclass(frozen=True)
class Caller:
    """What a request says of its sender. signature is `wrong` too when it could not be checked."""

    application_key: str | None
    application: Application | None
    consumer_key: str | None
    credential: Credential | None
    in_time: bool
    signature: Literal["ok", "wrong", "none"]
    address: str
    # Who a bearer token is of, where one came; a token that is none, or over, is of nobody.
    service: ServiceAccount | None = None

    @property
    def nichandle(self) -> str | None:
        if self.service is not None:
            return self.service.customer_id
        return self.credential.customer_id if self.credential else None


def examine(method: str, urls: Iterable[str], headers: Mapping[str, str], body: bytes, address: str) -> Caller:
    """
    Look at the keys and the signature of a request. Reads at most two rows, and refuses nothing.

    headers: names in lower case.
    """
    authorization = headers.get("authorization")
    if authorization is not None and authorization[:7].lower() == "bearer ":
        return Caller(None, None, None, None, False, "none", address, tokens.bearer(authorization[7:].strip()))
    application_key = headers.get("x-ovh-application")
    consumer_key = headers.get("x-ovh-consumer")
    timestamp = headers.get("x-ovh-timestamp", "")
    signature = headers.get("x-ovh-signature")
    credential = application = None
    if consumer_key and "\0" not in consumer_key:
        credential = holder_of(consumer_key)
    if credential is not None and credential.application.key == application_key:
        application = credential.application
    elif application_key and "\0" not in application_key:
        application = Application.objects.filter(key=application_key).first()
        # A consumer key of another application does not exist for this one.
        credential = None
    found: Literal["ok", "wrong", "none"] = "none" if signature is None else "wrong"
    if signature is not None and application is not None and consumer_key:
        expected = [sign(application.secret, consumer_key, method, url, body, timestamp) for url in urls]
        if any(hmac.compare_digest(signature.encode(), one.encode()) for one in expected):
            found = "ok"
    return Caller(application_key, application, consumer_key, credential, _in_time(timestamp), found, address)


def require(caller: Caller, method: str, path: str) -> Credential:
    """
    Return the credential of a caller who may make this call. The order of the checks is the contract's.

    path: as sent, without /1.0.
    """
    if caller.application_key is None:
        raise errors.login_first
    if caller.application is None:
        raise errors.invalid_key
    if caller.consumer_key is None:
        raise errors.login_first
    if caller.credential is None:
        raise errors.not_credential
    if not caller.in_time:
        raise errors.out_of_time
    if caller.signature != "ok":
        raise errors.invalid_signature
    credential = caller.credential
    if credential.status_at(world.now()) != "validated" or credential.customer is None:
        raise errors.invalid_credential
    if not _address_allowed(credential.allowed_ips, caller.address):
        raise errors.invalid_credential
    if not is_granted(credential.rules, method, path):
        raise errors.not_granted
    return _worn(credential, credential.customer)


def _worn(credential: Credential, customer: Customer) -> Credential:
    """Count the call where the customer's grants wear out, and let the last one have been."""
    limit = customer.quirks.get("revoked_after")
    if limit is not None:
        Credential.objects.filter(pk=credential.pk).update(calls=F("calls") + 1)
        if credential.calls >= limit:
            Credential.objects.filter(pk=credential.pk).update(status="expired")
            raise errors.invalid_credential
    return credential


def _in_time(timestamp: str) -> bool:
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    return abs(int(timestamp) - world.unix_time()) <= TOLERANCE_S


def _address_allowed(blocks: list[str] | None, address: str) -> bool:
    if not blocks:
        return True
    try:
        sender = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(sender in ipaddress.ip_network(block, strict=False) for block in blocks)
