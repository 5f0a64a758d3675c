"""
Names that somebody looks up: each is a row and a call of its own, in threads, and written as soon as it is answered.

For an account they are looked up in its own cart, before sign-in in one of the operator's (settings.SEARCH_NICHANDLE),
which never becomes a customer's.
"""

from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import Case, Q, When
from django.utils import timezone

from accounts import ovh
from accounts.actions import note_revoked
from accounts.breaker import BreakerOpen
from accounts.models import Link, Nichandle
from accounts.ovh import NoKey
from carts.models import Cart, DomainCheck, SearchCart
from carts.sync import copies, kept
from carts.sync.copies import TOO_LATE, back_off, copy_for, gone
from gateway import (
    AccessRule,
    CredentialRevoked,
    DomainOfferRecord,
    Gateway,
    NotFound,
    NotGranted,
    OvhError,
    OvhRefused,
    OvhUnavailable,
    RateLimited,
)
from orders.sync.turn import Turn

# What the operator's key has to allow; making a cart asks for no key.
LOOKING_UP = (AccessRule("GET", "/order/cart/*/domain"),)
# A call with its tries ends within 15 s, and a turn begins none after 25 s.
LEASE = timedelta(seconds=60)
AT_ONCE = 64
MOST_FAILURES = 3
# The page of a visitor's search looks no longer for its answers.
WAITED_FOR = timedelta(minutes=10)
# Another worker makes the cart this moment.
SOON = timedelta(seconds=0.5)

Answer = tuple[DomainOfferRecord, ...] | OvhError
State = DomainCheck.State


def ask_domains_due(limit: int = AT_ONCE) -> int:
    """Look up what is due. Returns how many rows were taken up."""
    checks = _claim(limit)
    if not checks:
        return 0
    try:
        with Turn(people=True, tries=3) as turn:
            _ask(turn, checks)
    except BreakerOpen as error:
        wait = max(error.retry_at - timezone.now(), timedelta(seconds=1))
        _later(checks, wait)
    return len(checks)


def _claim(limit: int) -> list[DomainCheck]:
    now = timezone.now()
    with transaction.atomic():
        due = DomainCheck.objects.filter(Q(leased_until=None) | Q(leased_until__lte=now), next_attempt_at__lte=now)
        due = due.select_for_update(skip_locked=True, of=("self",)).select_related("nichandle")
        # However many names visitors look for, by the operator's key, customers' own do not wait for them.
        visitors_last = Case(When(nichandle=None, then=1), default=0)
        checks = list(due.order_by(visitors_last, "next_attempt_at", "pk")[:limit])
        late = [check for check in checks if check.nichandle_id is None and check.asked_at < now - WAITED_FOR]
        if late:
            # So many were asked for that nobody looks at these any more; the operator's calls are for those who do.
            rows = DomainCheck.objects.filter(pk__in=[check.pk for check in late])
            rows.update(state=State.FAILED, next_attempt_at=None, leased_until=None)
            checks = [check for check in checks if check not in late]
        DomainCheck.objects.filter(pk__in=[check.pk for check in checks]).update(leased_until=now + LEASE)
    return checks


def _ask(turn: Turn, checks: list[DomainCheck]) -> None:
    if turn.is_probe:
        _later(checks[1:], timedelta(seconds=1))
        checks = checks[:1]
    jobs: list[tuple[DomainCheck, str, Callable[[], Answer]]] = []
    for whose, asked in _by_asker(checks).items():
        jobs += _jobs_of(turn, whose, asked)
    began = timezone.now()

    def keep(index: int, answer: Answer | None) -> None:
        check, ovh_cart_id, _job = jobs[index]
        _keep(check, answer, ovh_cart_id)
        if isinstance(answer, CredentialRevoked):
            asker = check.nichandle or _operator()
            if asker is not None:
                note_revoked(asker, began)

    told = turn.run([job for _check, _id, job in jobs], keep)
    _later([check for (check, _id, _job), answer in zip(jobs, told, strict=True) if answer is None], SOON)


def _by_asker(checks: list[DomainCheck]) -> dict[tuple[Nichandle | None, str], list[DomainCheck]]:
    """By the account that asks OVHcloud, and, where that is the operator's, the price list."""
    found: dict[tuple[Nichandle | None, str], list[DomainCheck]] = defaultdict(list)
    for check in checks:
        if check.nichandle is not None:
            found[check.nichandle, ""].append(check)
    if any(check.nichandle is None for check in checks):
        operator = _operator()
        for check in checks:
            if check.nichandle is None:
                found[operator, check.subsidiary].append(check)
    return found


def _operator() -> Nichandle | None:
    if not settings.SEARCH_NICHANDLE:
        return None
    return Nichandle.objects.filter(endpoint=settings.OVH_ENDPOINT, nichandle=settings.SEARCH_NICHANDLE).first()


def _jobs_of(
    turn: Turn, whose: tuple[Nichandle | None, str], checks: list[DomainCheck]
) -> list[tuple[DomainCheck, str, Callable[[], Answer]]]:
    """The calls for one account's names; where there can be none, that is written."""
    asker, subsidiary = whose
    try:
        if asker is None:
            raise NoKey
        link = _link_for_visitors(asker) if subsidiary else _link_of(asker)
        gateway = turn.gateway(link, turn.reserve({link.pk: len(checks) + 1}).get(link.pk, 0))
        ovh_cart_id = _search_cart(gateway, subsidiary) if subsidiary else copy_for(asker, gateway)
    except NoKey:
        for check in checks:
            _end(check, State.FAILED)
        return []
    except OvhError as error:
        for check in checks:
            _keep(check, error, "")
        return []
    if ovh_cart_id is None:
        _later(checks, SOON)
        return []
    return [(check, ovh_cart_id, partial(_offers, gateway, ovh_cart_id, check.domain)) for check in checks]


def _link_for_visitors(operator: Nichandle) -> Link:
    """
    Raises:
        NoKey: none of the operator's keys may look names up.
    """
    links = operator.links.usable().select_related("user").order_by("-renewed_at")
    found = [link for link in links if ovh.covers(link.rules, LOOKING_UP)]
    if not found:
        raise NoKey(operator.nichandle)
    return found[0]


def _link_of(asker: Nichandle) -> Link:
    """
    A key that may order. Where the account's may not, that is said on its cart.

    Raises:
        NoKey: see there.
    """
    try:
        return ovh.usable_link(asker, ordering=True)
    except NoKey:
        if asker.links.usable().exists():
            copies.open_cart(asker)
            Cart.objects.filter(nichandle=asker, state=Cart.State.OPEN).update(trouble=Cart.Trouble.RIGHTS)
        raise


def _offers(gateway: Gateway, ovh_cart_id: str, domain: str) -> Answer:
    try:
        return gateway.domain_offers(ovh_cart_id, domain)
    except OvhError as error:
        return error


def _search_cart(gateway: Gateway, subsidiary: str) -> str:
    """The operator's cart of a price list; one that two workers make at once is two, and one of them expires."""
    now = timezone.now()
    row = SearchCart.objects.filter(subsidiary=subsidiary, expires_at__gt=now + TOO_LATE).first()
    if row is not None:
        return row.ovh_cart_id
    made = gateway.make_cart(subsidiary)
    values = {"ovh_cart_id": made.cart_id[:64], "expires_at": made.expire or now + timedelta(hours=12)}
    SearchCart.objects.update_or_create(subsidiary=subsidiary, defaults=values)
    return made.cart_id


# --- What came of it --------------------------------------------------------------------------------------------------
def _keep(check: DomainCheck, answer: Answer | None, ovh_cart_id: str) -> None:
    match answer:
        case None:
            return
        case tuple():
            offers = [kept.offer(record) for record in answer]
            _end(check, State.ANSWERED, offers=offers, answered_at=timezone.now(), message="", query_id="")
        case RateLimited():
            _later([check], timedelta(seconds=max(answer.retry_after, 0.5)))
        case BreakerOpen():
            _later([check], max(answer.retry_at - timezone.now(), timedelta(seconds=1)))
        case NotFound() if ovh_cart_id:
            # The cart has expired: the next try makes another.
            _cart_is_gone(check, ovh_cart_id)
            _try_again(check, answer)
        case NotGranted():
            if check.nichandle_id is not None:
                open_cart = Cart.objects.filter(nichandle=check.nichandle_id, state=Cart.State.OPEN)
                open_cart.update(trouble=Cart.Trouble.RIGHTS)
            _end(check, State.FAILED, message=answer.message, query_id=answer.query_id[:120])
        case OvhRefused():
            _end(check, State.FAILED, message=answer.message, query_id=answer.query_id[:120])
        case OvhUnavailable() | OvhError():
            _try_again(check, answer)


def _cart_is_gone(check: DomainCheck, ovh_cart_id: str) -> None:
    if check.nichandle is not None:
        gone(check.nichandle, ovh_cart_id)
    else:
        SearchCart.objects.filter(ovh_cart_id=ovh_cart_id).delete()


def _end(check: DomainCheck, state: str, **values: object) -> None:
    rows = DomainCheck.objects.filter(pk=check.pk)
    rows.update(state=state, next_attempt_at=None, leased_until=None, **values)


def _try_again(check: DomainCheck, error: OvhError) -> None:
    failures = check.failures + 1
    told = {"failures": failures, "message": error.message, "query_id": error.query_id[:120]}
    if failures >= MOST_FAILURES:
        _end(check, State.FAILED, **told)
        return
    next_attempt_at = timezone.now() + (SOON if isinstance(error, NotFound) else back_off(failures))
    DomainCheck.objects.filter(pk=check.pk).update(leased_until=None, next_attempt_at=next_attempt_at, **told)


def _later(checks: list[DomainCheck], wait: timedelta) -> None:
    pks = [check.pk for check in checks]
    waiting = DomainCheck.objects.filter(pk__in=pks, state=State.WAITING)
    waiting.update(leased_until=None, next_attempt_at=timezone.now() + wait)
