"""
What a withdrawal may bring back: the amount paid less the days used, pro rata. An estimate, and always called one.

The customer owes what is in proportion to the service already provided (directive 2011/83/EU art. 14(3)); OVHcloud's
guide says the same in its own words. What OVHcloud really refunds is seen only when it does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from orders.models import Order, Status
from orders.retraction.eligibility import Verdict
from orders.retraction.parts import Part

CENT = Decimal("0.01")
NOTHING = Decimal("0.00")
# Once these are reached days are being used; before, nothing was provided yet.
PROVIDED = frozenset({Status.DELIVERED, Status.CANCELLING, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Share:
    """
    What one detail contributes. Amounts with tax.

    days, used: None where no duration is known; then the whole amount is counted. refund: None where the right does
    not cover the detail, so nothing is to be expected for it.
    """

    verdict: Verdict
    paid: Decimal
    days: int | None
    used: int | None
    refund: Decimal | None


@dataclass(frozen=True, slots=True)
class Estimate:
    """paid and total with tax, in whole units of currency_code; total is never below zero nor above paid."""

    shares: tuple[Share, ...]
    paid: Decimal
    total: Decimal
    currency_code: str


def estimate(order: Order, verdicts: Sequence[Verdict], concluded: date, today: date) -> Estimate:
    """Return the estimate as of today; both days in the customer's zone. Empty while details are unread."""
    used = max((today - concluded).days, 0) if order.status in PROVIDED else 0
    taxed = _tax_factor(order)
    durations = {v.detail.domain: days for v in verdicts if (days := duration_days(v, concluded))}
    shares = tuple(_share(v, v.detail.total_price * taxed, _days(v, durations, concluded), used) for v in verdicts)
    paid = max(_cents(order.price_with_tax), NOTHING)
    back = sum((share.refund for share in shares if share.refund is not None), NOTHING)
    return Estimate(shares, paid, min(max(back, NOTHING), paid), order.currency_code)


def pro_rata(amount: Decimal, days: int, used: int) -> Decimal:
    """Return what remains of `amount` paid for `days` when `used` of them are gone: 24.00, 30, 3 → 21.60."""
    left = max(days - max(used, 0), 0)
    return _cents(amount * left / days)


def duration_days(verdict: Verdict, start: date) -> int | None:
    """For how many days a detail runs from start: its extension's ISO 8601 period, else what its description says."""
    text = str((verdict.detail.extension or {}).get("duration") or "")
    return _iso_days(text, start) or _described_days(verdict.detail.description, start)


def _days(verdict: Verdict, durations: dict[str, int], concluded: date) -> int | None:
    if verdict.part == Part.SET_UP:
        return None
    # A reduction lasts as long as what it reduces.
    return duration_days(verdict, concluded) or (
        durations.get(verdict.detail.domain) if verdict.part == Part.REDUCTION else None
    )


def _share(verdict: Verdict, paid: Decimal, days: int | None, used: int) -> Share:
    paid = _cents(paid)
    if not verdict.covered:
        return Share(verdict, paid, days, None, None)
    if days is None:
        return Share(verdict, paid, None, None, paid)
    return Share(verdict, paid, days, min(used, days), pro_rata(paid, days, used))


def _tax_factor(order: Order) -> Decimal:
    """By what details, which are quoted without tax, are multiplied to have what was paid."""
    return order.price_with_tax / order.price_without_tax if order.price_without_tax else Decimal(1)


_ISO = re.compile(r"^P(?:(\d{1,3})Y)?(?:(\d{1,3})M)?(?:(\d{1,3})W)?(?:(\d{1,4})D)?$")
_DESCRIBED = re.compile(r"(\d{1,4})\s*(days?|jours?|months?|mois|years?|ans?|années?)\b", re.IGNORECASE)


def _iso_days(text: str, start: date) -> int | None:
    found = _ISO.match(text)
    if not found:
        return None
    years, months, weeks, days = (int(number or 0) for number in found.groups())
    return _span(start, years * 12 + months, weeks * 7 + days)


def _described_days(description: str, start: date) -> int | None:
    found = _DESCRIBED.search(description)
    if not found:
        return None
    count, unit = int(found[1]), found[2].lower()
    if unit.startswith(("day", "jour")):
        return _span(start, 0, count)
    return _span(start, count if unit.startswith("mo") else count * 12, 0)


def _span(start: date, months: int, days: int) -> int | None:
    """Days from start to so many months and days later, None for nothing or beyond a century."""
    if not 0 < months + days <= 36_500 or months > 1200:
        return None
    year, month = divmod(start.month - 1 + months, 12)
    # The last day of a shorter month stands in for days it does not have.
    for day in range(start.day, start.day - 4, -1):
        try:
            return (date(start.year + year, month + 1, day) + timedelta(days=days) - start).days
        except ValueError:
            continue
    return None


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
