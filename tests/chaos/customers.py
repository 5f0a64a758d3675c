"""
Generated customers: each a thread with a browser of its own and decisions from the seed.

They sign in, read, watch, ask for a check, declare withdrawals (once, twice at once, from two tabs). Orders appear,
are paid and lapse at the stand-in OVHcloud, for the panel takes no orders and payments yet: where it does, an act
more in `_ACTS` is all it needs.
"""

import contextlib
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from html import unescape

import requests

from tests.chaos.journal import Journal
from tests.sandboxes import Customer, Sandbox, forms

_REFERENCE = re.compile(r"W(?:-[2-9A-HJ-NP-Z]{9}){3}")
_PATIENCE_S = 20
# Orders of one account: few enough that OVHcloud's limits of calls allow to check them all within a minute.
_MOST_ORDERS = 45
# An act that met trouble: the network, or an answer that is not the page.
Trouble = (requests.RequestException, AssertionError, IndexError, KeyError)


@dataclass
class Placed:
    """An order that this customer knows of. expires_at: None where it is not about to."""

    order_id: int
    unpaid: bool
    expires_at: datetime | None = None
    declared: bool = False


class Browser:
    """A customer's browser. It notes how each page was answered."""

    def __init__(self, base: str, journal: Journal, cookies: requests.cookies.RequestsCookieJar | None = None) -> None:
        self.base = base
        self.session = requests.Session()
        self.session.trust_env = False
        self._journal = journal
        if cookies is not None:
            self.session.cookies.update(cookies)

    def get(self, path: str, *, fragment: bool = False) -> requests.Response:
        return self._send("GET", path, headers={"HX-Request": "true"} if fragment else {})

    def post(self, path: str, fields: dict[str, str]) -> requests.Response:
        """Post, and keep the redirect for the caller."""
        return self._send("POST", path, data=fields, headers={"Referer": self.base + path})

    def _send(self, method: str, path: str, **more: object) -> requests.Response:
        url = path if path.startswith("http") else self.base + path
        try:
            answer = self.session.request(method, url, timeout=_PATIENCE_S, allow_redirects=False, **more)  # type: ignore[arg-type]
        except requests.RequestException as error:
            self._journal.note_answer(type(error).__name__)
            raise
        self._journal.note_answer(str(answer.status_code))
        if answer.status_code == 500:
            self._journal.note_failed_page(f"{method} {path}", 500)
        for name in ("panel_session", "panel_csrf"):
            self._journal.keep_secret(self.session.cookies.get(name) or "", name)
        return answer


@dataclass
class Person:
    """One customer. `settling`: they only look and ask for checks; nothing new begins."""

    who: Customer
    base: str
    sandbox: Sandbox
    journal: Journal
    seed: str
    pause_s: tuple[float, float] = (0.1, 0.9)
    declaring: bool = True
    settling: bool = False
    stopped: bool = False
    orders: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(f"{self.seed}/{self.who['nichandle']}")
        self._browser = Browser(self.base, self.journal)
        self._in = False
        self._thread = threading.Thread(target=self._live, name=self.who["nichandle"], daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(2 * _PATIENCE_S)

    def place_first_orders(self) -> None:
        """What the account holds before its owner ever comes."""
        for kind in ("delivered", "delivered", "delivered", "delivered", "unpaid", "paid"):
            self._place(kind)

    def _live(self) -> None:
        while not self.stopped:
            act = self._next_act()
            try:
                act(self)
            except Trouble:
                self.journal.note_answer(f"{act.__name__.strip('_')} came to nothing")
            low, high = (0.5, 1.5) if self.settling else self.pause_s
            time.sleep(self._chance.uniform(low, high))

    def _next_act(self) -> "Act":
        if not self._in:
            return Person.sign_in
        acts = _WHILE_SETTLING if self.settling else _ACTS
        act = self._chance.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
        return Person.look if act is Person.withdraw and not self.declaring else act

    # --- Signing in and out ---

    def sign_in(self) -> None:
        """The whole journey, as demo.md tells it."""
        self._browser = Browser(self.base, self.journal)
        self._browser.post("/sign-in/", self._fields("/", 'action="/sign-in/"'))
        page = self._browser.get("/sign-in/continue/").text
        link = unescape(re.findall(rf'href="({re.escape(self.sandbox.base)}[^"]*)"', page)[0])
        back = self.sandbox.validate(link, self.who)
        self.journal.keep_secret(back.rstrip("/").rpartition("/")[2], "nonce of a sign-in")
        self._browser.get(back)
        self._browser.post("/sign-in/confirm/", self._fields("/sign-in/confirm/", 'id="continue"'))
        self._in = self._browser.get("/orders/").status_code == 200
        if self._in:
            self.journal.note_sign_in(self.who["nichandle"])

    def sign_out(self) -> None:
        self._browser.post("/sign-out/", self._fields("/account/", 'action="/sign-out/"'))
        self._in = False

    # --- Reading ---

    def look(self) -> None:
        answer = self._browser.get("/orders/")
        if answer.status_code in (302, 401, 403):
            self._in = False

    def show(self) -> None:
        if self.orders:
            page = self._chance.choice(("", "tracking/", "withdrawal/", "pay/"))
            self._browser.get(f"/orders/{self._chance.choice(self.orders).order_id}/{page}")

    def watch(self) -> None:
        """An open tracking page: it asks every two seconds."""
        if not self.orders:
            return
        path = f"/orders/{self._chance.choice(self.orders).order_id}/tracking/"
        self._browser.get(path)
        for _ in range(self._chance.randint(1, 3)):
            time.sleep(1)
            self._browser.get(path, fragment=True)

    def check_list(self) -> None:
        self._browser.post("/orders/check/", self._fields("/orders/", 'action="/orders/check/"'))

    def check_order(self) -> None:
        if self.orders:
            path = f"/orders/{self._chance.choice(self.orders).order_id}/"
            self._browser.post(f"{path}check/", self._fields(path, f'action="{path}check/"'))

    def leave_to_pay(self) -> None:
        """To OVHcloud's own page by a one-time link. Where it leads opens the order for whoever holds it."""
        unpaid = [order for order in self.orders if order.unpaid]
        if not unpaid:
            return
        path = f"/orders/{self._chance.choice(unpaid).order_id}/pay/"
        page = self._browser.post(path, self._fields(path, f'action="{path}"')).text
        link = re.findall(r'href="(/orders/\d+/leave/([^/"]+)/)"', page)[0]
        self.journal.keep_secret(link[1], "one-time link")
        self._browser.get(link[0])

    # --- Withdrawing ---

    def withdraw(self) -> None:
        """Declare for an order, in one of the ways that people have."""
        open_to = [order for order in self.orders if not order.unpaid and not order.declared]
        if not open_to:
            self.place()
            return
        order = self._chance.choice(open_to)
        path = f"/orders/{order.order_id}/withdrawal/"
        way = self._chance.choice(("once", "once", "double", "tabs"))
        fields = self._fields(path, 'id="withdrawal"') | {"confirm": "on"}
        if way == "double":
            again = threading.Thread(target=self._post_quietly, args=(order, path, fields), daemon=True)
            again.start()
            self._declare(self._browser, order, path, fields)
            again.join(_PATIENCE_S)
        elif way == "tabs":
            other = self._fields(path, 'id="withdrawal"') | {"confirm": "on"}
            self._declare(self._browser, order, path, fields)
            self._declare(self._browser, order, path, other)
        else:
            self._declare(self._browser, order, path, fields)

    def _declare(self, browser: Browser, order: Placed, path: str, fields: dict[str, str]) -> None:
        answer = browser.post(path, fields)
        # From the moment that the panel says yes, the declaration counts.
        if answer.status_code == 302 and answer.headers["Location"] == path:
            order.declared = True
            self.journal.tell(self.who["nichandle"], order.order_id)
        if found := _REFERENCE.search(browser.get(path).text):
            order.declared = True
            self.journal.tell(self.who["nichandle"], order.order_id, found[0])

    def _post_quietly(self, order: Placed, path: str, fields: dict[str, str]) -> None:
        with contextlib.suppress(*Trouble):
            self._declare(Browser(self.base, self.journal, self._browser.session.cookies), order, path, fields)

    # --- What happens at OVHcloud ---

    def place(self) -> None:
        if len(self.orders) < _MOST_ORDERS:
            self._place(self._chance.choice(("delivered", "delivered", "delivered", "unpaid", "soon", "paid")))
            # Whoever has just ordered wants to see it.
            self.check_list()

    def _place(self, kind: str) -> None:
        wanted: dict[str, object] = {"price": f"{self._chance.randint(100, 9999) / 100:.2f}"}
        expires_at = None
        if kind == "delivered":
            wanted |= {"status": "delivered", "products": ["VPS"]}
        elif kind == "paid":
            wanted |= {"status": "checking"}
        elif kind == "soon":
            expires_at = datetime.now(UTC) + timedelta(seconds=self._chance.randint(3, 12))
            wanted |= {"expirationDate": expires_at.isoformat()}
        order_id = self.sandbox.make_order(self.who, **wanted)
        self.orders.append(Placed(order_id, unpaid=kind in ("unpaid", "soon"), expires_at=expires_at))

    def pay(self) -> None:
        """Pay an order, one about to lapse at its very last moment: who wins is for OVHcloud to say."""
        unpaid = [order for order in self.orders if order.unpaid]
        if not unpaid:
            return
        order = min(unpaid, key=lambda order: order.expires_at or datetime.max.replace(tzinfo=UTC))
        order.unpaid = False
        if order.expires_at is not None:
            at = order.expires_at - timedelta(seconds=self._chance.choice((0.5, 0.15, 0.05, -0.1)))
            time.sleep(min(max((at - datetime.now(UTC)).total_seconds(), 0), 12))
        self.sandbox.change_order(order.order_id, pay=True)

    # --- Forms ---

    def _fields(self, path: str, marked: str) -> dict[str, str]:
        """The named inputs of the form of a page that has this mark in its tag, as they stand there."""
        page = self._browser.get(path).text
        found = [form for form in re.findall(r"<form\b.*?</form>", page, re.DOTALL) if marked in form.partition(">")[0]]
        return {name: value for name, value in forms(found[0])[0].items() if name and name != "confirm"}


Act = Callable[[Person], None]
_ACTS: list[tuple[Act, int]] = [
    (Person.look, 4),
    (Person.show, 4),
    (Person.watch, 2),
    (Person.check_list, 1),
    (Person.check_order, 2),
    (Person.leave_to_pay, 1),
    (Person.withdraw, 9),
    (Person.place, 4),
    (Person.pay, 3),
    (Person.sign_out, 1),
]
_WHILE_SETTLING: list[tuple[Act, int]] = [(Person.look, 2), (Person.check_list, 1)]
