"""/me/contact, /domain/contact, and what registries ask of them."""

from typing import Any

from .. import rules, world
from ..models import Belonging
from . import schema
from .errors import bad_request, no_such
from .routes import Call, route

_NUMBERS_FROM = 3_000_000
# What a contact cannot do without: the schema says that these are never null, not that they must be sent.
_NEEDED = ("address", "email", "firstName", "language", "lastName", "legalForm")
_MODELS = {"contact": "me.contact.Contact", "domainContact": "domain.Contact"}


def _all(call: Call, kind: str) -> list[Belonging]:
    return list(call.customer.belongings.filter(kind=kind).order_by("number"))


def _one(call: Call, kind: str, contact_id: int) -> Belonging:
    found = call.customer.belongings.filter(kind=kind, number=contact_id).first()
    if found is None:
        raise no_such("contactId", contact_id)
    return found


def _address(model: str, given: dict[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None
    name = {"me.contact.Contact": "me.contact.Address", "domain.Contact": "domain.ContactAddress"}[model]
    whole = schema.blank(name) | given
    if name == "me.contact.Address" and not {"city", "country", "line1"} <= set(whole):
        raise bad_request("Missing parameter(s): address.city, address.country, address.line1")
    return whole


def _create(call: Call, kind: str) -> dict[str, Any]:
    model = _MODELS[kind]
    number = _NUMBERS_FROM + world.next_numbers(1)[0]
    answer = schema.blank(model) | schema.writable(model, call.body) | {"id": number}
    answer["address"] = _address(model, answer.get("address"))
    call.customer.belongings.create(kind=kind, number=number, answer=answer)
    return answer


def _change(call: Call, kind: str, contact_id: int) -> dict[str, Any]:
    model, found = _MODELS[kind], _one(call, kind, contact_id)
    given = schema.writable(model, call.body)
    if "address" in given:
        given["address"] = _address(model, given["address"])
    found.answer |= given
    found.save(update_fields=["answer"])
    answer: dict[str, Any] = found.answer
    return answer


@route("GET /me/contact", expand=lambda call, ids: [one.answer for one in _all(call, "contact")])
def contacts(call: Call) -> list[int]:
    return [one.number for one in _all(call, "contact")]


@route("POST /me/contact", body=schema.body("POST /me/contact", required=_NEEDED))
def new_contact(call: Call) -> dict[str, Any]:
    return _create(call, "contact")


@route("GET /me/contact/{contactId}")
def contact(call: Call, contact_id: int) -> dict[str, Any]:
    answer: dict[str, Any] = _one(call, "contact", contact_id).answer
    return answer


@route("PUT /me/contact/{contactId}", body=schema.body("PUT /me/contact/{contactId}"))
def change_contact(call: Call, contact_id: int) -> dict[str, Any]:
    return _change(call, "contact", contact_id)


@route("GET /me/contact/{contactId}/fields")
def contact_fields(call: Call, contact_id: int) -> list[dict[str, Any]]:
    _one(call, "contact", contact_id)
    properties = schema.models()[_MODELS["contact"]]["properties"]
    return [
        {"fieldName": name, "mandatory": name in _NEEDED, "readOnly": one["readOnly"]}
        for name, one in properties.items()
    ]


@route("GET /domain/contact")
def domain_contacts(call: Call) -> list[dict[str, Any]]:
    return [one.answer for one in _all(call, "domainContact")]


@route("POST /domain/contact", body=schema.body("POST /domain/contact"))
def new_domain_contact(call: Call) -> dict[str, Any]:
    return _create(call, "domainContact")


@route("GET /domain/contact/{contactId}")
def domain_contact(call: Call, contact_id: int) -> dict[str, Any]:
    answer: dict[str, Any] = _one(call, "domainContact", contact_id).answer
    return answer


@route("PUT /domain/contact/{contactId}", body=schema.body("PUT /domain/contact/{contactId}"))
def change_domain_contact(call: Call, contact_id: int) -> dict[str, Any]:
    return _change(call, "domainContact", contact_id)


@route("GET /domain/configurationRule", needs="nothing", query=schema.query("GET /domain/configurationRule"))
def configuration_rule(call: Call) -> dict[str, Any]:
    return rules.tree_for(call.query["domain"], call.query["action"])


@route(
    "POST /domain/configurationRule/check",
    query=schema.query("POST /domain/configurationRule/check"),
    body=schema.body("POST /domain/configurationRule/check"),
)
def check_configuration_rule(call: Call) -> None:
    try:
        rules.check(call.query["domain"], call.query["action"], call.body)
    except rules.Unfit as unfit:
        raise bad_request(str(unfit)) from None
