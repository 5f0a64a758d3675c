"""A small world for attacks: A with orders worth stealing, B who would like to, and everybody else who may knock."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Link, User
from carts.models import Cart, CartItem, Checkout, Contact, Plan
from orders import actions
from orders.models import Intent, Order, Receipt, Retraction, Status
from tests.carts import made as cart_rows
from tests.factories import make_canary, make_customer, make_detail, make_kept, make_nichandle, make_order, make_staff

# Words that stand in A's rows and in nobody else's.
SECRETS_OF_A = ("Agathe", "Canari", "agathe@canari.example", "canari.example", "VPS Canari")


@dataclass(frozen=True)
class Sieged:
    """
    order: A's unpaid one. withdrawn: A's delivered one, declared. theirs: B's. public: made without
    signing in. kept: the operator's hold on an account of nobody here. unknown: a number nobody has.
    item: a product in A's cart. contact: of A's. checkout: A's, being ordered from another cart.
    """

    a: User
    b: User
    clara: User
    new: User
    support: User
    supervisor: User
    administrator: User
    order: Order
    withdrawn: Order
    theirs: Order
    reference: str
    public: Retraction
    kept: Link
    item: CartItem
    contact: Contact
    checkout: Checkout
    unknown: int = 999_999_999


ACTORS = (
    "visitor",
    "other",
    "owner",
    "revoked",
    "disabled",
    "linked",
    "nofactor",
    "support",
    "supervisor",
    "administrator",
)


@pytest.fixture
def sieged(db: None) -> Sieged:
    make_canary()
    account = make_nichandle("agathe1-ovh", firstname="Agathe", name="Canari", email="agathe@canari.example")
    a, b = make_customer(account), make_customer("bruno2-ovh", firstname="Bruno", name="Blanc")
    clara = make_customer("clara4-ovh", firstname="Clara", name="Clair")
    now = timezone.now()
    made: dict[str, Any] = {"first_description": "VPS Canari", "search_text": "VPS Canari canari.example"}
    unpaid = make_order(account, 238_100_001, status=Status.NOT_PAID, **made)
    paid = make_order(account, 238_100_002, payment_date=now, retraction_date=now + timedelta(days=14), **made)
    for order in (unpaid, paid):
        make_detail(order, description="VPS Canari", domain="canari.example")
    declared = actions.retract_order(paid, email="agathe@canari.example", language="en", request=None)
    public = Retraction.objects.create(
        channel="public", order_typed="238100002", name="Agathe Canari", email="agathe@canari.example", language="en"
    )
    Receipt.objects.create(retraction=public, address=public.email)
    held = Link(user=clara, nichandle=account)
    held.keep_key("a consumer key that OVHcloud never gave")
    held.save()
    _plan()
    return Sieged(
        a=a,
        b=b,
        clara=clara,
        new=make_staff("new@example.net", factor=False),
        support=make_staff("support@example.net"),
        supervisor=make_staff("chief@example.net", role="supervisor"),
        administrator=make_staff("boss@example.net", role="administrator"),
        order=unpaid,
        withdrawn=paid,
        theirs=make_order(b.nichandle, 238_100_003),
        reference=declared.retraction.reference,
        public=public,
        kept=make_kept("kurt3-ovh"),
        item=cart_rows.make_vps(cart_rows.make_cart(account), requirements=[cart_rows.requirement("vps_os")]),
        contact=cart_rows.make_contact(account, firstName="Agathe", lastName="Canari"),
        checkout=_being_ordered(a),
    )


def _plan() -> None:
    """A page of the catalogue, which is nobody's."""
    price = {"pricing_mode": "default", "duration": "P1M", "price": cart_rows.price("4.20"), "interval": 1}
    price |= {"minimum_quantity": 1, "maximum_quantity": None, "description": "", "pricing_type": "rental"}
    values = {"name": "VPS-1", "prices": [price], "options": [], "read_at": timezone.now()}
    Plan.objects.create(subsidiary="FR", product="vps", plan_code="vps-1-2026", **values)


def _being_ordered(user: User) -> Checkout:
    """Its intent waits for nobody's turn, so that no worker of a test carries it."""
    cart = cart_rows.make_cart(user.nichandle, state=Cart.State.ORDERING)
    cart_rows.make_name(cart, "canari.example")
    kind = Intent.Kind.CHECKOUT
    intent = Intent.objects.create(kind=kind, nichandle=user.nichandle, state=Intent.State.HELD, next_attempt_at=None)
    told = cart_rows.quote([cart_rows.line("canari.example - 12 months", "6.99")])
    return Checkout.objects.create(cart=cart, intent=intent, nichandle=user.nichandle, quote=told, language="en")


def browser_of(user: User | None, **options: Any) -> Client:
    client = Client(**options)
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def browsers(sieged: Sieged) -> dict[str, Client]:
    """One for each of ACTORS; `become` makes the revoked and the disabled what they are."""
    users = {
        "visitor": None,
        "other": sieged.b,
        "owner": sieged.a,
        "revoked": sieged.a,
        "disabled": sieged.a,
        "linked": sieged.clara,
        "nofactor": sieged.new,
        "support": sieged.support,
        "supervisor": sieged.supervisor,
        "administrator": sieged.administrator,
    }
    return {actor: browser_of(users[actor]) for actor in ACTORS}


def become(actor: str, sieged: Sieged) -> None:
    if actor == "revoked":
        Link.objects.filter(user=sieged.a).update(state=Link.State.REVOKED)
    elif actor == "disabled":
        User.objects.filter(pk=sieged.a.pk).update(is_active=False)
