"""The panel's own application at OVHcloud, and gateways that speak for a customer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Case, F, When

from accounts.metering import Meter
from accounts.models import Link, Nichandle
from gateway import AccessRule, Application, Gateway, Heard

# What a customer is asked for at sign-in, in the words of /auth/credential. Nothing wider: never /me/*.
SIGN_IN_RULES = tuple(
    [
        AccessRule("GET", path)
        for path in (
            "/auth/currentCredential",
            "/me",
            "/me/order",
            "/me/order/*",
            "/me/bill",
            "/me/bill/*",
            "/me/refund",
            "/me/refund/*",
            "/me/payment/method",
            "/me/payment/method/*",
        )
    ]
    + [AccessRule("POST", "/auth/logout"), AccessRule("POST", "/me/order/*/retraction")]
)

# What ordering and paying need besides, asked for when a customer first wants to.
_EVERYWHERE = ("GET", "POST", "PUT", "DELETE")
ORDERING_RULES = SIGN_IN_RULES + tuple(
    [
        AccessRule("POST", path)
        for path in ("/me/order/*/pay", "/me/order/*/payWithRegisteredPaymentMean", "/domain/configurationRule/check")
    ]
    + [AccessRule(method, path) for path in ("/order/cart", "/order/cart/*") for method in _EVERYWHERE]
    + [AccessRule("GET", "/me/paymentMean/*")]
    + [
        AccessRule(method, path)
        for path in ("/me/contact", "/me/contact/*", "/domain/contact", "/domain/contact/*")
        for method in ("GET", "POST", "PUT")
    ]
)

# To show who is there: who it is, and giving the key back.
ASSURANCE_RULES = (
    AccessRule("GET", "/auth/currentCredential"),
    AccessRule("GET", "/me"),
    AccessRule("POST", "/auth/logout"),
)

# Seconds that a browser may wait for OVHcloud, connecting included; pages other than sign-in never wait.
WHILE_A_BROWSER_WAITS: dict[str, Any] = {"connect_within": 2.0, "answer_within": 4.0, "in_all": 5.0}


class NoKey(Exception):
    """Nobody holds a usable consumer key for this nichandle: its owner must sign in again."""


def application() -> Application:
    """The application of settings.OVH_*, which signs every call."""
    return Application(
        endpoint=settings.OVH_ENDPOINT,
        base_url=settings.OVH_BASE_URL,
        application_key=settings.OVH_APPLICATION_KEY,
        application_secret=settings.OVH_APPLICATION_SECRET,
        validation_hosts=tuple(settings.OVH_WEB_HOSTS),
    )


def covers(rules: Iterable[Mapping[str, str]], needed: Iterable[AccessRule]) -> bool:
    """Whether these access rules, as a link keeps them, allow all of those."""
    kept = [(rule["method"], rule["path"]) for rule in rules]
    return all(any(method == rule.method and fnmatchcase(rule.path, path) for method, path in kept) for rule in needed)


def usable_link(nichandle: Nichandle, *, ordering: bool = False) -> Link:
    """
    The link whose key speaks for this nichandle: its owner's, else the one renewed last.

    ordering: only one that may order and pay.
    Raises:
        NoKey: see there.
    """
    links = list(nichandle.links.usable().select_related("user").order_by("-renewed_at"))
    if ordering:
        links = [link for link in links if covers(link.rules, ORDERING_RULES)]
    own = [link for link in links if link.user.nichandle_id == nichandle.pk]
    if not links:
        raise NoKey(nichandle.nichandle)
    return (own or links)[0]


class Key(NamedTuple):
    """What a turn of a worker needs of a link, thousands of them at once. pk: the link's."""

    pk: int
    user_id: int
    nichandle_id: int
    encrypted_key: str

    def consumer_key(self) -> str:
        """As Link's. Kept in memory, where what opens it lies, too: to open one costs as much as a check's database."""
        return _opened(self.encrypted_key, self.user_id, self.nichandle_id, tuple(settings.CREDENTIAL_KEYS))


@lru_cache(maxsize=20_000)
def _opened(encrypted_key: str, user_id: int, nichandle_id: int, keys: tuple[str, ...]) -> str:
    return Link(user_id=user_id, nichandle_id=nichandle_id, encrypted_key=encrypted_key).consumer_key()


def usable_keys(nichandle_pks: Sequence[int]) -> dict[int, Key]:
    """The keys of `usable_link` for many accounts in one query, by nichandle; those without one are missing."""
    links = Link.objects.usable().filter(nichandle__in=nichandle_pks)
    own = Case(When(user__nichandle=F("nichandle"), then=0), default=1)
    links = links.order_by("nichandle", own, "-renewed_at").distinct("nichandle")
    found = links.values_list("pk", "user_id", "nichandle_id", "encrypted_key")
    return {row[2]: Key(*row) for row in found}


def gateway_for(
    nichandle: Nichandle,
    *,
    people: bool = True,
    ordering: bool = False,
    witness: Callable[[Heard], None] | None = None,
    **patience: Any,
) -> Gateway:
    """
    A gateway that speaks for this nichandle, within its key's budget; for one thread, which may use the database.

    people: somebody waits for it, so it comes before the background. ordering: by a key that may order and pay.
    witness: hears every answer.
    Its calls raise BudgetSpent and BreakerOpen, too, which are a RateLimited and a NotConnected.
    Raises:
        NoKey: see there.
    """
    link = usable_link(nichandle, ordering=ordering)
    return _metered(
        link.consumer_key(), Meter(application().address, link.pk, people=people, witness=witness), patience
    )


def gateway_with(consumer_key: str, **patience: Any) -> Gateway:
    """A gateway for a key that no link holds (yet, or any more), or for nobody: ""."""
    return _metered(consumer_key, Meter(application().address, None, people=True), patience)


def _metered(consumer_key: str, meter: Meter, patience: dict[str, Any]) -> Gateway:
    return Gateway(application(), consumer_key, before_call=meter.before, witness=meter.heard, **patience)
