"""One purchase order as its page shows it: four parts, details by product, what can be done. Two queries."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.db.models import F, OuterRef, Subquery
from django.db.models.query import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from orders import formats, words
from orders.forms import ListFilter
from orders.freshness import Freshness, freshness, signs
from orders.models import EXPIRED, Order, OrderDetail, Retraction
from orders.queries.rows import more_products, next_step, order_url
from orders.retraction.eligibility import last_day


def order_of(nichandle: Nichandle) -> QuerySet[Order]:
    """The account's orders with what their pages say besides: look one up by order_id, else it is a 404."""
    account = "nichandle__order_import__"
    return nichandle.orders.defer("search_text").annotate(
        **signs("nichandle_id"),
        unreachable_since=F(f"{account}unreachable_since"),
        unreachable_why=F(f"{account}unreachable_why"),
        saved_methods=F(f"{account}payment_methods"),
        declared_at=Subquery(Retraction.objects.of(OuterRef("pk")).order_by("-declared_at").values("declared_at")[:1]),
    )


def order_for_page(order: Any, nichandle: Nichandle, now: datetime, came_from: ListFilter) -> dict[str, Any]:
    """Everything the purchase order shows; `order` comes from order_of. One query more, for its details."""
    zone = nichandle.zone
    return heading(order, nichandle, now, came_from) | {
        "created": formats.long_moment(order.date, zone),
        "expires": formats.long_moment(order.expiration_date, zone) if order.expiration_date else "",
        "time_left": _time_left(order, now),
        "zone": formats.zone_words(zone),
        "billing": billing_lines(order.billing, nichandle),
        "saved_methods": _saved(order.saved_methods),
        "has_default": any(method.get("default") for method in order.saved_methods or ()),
        "order_methods": _offered(order.payment_methods),
        "without_tax": formats.money(order.price_without_tax, order.currency_code),
        "tax": formats.money(order.tax, order.currency_code),
        "products_unread": order.details_read_at is None,
        "groups": detail_groups(order.details.all()),
    }


def heading(order: Any, nichandle: Nichandle, now: datetime, came_from: ListFilter) -> dict[str, Any]:
    """What every page of one order shows: its number, where it stands, what can be done. No query."""
    base, status = order_url(order), order.page_status(now)
    until = last_day(order, nichandle, now)
    came_from_query = came_from.query()
    carried = f"?list={quote(came_from_query[1:], safe='')}" if came_from_query else ""
    return {
        "number": str(order.order_id),
        "status": status,
        "pill": words.pill(status),
        "explanation": str(words.status_words(status).explanation),
        "gone": order.gone_at is not None and status != EXPIRED,
        "expired": status == EXPIRED,
        "amount": formats.money(order.price_with_tax, order.currency_code),
        "product": order.first_description,
        "more": more_products(order.product_count),
        "next": next_step(order, status, until, nichandle, now),
        "list_url": f"{reverse('orders:order_list')}{came_from_query}",
        "came_from": came_from_query.removeprefix("?"),
        "url": f"{base}{carried}",
        "tracking_url": f"{base}tracking/{carried}",
        "free": order.is_free,
        "pay_url": f"{base}pay/" if order.can_be_paid(now) else "",
        "check_url": f"{base}check/",
        "is_asked": is_asked(order, now),
        "withdraw_url": f"{base}withdrawal/" if until else "",
        "withdraw_until": formats.weekday(until, nichandle.zone, now) if until else "",
        "declared_on": formats.day(order.declared_at, nichandle.zone) if order.declared_at else "",
        "withdrawal_url": f"{base}withdrawal/",
        "bill_url": f"{base}bill/" if order.associated_type == "Bill" and order.associated_id else "",
        "freshness": order_freshness(order, nichandle, now),
    }


def is_asked(order: Any, now: datetime) -> bool:
    """Check now was pressed and its answer has not come yet; after half a minute the page waits no longer."""
    asked, checked = order.check_asked_at, order.status_checked_at
    return bool(asked and now - asked < timedelta(seconds=30) and (checked is None or checked < asked))


def order_for_leaving(order: Any, nichandle: Nichandle, now: datetime) -> dict[str, Any]:
    """What the pages say that lead to OVHcloud's own: to pay, or to read the bill. No query."""
    return heading(order, nichandle, now, ListFilter()) | {
        "expires": formats.long_moment(order.expiration_date, nichandle.zone) if order.expiration_date else "",
        "zone": formats.zone_words(nichandle.zone),
    }


def order_freshness(order: Any, nichandle: Nichandle, now: datetime, *, live: bool = False) -> Freshness:
    return freshness(
        now=now,
        zone=nichandle.zone,
        checked_at=order.status_checked_at,
        due_at=order.next_poll_at,
        sang_at=order.sang_at,
        unreachable_since=order.unreachable_since,
        unreachable_why=order.unreachable_why or "",
        breaker_since=order.breaker_since,
        wait_until=order.wait_until,
        query_id=order.last_error_query_id,
        live=live,
    )


# --- Details ----------------------------------------------------------------------------------------------------------
def detail_groups(details: Iterable[OrderDetail]) -> list[dict[str, Any]]:
    """Parts by product, in the order's own order: a group of several has a title, a group of one needs none."""
    groups: dict[str, list[OrderDetail]] = {}
    for detail in details:
        groups.setdefault(_product_of(detail), []).append(detail)
    return [_group(parts) for parts in groups.values()]


def _product_of(detail: OrderDetail) -> str:
    """The service a part belongs to: `*001.001` is a child of `*001`; a bare `*` names nothing."""
    domain = detail.domain
    if domain in ("", "*"):
        return f"*{detail.order_detail_id}"
    return domain.split(".")[0] if domain.startswith("*") else domain


def _group(parts: list[OrderDetail]) -> dict[str, Any]:
    title = ""
    if len(parts) > 1:
        main = next((part for part in parts if part.detail_type not in ("INSTALLATION", "GIFT")), parts[0])
        title = _service_name(main) or main.description
    return {"title": title, "parts": [_part(part, titled=bool(title)) for part in parts]}


def _part(detail: OrderDetail, *, titled: bool) -> dict[str, Any]:
    code = detail.currency_code
    # A gift, a voucher or anything negative takes off the price.
    reduces = detail.total_price < 0 or detail.detail_type in ("GIFT", "VOUCHER")
    return {
        "description": detail.description,
        "service": "" if titled else _service_name(detail),
        "quantity": detail.quantity,
        "unit": formats.money(detail.unit_price, code),
        "total": formats.money(detail.total_price, code),
        "reduces": reduces,
        "cancelled": detail.cancelled,
    }


def _service_name(detail: OrderDetail) -> str:
    """The domain where it is one, not a placeholder."""
    return "" if detail.domain.startswith("*") else detail.domain


# --- Who pays, and how ------------------------------------------------------------------------------------------------
def billing_lines(billing: dict[str, Any], nichandle: Nichandle) -> list[str]:
    """The address as on a letter; what OVHcloud left empty is left out."""

    def text(name: str) -> str:
        return str(billing.get(name) or "").strip()

    country = text("country")
    lines = [
        text("organisation"),
        text("name"),
        text("address"),
        text("complementary_address"),
        f"{text('zip')} {text('city')}".strip(),
        text("area"),
        formats.locale().territories.get(country, country),
        _("VAT number %(number)s") % {"number": text("vat")} if text("vat") else "",
    ]
    kind = _("private individual") if (text("legalform") or nichandle.legalform) == "individual" else _("organisation")
    lines = list(dict.fromkeys(line for line in lines if line))
    return [*lines, _("%(account)s, %(kind)s") % {"account": nichandle.nichandle, "kind": kind}]


def _saved(methods: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Saved methods in words, default first; None: not read yet."""
    if methods is None:
        return None
    ordered = sorted(methods, key=lambda method: not method.get("default"))
    return [{"text": words.payment_method(method), "default": bool(method.get("default"))} for method in ordered]


def _offered(methods: dict[str, Any] | None) -> str:
    """What OVHcloud offers for this order, as one sentence's list; "" when it does not say."""
    names = dict.fromkeys(words.payment_type(str(word)) for word in (methods or {}).get("available") or ())
    text = ", ".join(names)
    return f"{text[:1].upper()}{text[1:]}"


def _time_left(order: Order, now: datetime) -> str:
    if order.expiration_date is None or not order.can_be_paid(now):
        return ""
    return formats.ahead(order.expiration_date - now)
