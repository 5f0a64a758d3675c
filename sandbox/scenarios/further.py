"""Further accounts of the demo: each stands for one thing that a tool meets sooner or later."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from .. import world
from ..models import Belonging, Customer
from ..money import price
from .products import domain, hosting, vps
from .story import NONE, Sketch, Story

# Calls that a grant of the account with revoked credentials survives.
REVOKED_AFTER = 20
# Milliseconds: half of the slow account's answers take longer.
SLOW_MEDIAN_MS = 400
VETERAN_ORDERS = 5_300


def further_accounts(story: Story) -> list[Sketch]:
    sketches = _german(story)
    veteran(story)
    sketches += _canadian(story)
    sketches += _revoked(story)
    sketches += _slow(story)
    return sketches


def _german(story: Story) -> list[Sketch]:
    anna = story.customer(
        "mm60606-ovh",
        "private individual in Germany, with holidays of its own, debts, credit balances and a prepaid account",
        "amber-forest-21",
        customerCode="6060-6000-44",
        email="max.muster@example.com",
        name="Muster",
        firstname="Max",
        ovhSubsidiary="DE",
        country="DE",
        language="de_DE",
        address="6 Musterstraße",
        city="Berlin",
        zip="10115",
        phone="+49.3000000006",
        phoneCountry="DE",
    )
    story.payment_method(anna, "SEPA_DIRECT_DEBIT", "DE89 XXXX XXXX XXXX XXXX 42", default=True)
    story.payment_method(anna, "PAYPAL", "max.muster@example.com")
    story.payment_method(anna, "DEFERRED_PAYMENT_ACCOUNT", "30 days")
    _belongs(story, anna, "balance", 0, {"balanceName": "WELCOME", "amount": price(Decimal(5), "EUR")})
    _belongs(story, anna, "prepaid", 0, price(Decimal(30), "EUR"))
    in_debt = Sketch(anna, "delivered", timedelta(days=32), hosting("59.88", "en", "muster.example", "Pro"))
    in_debt.then = _debt
    paid_debt = Sketch(anna, "delivered", timedelta(days=95), vps("8.49", "en", "vps-6060aaaa.vps.example.net"))
    paid_debt.then = _paid_debt
    return [
        Sketch(anna, "notPaid", timedelta(hours=4), vps("4.20", "en")),
        Sketch(anna, "delivered", timedelta(days=5), vps("8.49", "en", "vps-6060bbbb.vps.example.net", "VPS-2")),
        Sketch(anna, "delivered", timedelta(days=12), domain("muster.example", "7.49", "en"), waived=True),
        in_debt,
        paid_debt,
    ]


def _belongs(story: Story, customer: Customer, kind: str, number: int, answer: dict[str, Any]) -> None:
    story.belongings.append(Belonging(customer=customer, kind=kind, number=number, answer=answer))


def _debt(story: Story, order: Any) -> None:
    _owe(story, order, paid=False)


def _paid_debt(story: Story, order: Any) -> None:
    _owe(story, order, paid=True)


def _owe(story: Story, order: Any, *, paid: bool) -> None:
    amount, zero = order.price_with_tax, price(0, order.customer.currency)
    left = zero if paid else amount
    debt = {
        "debtId": 900_000_000 + order.order_id % 1_000_000,
        "orderId": order.order_id,
        "date": world.on_wire(order.date),
        "dueDate": world.on_wire(order.date + timedelta(days=30)),
        "status": "PAID" if paid else "UNPAID",
        "amount": amount,
        "dueAmount": left,
        "todoAmount": left,
        "pendingAmount": zero,
        "unmaturedAmount": zero,
    }
    operation = {
        "operationId": 910_000_000 + order.order_id % 1_000_000,
        "amount": amount,
        "date": world.on_wire(order.date + timedelta(days=20)),
        "depositOrderId": order.order_id,
        "status": "PAID" if paid else "FAILED",
        "type": "CREDITCARD_AUTOMATIC",
    }
    answer = {"debt": debt, "operations": [operation], "deposits": []}
    _belongs(story, order.customer, "debt", order.order_id, answer)


def veteran(story: Story) -> Customer:
    """Add the account with ten years of orders. They are told when it is first asked for: see untold.py."""
    customer = story.customer(
        "vt53000-ovh",
        f"{VETERAN_ORDERS:,} orders over ten years, company in France",
        "patient-oak-43",
        customerCode="5300-0000-55",
        email="achats@vieux-tilleul.example",
        name="Tilleul",
        firstname="Odile",
        organisation="Imprimerie du Vieux Tilleul",
        legalform="corporation",
        address="53 rue de l'Exemple",
        city="Tours",
        zip="37000",
        phone="+33.900000053",
        phoneCountry="FR",
    )
    customer.quirks = {"untold": VETERAN_ORDERS}
    story.payment_method(customer, "SEPA_DIRECT_DEBIT", "FR76 XXXX XXXX XXXX XXXX XXXX 530", default=True)
    return customer


def _canadian(story: Story) -> list[Sketch]:
    customer = story.customer(
        "ca70707-ca",
        "private individual in Canada: a subsidiary outside the European schema, Canadian dollars",
        "maple-window-65",
        customerCode="7070-7000-66",
        email="claire.tremblay@example.com",
        name="Tremblay",
        firstname="Claire",
        ovhSubsidiary="QC",
        country="CA",
        language="fr_CA",
        currency={"code": "CAD", "symbol": "$"},
        address="7 rue du Modèle",
        area="QC",
        city="Montréal",
        zip="H2X 0A0",
        phone="+1.5140000007",
        phoneCountry="CA",
    )
    story.payment_method(customer, "CREDIT_CARD", "4520 00XX XXXX XX07", default=True)
    return [
        Sketch(customer, "notPaid", timedelta(hours=5), vps("6.75", "fr")),
        Sketch(customer, "delivered", timedelta(days=4), vps("11.50", "fr", "vps-7070cccc.vps.example.net", "VPS-2")),
        Sketch(customer, "delivered", timedelta(days=200), hosting("47.88", "fr", "erable.example"), tracking=NONE),
    ]


def _revoked(story: Story) -> list[Sketch]:
    customer = story.customer(
        "rv80808-ovh",
        f"every credential is revoked after {REVOKED_AFTER} calls",
        "broken-key-87",
        email="remi.verdier@example.com",
        name="Verdier",
        firstname="Rémi",
        address="8 rue de l'Exemple",
        city="Nantes",
        zip="44000",
    )
    customer.quirks = {"revoked_after": REVOKED_AFTER}
    return [Sketch(customer, "delivered", timedelta(days=2), vps("4.20", "fr", "vps-8080dddd.vps.example.net"))]


def _slow(story: Story) -> list[Sketch]:
    customer = story.customer(
        "sl90909-ovh",
        "slow answers",
        "lazy-snail-09",
        email="sophie.lenoir@example.com",
        name="Lenoir",
        firstname="Sophie",
        address="9 rue de l'Exemple",
        city="Rennes",
        zip="35000",
    )
    customer.quirks = {"median_ms": SLOW_MEDIAN_MS}
    return [
        Sketch(customer, "notPaid", timedelta(hours=2), vps("4.20", "fr")),
        Sketch(customer, "delivered", timedelta(days=6), hosting("35.88", "fr", "lent.example", "Pro")),
    ]
