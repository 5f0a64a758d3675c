"""Carts for tests: plain functions with defaults, as tests/factories.py has them."""

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.models import Link, Nichandle, User
from accounts.ovh import ORDERING_RULES
from carts.models import Cart, CartItem, Contact, ContactReading

OF_A_NAME: list[dict[str, Any]] = [
    {"label": "OWNER_LEGAL_AGE", "type": "bool", "required": True, "fields": None, "allowed_values": ["true", "false"]},
    {"label": "OWNER_CONTACT", "type": "/me/contact", "required": False, "fields": None, "allowed_values": None},
    {"label": "ADMIN_ACCOUNT", "type": "Nichandle", "required": False, "fields": None, "allowed_values": None},
    {"label": "TECH_ACCOUNT", "type": "Nichandle", "required": False, "fields": None, "allowed_values": None},
    {"label": "DNS", "type": "String", "required": False, "fields": None, "allowed_values": None},
]


def requirement(label: str, kind: str = "String", *, required: bool = False, values: Any = None) -> dict[str, Any]:
    return {"label": label, "type": kind, "required": required, "fields": None, "allowed_values": values}


def price(value: str | Decimal, code: str = "EUR") -> dict[str, str]:
    return {"value": str(value), "currency_code": code}


def may_order(user: User) -> None:
    """As if this person had allowed ordering at OVHcloud."""
    rules = [{"method": rule.method, "path": rule.path} for rule in ORDERING_RULES]
    Link.objects.filter(user=user).update(rules=rules)


def make_cart(nichandle: Nichandle, **fields: Any) -> Cart:
    return Cart.objects.create(nichandle=nichandle, **({"subsidiary": "FR"} | fields))


def make_name(cart: Cart, domain: str = "montagne.fr", **fields: Any) -> CartItem:
    """A domain name to register, whose requirements are read."""
    values = {
        "product": "domain",
        "plan_code": domain.partition(".")[2],
        "domain": domain,
        "pricing_mode": "create-default",
        "duration": "P1Y",
        "chosen_at_prices": {"PRICE": price("6.99"), "RENEW": price("6.99"), "TOTAL": price("4.99")},
        "prices": {"PRICE": price("6.99"), "RENEW": price("6.99"), "TOTAL": price("4.99")},
        "requirements": OF_A_NAME,
    } | fields
    return CartItem.objects.create(cart=cart, **values)


def make_vps(cart: Cart, **fields: Any) -> CartItem:
    values = {
        "product": "vps",
        "plan_code": "vps-1-2026",
        "name": "VPS-1",
        "duration": "P1M",
        "prices": {"PRICE": price("4.20"), "RENEW": price("4.20"), "TOTAL": price("4.20")},
        "requirements": [requirement("vps_datacenter", values=["GRA", "SBG"]), requirement("region", required=True)],
    } | fields
    return CartItem.objects.create(cart=cart, **values)


def line(description: str, total: str | Decimal, code: str = "EUR", **fields: Any) -> dict[str, Any]:
    return {
        "item": None,
        "description": description,
        "detail_type": "DURATION",
        "domain": "",
        "quantity": 1,
        "unit_price": price(total, code),
        "total_price": price(total, code),
        "original_total_price": price(total, code),
        "reduction_total_price": price("0", code),
        "reductions": [],
    } | fields


def quote(
    lines: Iterable[dict[str, Any]] = (), tax: str | Decimal = "1.40", code: str = "EUR", **fields: Any
) -> dict[str, Any]:
    """A dry run of these lines; without any, of one name. Its sums add up."""
    found = list(lines) or [line("montagne.fr - .fr registration - 12 months", "6.99", domain="*001")]
    without = sum((Decimal(one["total_price"]["value"]) for one in found), Decimal(0))
    content = "Terms of service (FR)"
    contract = {
        "name": "Terms of service\t",
        "url": "https://contracts.example.invalid/FR/1.pdf",
        "content": content,
        "sha256": hashlib.sha256(content.encode()).hexdigest(),
    }
    return {
        "lines": found,
        "prices": {
            "without_tax": price(without, code),
            "tax": price(tax, code),
            "with_tax": price(without + Decimal(tax), code),
            "original_without_tax": None,
            "reduction": None,
        },
        "contracts": [contract],
        "is_dry_run": True,
    } | fields


def put_quote(cart: Cart, told: dict[str, Any] | None = None) -> Cart:
    """As if OVHcloud had just judged what the cart holds."""
    cart.quote, cart.quoted_revision, cart.quoted_at = told or quote(), cart.revision, timezone.now()
    cart.next_mirror_at = None
    cart.save()
    return cart


def make_contact(nichandle: Nichandle, path: str = "/me/contact/3000001", **facts: Any) -> Contact:
    values = {
        "firstName": "Zoé",
        "lastName": "Durand",
        "email": "zoe@example.com",
        "legalForm": "individual",
        "language": "fr_FR",
        "phone": "+33.612345678",
        "address": {"line1": "2 rue du Port", "city": "Brest", "zip": "29200", "country": "FR"},
    } | facts
    ContactReading.objects.get_or_create(
        nichandle=nichandle, defaults={"read_at": timezone.now(), "next_read_at": None}
    )
    return Contact.objects.create(nichandle=nichandle, path=path, facts=values, read_at=timezone.now())
