"""A client that signs by itself, so that the tests do not trust the code they test; and the real one, aimed."""

import hashlib
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import ovh
import ovh.client
import requests

from tests.sandboxes import Customer, Sandbox


def sign(secret: str, key: str, method: str, url: str, body: str, timestamp: int | str) -> str:
    signed = "+".join([secret, key, method, url, body, str(timestamp)])
    return "$1$" + hashlib.sha1(signed.encode()).hexdigest()


@dataclass
class Signing:
    """
    Calls the API as one customer. Whatever it sends can be spoilt by the arguments of prepare().

    skew_s: how far OVHcloud's clock is ahead of the machine's.
    """

    sandbox: Sandbox
    customer: Customer
    skew_s: float = 0
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False

    def call(self, method: str, path: str, sent: Any = None, **more: Any) -> requests.Response:
        """Send a signed call, spoilt as prepare() says."""
        verify = more.pop("verify", None)
        request = self.prepare(method, path, sent, **more)
        return self.session.send(request, timeout=15, verify=verify, allow_redirects=False)

    def prepare(
        self,
        method: str,
        path: str,
        sent: Any = None,
        *,
        body: str | None = None,
        base: str | None = None,
        signed_url: str | None = None,
        timestamp: int | str | None = None,
        headers: dict[str, str | None] | None = None,
        application: tuple[str, str] | None = None,
    ) -> requests.PreparedRequest:
        """
        Return a signed call. sent: JSON; body: raw text instead. A header of None is left out.

        application: key and secret of another than the sandbox's own.
        """
        app_key, app_secret = application or (self.sandbox.application_key, self.sandbox.application_secret)
        url = (base or self.sandbox.api_base) + path
        text = body if body is not None else ("" if sent is None else json.dumps(sent))
        stamp = int(time.time() + self.skew_s) if timestamp is None else timestamp
        key = (headers or {}).get("X-Ovh-Consumer") or self.customer["consumer_key"]
        all_headers: dict[str, str | None] = {
            "X-Ovh-Application": app_key,
            "X-Ovh-Consumer": key,
            "X-Ovh-Timestamp": str(stamp),
            "X-Ovh-Signature": sign(app_secret, key, method, signed_url or url, text, stamp),
        }
        all_headers |= headers or {}
        kept = {name: value for name, value in all_headers.items() if value is not None}
        return requests.Request(method, url, data=text.encode() or None, headers=kept).prepare()

    def get(self, path: str, **more: Any) -> Any:
        """Return the JSON of a successful GET."""
        answer = self.call("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


def real_client(sandbox: Sandbox, consumer_key: str | None = None) -> ovh.Client:
    """Return OVHcloud's own client, aimed at the sandbox as its users aim it."""
    name = f"sandbox-{urlsplit(sandbox.base).port}"
    ovh.client.ENDPOINTS[name] = sandbox.api_base
    return ovh.Client(
        endpoint=name,
        application_key=sandbox.application_key,
        application_secret=sandbox.application_secret,
        consumer_key=consumer_key,
        timeout=10,
    )
