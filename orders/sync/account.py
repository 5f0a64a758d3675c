"""The account's own facts and its payment methods."""

from dataclasses import asdict
from datetime import timedelta

from django.utils import timezone

from accounts.actions import keep_me
from gateway import Gateway
from orders.models import OrderImport


def refresh(row: OrderImport, gateway: Gateway) -> None:
    """The account's own facts and its payment methods, once an hour while it is looked at at all."""
    hour_ago = timezone.now() - timedelta(hours=1)
    if row.nichandle.me_read_at is None or row.nichandle.me_read_at < hour_ago:
        keep_me(row.nichandle, asdict(gateway.me()))
    if row.payment_methods_read_at is None or row.payment_methods_read_at < hour_ago:
        keep_payment_methods(row, gateway)


def keep_payment_methods(row: OrderImport, gateway: Gateway) -> None:
    """
    Keep the customer's saved methods, default first; ones that are no longer valid are left out.

    Source: GET /me/payment/method, GET /me/payment/method/{id}.
    """
    methods = [gateway.payment_method(method_id) for method_id in gateway.registered_payment_method_ids()]
    row.payment_methods = [
        {
            "type": method.payment_type,
            "sub_type": method.payment_sub_type,
            "label": method.label or method.description,
            "default": method.default,
            "id": method.payment_method_id,
        }
        for method in sorted(methods, key=lambda method: not method.default)
        if method.status == "VALID"
    ]
    row.payment_methods_read_at = timezone.now()
    row.save(update_fields=["payment_methods", "payment_methods_read_at"])
