"""One-time addresses at OVHcloud, fetched at the moment of the click and kept nowhere."""

from urllib.parse import urlsplit

from django.conf import settings

from accounts import ovh
from orders.models import Order


class LinkNotAllowed(Exception):
    """OVHcloud's answer named an address outside the hosts a browser may be sent to."""


def fresh_order_url(order: Order) -> str:
    """
    Return the address of OVHcloud's own page of this order. It opens the document for whoever holds it: redirect the
    owner there and keep it nowhere.

    Raises:
        NoKey, OvhError; LinkNotAllowed: the answer names a host that is not on the list.
    """
    gateway = ovh.gateway_for(order.nichandle, **ovh.WHILE_A_BROWSER_WAITS)
    return _allowed(gateway.order_links(order.order_id).url)


def fresh_bill_url(order: Order) -> str:
    """The same for the bill that this order became."""
    gateway = ovh.gateway_for(order.nichandle, **ovh.WHILE_A_BROWSER_WAITS)
    return _allowed(gateway.bill_links(order.associated_id).url)


def _allowed(url: str) -> str:
    parts = urlsplit(url)
    schemes = {"https"} if settings.PRODUCTION else {"https", "http"}
    if parts.scheme not in schemes or parts.netloc not in settings.OVH_WEB_HOSTS:
        raise LinkNotAllowed
    return url
