"""The panel's own application at OVHcloud, and gateways that speak for a customer."""

from typing import Any

from django.conf import settings

from accounts.models import Link, Nichandle
from gateway import AccessRule, Application, Gateway

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


def usable_link(nichandle: Nichandle) -> Link:
    """
    The link whose key speaks for this nichandle: its owner's, else the one renewed last.

    Raises:
        NoKey: see there.
    """
    links = list(nichandle.links.usable().select_related("user").order_by("-renewed_at"))
    own = [link for link in links if link.user.nichandle_id == nichandle.pk]
    if not links:
        raise NoKey(nichandle.nichandle)
    return (own or links)[0]


def gateway_for(nichandle: Nichandle, **patience: Any) -> Gateway:
    """
    A gateway that speaks for this nichandle.

    Raises:
        NoKey: see there.
    """
    return Gateway(application(), usable_link(nichandle).consumer_key(), **patience)
