"""The first page of a customer: what needs them now, and what is on its way. Two queries."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.urls import reverse

from accounts.models import Nichandle
from orders.models import Status, awaiting_payment_q, in_progress_q
from orders.queries.overview import overview
from orders.queries.rows import for_rows, order_row

_AT_MOST = 60
_A_SECTION = 5


def dashboard(nichandle: Nichandle, now: datetime) -> dict[str, Any]:
    """
    Rows in three groups, each row in the first that fits: `needs_you` (to pay, papers asked for), `moving`, and
    `withdrawable`; each with at most five, and how many more there are.
    """
    view = overview(nichandle, now)
    # OVHcloud's last moment may lie before ours by the days a weekend or a holiday moves it.
    open_to_withdraw = Q(retraction_date__gt=now - timedelta(days=7)) & ~Q(status=Status.CANCELLED)
    orders = for_rows(
        nichandle.orders.not_expired(now)
        .filter(Q(gone_at__isnull=True) & (awaiting_payment_q(now) | in_progress_q() | open_to_withdraw))
        .order_by("-date", "-order_id")
    )[:_AT_MOST]
    groups: dict[str, list[dict[str, Any]]] = {"needs_you": [], "moving": [], "withdrawable": []}
    for order in orders:
        row = order_row(order, nichandle, now)
        if row["pay_url"] or order.status == Status.DOCUMENTS_REQUESTED:
            groups["needs_you"].append(row)
        elif order.status != Status.DELIVERED or order.is_declared:  # type: ignore[attr-defined]
            groups["moving"].append(row)
        elif row["withdraw_url"]:
            groups["withdrawable"].append(row)
    here = reverse("orders:order_list")
    context: dict[str, Any] = {name: rows[:_A_SECTION] for name, rows in groups.items()}
    context |= {f"{name}_more": max(0, len(rows) - _A_SECTION) for name, rows in groups.items()}
    return context | {
        "freshness": view.freshness(nichandle, now),
        "list_url": here,
        "check_url": reverse("orders:list_check"),
        "count": view.shown,
        "is_importing": view.is_importing,
    }
