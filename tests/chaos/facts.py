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
    pk: int
    order_id: int
    kind: str
    state: str
    why: str = ""
    next_attempt_at: datetime | None = None
    leased_until: datetime | None = None


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
    order_id: int
    event: str
    at: datetime


@dataclass
class Facts:
    """
    One moment, read OVHcloud first.

    signed_in: accounts whose owner signed in, for which the panel answers. failed_pages: answers of 500.
    found_secrets: "what, where" of each planted secret that was found.
    """

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    signed_in: set[str] = field(default_factory=set)
    ledger: list[Entry] = field(default_factory=list)
    ovh_orders: list[OvhOrder] = field(default_factory=list)
    orders: list[PanelOrder] = field(default_factory=list)
    intents: list[PanelIntent] = field(default_factory=list)
    retractions: list[PanelRetraction] = field(default_factory=list)
    receipts: list[PanelReceipt] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    failed_pages: list[str] = field(default_factory=list)
    found_secrets: list[str] = field(default_factory=list)

    def happened(self, event: str) -> set[int]:
        """The orders to which something happened, by the ledger."""
        return {entry.order_id for entry in self.ledger if entry.event == event}


_ORDERS = """
    SELECT o.id, o.order_id, n.nichandle, o.status, o.price_with_tax, o.was_paid, o.expiration_date, o.expired_at,
        o.gone_at
    FROM orders_order o JOIN accounts_nichandle n ON n.id = o.nichandle_id
"""
_INTENTS = """
    SELECT i.id, o.order_id, i.kind, i.state, i.why, i.next_attempt_at, i.leased_until
    FROM orders_intent i JOIN orders_order o ON o.id = i.order_id
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
_LEDGER = "SELECT order_id, event, at FROM sandbox_ledgerentry ORDER BY id"


def read(panel_url: str, ovh_url: str) -> Facts:
    """Read both sides, each in one transaction. What the journal knows is added by the caller."""
    facts = Facts()
    with psycopg.connect(ovh_url) as ovh:
        facts.ledger = _rows(ovh, _LEDGER, Entry)
        facts.ovh_orders = _rows(ovh, _OVH_ORDERS, OvhOrder)
    with psycopg.connect(panel_url) as panel:
        facts.orders = _rows(panel, _ORDERS, PanelOrder)
        facts.intents = _rows(panel, _INTENTS, PanelIntent)
        facts.retractions = _rows(panel, _RETRACTIONS, PanelRetraction)
        facts.receipts = _rows(panel, _RECEIPTS, PanelReceipt)
    return facts


def _rows(connection: "psycopg.Connection[Any]", query: str, made: Any) -> list[Any]:
    return [made(*row) for row in connection.execute(query).fetchall()]
