"""Amounts and dates as text, for pages that have no hot loop; nothing here queries."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template

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
