"""The API itself: /1.0 and /v1. Importing this package registers the routes."""

from . import auth, billing, me, orders, payment

__all__ = ["auth", "billing", "me", "orders", "payment"]
