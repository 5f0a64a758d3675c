"""Amounts and dates as text, and regions that renew themselves, for pages that have no hot loop; nothing queries."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils.html import format_html

from orders import formats

register = template.Library()


@register.filter
def price(value: Decimal, currency_code: str) -> str:
    """{{ order.price_with_tax|price:order.currency_code }}"""
    return formats.money(value, currency_code)


@register.filter
def day(moment: datetime | date | None, zone: ZoneInfo) -> str:
    """{{ order.date|day:nichandle.zone }}: “20 Nov 2026”; None is empty."""
    return formats.day(moment, zone) if moment else ""


@register.filter
def moment(moment: datetime | None, zone: ZoneInfo) -> str:
    """{{ order.date|moment:nichandle.zone }}: “20 November 2026, 14:02”; None is empty."""
    return formats.long_moment(moment, zone) if moment else ""


@register.simple_tag(takes_context=True)
def asks_again(context: dict[str, Any], region: str, here: str = "") -> str:
    """
    {% asks_again "order-bill" %}: attributes of a region that asks for itself again after Check now, until the answer
    is there. region: its id. here: its address; that of the request unless told.
    """
    if not context.get("is_asked"):
        return ""
    return format_html(
        ' hx-get="{}" hx-trigger="load delay:2s" hx-select="#{}" hx-swap="outerHTML"',
        here or context["request"].path,
        region,
    )
