"""
The world of the demo.

Orders that show a status stand still; those marked `lives` go on as if paid just now.
"""

from datetime import timedelta
from typing import Any

from ..models import Customer
from . import people
from .further import further_accounts
from .odd import odd_orders
from .products import certificate, dedicated, domain, email, gift, hosting, licence, vps
from .story import ALL_TODO, NONE, Line, Sketch, Story


def demo(story: Story) -> None:
    anna = people.french_individual(story)
    company = people.british_company(story)
    people.without_orders(story)
    odd = people.odd_one(story)
    thomas = people.with_second_factor(story)
    story.tell([*_of_anna(anna), *_of_company(company), *odd_orders(odd, story.now), *_of_thomas(thomas)])
    # Told apart, and later: nothing about the accounts above changes with those below.
    story.tell(further_accounts(story))


def _ago(days: float = 0, hours: float = 0, minutes: float = 0) -> timedelta:
    return timedelta(days=days, hours=hours, minutes=minutes)


def _of_anna(anna: Customer) -> list[Sketch]:
    return [*_unpaid(anna), *_under_way(anna), *_withdrawable(anna), *_bygone(anna), *_called_off(anna)]


def _unpaid(anna: Customer) -> list[Sketch]:
    def unpaid(age: timedelta, lines: list[Line], **more: Any) -> Sketch:
        return Sketch(anna, "notPaid", age, lines, **more)

    return [
        unpaid(_ago(minutes=35), domain("lavande-et-cie.fr", "5.99", "fr"), waived=True),
        unpaid(_ago(days=1, hours=2), vps("8.49", "fr", size="VPS-2")),
        unpaid(_ago(hours=20), hosting("35.88", "fr", plan="Pro"), expires_in=timedelta(hours=26)),
        # A payment is on its way.
        unpaid(_ago(hours=3), vps("4.20", "fr"), tracking=["ORDER_STARTED", "PAYMENT_INITIATED"]),
        # Past their date, and still listed.
        unpaid(_ago(days=12), vps("12.75", "fr", size="VPS-3"), lapses=False),
        unpaid(_ago(days=40), domain("atelier-du-sel.bzh", "39.00", "fr"), lapses=False, tracking=NONE),
        unpaid(
            _ago(days=75),
            domain("martin-photo.fr", "6.99", "fr", "RENEW"),
            lapses=False,
            renewal=True,
            expires_in=timedelta(days=1),
        ),
    ]


def _under_way(anna: Customer) -> list[Sketch]:
    started = ["ORDER_STARTED", "PAYMENT_INITIATED", "PAYMENT_RECEIVED"]
    accepted = [*started, "FRAUD_CHECK", "PAYMENT_CONFIRMED", "ORDER_ACCEPTED"]
    return [
        Sketch(anna, "checking", _ago(hours=5), vps("22.90", "fr", size="VPS-4"), tracking=[*started, "FRAUD_CHECK"]),
        Sketch(
            anna,
            "checking",
            _ago(days=1, hours=6),
            dedicated("119.99", "fr", "*001", "99.99"),
            tracking=[*started, "FRAUD_CHECK", "FRAUD_MANUAL_REVIEW"],
        ),
        Sketch(anna, "checking", _ago(minutes=1), hosting("29.88", "fr"), lives=True),
        Sketch(
            anna,
            "documentsRequested",
            _ago(days=2, hours=3),
            vps("45.60", "fr", size="VPS-6"),
            tracking=[*started, "FRAUD_CHECK", "FRAUD_MANUAL_REVIEW", "FRAUD_DOCS_REQUESTED"],
        ),
        Sketch(
            anna,
            "documentsRequested",
            _ago(days=6),
            [*vps("8.49", "fr", size="VPS-2"), *domain("recettes-de-mamie.fr", "5.99", "fr")],
            tracking=[*started, "FRAUD_CHECK", "FRAUD_DOCS_REQUESTED"],
        ),
        Sketch(anna, "delivering", _ago(hours=1, minutes=10), vps("8.49", "fr", size="VPS-2"), tracking=accepted),
        Sketch(
            anna,
            "delivering",
            _ago(hours=9),
            [*hosting("59.88", "fr", plan="Performance"), *gift("Remise de bienvenue - 10 %", "5.99")],
            tracking=[*accepted, "INVOICE_IN_PROGRESS", "INVOICE_SENT"],
        ),
        Sketch(anna, "delivering", _ago(minutes=3), vps("4.20", "fr"), lives=True),
        Sketch(anna, "unknown", _ago(days=4), licence("9.90", "fr", 2), paid=True, waived=True, tracking=NONE),
        Sketch(
            anna,
            "cancelling",
            _ago(days=3, hours=4),
            vps("12.75", "fr", "vps-7c1d2e3f.vps.example.net", "VPS-3"),
            retracted=True,
        ),
    ]


def _withdrawable(anna: Customer) -> list[Sketch]:
    """Delivered, and the right of withdrawal is still open; the last one for a few hours only."""

    def delivered(age: timedelta, lines: list[Line], **more: Any) -> Sketch:
        return Sketch(anna, "delivered", age, lines, **more)

    registered = [
        *("ORDER_STARTED", "REGISTERED_PAYMENT_INITIATED", "PAYMENT_RECEIVED", "PAYMENT_CONFIRMED"),
        *("ORDER_ACCEPTED", "INVOICE_IN_PROGRESS", "INVOICE_SENT", "DELIVERY"),
    ]
    return [
        delivered(_ago(days=1), vps("8.49", "fr", "vps-0a1b2c3d.vps.example.net", "VPS-2")),
        delivered(_ago(days=3), hosting("35.88", "fr", "lavande.example.org", "Pro"), tracking=registered),
        delivered(_ago(days=6, hours=7), email("1.99", "fr", 5, "martin-photo.example")),
        delivered(
            _ago(days=9),
            [
                *hosting("29.88", "fr", "cours-de-piano.example"),
                *domain("cours-de-piano.example", "7.99", "fr"),
                *gift("Nom de domaine offert la première année", "7.99", "cours-de-piano.example"),
            ],
        ),
        delivered(_ago(days=12), vps("22.90", "fr", "vps-44556677.vps.example.net", "VPS-4"), tracking=ALL_TODO),
        delivered(_ago(days=13, hours=18), vps("4.20", "fr", "vps-89abcdef.vps.example.net")),
    ]


def _bygone(anna: Customer) -> list[Sketch]:
    """Delivered, and there is no right of withdrawal: too long ago, a renewal, a domain name, waived."""

    def delivered(days: float, lines: list[Line], **more: Any) -> Sketch:
        return Sketch(anna, "delivered", timedelta(days=days), lines, **more)

    return [
        delivered(2, domain("lavande.example", "5.99", "fr"), waived=True),
        delivered(5, certificate("149.00", "fr", "www.lavande.example"), waived=True),
        delivered(7, domain("martin-photo.example", "6.99", "fr", "RENEW"), renewal=True, expires_in=timedelta(days=1)),
        delivered(8, licence("9.90", "fr", 3), waived=True),
        delivered(15, vps("8.49", "fr", "vps-12ab34cd.vps.example.net", "VPS-2")),
        delivered(22, domain("chalet-des-cimes.example", "8.39", "fr", "TRANSFER"), waived=True),
        delivered(34, email("1.99", "fr", 12, "chalet-des-cimes.example"), tracking=ALL_TODO),
        delivered(48, [*dedicated("119.99", "fr", "ns3141592.ip-192-0-2.example", "99.99")]),
        delivered(61, [*hosting("119.88", "fr", "ecole.example", "Performance"), *_many_lines()]),
        delivered(90, hosting("29.88", "fr", "ancien-site.example"), tracking=ALL_TODO),
        delivered(130, domain("ancien-site.example", "6.99", "fr", "RENEW"), renewal=True),
        delivered(180, [Line("Offre de découverte - 1 mois", vps("0", "fr")[1].unit, "DURATION", "*001")]),
        delivered(260, vps("4.20", "fr", "vps-99887766.vps.example.net"), tracking=ALL_TODO),
        delivered(400, hosting("29.88", "fr", "premier-blog.example"), tracking=NONE),
        delivered(401, domain("premier-blog.example", "5.99", "fr"), tracking=NONE, waived=True),
        delivered(765, domain("premier-blog.example", "6.99", "fr", "RENEW"), tracking=NONE, renewal=True),
        delivered(1130, domain("premier-blog.example", "6.49", "fr", "RENEW"), tracking=NONE, renewal=True),
    ]


def _many_lines() -> list[Line]:
    names = ("accueil", "boutique", "forum", "photos", "agenda", "annuaire", "archives", "contact", "aide", "cantine")
    return [line for name in names for line in domain(f"{name}-ecole.example", "5.99", "fr")]


def _called_off(anna: Customer) -> list[Sketch]:
    refused = [
        *("ORDER_STARTED", "PAYMENT_INITIATED", "PAYMENT_RECEIVED", "FRAUD_CHECK"),
        *("FRAUD_MANUAL_REVIEW", "FRAUD_DOCS_REQUESTED", "FRAUD_REFUSED"),
    ]
    return [
        Sketch(
            anna,
            "cancelled",
            _ago(days=10),
            vps("8.49", "fr", "vps-55aa55aa.vps.example.net", "VPS-2"),
            retracted=True,
            refunded=True,
        ),
        Sketch(anna, "cancelled", _ago(days=27), vps("45.60", "fr", size="VPS-6"), tracking=refused, refunded=True),
        Sketch(anna, "cancelled", _ago(days=55), hosting("29.88", "fr"), paid=False, tracking=NONE),
    ]


def _of_company(company: Customer) -> list[Sketch]:
    def order(status: str, age: timedelta, lines: list[Line], **more: Any) -> Sketch:
        return Sketch(company, status, age, lines, **more)

    return [
        order("notPaid", _ago(hours=6), dedicated("109.99", "en", "*001", "89.99")),
        order("notPaid", _ago(days=21), email("1.79", "en", 40), lapses=False),
        order("checking", _ago(days=1), vps("20.40", "en", size="VPS-4")),
        order("delivering", _ago(hours=2), email("1.79", "en", 25, "harbour-books.example")),
        order("delivered", _ago(days=2), hosting("107.88", "en", "shop.harbour-books.example", "Performance")),
        order("delivered", _ago(days=11), domain("harbour-books.example", "7.99", "en", "RENEW"), renewal=True),
        order("delivered", _ago(days=30), vps("7.60", "en", "vps-b0015000.vps.example.net", "VPS-2")),
        order("delivered", _ago(days=64), certificate("135.00", "en", "shop.harbour-books.example"), tracking=ALL_TODO),
        order("delivered", _ago(days=150), dedicated("109.99", "en", "ns2718281.ip-198-51-100.example", "89.99")),
        order("delivered", _ago(days=376), domain("harbour-books.example", "7.49", "en"), tracking=NONE),
        order("cancelled", _ago(days=45), vps("40.80", "en", size="VPS-6"), refunded=True),
        order("documentsRequested", _ago(days=4), dedicated("109.99", "en", "*001", "89.99")),
    ]


def _of_thomas(thomas: Customer) -> list[Sketch]:
    return [
        Sketch(thomas, "notPaid", _ago(hours=2), domain("velo-simon.fr", "5.99", "fr"), waived=True),
        Sketch(thomas, "delivered", _ago(days=4), vps("8.49", "fr", "vps-51304000.vps.example.net", "VPS-2")),
        Sketch(thomas, "delivered", _ago(days=300), hosting("29.88", "fr", "velo.example"), tracking=NONE),
    ]
