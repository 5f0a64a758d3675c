"""The API itself: /1.0 and /v1. Importing this package registers the routes."""

from . import auth, billing, carts, catalogue, contacts, debts, documents, me, orders, payment

__all__ = ["auth", "billing", "carts", "catalogue", "contacts", "debts", "documents", "me", "orders", "payment"]
