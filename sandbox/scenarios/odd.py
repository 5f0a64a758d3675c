"""Orders whose answers surprise, on purpose also against the schema: what breaks panels."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from .. import world
from ..models import Customer
from ..money import Price, price
from .story import ALL_TODO, NONE, Line, Sketch

_MARKUP = '<img src=x onerror=alert(1)><script>alert("x")</script> & "quotes" \'and\' {{ braces }} {% tag %}'
_BIDI = "Domaine \u202e\u2066exemple.fr\u2069\u202c ‮gnp.exe\u202c"
_FORMULA = '=HYPERLINK("http://evil.example","Facture")'


def odd_orders(customer: Customer, now: datetime) -> list[Sketch]:
    def odd(days: float, description: str, amount: str = "9.99", status: str = "delivered", **more: Any) -> Sketch:
        kind = more.pop("detail_type", "DURATION")
        lines = [Line(description, Decimal(amount), kind, more.pop("domain", "*"))]
        return Sketch(customer, status, timedelta(days=days), lines, **more)

    return [
        odd(1, "Option payée en points", odd=_prices(price(Decimal("120"), "points"))),
        odd(2, "Commande gratuite", "0", "notPaid", lapses=False, expires_in=timedelta(days=30)),
        odd(3, "Avoir sur une commande précédente", "-49.99", detail_type="REFUND"),
        odd(4, _MARKUP, domain="<b>*</b>"),
        odd(5, _BIDI, domain="\u202eelpmaxe.rf\u202c"),
        odd(6, _FORMULA, domain="@SUM(1+1)*cmd|' /C calc'!A0"),
        odd(7, "État que personne ne connaît", status="awaitingMoonlight", paid=True),
        odd(8, "Type de ligne inconnu", detail_type="HOLOGRAM", odd_lines=[{"quantity": "deux"}]),
        odd(
            9,
            "Sans priceInUcents",
            odd=_prices(_without_ucents(price("11.99", "EUR"))),
            odd_lines=[{"total_price": _without_ucents(price("9.99", "EUR"))}],
        ),
        odd(10, "Montant à douze chiffres", "166666666666.67"),
        odd(11, "Sans suivi", tracking=NONE, odd={"left_out": ["metadatas"], "expiration_date": None}),
        odd(12, "Suivi jamais commencé, type absent", tracking=ALL_TODO, odd_lines=[{"detail_type": None}]),
        odd(13, "Suivi d'un autre monde", odd={"follow_up": _strange_tracking(now)}),
        odd(14, "Mot " * 400 + "long", odd={"metadatas": None}),
        odd(15, "Sans date", odd={"date": None, "retraction_date": None}),
        odd(16, "Devise sans nom", odd=_prices({"currencyCode": "N/A", "text": "N/A", "value": 0.0})),
        odd(17, "Devise inconnue", odd=_prices({"currencyCode": "XTS", "text": "12 XTS", "value": 12})),
        Sketch(customer, "delivered", timedelta(days=18), _two_hundred_lines()),
        Sketch(customer, "delivered", timedelta(days=19), [], odd={"password": "a&b=c<d>"}),
        odd(20, "Émoji 👩‍👩‍👧‍👦 et caractères rares 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 ﷽ 中文", domain="bücher.example"),
    ]


def _prices(total: Price) -> dict[str, Price]:
    zero = total | {"value": 0.0, "text": "0"}
    if "priceInUcents" in zero:
        zero["priceInUcents"] = 0
    return {"price_with_tax": total, "price_without_tax": total, "tax": zero}


def _without_ucents(quoted: Price) -> Price:
    return {name: value for name, value in quoted.items() if name != "priceInUcents"}


def _strange_tracking(now: datetime) -> list[dict[str, Any]]:
    """Steps out of order and missing, unknown words, entries out of order and in the future."""
    late, early = (world.on_wire(now + timedelta(days=days)) for days in (2, -13))
    return [
        {"step": "AVAILABLE", "status": "PERHAPS", "history": []},
        {
            "step": "VALIDATING",
            "status": "DONE",
            "history": [
                {"date": late, "label": "TELEPORTED", "description": "Téléportée"},
                {"date": early, "label": "ORDER_STARTED", "description": "<b>Commande</b> initiée"},
            ],
        },
        {"step": "POLISHING", "status": "DOING", "history": []},
    ]


def _two_hundred_lines() -> list[Line]:
    return [
        Line(f"Adresse IP additionnelle n° {number}", Decimal("1.50"), "ACCESSORY", f"192.0.2.{number}/32")
        for number in range(1, 201)
    ]
