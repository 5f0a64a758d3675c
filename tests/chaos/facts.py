"""What the panel holds and what OVHcloud's ledger says, side by side. Read by SQL: nothing of ours is trusted here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psycopg

from tests.chaos.journal import Told
from tests.chaos.postbox import Mail


@dataclass(frozen=True)
class PanelOrder:
    pk: int
    order_id: int
    nichandle: str
    status: str
    price: Decimal
    was_paid: bool = False
    expiration_date: datetime | None = None
    expired_at: datetime | None = None
    gone_at: datetime | None = None


@dataclass(frozen=True)
class PanelIntent:
    """order_id: None for a checkout, which has no order yet. attempted_at: of its last attempt."""

    pk: int
    nichandle: str
    order_id: int | None
    kind: str
    state: str
    why: str = ""
    next_attempt_at: datetime | None = None
    leased_until: datetime | None = None
    attempted_at: datetime | None = None

    @property
    def about(self) -> str:
        """As a violation's line names it."""
        return f"order {self.order_id}" if self.order_id is not None else f"checkout of {self.nichandle}"


@dataclass(frozen=True)
class PanelCheckout:
    """
    A button pressed: "Order with obligation to pay".

    cart: our row's number. ovh_cart: OVHcloud's copy. ovh_order_id: the order it made, as the panel holds.
    shown: the number of the order to whose page its own leads on, and whose account that is.
    """

    pk: int
    nichandle: str
    intent: int
    cart: int
    cart_state: str
    ovh_cart: str
    pays: bool = False
    ended: bool = False
    ovh_order_id: int | None = None
    shown: int | None = None
    shown_to: str | None = None


@dataclass(frozen=True)
class PanelRetraction:
    reference: str
    order_id: int
    intent: int


@dataclass(frozen=True)
class PanelReceipt:
    pk: int
    reference: str
    address: str
    attempts: int
    sent_at: datetime | None


@dataclass(frozen=True)
class OvhOrder:
    """gone: it lapsed unpaid, and OVHcloud answers 404 for it."""

    order_id: int
    nichandle: str
    status: str
    price: Decimal
    gone: bool = False


@dataclass(frozen=True)
class Entry:
    """by: who paid (customer: by the API, so the panel) or made it (checkout). cart: OVHcloud's, of an order made."""

    order_id: int
    event: str
    at: datetime
    by: str = ""
    cart: str = ""


@dataclass
class Facts:
    """
    One moment, read OVHcloud first.

    signed_in: accounts whose owner signed in, for which the panel answers. failed_pages: answers of 500.
    paid_elsewhere: when at the latest an order was paid at OVHcloud itself, by the clock that `now` is of.
    found_secrets: "what, where" of each planted secret that was found.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    signed_in: set[str] = field(default_factory=set)
    ledger: list[Entry] = field(default_factory=list)
    ovh_orders: list[OvhOrder] = field(default_factory=list)
    orders: list[PanelOrder] = field(default_factory=list)
    intents: list[PanelIntent] = field(default_factory=list)
    checkouts: list[PanelCheckout] = field(default_factory=list)
    paid_elsewhere: dict[int, datetime] = field(default_factory=dict)
    retractions: list[PanelRetraction] = field(default_factory=list)
    receipts: list[PanelReceipt] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    failed_pages: list[str] = field(default_factory=list)
    found_secrets: list[str] = field(default_factory=list)

    def intents_of(self, kind: str) -> list[PanelIntent]:
        return [intent for intent in self.intents if intent.kind == kind]

    def happened(self, event: str) -> set[int]:
        """The orders to which something happened, by the ledger."""
        return {entry.order_id for entry in self.ledger if entry.event == event}


_ORDERS = """
    SELECT o.id, o.order_id, n.nichandle, o.status, o.price_with_tax, o.was_paid, o.expiration_date, o.expired_at,
        o.gone_at
    FROM orders_order o JOIN accounts_nichandle n ON n.id = o.nichandle_id
"""
_INTENTS = """
    SELECT i.id, n.nichandle, o.order_id, i.kind, i.state, i.why, i.next_attempt_at, i.leased_until, i.attempted_at
    FROM orders_intent i
        JOIN accounts_nichandle n ON n.id = i.nichandle_id
        LEFT JOIN orders_order o ON o.id = i.order_id
"""
_CHECKOUTS = """
    SELECT k.id, n.nichandle, k.intent_id, k.cart_id, c.state, c.ovh_cart_id, k.pay_at_once, k.ended, k.ovh_order_id,
        o.order_id, owner.nichandle
    FROM carts_checkout k
        JOIN accounts_nichandle n ON n.id = k.nichandle_id
        JOIN carts_cart c ON c.id = k.cart_id
        LEFT JOIN orders_order o ON o.id = k.order_id
        LEFT JOIN accounts_nichandle owner ON owner.id = o.nichandle_id
"""
_RETRACTIONS = "SELECT reference, order_number, intent_id FROM orders_retraction"
_RECEIPTS = """
    SELECT c.id, r.reference, c.address, c.attempts, c.sent_at
    FROM orders_receipt c JOIN orders_retraction r ON r.id = c.retraction_id
"""
_OVH_ORDERS = """
    SELECT order_id, customer_id, status, (price_with_tax ->> 'value')::numeric,
        gone_at IS NOT NULL
    FROM sandbox_order
"""
_LEDGER = """
    SELECT order_id, event, at, COALESCE(facts ->> 'by', ''), COALESCE(facts ->> 'cart', '')
    FROM sandbox_ledgerentry ORDER BY id
"""


def read(panel_url: str, ovh_url: str) -> Facts:
    """Read both sides, each in one transaction. What the journal knows is added by the caller."""
    facts = Facts()
    with psycopg.connect(ovh_url) as ovh:
        facts.ledger = _rows(ovh, _LEDGER, Entry)
        facts.ovh_orders = _rows(ovh, _OVH_ORDERS, OvhOrder)
    with psycopg.connect(panel_url) as panel:
        facts.orders = _rows(panel, _ORDERS, PanelOrder)
        facts.intents = _rows(panel, _INTENTS, PanelIntent)
        facts.checkouts = _rows(panel, _CHECKOUTS, PanelCheckout)
        facts.retractions = _rows(panel, _RETRACTIONS, PanelRetraction)
        facts.receipts = _rows(panel, _RECEIPTS, PanelReceipt)
    return facts


def _rows(connection: "psycopg.Connection[Any]", query: str, made: Any) -> list[Any]:
    return [made(*row) for row in connection.execute(query).fetchall()]
