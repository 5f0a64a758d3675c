"""
Generated customers: each a thread with a browser of its own and decisions from the seed.

They sign in, read, watch, ask for a check, declare withdrawals, order and pay (once, twice at once, from two tabs).
Orders appear, are paid and lapse at the stand-in OVHcloud, too, as they do where people use OVHcloud's own pages.
"""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.chaos.browser import PATIENCE_S, Browser, Trouble
from tests.chaos.buying import Buyer
from tests.chaos.visitor import MOST_ORDERS, Placed

_REFERENCE = re.compile(r"W(?:-[2-9A-HJ-NP-Z]{9}){3}")


@dataclass
class Person(Buyer):
    """
    One customer. asking: they have OVHcloud do things. settling: they only look and ask for checks; nothing new begins.
    """

    pause_s: tuple[float, float] = (0.1, 0.9)
    asking: bool = True
    settling: bool = False
    stopped: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._thread = threading.Thread(target=self._live, name=self.who["nichandle"], daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self) -> None:
        self._thread.join(2 * PATIENCE_S)

    def place_first_orders(self) -> None:
        """What the account holds before its owner ever comes."""
        for kind in ("delivered", "delivered", "delivered", "delivered", "unpaid", "unpaid", "unpaid", "paid"):
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
        return Person.look if act in _ASKING and not self.asking else act

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
        self._browser.post("/orders/check/", self._browser.fields("/orders/", 'action="/orders/check/"'))

    def check_order(self) -> None:
        if self.orders:
            path = f"/orders/{self._chance.choice(self.orders).order_id}/"
            self._browser.post(f"{path}check/", self._browser.fields(path, f'action="{path}check/"'))

    def leave_to_pay(self) -> None:
        """To OVHcloud's own page by a one-time link. Where it leads opens the order for whoever holds it."""
        unpaid = [order for order in self.orders if order.unpaid]
        if not unpaid:
            return
        path = f"/orders/{self._chance.choice(unpaid).order_id}/pay/"
        page = self._browser.post(path, self._browser.fields(path, f'action="{path}"')).text
        link = re.findall(r'href="(/orders/\d+/leave/([^/"]+)/)"', page)[0]
        self.journal.keep_secret(link[1], "one-time link")
        self._browser.get(link[0])

    # --- Withdrawing ---

    def withdraw(self) -> None:
        """Declare for an order, in one of the ways that people have."""
        open_to = [order for order in self.orders if not (order.unpaid or order.declared or order.waived)]
        if not open_to:
            self.place()
            return
        order = self._chance.choice(open_to)
        path = f"/orders/{order.order_id}/withdrawal/"
        way = self._chance.choice(("once", "once", "double", "tabs"))
        fields = self._browser.fields(path, 'id="withdrawal"') | {"confirm": "on"}
        other = self._browser.fields(path, 'id="withdrawal"') | {"confirm": "on"} if way == "tabs" else fields
        self._press_in(way, lambda browser, sent: self._declare(browser, order, sent), fields, other)

    def _declare(self, browser: Browser, order: Placed, fields: dict[str, str]) -> None:
        path = f"/orders/{order.order_id}/withdrawal/"
        answer = browser.post(path, fields)
        # From the moment that the panel says yes, the declaration counts.
        if answer.status_code == 302 and answer.headers["Location"] == path:
            order.declared = True
            self.journal.tell("retraction", self.who["nichandle"], order.order_id)
        if found := _REFERENCE.search(browser.get(path).text):
            order.declared = True
            self.journal.tell("retraction", self.who["nichandle"], order.order_id, found[0])

    # --- What happens at OVHcloud ---

    def place(self) -> None:
        if len(self.orders) < MOST_ORDERS:
            self._place(self._chance.choice(("delivered", "delivered", "unpaid", "unpaid", "soon", "paid")))
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

    def pay_at_ovhcloud(self) -> None:
        """Pay an order there, one about to lapse at its very last moment: who wins is for OVHcloud to say."""
        unpaid = [order for order in self.orders if order.unpaid]
        if not unpaid:
            return
        order = min(unpaid, key=lambda order: order.expires_at or datetime.max.replace(tzinfo=UTC))
        order.unpaid = False
        if order.expires_at is not None:
            at = order.expires_at - timedelta(seconds=self._chance.choice((0.5, 0.15, 0.05, -0.1)))
            time.sleep(min(max((at - datetime.now(UTC)).total_seconds(), 0), 12))
        self._pay_at_ovhcloud(order.order_id)


Act = Callable[[Person], None]
_ACTS: list[tuple[Act, int]] = [
    (Person.look, 4),
    (Person.show, 4),
    (Person.watch, 2),
    (Person.check_list, 1),
    (Person.check_order, 2),
    (Person.leave_to_pay, 1),
    (Person.withdraw, 7),
    (Person.order_name, 6),
    (Person.follow_order, 3),
    (Person.pay_here, 9),
    (Person.place, 4),
    (Person.pay_at_ovhcloud, 2),
    (Person.sign_out, 1),
]
# What OVHcloud is to do exactly once.
_ASKING = (Person.withdraw, Person.order_name, Person.pay_here)
_WHILE_SETTLING: list[tuple[Act, int]] = [(Person.look, 2), (Person.check_list, 1), (Person.follow_order, 1)]
