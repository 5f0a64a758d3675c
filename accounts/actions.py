"""
Journeys to OVHcloud: begin, come back, confirm. Each step is one transaction, and each refusal drops the key.

Most sign somebody in. Who is signed in already may make one to link a further account, or only to show that it is they.
"""

import hashlib
import secrets
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel.core import get_global
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts import audit, notices, sync, tasks
from accounts.addresses import own_page
from accounts.http import CustomerRequest
from accounts.models import DroppedKey, Link, Nichandle, Notice, Session, SignIn, User
from accounts.ordering import may_order
from accounts.ovh import (
    ASSURANCE_RULES,
    ORDERING_RULES,
    SIGN_IN_RULES,
    WHILE_A_BROWSER_WAITS,
    NoKey,
    covers,
    gateway_with,
    usable_link,
)
from accounts.signals import forgetting, key_granted
from gateway import CredentialRevoked

# Fields of GET /me that have a column of the same name.
FACTS_OF_ME = (
    "customer_code",
    "email",
    "name",
    "firstname",
    "organisation",
    "legalform",
    "country",
    "language",
    "currency_code",
    "ovh_subsidiary",
)


class SignInRefused(Exception):
    """This return finishes nothing; the key it may have carried is on its way to be revoked."""


class AnotherAccount(SignInRefused):
    """Somebody came back, but not the person who is signed in."""


class KeyNotGranted(SignInRefused):
    """The customer refused at OVHcloud, or has not answered there yet."""


def begin_sign_in(
    request: HttpRequest,
    purpose: str = SignIn.Purpose.SIGN_IN,
    then: str = "",
    nichandle: Nichandle | None = None,
) -> SignIn:
    """
    Ask OVHcloud for a key and remember in this session, and nowhere the browser can read it, where it must return.

    then: the page of ours to go on to afterwards; anything else is dropped. nichandle: of ORDERING, whose key is to be
    able to do more. Source: POST /auth/credential.
    Raises:
        OvhUnavailable, OvhRefused: of the gateway.
    """
    nonce = secrets.token_urlsafe(32)
    redirection = settings.BASE_URL + reverse("accounts:sign_in_return", args=[nonce])
    wider = purpose == SignIn.Purpose.ORDERING or (purpose == SignIn.Purpose.SIGN_IN and _renews_wider_key(request))
    rules = ASSURANCE_RULES if purpose == SignIn.Purpose.ASSURANCE else ORDERING_RULES if wider else SIGN_IN_RULES
    asked = gateway_with("", **WHILE_A_BROWSER_WAITS).request_credential(rules, redirection)
    sign_in = SignIn(nonce_digest=_digest(nonce), validation_url=asked.validation_url, wider=wider, nichandle=nichandle)
    sign_in.purpose, sign_in.then = purpose, own_page(then)
    if purpose != SignIn.Purpose.SIGN_IN:
        sign_in.user = cast(User, request.user)
    sign_in.keep_key(asked.consumer_key)
    sign_in.save()
    request.session["sign_in"] = str(sign_in.pk)
    return sign_in


def _renews_wider_key(request: HttpRequest) -> bool:
    """Whether who is signed in holds a key to their own account that may order: renewing it asks for as much."""
    user: Any = request.user
    link = user.links.filter(nichandle=user.nichandle_id).first() if user.is_authenticated else None
    return link is not None and may_order(link)


def current_sign_in(request: HttpRequest) -> SignIn | None:
    """The journey this session began, while it is open."""
    if "sign_in" not in request.session:
        return None
    sign_in = SignIn.objects.filter(pk=request.session["sign_in"]).first()
    return sign_in if sign_in and sign_in.is_open else None


def return_from_ovh(request: HttpRequest, nonce: str) -> SignIn:
    """
    Take a return: the nonce of the redirection and the session that began, both or nothing.

    Source: GET /auth/currentCredential, GET /me.
    Raises:
        SignInRefused: anything does not fit; a key that came this way is dropped.
        KeyNotGranted: OVHcloud says the key is not validated.
        OvhUnavailable: nothing is used up, the same return may come again.
    """
    sign_in = SignIn.objects.filter(nonce_digest=_digest(nonce)).first()
    if sign_in is None:
        audit.record(request, "sign_in_return", result="refused", why="unknown nonce")
        raise SignInRefused
    if request.session.get("sign_in") != str(sign_in.pk):
        _abandon(sign_in, "returned to another browser")
        audit.record(request, "sign_in_return", result="refused", why="another browser")
        raise SignInRefused
    if not sign_in.is_open or sign_in.returned_at is not None:
        audit.record(request, "sign_in_return", result="refused", why="used or too old")
        raise SignInRefused
    if sign_in.user_id is not None and sign_in.user_id != request.user.pk:
        _abandon(sign_in, "its person left meanwhile")
        audit.record(request, "sign_in_return", result="refused", why="signed out meanwhile")
        raise SignInRefused
    gateway = gateway_with(sign_in.consumer_key(), **WHILE_A_BROWSER_WAITS)
    try:
        credential = gateway.current_credential()
        me = gateway.me()
    except CredentialRevoked:
        _abandon(sign_in, "not granted")
        audit.record(request, "sign_in_return", result="refused", why="not granted at OVHcloud")
        raise KeyNotGranted from None
    sign_in.me = asdict(me)
    sign_in.credential = {
        "rules": [asdict(rule) for rule in credential.rules],
        "expiration": credential.expiration.isoformat() if credential.expiration else None,
    }
    sign_in.returned_at = timezone.now()
    sign_in.save(update_fields=["me", "credential", "returned_at"])
    return sign_in


@transaction.atomic
def finish_sign_in(request: HttpRequest, sign_in_pk: Any) -> User:
    """
    Keep the key that came back and return its owner: the user whose *own* nichandle it is.

    The key of an earlier sign-in is dropped at OVHcloud afterwards.
    Raises:
        SignInRefused: no return came, or it was used or is too old.
    """
    sign_in = _returned(sign_in_pk, SignIn.Purpose.SIGN_IN)
    nichandle = account_of(sign_in.me)
    user = User.objects.filter(nichandle=nichandle).first() or User.objects.make_customer(nichandle)
    if not user.is_active:
        # The sweep drops the key; nothing of the account is imported for somebody who may not see it.
        raise SignInRefused
    _keep_key(sign_in, user, nichandle)
    audit.record(request, "sign_in", actor=user.username, subject=nichandle.nichandle)
    tasks.ring_drop_keys()
    return user


@transaction.atomic
def finish_link(request: CustomerRequest, sign_in_pk: Any) -> Link:
    """
    Give the signed-in person a key of their own to the account that came back. Its owner, and whoever else linked it,
    is told; nobody's key or session changes hands.

    Raises:
        SignInRefused: no return came, it was used, is too old or somebody else's; or that account is switched off.
    """
    sign_in = _returned(sign_in_pk, SignIn.Purpose.LINK, request.user)
    nichandle = account_of(sign_in.me)
    if User.objects.filter(nichandle=nichandle, is_active=False).exists():
        raise SignInRefused
    is_new = not Link.objects.filter(user=request.user, nichandle=nichandle).exists()
    link = _keep_key(sign_in, request.user, nichandle)
    if is_new and nichandle.pk != request.user.nichandle_id:
        notices.tell_holders(nichandle, Notice.Kind.LINKED, request.user)
    audit.record(request, "link", subject=nichandle.nichandle)
    tasks.ring_drop_keys()
    return link


def finish_ordering(request: CustomerRequest, sign_in_pk: Any) -> Link:
    """
    The signed-in person's key to an account they hold is replaced by one that may order and pay; the old one is dropped
    at OVHcloud.

    Raises:
        SignInRefused: no return came, it was used or is too old; or the link was ended meanwhile.
        AnotherAccount: somebody else came back; the key is dropped all the same.
        KeyNotGranted: OVHcloud granted less than was asked.
    """
    with transaction.atomic():
        sign_in = _returned(sign_in_pk, SignIn.Purpose.ORDERING, request.user)
        nichandle = sign_in.nichandle
        if nichandle is None or not Link.objects.filter(user=request.user, nichandle=nichandle).exists():
            raise SignInRefused
        same = sign_in.me["nichandle"] == nichandle.nichandle
        granted = covers(sign_in.credential["rules"], ORDERING_RULES)
        result = "done" if same and granted else "refused"
        audit.record(request, "allow_ordering", subject=nichandle.nichandle, result=result)
        if same and granted:
            keep_me(nichandle, sign_in.me)
            link = _keep_key(sign_in, request.user, nichandle)
            tasks.ring_drop_keys()
            return link
        _abandon(sign_in, "granted less than was asked" if same else "of another account than was asked")
    raise KeyNotGranted if same else AnotherAccount


def finish_assurance(request: CustomerRequest, sign_in_pk: Any) -> None:
    """
    The signed-in person came back from OVHcloud as themselves. The key of this journey is dropped: it showed who is
    there and is good for nothing else.

    Raises:
        SignInRefused: no return came, it was used or is too old.
        AnotherAccount: somebody else came back; the key is dropped all the same.
    """
    own = request.user.nichandle
    with transaction.atomic():
        sign_in = _returned(sign_in_pk, SignIn.Purpose.ASSURANCE, request.user)
        same = own is not None and sign_in.me["nichandle"] == own.nichandle
        audit.record(request, "assurance", subject=own.nichandle if own else "", result="done" if same else "refused")
        _abandon(sign_in, "only showed who is there")
    if not same:
        raise AnotherAccount


def _returned(sign_in_pk: Any, purpose: str, user: User | None = None) -> SignIn:
    sign_in = SignIn.objects.select_for_update().filter(pk=sign_in_pk, purpose=purpose, user=user).first()
    if sign_in is None or not sign_in.is_open or sign_in.returned_at is None:
        raise SignInRefused
    return sign_in


def account_of(me: dict[str, Any]) -> Nichandle:
    """The row of the account that came back, with what GET /me said of it; me is a NichandleRecord as a dict."""
    nichandle, _ = Nichandle.objects.get_or_create(
        endpoint=settings.OVH_ENDPOINT, nichandle=me["nichandle"], defaults={"seen_at": timezone.now()}
    )
    keep_me(nichandle, me)
    return nichandle


def _keep_key(sign_in: SignIn, user: User, nichandle: Nichandle) -> Link:
    """
    The journey's key becomes this person's key to this account; one they held before is to be revoked. A good one that
    may do more stays, and the journey's is revoked.
    """
    link = Link.objects.select_for_update().filter(user=user, nichandle=nichandle).first()
    if link is None:
        link = Link(user=user, nichandle=nichandle)
    elif _does_more(link, sign_in):
        _abandon(sign_in, "the key held already may do more")
        key_granted.send(sender=Nichandle, nichandle=nichandle)
        return link
    elif link.encrypted_key:
        DroppedKey.objects.create(
            encrypted_key=link.encrypted_key, bound_to=link.key_binding, reason="replaced by a new sign-in"
        )
    link.keep_key(sign_in.consumer_key())
    expiration = sign_in.credential["expiration"]
    link.expiration = datetime.fromisoformat(expiration) if expiration else None
    link.rules = sign_in.credential["rules"]
    link.state, link.revoked_at, link.renewed_at = Link.State.VALID, None, timezone.now()
    link.save()
    sign_in.encrypted_key, sign_in.finished_at, sign_in.me = "", timezone.now(), None
    sign_in.save(update_fields=["encrypted_key", "finished_at", "me"])
    key_granted.send(sender=Nichandle, nichandle=nichandle)
    return link


def _does_more(link: Link, sign_in: SignIn) -> bool:
    """Whether the key held already may order and the journey's may not, as far as we know and for some time."""
    good = bool(link.encrypted_key) and link.is_usable and not link.lapses_soon
    return good and may_order(link) and not covers(sign_in.credential["rules"], ORDERING_RULES)


# --- Links ------------------------------------------------------------------------------------------------------------
@transaction.atomic
def end_link(request: CustomerRequest, link: Link) -> None:
    """
    End a person's hold on an account: theirs on another's, or another's on theirs. The key is revoked by a task, the
    account's orders stay for whoever else holds it.
    """
    _drop_key_of(link, "its link was ended")
    audit.record(request, "unlink", subject=link.nichandle.nichandle, target=link.user.username)
    notices.tell_holders(link.nichandle, Notice.Kind.UNLINKED, request.user)
    link.delete()
    tasks.ring_drop_keys()


# --- Sessions ---------------------------------------------------------------------------------------------------------
@transaction.atomic
def end_sessions(request: CustomerRequest, name: str) -> int:
    """End this person's session of that name; "others": all but the one that asks. Returns how many ended."""
    here = request.session.session_key
    chosen = [
        session.pk
        for session in Session.objects.filter(user=request.user)
        if session.name == name or (name == "others" and session.session_key != here)
    ]
    ended, _rows = Session.objects.filter(pk__in=chosen).delete()
    if ended:
        own = request.user.nichandle
        audit.record(request, "end_sessions", subject=own.nichandle if own else "", sessions=ended)
    return ended


@transaction.atomic
def change_settings(request: CustomerRequest, *, language: str, time_zone: str) -> None:
    """The person's language, and the time zone of their own account; whoever linked it sees its times in it, too."""
    user, own = request.user, request.user.nichandle
    assert own is not None  # noqa: S101  (a customer has one)
    audit.record(request, "settings", subject=own.nichandle, language=language, time_zone=time_zone)
    user.language, own.time_zone = language, time_zone
    user.save(update_fields=["language"])
    own.save(update_fields=["time_zone"])


def keep_me(nichandle: Nichandle, me: dict[str, Any]) -> None:
    """Write what GET /me said into the row; me is a NichandleRecord as a dict."""
    if not nichandle.me_read_at:
        nichandle.time_zone = _zone_of(me["country"])
    for field in FACTS_OF_ME:
        setattr(nichandle, field, me[field] or "")
    nichandle.billing = {
        field: me.get(field) or ""
        for field in ("address", "complementary_address", "zip", "city", "area", "phone", "vat")
    }
    nichandle.me_read_at = timezone.now()
    # Not the whole row: a page may have written meanwhile that somebody looks at this account.
    nichandle.save(update_fields=[*FACTS_OF_ME, "billing", "time_zone", "me_read_at"])


@transaction.atomic
def note_revoked(nichandle: Nichandle, asked_at: datetime) -> None:
    """OVHcloud refused the key that spoke for this nichandle at asked_at; one renewed since then stays."""
    try:
        link = Link.objects.select_for_update().get(pk=usable_link(nichandle).pk)
    except NoKey:
        return
    if link.renewed_at < asked_at:
        link.state, link.revoked_at = Link.State.REVOKED, timezone.now()
        link.save(update_fields=["state", "revoked_at"])
        audit.record(None, "key_revoked", subject=nichandle.nichandle, target=link.user.username)
        if link.user.nichandle_id == nichandle.pk:
            # Whoever takes the key back at OVHcloud may have lost a device: what is open here ends, too.
            link.user.sessions.update(ended_because="revoked")


@transaction.atomic
def forget_keys(request: CustomerRequest) -> None:
    """Take back every key this customer gave us; each is revoked at OVHcloud by a task."""
    for link in request.user.links.select_for_update():
        _drop_key_of(link, "forgotten by its owner")
        link.encrypted_key, link.state, link.revoked_at = "", Link.State.REVOKED, timezone.now()
        link.save(update_fields=["encrypted_key", "state", "revoked_at"])
    audit.record(request, "forget_keys", subject=request.nichandle.nichandle)
    tasks.ring_drop_keys()


@transaction.atomic
def forget(request: CustomerRequest) -> int:
    """
    Forget the person who asks: keys, links, sessions, factors and their own account's orders. Keys are revoked at
    OVHcloud by a task; what the law keeps stays without a name. Returns how many orders stay.
    """
    user, own = request.user, request.user.nichandle
    assert own is not None  # noqa: S101  (a customer has one)
    # Whoever polls or imports this account just now is waited for, and comes to nothing afterwards.
    Nichandle.objects.select_for_update().get(pk=own.pk)
    for link in Link.objects.select_for_update().filter(Q(user=user) | Q(nichandle=own)):
        _drop_key_of(link, "its person asked to be forgotten")
    audit.record(request, "forget", subject=own.nichandle)
    answers = forgetting.send(sender=Nichandle, nichandle=own)
    kept = sum(int(answer or 0) for _receiver, answer in answers)
    Link.objects.filter(nichandle=own).delete()
    user.delete()
    if kept:
        for field in FACTS_OF_ME:
            if field not in ("country", "legalform", "currency_code", "ovh_subsidiary", "language"):
                setattr(own, field, "")
        own.billing, own.me_read_at, own.seen_at = {}, None, None
        own.save()
    else:
        own.delete()
    tasks.ring_drop_keys()
    return kept


def _drop_key_of(link: Link, reason: str) -> None:
    if link.encrypted_key:
        DroppedKey.objects.create(encrypted_key=link.encrypted_key, bound_to=link.key_binding, reason=reason)


def _abandon(sign_in: SignIn, reason: str) -> None:
    sync.abandon(sign_in, reason)
    tasks.ring_drop_keys()


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()


def _zone_of(country: str) -> str:
    """The country's time zone where it has just one, else Europe/Paris."""
    zones = [zone for zone, territory in get_global("zone_territories").items() if territory == country.upper()]
    if len(zones) != 1:
        return "Europe/Paris"
    try:
        return ZoneInfo(zones[0]).key
    except (ValueError, OSError):
        return "Europe/Paris"
