"""Who somebody is to the panel: in by OVHcloud's own page, and by it again for the rights to order and to pay."""

import random
import re
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape

from tests.chaos.browser import Browser, fields_of
from tests.chaos.journal import Journal
from tests.sandboxes import Customer, Sandbox

# Orders of one account: few enough that OVHcloud's limits of calls allow to check them all within a minute.
MOST_ORDERS = 45


@dataclass
class Placed:
    """
    An order that this customer knows of.

    expires_at: None where it is not about to. waived: sold without a right of withdrawal.
    """

    order_id: int
    unpaid: bool
    expires_at: datetime | None = None
    declared: bool = False
    waived: bool = False


@dataclass
class Visitor:
    """Signs in and out, and signs in again where a page wants to know who is there."""

    who: Customer
    base: str
    sandbox: Sandbox
    journal: Journal
    seed: str
    orders: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed}/{self.who['nichandle']}")
        self._browser = Browser(self.base, self.journal)
        self._in = False

    def sign_in(self) -> None:
        """The whole journey, as demo.md tells it; then, once, the rights that ordering and paying need besides."""
        self._browser = Browser(self.base, self.journal)
        self._through_ovhcloud("/sign-in/", self._browser.fields("/", 'action="/sign-in/"'))
        self._in = self._browser.get("/orders/").status_code == 200
        if self._in:
            self.journal.note_sign_in(self.who["nichandle"])
            self.allow_ordering()

    def allow_ordering(self) -> None:
        """The page leads on at once where the rights were given before: they outlast a session."""
        page = self._browser.get("/account/rights/?next=/orders/")
        if page.status_code == 200:
            self._through_ovhcloud("/account/rights/", fields_of(page.text, 'action="/account/rights/"'))

    def sign_out(self) -> None:
        self._browser.post("/sign-out/", self._browser.fields("/account/", 'action="/sign-out/"'))
        self._in = False

    def _go_where_led(self, location: str) -> None:
        """What keeps somebody from paying and ordering: a key that may not, or too long a time since they signed in."""
        if location.startswith("/account/rights/"):
            self.allow_ordering()
        elif location.startswith("/account/sure/"):
            # Whoever signs in once more has shown who they are.
            self._in = False

    def _through_ovhcloud(self, path: str, fields: dict[str, str]) -> None:
        """Post a form that leads to OVHcloud's validation page, agree there, and confirm on the way back."""
        self._browser.post(path, fields)
        page = self._browser.get("/sign-in/continue/").text
        link = unescape(re.findall(rf'href="({re.escape(self.sandbox.base)}[^"]*)"', page)[0])
        back = self.sandbox.validate(link, self.who)
        self.journal.keep_secret(back.rstrip("/").rpartition("/")[2], "nonce of a sign-in")
        self._browser.get(back)
        self._browser.post("/sign-in/confirm/", self._browser.fields("/sign-in/confirm/", 'id="continue"'))
