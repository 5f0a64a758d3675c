"""
How much the public page may set in motion: mails, and matches by machine. Never whether a declaration is stored.

Both are counted before anything is looked up, so that a limit tells nothing of what exists. Counted in Redis; while
that is away, by what PostgreSQL holds, which knows no networks and so counts everybody together.
"""

import hashlib
import ipaddress
import unicodedata
from datetime import timedelta

from django.core.cache import cache
from django.utils import timezone

from orders.models import Receipt, Retraction

HOUR, DAY = 3600, 86_400
# Declarations of one network in an hour whose mails go by themselves and that a machine may match.
PER_NETWORK = 10
# Mails to one address in a day, whoever asked for them.
PER_ADDRESS = 5
# Notices to one account in a day: somebody else's flood must not reach it.
PER_ACCOUNT = 3


def within(address: str, network: str) -> bool:
    """
    Count one declaration without signing in, and say whether its receipt may go and a machine may match it.

    address: where the receipt goes. network: the caller's address.
    """
    counted = [
        _count(f"declare:net:{network_of(network)}", HOUR),
        _count(f"declare:mail:{_digest(mailbox_of(address))}", DAY),
    ]
    if None in counted:
        return _within_by_rows(address)
    return counted[0] <= PER_NETWORK and counted[1] <= PER_ADDRESS  # type: ignore[operator]


def account_within(nichandle_pk: int) -> bool:
    """Whether this account may be told by mail once more today. By rows: they are few, and a worker asks."""
    since = timezone.now() - timedelta(days=1)
    told = Receipt.objects.filter(kind=Receipt.Kind.NOTICE, order__nichandle=nichandle_pk)
    return told.filter(retraction__declared_at__gte=since).count() < PER_ACCOUNT


def network_of(address: str) -> str:
    """Those that one holder of addresses is usually given: /24 of IPv4, /56 of IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        ip = mapped
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 56}", strict=False))


def mailbox_of(address: str) -> str:
    """One word for the addresses that one person reads: without letter case, look-alike letters and +tags."""
    local, at, host = unicodedata.normalize("NFKC", address).casefold().rpartition("@")
    return local.partition("+")[0] + at + host


def _count(key: str, seconds: int) -> int | None:
    """How often this key was counted within its time, this one included; None when Redis does not answer."""
    cache.add(key, 0, seconds)
    cache.incr(key)
    # The cache forgives a Redis that is away; what was just counted and cannot be read tells that it is.
    found = cache.get(key)
    return int(found) if found is not None else None


def _within_by_rows(address: str) -> bool:
    now = timezone.now()
    public = Retraction.objects.filter(channel=Retraction.Channel.PUBLIC)
    lately = public.filter(declared_at__gte=now - timedelta(seconds=HOUR))[: PER_NETWORK + 1].count()
    same = public.filter(declared_at__gte=now - timedelta(seconds=DAY), email__iexact=address)
    # The one that is asked about is among them.
    return lately <= PER_NETWORK and same[: PER_ADDRESS + 1].count() <= PER_ADDRESS


def _digest(text: str) -> str:
    """Addresses are kept out of Redis."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
