"""/me: the account itself, and what it holds besides orders."""

from datetime import timedelta
from typing import Any

from .. import prepaid, world
from ..models import Customer
from . import schema
from .errors import no_such
from .routes import Call, route

_OPEN_SINCE = timedelta(days=500)


@route("GET /me")
def me(call: Call) -> dict[str, Any]:
    profile: dict[str, Any] = call.customer.profile
    return profile


@route("PUT /me", body=schema.body("PUT /me"))
def change_me(call: Call) -> None:
    profile = call.customer.profile | schema.writable("nichandle.Nichandle", call.body)
    Customer.objects.filter(pk=call.customer.pk).update(profile=profile)


# --- The prepaid account and the points: everybody has both, most of them empty ---


def _dates() -> dict[str, Any]:
    opened = world.on_wire((world.now() - _OPEN_SINCE).replace(hour=0, minute=0, second=0))
    return {"openDate": opened, "lastUpdate": opened}


def _set_aside(call: Call, kind: str) -> dict[str, Any]:
    """Return what the customer set for one of the two: an alert threshold."""
    found = call.customer.belongings.filter(kind=kind).first()
    return {"alertThreshold": None} | (found.answer if found else {})


def _set(call: Call, kind: str, model: str) -> None:
    call.customer.belongings.update_or_create(
        kind=kind, number=0, defaults={"answer": schema.writable(model, call.body)}
    )


@route("GET /me/fidelityAccount")
def fidelity_account(call: Call) -> dict[str, Any]:
    return {"balance": 0, "canBeCredited": True, **_dates(), **_set_aside(call, "fidelityAccount")}


@route("PUT /me/fidelityAccount", body=schema.body("PUT /me/fidelityAccount"))
def change_fidelity_account(call: Call) -> None:
    _set(call, "fidelityAccount", "billing.FidelityAccount")


def _account_id(call: Call) -> str:
    return str(call.customer.profile["ovhSubsidiary"])


def _known_account(call: Call, account_id: str) -> None:
    if account_id != _account_id(call):
        raise no_such("ovhAccountId", account_id)


@route("GET /me/ovhAccount")
def ovh_accounts(call: Call) -> list[str]:
    return [_account_id(call)]


@route("GET /me/ovhAccount/{ovhAccountId}")
def ovh_account(call: Call, account_id: str) -> dict[str, Any]:
    _known_account(call, account_id)
    return {
        "ovhAccountId": account_id,
        "balance": prepaid.balance(call.customer),
        "canBeCredited": True,
        "isActive": True,
        **_dates(),
        **_set_aside(call, "ovhAccount"),
    }


@route("PUT /me/ovhAccount/{ovhAccountId}", body=schema.body("PUT /me/ovhAccount/{ovhAccountId}"))
def change_ovh_account(call: Call, account_id: str) -> None:
    _known_account(call, account_id)
    _set(call, "ovhAccount", "billing.OvhAccount")
