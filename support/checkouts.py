"""Orders that were asked for and are not there yet: what the desk's queues tell to whoever must decide."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from carts.checkout import quotes
from carts.checkout.candidates import named
from carts.models import Checkout
from carts.prices import amount
from orders.models import Intent

# A refused one is its customer's own matter, whose cart is open again; staff see it so long, in case they are asked.
SHOWN_FOR = timedelta(days=7)
MOST_LINES = 5


def still_refused(now: datetime) -> Any:
    """Of refused intents, all but checkouts that are old, or that the same cart was ordered after."""
    later = Checkout.objects.filter(cart=OuterRef("checkout__cart"), pk__gt=OuterRef("checkout__pk"))
    young = Q(created_at__gt=now - SHOWN_FOR)
    return ~Q(kind=Intent.Kind.CHECKOUT) | (young & ~Exists(later))


def candidates(intent: Any) -> list[int]:
    """Orders that a checkout may have made, of which staff may say which one it was. intent: with its checkout."""
    checkout: Checkout | None = getattr(intent, "checkout", None)
    is_open = checkout is not None and intent.state in (Intent.State.DOUBTFUL, Intent.State.DEAD) and intent.attempts
    return named(checkout) if checkout is not None and is_open else []


def facts(intent: Any) -> list[str]:
    """
    What was to be ordered, what it was to cost, how often OVHcloud may have heard of it. Nothing for other kinds.

    intent: with its checkout. No query.
    """
    checkout: Checkout | None = getattr(intent, "checkout", None)
    if checkout is None:
        return []
    lines = [line["description"] for line in checkout.quote["lines"] if amount(line["total_price"])[0] > 0]
    said = lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        more = len(lines) - MOST_LINES
        said.append(ngettext("and %(n)d more", "and %(n)d more", more) % {"n": more})
    said.append(_("To cost %(total)s with tax.") % {"total": quotes.money(checkout.quote["prices"]["with_tax"])})
    if checkout.pay_at_once:
        said.append(_("To be paid at once with the default method."))
    attempts = intent.attempts
    tried = ngettext("OVHcloud may have had it %(n)d time.", "OVHcloud may have had it %(n)d times.", attempts)
    said.append(tried % {"n": attempts} if attempts else _("It was not sent to OVHcloud."))
    if checkout.ovh_order_id:
        said.append(_("OVHcloud’s number: %(number)s.") % {"number": checkout.ovh_order_id})
    return said
