"""What the payment page says of a payment, in sentences."""

import re
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from orders.models import Intent
from orders.payment.at_checkout import UNSEEN, came_with_the_order
from orders.payment.choices import choice_from

_INSUFFICIENT = re.compile(r"insufficient|not enough|insuffisant|funds|solde", re.IGNORECASE)


class Said(NamedTuple):
    """Where a payment stands. tone: of the pill. at_ovhcloud: paying at OVHcloud is offered beside it."""

    headline: str
    explanation: str
    tone: str
    at_ovhcloud: bool = False


def state(intent: Intent, *, shown: bool, late: bool, payable: bool = True) -> Said:
    """
    Where a payment stands and what to do next. OVHcloud's own words are shown beside it, not here.

    shown: OVHcloud shows the order as paid. late: it was accepted minutes ago and is not shown yet. payable: the order
    can still be paid.
    """
    match intent.state:
        case Intent.State.ACCEPTED if shown:
            return Said(_("Paid"), _("OVHcloud has your payment. The order goes its way now."), "success")
        case Intent.State.ACCEPTED if came_with_the_order(intent):
            return _paid_with_the_order(late) if payable else _needless(UNSEEN)
        case Intent.State.ACCEPTED if late:
            return Said(
                _("Accepted, not paid yet"),
                _(
                    "OVHcloud took the payment some minutes ago and still shows the order as unpaid. Your bank may want"
                    " you to confirm it: look into its app, or at OVHcloud’s page of this order."
                ),
                "warning",
                at_ovhcloud=True,
            )
        case Intent.State.ACCEPTED:
            return Said(
                pgettext("payment", "Accepted by OVHcloud"),
                _("OVHcloud took the payment. The order’s status follows in some moments; this page waits for it."),
                "info",
            )
        case Intent.State.WAITING if intent.failures:
            return Said(
                _("Waiting for OVHcloud"),
                _(
                    "OVHcloud does not answer now. The payment is sent once, as soon as it does, and is let go if that"
                    " takes longer than a day. You need not press anything."
                ),
                "info",
            )
        case Intent.State.WAITING | Intent.State.SENDING:
            return Said(_("Being sent to OVHcloud"), _("Your payment is on its way. It is sent once."), "info")
        case Intent.State.DOUBTFUL:
            return Said(
                pgettext("payment", "Sent, waiting for OVHcloud"),
                _(
                    "Your payment was sent and OVHcloud’s answer did not arrive. We look at the order before anything"
                    " else, so nothing is paid twice. This takes a minute or two."
                ),
                "info",
            )
        case Intent.State.HELD:
            return Said(
                _("Waiting for your permission"),
                _("OVHcloud does not let this panel pay for you now. Give it leave again, and the payment goes on."),
                "warning",
                at_ovhcloud=True,
            )
        case Intent.State.DEAD:
            return Said(
                _("Not confirmed"),
                _(
                    "We cannot tell whether OVHcloud took the payment; a person looks at it. Look at your order at"
                    " OVHcloud before you pay by another way."
                ),
                "warning",
                at_ovhcloud=True,
            )
        case Intent.State.REFUSED:
            return Said(_("Refused"), _refused(intent.message), "critical", at_ovhcloud=True)
        case Intent.State.CLOSED:
            return Said(_("Closed by support"), _("This payment is not sent any more."), "neutral", at_ovhcloud=True)
    return _needless(intent.why)


def _paid_with_the_order(late: bool) -> Said:
    if not late:
        return Said(
            _("Being paid at OVHcloud"),
            _(
                "You chose to pay as you ordered, with your default method. OVHcloud was told so, and the order’s"
                " status follows in some moments; this page waits for it. You need not pay again."
            ),
            "info",
        )
    return Said(
        _("Not paid yet"),
        _(
            "OVHcloud was told to pay this order with your default method as you ordered it, and still shows it as"
            " unpaid. Your bank may want you to confirm that payment, or did not take it. Look into its app; if nothing"
            " was taken, pay below."
        ),
        "warning",
        at_ovhcloud=True,
    )


def method(intent: Intent) -> str:
    """What it is paid with."""
    if came_with_the_order(intent):
        return _("the default method of your account")
    return choice_from(intent.arguments).text


def asked(intent: Intent) -> str:
    """The first line of its history."""
    return _("Ordered, to be paid at once") if came_with_the_order(intent) else _("You asked to pay")


def _refused(message: str) -> str:
    if _INSUFFICIENT.search(message):
        return _("There was not enough money on it. Nothing was paid. Choose another method, or pay at OVHcloud.")
    return _(
        "OVHcloud or your bank did not take this payment. Nothing was paid. Choose another method, or pay at OVHcloud,"
        " where your bank can ask you to confirm."
    )


def _needless(why: str) -> Said:
    sentence = {
        "paid": _("The order was paid already when it was this payment’s turn. Nothing was sent."),
        "expired": _("The order expired before the payment could be sent. Nothing was paid: to buy this, order again."),
        "gone": _("OVHcloud no longer lists this order: it lapsed. Nothing was paid: to buy this, order again."),
        "cancelled": _("The order was cancelled meanwhile. Nothing was paid."),
        "withdrawn": _("You withdrew from the order after you asked to pay it. Nothing was paid."),
        "stale": _("OVHcloud could not be reached for a day, so the payment was let go. Nothing was paid."),
        "unknown": _("OVHcloud does not say where the order stands, so nothing was sent."),
        UNSEEN: _("OVHcloud was told to pay it as it was ordered and never showed that it did."),
    }
    headline = _("Not paid") if why == UNSEEN else _("Not sent")
    return Said(headline, sentence.get(why, _("Nothing was sent.")), "neutral", at_ovhcloud=True)


def not_paid(why: str) -> str:
    """Why a press of the button asked for nothing; what to do next."""
    return {
        "another": _("Your last payment was not taken; read below what became of it, then choose again."),
        "price": _("The amount of this order changed while the page was open. Look at it again, then pay."),
        "being-made": _(
            "An order that you wanted paid at once is just being made, and it may be this one. Look again in a minute."
        ),
        "choice": _("Choose one of the methods that OVHcloud takes for this order."),
    }.get(why, _("There is nothing to pay for this order now."))
