"""The API itself: /1.0 and /v1. Importing this package registers the routes."""

from . import (
    applications,
    auth,
    billing,
    carts,
    catalogue,
    contacts,
    debts,
    documents,
    me,
    orders,
    payment,
    registration,
)

__all__ = [
    "applications",
    "auth",
    "billing",
    "carts",
    "catalogue",
    "contacts",
    "debts",
    "documents",
    "me",
    "orders",
    "payment",
    "registration",
]
