"""Orders to pay, at the sandbox and in our rows, and the words that the tests of paying share."""

from typing import Any

from accounts.models import Link, Nichandle
from accounts.ovh import ORDERING_RULES
from orders.models import Intent, Order, PaymentChoices
from orders.payment import choices
from tests.factories import make_customer, make_order
from tests.sandboxes import Sandbox

WIDE = [{"method": rule.method, "path": rule.path} for rule in ORDERING_RULES]


def payer(ovh: Sandbox, about: str = "France") -> Nichandle:
    """The account of a sandbox's customer, whose key may order and pay."""
    who = ovh.customer(about)
    link = Link.objects.filter(nichandle__nichandle=who["nichandle"]).first()
    if link is None:
        link = Link.objects.get(user=make_customer(nichandle=who["nichandle"]))
        link.keep_key(who["consumer_key"])
        link.rules = WIDE
        link.save()
    return link.nichandle


def unpaid(ovh: Sandbox, account: Nichandle | None = None, price: str = "11.99", **fields: Any) -> Order:
    """An unpaid order there and here, with its choices read."""
    account = account or payer(ovh)
    number = ovh.make_order(next(c for c in ovh.customers if c["nichandle"] == account.nichandle), price=price)
    order = make_order(account, number, status="notPaid", was_paid=False, payment_date=None, price=price, **fields)
    choices.read_choices(order.pk)
    return order


def keys(order: Order) -> dict[str, str]:
    """The choices by their label's end: "02" is the card that every bank refuses."""
    row = PaymentChoices.objects.get(order=order)
    return {(entry["label"] or entry["type"])[-2:]: entry["key"] for entry in row.choices}


def ask(order: Order, key: str = "", **fields: Any) -> Intent:
    """An intent as pay_order writes it, by the default unless told."""
    entries = PaymentChoices.objects.get(order=order).choices
    entry = next(entry for entry in entries if entry["key"] == key or (not key and entry["default"]))
    arguments = entry | {"amount": "11.99 EUR"}
    values = {"kind": "payment", "nichandle": order.nichandle, "order": order, "arguments": arguments}
    return Intent.objects.create(**(values | fields))


def calls(ovh: Sandbox, order: Order, since: int = 0) -> list[str]:
    """The calls that pay, by their route."""
    at = f"/1.0/me/order/{order.order_id}/"
    found = [call["path"].removeprefix(at) for call in ovh.requests(since) if call["method"] == "POST"]
    return [route for route in found if route in ("pay", "payWithRegisteredPaymentMean")]


def paid(ovh: Sandbox, order: Order) -> int:
    return ovh.events(order.order_id).count("paid")
