"""What the withdrawal pages, mails and stored declarations say, in the language in force when they are called."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Nichandle
from orders import formats
from orders.models import Intent, Order, Retraction
from orders.retraction.deadline import Deadline, Step, holiday_name
from orders.retraction.eligibility import Eligibility, Reason, Verdict
from orders.retraction.estimate import Estimate
from orders.retraction.parts import Part

# Change it with every change of a sentence that is declared: declarations keep the version they were made with.
STATEMENT_VERSION = "2026-11"


# --- Dates ------------------------------------------------------------------------------------------------------------
def long_day(day: date) -> str:
    """Monday 30 November 2026."""
    return formats.written(format_date(day, "full", locale=formats.locale()), formats.locale())


def plain_day(day: date) -> str:
    """30 November 2026."""
    return formats.written(format_date(day, "long", locale=formats.locale()), formats.locale())


def clock(moment: datetime) -> str:
    """23:59:59, in the moment's own zone."""
    return format_time(moment, "medium", locale=formats.locale())


def day_and_clock(moment: datetime) -> str:
    """30 Nov 2026, 23:59:59."""
    day = formats.written(format_date(moment.date(), "medium", locale=formats.locale()), formats.locale())
    return f"{day}, {clock(moment)}"


def zone_words(moment: datetime) -> str:
    """Paris time (UTC+01:00); the moment's zone is a ZoneInfo."""
    offset = moment.strftime("%z")
    zone = moment.tzinfo
    assert isinstance(zone, ZoneInfo)  # noqa: S101  (for the type checker)
    return f"{formats.zone_words(zone)} (UTC{offset[:3]}:{offset[3:5]})"


def utc_moment(moment: datetime) -> str:
    """Monday 30 November 2026, 22:59:59 UTC: for who is told nothing of the customer, not even the zone."""
    moment = moment.astimezone(UTC)
    return f"{long_day(moment.date())}, {clock(moment)} UTC"


def long_moment(moment: datetime) -> str:
    """Monday 30 November 2026, 23:59:59, Paris time (UTC+01:00)."""
    return f"{long_day(moment.date())}, {clock(moment)}, {zone_words(moment)}"


# --- The deadline and its working -------------------------------------------------------------------------------------
def working(deadline: Deadline) -> list[str]:
    """The deadline's steps, one sentence each."""
    return [_step(step, deadline) for step in deadline.steps]


def _step(step: Step, deadline: Deadline) -> str:
    said = {"day": long_day(step.day)}
    match step.code:
        case "concluded":
            return _("Concluded on %(day)s; that day does not count.") % said
        case "counted":
            return _("14 days end on %(day)s.") % said
        case "weekend":
            return _("%(day)s is at a weekend, so the time does not end then.") % said
        case "holiday":
            language = formats.locale().language
            said["name"] = holiday_name(deadline.country, step.day, "en_US" if language == "en" else language)
            return _("%(day)s is a national holiday (%(name)s), so the time does not end then.") % said
        case "moved":
            return _("It moves to the next working day: %(day)s, to its last second.") % said
        case "no_calendar":
            return _("We have no calendar of holidays for the country of your account: only weekends were minded.")
    raise ValueError(step.code)


def last_word(verdict: Eligibility) -> str:
    """Which of the two dates decides, when OVHcloud names one."""
    if verdict.retraction_date is None or verdict.until is None:
        return ""
    theirs = long_moment(verdict.retraction_date.astimezone(verdict.until.tzinfo))
    if verdict.until > verdict.deadline.ends_at:
        return _("OVHcloud’s own date is later, %(theirs)s, and it is the one that counts.") % {"theirs": theirs}
    return _("OVHcloud’s own date is %(theirs)s; the later one, which is ours, counts.") % {"theirs": theirs}


def days_left(last_day: date, today: date) -> str:
    """“in 6 days”, in calendar days as people count them; both days in the customer's zone."""
    days = (last_day - today).days
    if days < 0:
        return ""
    if days == 0:
        return _("today is the last day")
    if days == 1:
        return _("tomorrow is the last day")
    return formats.in_days(days)


# --- Open, or closed and why ------------------------------------------------------------------------------------------
def reason(verdict: Eligibility, order: Order, nichandle: Nichandle) -> str:
    """Why the function is closed, and what to do about it; "" when it is open."""
    match verdict.reason:
        case Reason.OPEN:
            return ""
        case Reason.UNPAID if order.expiration_date:
            lapses = plain_day(order.expiration_date.astimezone(nichandle.zone).date())
            return _(
                "This order is not paid, so there is nothing to withdraw from: it lapses by itself on %(day)s."
            ) % {"day": lapses}
        case Reason.UNPAID:
            return _("This order is not paid, so there is nothing to withdraw from: leave it unpaid.")
        case Reason.EXPIRED:
            return _("This order was not paid in time and is no longer valid: there is nothing to withdraw from.")
        case Reason.CANCELLING:
            return _("This order is being cancelled already.")
        case Reason.CANCELLED:
            return _("This order is cancelled already.")
        case Reason.GONE:
            return _("OVHcloud no longer lists this order, so it names no date until which you could withdraw.")
        case Reason.REGION:
            return _("OVHcloud’s United States region does not take withdrawals through its interface.")
        case Reason.NOT_INDIVIDUAL:
            return _(
                "OVHcloud offers withdrawal to private individuals. Your account is registered as: %(form)s. If that"
                " is wrong, change the type of your account at OVHcloud, under Contact information."
            ) % {"form": legal_form(nichandle)}
        case Reason.RENEWAL:
            return _("This order renews a service. The right of withdrawal exists for new orders, not for renewals.")
        case Reason.DOMAIN:
            return _("This order is for domain names, for which you waived the right of withdrawal when ordering.")
        case Reason.CERTIFICATE:
            return _("This order is for a Sectigo SSL certificate; you waived the right of withdrawal when ordering.")
        case Reason.LICENCE:
            return _("This order is for licences, for which there is no right of withdrawal.")
        case Reason.WAIVED:
            return _("For every part of this order the right of withdrawal does not exist or was waived when ordering.")
        case Reason.OVER:
            ended = verdict.until or verdict.deadline.ends_at
            return _("The time to withdraw ended on %(moment)s.") % {"moment": long_moment(ended)}
        case Reason.PENDING:
            return _(
                "OVHcloud has not set a date for this order yet; it may do so when the order is delivered. We ask"
                " again by ourselves."
            )
        case Reason.UNCHECKED:
            return _("We could not check just now. This does not mean that you cannot withdraw.")
        case Reason.NO_RIGHT:
            return _("OVHcloud names no date until which you could withdraw from this order, and gives no reason.")
    raise ValueError(verdict.reason)


def legal_form(nichandle: Nichandle) -> str:
    """The account's type in words; a word we do not know is said as it came."""
    forms = {
        "administration": _("administration"),
        "association": _("association"),
        "corporation": _("company"),
        "individual": _("private individual"),
        "other": _("other"),
        "personalcorporation": _("sole trader"),
        "": _("unknown"),
    }
    return forms.get(nichandle.legalform, nichandle.legalform)


def covered(verdict: Verdict) -> str:
    """Why a detail is not covered by the right of withdrawal; "" when it is."""
    return {
        Part.RENEWAL: _("Renewal: no right of withdrawal"),
        Part.DOMAIN: _("Domain name: you waived the right when ordering"),
        Part.CERTIFICATE: _("Sectigo certificate: you waived the right when ordering"),
        Part.LICENCE: _("Licence: no right of withdrawal"),
        Part.CANCELLED: _("Cancelled already"),
    }.get(verdict.part, "")


# --- The declaration --------------------------------------------------------------------------------------------------
def statement(order: Order, nichandle: Nichandle) -> str:
    """The words that are declared. Nothing but these, the name in them and the moment makes the declaration."""
    return _(
        "I, %(name)s, hereby give notice that I withdraw from my contract with OVHcloud for order %(number)s of"
        " %(day)s."
    ) % {
        "name": nichandle.full_name,
        "number": order.order_id,
        "day": plain_day(order.date.astimezone(nichandle.zone).date()),
    }


def public_statement(name: str, number: str) -> str:
    """The same without signing in: of the order we know what was typed, and nothing else."""
    return _("I, %(name)s, hereby give notice that I withdraw from my contract with OVHcloud for order %(number)s.") % {
        "name": name,
        "number": number,
    }


# --- What became of it ------------------------------------------------------------------------------------------------
def state(intent: Intent, order: Order) -> tuple[str, str, str]:
    """Headline, explanation and tone of a declaration's state. OVHcloud’s own words are shown beside it, not here."""
    if intent.state == Intent.State.ACCEPTED and order.status == "cancelled":
        return (_("Order cancelled"), _("OVHcloud accepted your withdrawal and cancelled the order."), "success")
    if intent.state == Intent.State.WAITING and intent.failures:
        return (
            _("Received, OVHcloud cannot be reached"),
            _(
                "Your declaration is stored, and its date counts already. OVHcloud does not answer now; we go on trying"
                " by ourselves until it does, and you need not come back for that."
            ),
            "info",
        )
    if intent.state == Intent.State.HELD:
        return _held()[intent.why]
    return _states()[intent.state]


def _states() -> dict[str, tuple[str, str, str]]:
    return {
        Intent.State.WAITING: (
            _("Received"),
            _("Your declaration is stored and waits to be passed to OVHcloud. Its date counts already."),
            "info",
        ),
        Intent.State.SENDING: (_("Being sent to OVHcloud"), _("Your declaration is on its way."), "info"),
        Intent.State.DOUBTFUL: (
            _("Sent, waiting for OVHcloud"),
            _("Your declaration was sent and OVHcloud’s answer did not arrive. We look at the order to see."),
            "info",
        ),
        Intent.State.ACCEPTED: (
            _("Accepted by OVHcloud"),
            _("OVHcloud took your withdrawal. The order is cancelled next."),
            "success",
        ),
        Intent.State.REFUSED: (
            _("Refused by OVHcloud"),
            _(
                "OVHcloud’s system refused it. Your declaration stands, with its date and time; the support team has"
                " been told and looks into it. If you disagree with OVHcloud, write to it with your receipt."
            ),
            "critical",
        ),
        Intent.State.DEAD: (
            _("Sent, and not confirmed"),
            _(
                "Your declaration is stored, and OVHcloud has not shown what it did with it. A person looks at it now;"
                " its date and time stand."
            ),
            "warning",
        ),
        Intent.State.CLOSED: (
            _("Not passed on any more"),
            _(
                "The support team ended the passing on to OVHcloud and says why below. Your declaration stands, with"
                " its date and time, and you may declare once more."
            ),
            "warning",
        ),
    }


def _held() -> dict[str, tuple[str, str, str]]:
    return {
        "late": (
            _("Received, after the last day"),
            _(
                "Your declaration is stored with its date and time. It was made after the last day that we and OVHcloud"
                " know, so a person looks at it before anything is sent. If OVHcloud turns out to see the order as"
                " open, it is sent by itself."
            ),
            "warning",
        ),
        "no-right": (
            _("Received, held for a person"),
            _(
                "Your declaration is stored with its date and time. OVHcloud names no right of withdrawal for this"
                " order, so a person looks at it. If OVHcloud opens the order to withdrawal, it is sent by itself."
            ),
            "warning",
        ),
        "key": (
            _("Received, waiting for your permission"),
            _(
                "Your declaration is stored with its date and time. OVHcloud no longer lets us act for you: sign in"
                " with OVHcloud again and it is sent at once."
            ),
            "warning",
        ),
        "unclear": (
            _("Sent, and not confirmed"),
            _(
                "Your declaration was sent, and OVHcloud has not shown what it did with it. A person looks at it now;"
                " its date and time stand."
            ),
            "warning",
        ),
    }


def next_steps(intent: Intent, order: Order) -> list[str]:
    """What happens after a declaration in this state, in the order in which it happens."""
    match intent.state:
        case Intent.State.WAITING | Intent.State.SENDING | Intent.State.DOUBTFUL:
            return [
                _("Your declaration is stored; it cannot be changed or lost. You need not keep this page open."),
                _("We pass it to OVHcloud, once, and show its answer here.")
                if intent.state != Intent.State.DOUBTFUL
                else _("We look at the order three times within a minute; only if nothing happened is it sent again."),
                _("When OVHcloud accepts, the order is cancelled and its services end: save your data now."),
            ]
        case Intent.State.ACCEPTED if order.status == "cancelled":
            return [
                _("The order is cancelled, and its services have ended or end now."),
                _("OVHcloud refunds what it owes. We look for the refund by ourselves and show it here."),
            ]
        case Intent.State.ACCEPTED:
            return [
                _("OVHcloud cancels the order and its services end: save your data now."),
                _("Then it refunds what it owes. We look for the refund by ourselves and show it here."),
            ]
        case Intent.State.REFUSED:
            return [
                _("Your declaration keeps its date and time, whatever OVHcloud’s system answered."),
                _("The support team has it in its list and takes it up with OVHcloud."),
                _("You can write to OVHcloud yourself: the letter is written, below."),
                _("You can declare once more: then OVHcloud is asked again."),
            ]
        case Intent.State.CLOSED:
            return [
                _("Your declaration keeps its date and time."),
                _("It is not passed on by itself any more. You can declare once more, or write to OVHcloud yourself."),
            ]
        case Intent.State.HELD if intent.why == "key":
            return [
                _("Sign in with OVHcloud again; your declaration is then sent at once."),
                _("If you cannot, write to OVHcloud with your receipt: the letter is written, below."),
            ]
        case _:
            return [
                _("A person looks at it and may speak to OVHcloud. Nobody here can refuse it."),
                _("We keep asking OVHcloud; if it shows the order as open, your declaration is sent by itself."),
                _("You can write to OVHcloud yourself: the letter is written, below."),
            ]


def part_means(verdict: Verdict) -> str:
    """What withdrawing from the whole order means for this detail, which is covered."""
    if verdict.part == Part.SET_UP:
        return _("Set-up: refunded with what it set up")
    if verdict.part == Part.REDUCTION:
        return _("Reduction: what it took off is not refunded")
    return _("Ends, with its data")


def estimate_working(money: Estimate) -> list[str]:
    """The estimate's arithmetic, one line for each detail that something is expected for."""
    lines = []
    for share in money.shares:
        if share.refund is None:
            continue
        said = {
            "what": share.verdict.detail.description,
            "paid": formats.money(share.paid, money.currency_code),
            "refund": formats.money(share.refund, money.currency_code),
        }
        if share.days is None or share.used is None:
            lines.append(_("%(what)s: %(refund)s, for no duration is known.") % said)
        else:
            said |= {"days": str(share.days), "left": str(share.days - share.used)}
            lines.append(_("%(what)s: %(paid)s × %(left)s of %(days)s days left = %(refund)s.") % said)
    return lines


# --- The refund -------------------------------------------------------------------------------------------------------
def refund_state(at: Any, due_on: date) -> tuple[str, str, str]:
    """
    Headline, sentence and tone of where a refund stands.

    at: of refunds.standing. due_on: the day by which the law wants it.
    """
    said = {"day": plain_day(at.since), "due": plain_day(due_on)}
    match at.state:
        case "refunded":
            said["amount"] = formats.money(at.amount, at.currency_code)
            return (_("Refunded"), _("OVHcloud lists a refund of %(amount)s, dated %(day)s.") % said, "success")
        case "elsewhere":
            return (_("Refunded elsewhere"), _("The money came another way, on %(day)s.") % said, "success")
        case "withheld":
            return (_("Withheld"), _withheld_words(at.why) % said, "warning")
        case "overdue":
            days = ngettext("%(n)d day late", "%(n)d days late", -at.days_left) % {"n": -at.days_left}
            sentence = _("It was due by %(due)s and we have not seen it at OVHcloud.") % said
            return (_("Overdue: %(days)s") % {"days": days}, sentence, "critical")
    left = days_to_go(at.days_left)
    return (
        _("Due %(left)s") % {"left": left},
        _("By law it is due by %(due)s, 14 days after your declaration.") % said,
        "info",
    )


def days_to_go(days: int) -> str:
    """“in 6 days”, “today”."""
    if days == 0:
        return _("today")
    return _("tomorrow") if days == 1 else formats.in_days(days)


def _withheld_words(why: str) -> str:
    return {
        "refused": _("Since %(day)s: OVHcloud refused the withdrawal, so it refunds nothing by itself."),
        "closed": _("Since %(day)s: your declaration is not passed on any more, so nothing is refunded by itself."),
        "held": _("Since %(day)s: a person looks at your declaration first, so no refund is under way."),
    }.get(why, _("Since %(day)s, for the reason given below."))


def refund_due(retraction: Retraction) -> date:
    """
    The day by which the money is due: 14 days after the declaration (directive art. 13(1), L.221-24), counted in the
    zone that the receipt says the time in, wherever the account is now.
    """
    return retraction.declared_at.astimezone(retraction.zone).date() + timedelta(days=14)
