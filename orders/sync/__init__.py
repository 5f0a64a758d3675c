"""
Moves facts between our rows and OVHcloud. Every function may run twice, at once with itself, or hours late.

claims.py     which orders are asked about in a turn: due, within budget, a fair share for each account
turn.py       many calls at once, in threads
checks.py     asking about orders and keeping what they say
expiry.py     unpaid orders whose time is over
imports.py    an account's first import
finding.py    orders placed since
details.py    the parts of orders
links.py      one-time addresses
account.py    an account's own facts
reach.py      whether OVHcloud answers for an account
"""

from django.utils import timezone

from accounts.ovh import NoKey, gateway_for
from orders.models import Canary
from orders.sync.checks import POLL_BATCH, check_orders, expire_orders, poll_all, poll_awaited, poll_orders
from orders.sync.claims import CLAIM
from orders.sync.details import read_details, read_idle_details
from orders.sync.expiry import mark_all_expired, mark_expired
from orders.sync.finding import find_orders
from orders.sync.imports import IMPORT_BATCH, begin_import, import_orders
from orders.sync.links import LinkNotAllowed, fresh_bill_url, fresh_order_url

__all__ = [
    "CLAIM",
    "IMPORT_BATCH",
    "POLL_BATCH",
    "LinkNotAllowed",
    "NoKey",
    "begin_import",
    "check_orders",
    "expire_orders",
    "find_orders",
    "fresh_bill_url",
    "fresh_order_url",
    "gateway_for",
    "import_orders",
    "mark_all_expired",
    "mark_expired",
    "poll_all",
    "poll_awaited",
    "poll_orders",
    "read_details",
    "read_idle_details",
    "sing",
]


def sing() -> None:
    """Write that a worker is alive and reaches PostgreSQL."""
    Canary.objects.update_or_create(pk=1, defaults={"sang_at": timezone.now()})
