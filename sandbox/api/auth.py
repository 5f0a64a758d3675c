"""/auth: the time, consumer keys and their requests."""

import secrets
import string
from typing import Any

from .. import world
from ..models import Credential
from . import fields
from .errors import bad_request, key_needed
from .fields import Field
from .routes import Call, route

_LETTERS = string.ascii_letters + string.digits
_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")


def random_word(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


@route("GET /auth/time", needs="nothing")
def time(call: Call) -> int:
    return world.unix_time()


def _rules(value: Any) -> list[dict[str, str]]:
    rule = fields.object_of(method=fields.one_of(*_METHODS), path=fields.text)
    try:
        rules: list[dict[str, str]] = fields.list_of(rule)(value)
    except ValueError:
        # Spelled so by OVHcloud.
        raise bad_request("Body parameter accessRules isn't formated correctly") from None
    if not rules:
        raise bad_request("Body parameter accessRules isn't formated correctly")
    return rules


@route(
    "POST /auth/credential",
    needs="application",
    body={
        "accessRules": Field("auth.AccessRule[]", _rules, required=True),
        "redirection": Field("string", fields.text, nullable=True),
        "allowedIPs": Field("ipBlock[]", fields.list_of(fields.ip_block), nullable=True),
    },
)
def request_credential(call: Call) -> dict[str, Any]:
    redirection = call.body.get("redirection")
    if redirection is not None and not redirection.startswith(("http://", "https://")):
        raise bad_request(fields.invalid("redirection", redirection, "string"))
    if call.application is None:
        raise key_needed
    credential = Credential.objects.create(
        application=call.application,
        consumer_key=random_word(32),
        token=random_word(64),
        rules=call.body["accessRules"],
        redirection=redirection,
        allowed_ips=call.body.get("allowedIPs"),
        creation=world.now(),
    )
    return {
        "consumerKey": credential.consumer_key,
        "state": credential.status,
        "validationUrl": f"{call.base}/auth/?credentialToken={credential.token}",
    }


def credential_answer(credential: Credential) -> dict[str, Any]:
    """Return auth.ApiCredential."""
    return {
        "credentialId": credential.credential_id,
        "applicationId": credential.application_id,
        "status": credential.status_at(world.now()),
        "creation": world.on_wire(credential.creation),
        "expiration": world.on_wire(credential.expiration),
        "lastUse": world.on_wire(credential.last_use),
        "ovhSupport": False,
        "rules": credential.rules,
        "allowedIPs": credential.allowed_ips,
    }


@route("GET /auth/currentCredential")
def current_credential(call: Call) -> dict[str, Any]:
    answer = credential_answer(call.signed_by)
    Credential.objects.filter(pk=call.signed_by.pk).update(last_use=world.now())
    return answer


@route("GET /auth/details")
def details(call: Call) -> dict[str, Any]:
    nichandle, service = call.customer.nichandle, call.service
    # An account lives in one region, and its identity says in which.
    region = "ca" if nichandle.endswith("-ca") else "eu"
    who = f"account:{nichandle}" if service is None else f"credential:{nichandle}/oauth2-{service.client_id}"
    return {
        "account": nichandle,
        "method": "account" if service is None else "oauth2_client_credentials",
        "identities": [f"urn:v1:{region}:identity:{who}"],
        "user": None,
        "description": None if service is None else service.description,
        "roles": None,
        # A service account's rights are its policy, not routes.
        "allowedRoutes": call.signed_by.rules if service is None else None,
    }


@route("POST /auth/token")
def token(call: Call) -> dict[str, str]:
    """Return a token of the support chat, which nobody here answers."""
    return {"token": random_word(64)}


@route("POST /auth/logout")
def logout(call: Call) -> None:
    Credential.objects.filter(pk=call.signed_by.pk).update(status="expired")
