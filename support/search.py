"""
Finding any customer's order from what a caller says: a number, an account, an e-mail, a name, a domain, a product.

Each kind has an index of its own, and the hits of all are united. First up to LIMIT hits in any order, then the order:
`like … order by date limit 50` would walk the whole date index instead.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower
from django.utils.translation import gettext, override

from accounts.models import Nichandle
from orders.models import Order, Status
from orders.words import STATUSES

LIMIT = 1000
PAGE = 50
# Accounts whose orders are looked for; a name that more people bear needs a second word.
ACCOUNTS = 200
# The index knows words by their trigrams: shorter ones would read the whole table.
SHORTEST = 3
# Wrapped around numbers in mails and on bills.
_NUMBER = re.compile(r"(?:#|n[°o]\.?|no\.?|order|commande)?\s*([0-9][0-9 .]*)", re.IGNORECASE)
_LARGEST = 2**63 - 1
# An older word of the guides for what is now called Being processed.
_OLDER_WORDS = {"delivery in progress": Status.DELIVERING}
# Statuses that can be searched by their name: few orders are in them at any time.
_PASSING = (Status.NOT_PAID, Status.CHECKING, Status.DOCUMENTS_REQUESTED, Status.DELIVERING, Status.CANCELLING)


@dataclass(frozen=True)
class Found:
    """
    Keys of orders that match, unsorted.

    too_many: there are more than LIMIT, or more than ACCOUNTS people of that name. too_short: nothing was looked for.
    """

    keys: list[int]
    too_many: bool = False
    too_short: bool = False


def clean(text: str) -> str:
    """What was typed, without what cannot be searched for: control characters, look-alike spaces, endless length."""
    text = unicodedata.normalize("NFKC", text[:400])
    return " ".join("".join(" " if unicodedata.category(sign)[0] == "C" else sign for sign in text).split())[:200]


def orders_found(text: str, now: datetime) -> Found:
    """Look for what `clean` made of the typing. At most two queries."""
    number = order_number(text)
    if number:
        keys = _keys(Order.objects.filter(_begins_with(number)))
        if keys:
            return Found(keys[:LIMIT], too_many=len(keys) > LIMIT)
    words = text.split()
    if not any(len(word) >= SHORTEST for word in words) and "@" not in text and not _by_name(words):
        return Found([], too_short=True)
    accounts = list(_accounts(text, words)[: ACCOUNTS + 1])
    branches = [_orders_of(accounts[:ACCOUNTS])] if accounts else []
    if status := _status_named(text):
        branches.append(Order.objects.filter(status=status, next_poll_at__isnull=False))
    if any(len(word) >= SHORTEST for word in words):
        branches.append(Order.objects.filter(_all_in("search_text", words)))
    branches += _of_somebody(words)
    keys = _keys(*branches)
    return Found(keys[:LIMIT], too_many=len(keys) > LIMIT or len(accounts) > ACCOUNTS)


def order_number(text: str) -> str:
    """The digits of an order number as people write it (“n° 238 097 502”), or ""."""
    match = _NUMBER.fullmatch(text)
    digits = re.sub(r"[ .]", "", match[1]) if match else ""
    return digits if digits and digits[0] != "0" and int(digits) <= _LARGEST else ""


def _begins_with(digits: str) -> Q:
    """This number, and longer ones that begin like it: ranges of the index on numbers."""
    number = int(digits)
    condition = Q(order_id=number)
    if len(digits) < SHORTEST:
        return condition
    for more in range(1, 13 - len(digits)):
        first = number * 10**more
        condition |= Q(order_id__gte=first, order_id__lte=first + 10**more - 1)
    return condition


def _accounts(text: str, words: list[str]) -> QuerySet[Nichandle, int]:
    """Keys of accounts by nichandle (whole or its beginning), e-mail (whole or a part), or every word in the name."""
    low = text.lower()
    ours = Nichandle.objects.filter(endpoint=settings.OVH_ENDPOINT)
    branches = [ours.filter(_by_name(words))] if _by_name(words) else []
    if " " not in text:
        branches += [
            ours.filter(nichandle=low),
            ours.alias(low_email=Lower("email")).filter(low_email=low),
        ]
        if len(text) >= SHORTEST:
            branches += [ours.filter(nichandle__startswith=low), ours.filter(email__icontains=text)]
    keys = [branch.order_by().values_list("pk", flat=True)[: ACCOUNTS + 1] for branch in branches]
    return keys[0].union(*keys[1:]) if keys else Nichandle.objects.none().values_list("pk", flat=True)


def _by_name(words: list[str]) -> Q:
    """Every word within first name, name or organisation; a short one must be the whole of it (“Li”, “Wu”)."""
    condition = Q()
    for word in words:
        how = "icontains" if len(word) >= SHORTEST else "iexact"
        if len(word) > 1:
            condition &= (
                Q(**{f"name__{how}": word}) | Q(**{f"firstname__{how}": word}) | Q(**{f"organisation__{how}": word})
            )
    return condition


def _all_in(field: str, words: list[str]) -> Q:
    condition = Q()
    for word in words:
        condition &= Q(**{f"{field}__icontains": word})
    return condition


def _orders_of(accounts: list[int]) -> QuerySet[Order]:
    if len(accounts) == 1:
        # One customer may have thousands: the newest are meant, and the index of their list knows them.
        return Order.objects.filter(nichandle_id=accounts[0]).order_by("-date", "-order_id")
    return Order.objects.filter(nichandle_id__in=accounts)


def _of_somebody(words: list[str]) -> list[QuerySet[Order]]:
    """“martin photo”: one part of what was said is the customer's name, the other the product's."""
    if not 2 <= len(words) <= 4 or any(len(word) < SHORTEST for word in words):
        return []
    pairs = []
    for index, word in enumerate(words):
        rest = words[:index] + words[index + 1 :]
        pairs += [([word], rest), (rest, [word])]
    return [
        Order.objects.filter(
            _all_in("search_text", product),
            nichandle__in=Nichandle.objects.filter(_by_name(name), endpoint=settings.OVH_ENDPOINT),
        )
        for name, product in (pairs if len(words) > 2 else pairs[:2])
    ]


def _keys(*branches: QuerySet[Order]) -> list[int]:
    """Keys of up to LIMIT + 1 orders, in one query."""
    if not branches:
        return []
    keys = [branch.values_list("pk", flat=True)[: LIMIT + 1] for branch in branches]
    united = keys[0].union(*keys[1:]) if len(keys) > 1 else keys[0]
    return list(united[: LIMIT + 1] if len(keys) > 1 else united)


def _status_named(text: str) -> str | None:
    """The status of this name in any language, among those that pass."""
    named = {older: str(status) for older, status in _OLDER_WORDS.items()}
    for language, _name in settings.LANGUAGES:
        with override(language):
            named |= {str(STATUSES[status].label).casefold(): str(status) for status in _PASSING}
    named |= {gettext("Delivery in progress").casefold(): str(Status.DELIVERING)}
    return named.get(text.casefold())
