"""/me/api: what an account made and granted: applications, credentials, service accounts."""

import secrets
from typing import Any

from django.db.models import QuerySet

from .. import world
from ..models import Application, Credential, ServiceAccount
from . import fields, schema
from .auth import credential_answer, random_word
from .errors import no_such
from .fields import Field
from .routes import Call, route


@route("GET /me/api/application")
def applications(call: Call) -> list[int]:
    owned = Application.objects.filter(owner=call.customer.nichandle)
    return list(owned.order_by("pk").values_list("pk", flat=True))


def _granted(call: Call) -> QuerySet[Credential]:
    return Credential.objects.filter(customer=call.customer).order_by("pk")


@route(
    "GET /me/api/credential",
    query={
        "applicationId": Field("long", fields.long),
        "status": Field("auth.CredentialStateEnum", schema.converter("auth.CredentialStateEnum")),
    },
)
def credentials(call: Call) -> list[int]:
    found = _granted(call)
    if "applicationId" in call.query:
        found = found.filter(application_id=call.query["applicationId"])
    wanted, now = call.query.get("status"), world.now()
    return [one.credential_id for one in found if wanted in (None, one.status_at(now))]


def _credential(call: Call, credential_id: int) -> Credential:
    found = _granted(call).filter(pk=credential_id).first()
    if found is None:
        raise no_such("credentialId", credential_id)
    return found


@route("GET /me/api/credential/{credentialId}")
def credential(call: Call, credential_id: int) -> dict[str, Any]:
    return credential_answer(_credential(call, credential_id))


@route("PUT /me/api/credential/{credentialId}", body=schema.of_model("auth.ApiCredential"))
def change_credential(call: Call, credential_id: int) -> None:
    """Change from where a credential may be used; the rest of it is read-only."""
    found = _credential(call, credential_id)
    changed = schema.writable("auth.ApiCredential", call.body)
    Credential.objects.filter(pk=found.pk).update(allowed_ips=changed.get("allowedIPs", found.allowed_ips))


@route("DELETE /me/api/credential/{credentialId}")
def delete_credential(call: Call, credential_id: int) -> None:
    _credential(call, credential_id).delete()


@route(
    "POST /me/api/oauth2/client",
    body={
        "callbackUrls": Field("string[]", fields.list_of(fields.text), required=True),
        "flow": Field("api.oauth2.FlowEnum", fields.one_of("CLIENT_CREDENTIALS"), required=True),
        "name": Field("string", fields.text, required=True),
        "description": Field("string", fields.text, required=True),
    },
)
def new_service_account(call: Call) -> dict[str, str]:
    """Make a service account. Its policy lets it do everything, for there is no IAM here to write one with."""
    made = ServiceAccount.objects.create(
        client_id=f"EU.{secrets.token_hex(8)}",
        secret=random_word(32),
        customer=call.customer,
        name=call.body["name"],
        description=call.body["description"],
        actions=["*"],
    )
    return {"clientId": made.client_id, "clientSecret": made.secret}
