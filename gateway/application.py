"""Which OVHcloud API the panel speaks to, and as which application."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

# The library knows more (kimsufi, soyoustart); orders of these are not what the panel is for.
OFFICIAL_ADDRESSES = {
    "ovh-eu": "https://eu.api.ovh.com/1.0",
    "ovh-ca": "https://ca.api.ovh.com/1.0",
    "ovh-us": "https://api.us.ovhcloud.com/1.0",
}

# Where OVHcloud keeps the documents of orders and bills.
DOCUMENT_DOMAINS = (".ovh.com", ".ovhcloud.com")


@dataclass(frozen=True, slots=True)
class Application:
    """
    One application registered with one region of OVHcloud.

    endpoint: the region, "ovh-eu", "ovh-ca" or "ovh-us".
    base_url: another address of the API, ending in "/1.0" (a sandbox); "" means the region's own.
    validation_hosts: hosts, "www.ovh.com" or "localhost:8001", whose pages may ask a customer for consent. The
        host of a base_url of one's own is always among them; none, with the region's own, means the API's.
    ca_file: certificates (PEM) to trust in place of the public ones; "" means those.

    Raises ValueError for an endpoint or address that no call could be signed for.
    """

    endpoint: str
    base_url: str = ""
    application_key: str = ""
    application_secret: str = field(default="", repr=False)
    validation_hosts: tuple[str, ...] = ()
    ca_file: str = ""

    def __post_init__(self) -> None:
        if self.endpoint not in OFFICIAL_ADDRESSES:
            raise ValueError(f"endpoint must be one of {', '.join(OFFICIAL_ADDRESSES)}")
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        object.__setattr__(self, "validation_hosts", tuple(host.lower() for host in self.validation_hosts))
        if self.base_url and not _is_base_address(self.base_url):
            raise ValueError("base_url must look like https://host[:port]/1.0")
        if self.ca_file and not os.path.isfile(self.ca_file):
            raise ValueError("ca_file does not exist")

    @property
    def address(self) -> str:
        """The address that calls are signed for, without a slash at its end."""
        return self.base_url or OFFICIAL_ADDRESSES[self.endpoint]

    @property
    def api_host(self) -> str:
        return urlsplit(self.address).hostname or ""

    def may_ask_for_consent(self, url: str) -> bool:
        """Whether a customer may be sent to `url` to approve a key."""
        host = _host_of(url, plain_http=bool(self.base_url))
        if host == self.api_host and (self.base_url or not self.validation_hosts):
            return True
        return self._is_validation_host(host, url)

    def _is_validation_host(self, host: str, url: str) -> bool:
        return bool(host) and (host in self.validation_hosts or urlsplit(url).netloc.lower() in self.validation_hosts)

    def may_hold_documents(self, url: str) -> bool:
        """Whether `url`, found in an answer, is a place where OVHcloud keeps documents."""
        host = _host_of(url, plain_http=bool(self.base_url))
        if not host:
            return False
        ours = host == self.api_host or f".{host}".endswith(DOCUMENT_DOMAINS)
        return ours or self._is_validation_host(host, url)


def _is_base_address(url: str) -> bool:
    parts = urlsplit(url)
    return (
        parts.scheme in ("http", "https")
        and bool(_host_of(url, plain_http=True))
        and parts.path.endswith("/1.0")
        and not (parts.query or parts.fragment)
    )


def _host_of(url: str, *, plain_http: bool) -> str:
    """
    The host a browser would go to, "" for what is not plainly a web address.

    Backslashes, blanks and control characters, at which browsers and urlsplit part ways, and user names,
    which disguise hosts, are not plain.
    """
    if not url.isascii() or not url.isprintable() or any(sign in url for sign in ' \\"<>`'):
        return ""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  (raises for a port that is none)
        host = parts.hostname or ""
    except ValueError:
        return ""
    schemes = ("http", "https") if plain_http else ("https",)
    plain = parts.scheme in schemes and "@" not in parts.netloc and re.fullmatch(r"[a-z0-9.:-]+", host)
    return host if plain else ""
