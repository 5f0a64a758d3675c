"""
Declaring without signing in, for those who lost access.

The request stores what was typed and nothing else: it looks up no order, so it says and costs the same whether or not
there is one. Which order it belongs to is found afterwards, by a task or by a person (matching.py).
"""

import uuid
from dataclasses import dataclass

from django.core import signing
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import override

from accounts import audit
from accounts.ringing import ring
from orders import tasks
from orders.models import PUBLIC_ZONE, Receipt, Retraction
from orders.retraction import limits, words

# The page of one's own declaration, for whoever holds its address; nothing of it is kept here.
_SALT = "orders.declared"
LINK_LASTS = 7 * 86_400


@dataclass(frozen=True, slots=True)
class _Typed:
    """What the page of the second step showed."""

    order_number: str
    name: str
    email: str
    language: str


def declare_without_sign_in(
    *, order_number: str, name: str, email: str, language: str, key: uuid.UUID | None, request: HttpRequest
) -> Retraction:
    """
    Store it, whatever it says and however many came before; limits hold back its mail, never itself.

    key: of the page it was confirmed on, so that sending that page twice is one declaration.
    """
    typed = _Typed(order_number, name, email, language)
    before = Retraction.objects.filter(form_key=key).first() if key else None
    if before is not None and _is_same(before, typed):
        return before
    if before is not None:
        # That page once more with other words, which is another declaration.
        key = None
    try:
        with transaction.atomic():
            return _store(typed, key, request)
    except IntegrityError:
        # The same page at the same moment: the other one was quicker.
        found = Retraction.objects.filter(form_key=key).first() if key else None
        if found is None:
            raise
        return found


def _store(typed: _Typed, key: uuid.UUID | None, request: HttpRequest) -> Retraction:
    with override(typed.language):
        statement = words.public_statement(typed.name, typed.order_number)
    retraction = Retraction.objects.create(
        channel=Retraction.Channel.PUBLIC,
        declared_at=timezone.now(),
        order_number=number_of(typed.order_number),
        order_typed=typed.order_number,
        name=typed.name,
        email=typed.email,
        statement=statement,
        statement_version=words.STATEMENT_VERSION,
        language=typed.language,
        snapshot={"zone": PUBLIC_ZONE},
        form_key=key,
    )
    held_back = not limits.within(typed.email, audit.client_address(request))
    Receipt.objects.create(
        retraction=retraction,
        address=typed.email,
        held_back=held_back,
        next_attempt_at=None if held_back else retraction.declared_at,
    )
    audit.record(
        request,
        "declare_without_sign_in",
        target=f"receipt {retraction.reference}",
        reference=retraction.reference,
        held_back=held_back,
    )
    ring(tasks.send_receipts)
    ring(tasks.match_declarations)
    return retraction


def number_of(typed: str) -> int | None:
    """The order number in what was typed: its digits when they are one number, however it was written."""
    text = "".join(typed.split()).lstrip("#nN°oO.º:")
    if not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number < 2**63 else None


def link_of(retraction: Retraction) -> str:
    """What opens the page of this declaration for a week: signed, and stored nowhere."""
    return signing.dumps(retraction.reference, salt=_SALT)


def by_link(token: str) -> Retraction | None:
    """The declaration; None alike for what is out of time, invented or damaged."""
    try:
        reference = signing.loads(token, salt=_SALT, max_age=LINK_LASTS)
    except signing.BadSignature:
        return None
    return Retraction.objects.filter(reference=reference, channel=Retraction.Channel.PUBLIC).first()


def _is_same(retraction: Retraction, typed: _Typed) -> bool:
    stored = (retraction.order_typed, retraction.name, retraction.email, retraction.language)
    return stored == (typed.order_number, typed.name, typed.email, typed.language)
