"""Why an order waits, in words that can be read out to a caller. Pure: no query, no clock of its own."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from orders import formats
from orders.models import EXPIRED, Intent, Status
from orders.payment import at_checkout

# Statuses after which OVHcloud does nothing more by itself.
_OVER = {Status.DELIVERED, Status.CANCELLED, EXPIRED}


@dataclass(frozen=True)
class Situation:
    """
    What decides why an order waits.

    status: the word of `data-status`. since: when we first saw it. gone: OVHcloud no longer lists the order.
    intent_*: of its last withdrawal or payment, "" and None without one. away_why: unavailable, revoked, limited or "".
    """

    status: str
    since: datetime
    expiration_date: datetime | None
    gone: bool
    zone: ZoneInfo
    now: datetime
    intent_state: str = ""
    intent_why: str = ""
    intent_since: datetime | None = None
    intent_kind: str = Intent.Kind.RETRACTION
    away_why: str = ""
    away_since: datetime | None = None


def reasons(situation: Situation) -> list[str]:
    """Return every reason, the most pressing first; none when the order waits for nothing."""
    found = [_payment(situation) if situation.intent_kind == Intent.Kind.PAYMENT else _withdrawal(situation)]
    is_over = situation.gone or situation.status in _OVER
    if not is_over:
        found += [_away(situation), _status(situation)]
    return [reason for reason in found if reason]


def waits_for(situation: Situation) -> str:
    """Return the most pressing reason alone, or “nothing”."""
    found = reasons(situation)
    return found[0] if found else _("nothing")


def _status(at: Situation) -> str:
    span = {"span": formats.length(at.now - at.since)}
    match at.status:
        case Status.NOT_PAID if at.expiration_date:
            return _("the customer’s payment, until %(date)s") % {"date": formats.day(at.expiration_date, at.zone)}
        case Status.NOT_PAID:
            return _("the customer’s payment; it never expires")
        case Status.CHECKING:
            return _("OVHcloud’s check by hand, on working days only, for %(span)s") % span
        case Status.DOCUMENTS_REQUESTED:
            return _("the customer’s papers, asked for by e-mail, for %(span)s") % span
        case Status.DELIVERING:
            return _("the delivery, for %(span)s") % span
        case Status.CANCELLING:
            return _("the cancellation at OVHcloud, for %(span)s") % span
        case _:
            return _("OVHcloud to say where it stands, for %(span)s") % span


def _withdrawal(at: Situation) -> str:
    if at.intent_since is None:
        return ""
    span = {"span": formats.length(at.now - at.intent_since)}
    match at.intent_state:
        case Intent.State.WAITING | Intent.State.SENDING:
            return _("its withdrawal to reach OVHcloud, for %(span)s") % span
        case Intent.State.DOUBTFUL:
            return _("OVHcloud’s answer to its withdrawal, which was lost, for %(span)s") % span
        case Intent.State.HELD | Intent.State.DEAD:
            return _("a person to look at its withdrawal, for %(span)s") % span + f" ({why_held(at.intent_why)})"
    return ""


def _payment(at: Situation) -> str:
    if at.intent_since is None:
        return ""
    span = {"span": formats.length(at.now - at.intent_since)}
    match at.intent_state:
        case Intent.State.WAITING | Intent.State.SENDING:
            return _("its payment to reach OVHcloud, for %(span)s") % span
        case Intent.State.DOUBTFUL:
            return _("OVHcloud’s answer to its payment, which was lost, for %(span)s") % span
        case Intent.State.HELD | Intent.State.DEAD:
            return _("a person to look at its payment, for %(span)s") % span + f" ({why_held(at.intent_why)})"
        case Intent.State.ACCEPTED if at.status == Status.NOT_PAID and at.intent_why == at_checkout.WITH_ORDER:
            # What was refused then is for the customer to pay.
            is_late = at.now - at.intent_since > at_checkout.SHOWS_WITHIN
            return "" if is_late else _("OVHcloud to pay it, as it was told with the order, for %(span)s") % span
        case Intent.State.ACCEPTED if at.status == Status.NOT_PAID:
            return _("OVHcloud to show its payment, which it accepted, for %(span)s") % span
    return ""


def _away(at: Situation) -> str:
    if at.away_since is None:
        return ""
    since = {"since": formats.since(at.away_since, at.zone, at.now)}
    match at.away_why:
        case "revoked":
            return _("the customer to sign in again: the panel’s key was revoked at %(since)s") % since
        case "limited":
            return _("OVHcloud to take calls again: its limit was reached at %(since)s") % since
        case _:
            return _("OVHcloud, unreachable since %(since)s") % since


def why_held(why: str) -> str:
    """Return why an intent waits for a person, or why it was never sent."""
    return {
        "late": _("declared after the last day"),
        "no-right": _("OVHcloud sees no right to withdraw"),
        "unclear": _("nobody can tell whether OVHcloud took it"),
        "not-found": _("OVHcloud no longer knows the order"),
        "too-long": _("OVHcloud could not be reached for days"),
        "stumbled": _("the panel failed at it several times; its log says why"),
        "key": _("nobody holds a key for this account that may do it: the customer must sign in or allow it again"),
        "paid": _("it was paid already"),
        "expired": _("the order had expired"),
        "gone": _("OVHcloud no longer listed the order"),
        "cancelled": _("the order was cancelled"),
        "withdrawn": _("the customer withdrew from the order meanwhile"),
        "stale": _("OVHcloud could not be reached for a day"),
        "unknown": _("OVHcloud did not say where the order stands"),
        at_checkout.UNSEEN: _("OVHcloud was told to pay it with the order and never showed that it did"),
    }.get(why, why or _("no reason noted"))
