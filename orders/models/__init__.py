"""
Rows about orders, and what a row can answer about itself.

Names and words are the API's: `notPaid` stays `notPaid`. Amounts are Decimal in whole currency units beside their
currency_code; times are stored in UTC.
"""

from orders.models.intents import Intent
from orders.models.order import (
    EXPIRED,
    Due,
    Evidence,
    Order,
    OrderDetail,
    OrderEvent,
    OrderImport,
    OrderQuerySet,
    Status,
    awaiting_payment_q,
    expired_q,
    in_progress_q,
)
from orders.models.payment import PaymentChoices
from orders.models.refund import Refund, RefundNote, RefundSeen
from orders.models.retraction import (
    PUBLIC_ZONE,
    Matching,
    Receipt,
    ReceiptDocument,
    Retraction,
    RetractionQuerySet,
    make_reference,
)
from orders.models.upkeep import Canary, Export, ExportQuerySet

__all__ = [
    "Canary",
    "Due",
    "EXPIRED",
    "Evidence",
    "Export",
    "ExportQuerySet",
    "Intent",
    "Matching",
    "Order",
    "OrderDetail",
    "OrderEvent",
    "OrderImport",
    "OrderQuerySet",
    "PUBLIC_ZONE",
    "PaymentChoices",
    "Receipt",
    "ReceiptDocument",
    "Refund",
    "RefundNote",
    "RefundSeen",
    "Retraction",
    "RetractionQuerySet",
    "Status",
    "awaiting_payment_q",
    "expired_q",
    "in_progress_q",
    "make_reference",
]
