"""What each page reads, shaped for that page: plain strings and addresses. Query counts are decided here."""

from orders.queries.dashboard import dashboard
from orders.queries.listing import orders_for_list
from orders.queries.order import order_for_leaving, order_for_page, order_of
from orders.queries.tracking import order_with_log, tracking_for_page

__all__ = [
    "dashboard",
    "order_for_leaving",
    "order_for_page",
    "order_of",
    "order_with_log",
    "orders_for_list",
    "tracking_for_page",
]
