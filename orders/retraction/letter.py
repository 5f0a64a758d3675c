"""
Letters that a customer can send to OVHcloud: about a declaration that it refused or did not confirm, and about money
that is overdue. Ready to print or to copy; the customer reads, changes and signs them.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Nichandle
from orders import formats
from orders.models import Intent, Order, Refund, Retraction
from orders.retraction import words
from orders.retraction.eligibility import conclusion_day, eligibility
from orders.retraction.estimate import estimate
from orders.retraction.facts import facts


def letter(order: Order, nichandle: Nichandle, retraction: Retraction, about: str, now: datetime) -> dict[str, Any]:
    """
    Everything the letter's page shows. Five queries at most.

    about: "withdrawal" or "refund"; a refund that is not due is written about as a withdrawal.
    """
    refund = Refund.objects.filter(order=order).first()
    if refund is None or refund.due_on >= now.astimezone(nichandle.zone).date():
        about = "withdrawal"
    billing = order.billing or nichandle.billing
    lines = (
        nichandle.full_name,
        billing.get("address"),
        billing.get("complementary_address"),
        f"{billing.get('zip') or ''} {billing.get('city') or ''}".strip(),
        formats.locale().territories.get(billing.get("country") or nichandle.country, ""),
        nichandle.email,
    )
    told = facts(retraction)
    said = {
        "number": order.order_id,
        "ordered": words.plain_day(order.date.astimezone(nichandle.zone).date()),
        "declared": told["declared_at"],
        "reference": retraction.reference,
        "paid": formats.money(order.price_with_tax, order.currency_code),
        "due": words.plain_day(refund.due_on) if refund else "",
    }
    body = (
        _about_refund(said) if about == "refund" else _about_withdrawal(order, nichandle, retraction, said, refund, now)
    )
    return {
        "order": order,
        "page_status": order.page_status(now),
        "about": about,
        "sender": [str(line) for line in lines if line],
        "account": nichandle.nichandle,
        "today": words.plain_day(now.astimezone(nichandle.zone).date()),
        "french_terms": nichandle.country.upper() == "FR",
        "subject": _("Order %(number)s: refund overdue") % said
        if about == "refund"
        else _("Order %(number)s: my withdrawal from the contract") % said,
        "body": body,
        "verify_url": told["verify_url"],
        "fingerprint": told["fingerprint"],
    }


def _about_withdrawal(
    order: Order,
    nichandle: Nichandle,
    retraction: Retraction,
    said: dict[str, Any],
    refund: Refund | None,
    now: datetime,
) -> list[str]:
    verdict = eligibility(order, list(order.details.all()), nichandle, retraction.declared_at)
    paragraphs = [
        _(
            "On %(declared)s I declared that I withdraw from my contract with you for order %(number)s of"
            " %(ordered)s. My declaration is stored under the reference %(reference)s; its receipt is enclosed."
        )
        % said
    ]
    intent = retraction.intent
    if intent is not None and intent.state == Intent.State.REFUSED:
        quoted = {"words": intent.message or _("(no words)"), "id": intent.query_id or "—"}
        paragraphs.append(_("Your system refused it in these words: “%(words)s” (request id %(id)s).") % quoted)
    if verdict.until is not None and not verdict.is_late(retraction.declared_at):
        last = {"until": words.long_moment(verdict.until)}
        paragraphs.append(_("The time to withdraw lasted until %(until)s, so my declaration was made in time.") % last)
        paragraphs.append(" ".join(words.working(verdict.deadline)))
    paragraphs.append(
        _(
            "I stand by my withdrawal. Please confirm it in writing and cancel the order, or tell me on which rule you"
            " refuse."
        )
    )
    if refund is not None:
        asked = _("Please also refund what I paid, %(paid)s less what the days used cost, by %(due)s.") % said
        paragraphs.append(f"{asked} {_law()}".strip())
        money = estimate(
            order,
            verdict.verdicts,
            conclusion_day(order, nichandle),
            retraction.declared_at.astimezone(nichandle.zone).date(),
        )
        if money.shares:
            mine = {"amount": formats.money(money.total, money.currency_code)}
            paragraphs.append(_("By my own reckoning that is %(amount)s.") % mine)
    return paragraphs


def _about_refund(said: dict[str, Any]) -> list[str]:
    asked = _("The refund was due by %(due)s, 14 days after my declaration, and I have not received it.") % said
    return [
        _(
            "On %(declared)s I withdrew from my contract with you for order %(number)s of %(ordered)s, for which I had"
            " paid %(paid)s. My declaration is stored under the reference %(reference)s; its receipt is enclosed."
        )
        % said,
        f"{asked} {_law()}".strip(),
        _(
            "Please pay it within seven days, by the means with which I paid, and tell me the day. If you hold it back,"
            " tell me on which rule."
        ),
    ]


def _law() -> str:
    """The rules that oblige OVHcloud's European companies; other regions have others."""
    if settings.OVH_ENDPOINT != "ovh-eu":
        return ""
    return _(
        "This is article 13(1) of directive 2011/83/EU; in France articles L.221-24 and L.242-4 of the consumer code."
    )
