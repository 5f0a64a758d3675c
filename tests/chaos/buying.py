"""Ordering a domain name and paying from the panel, as people do it: once, twice at once, from two tabs."""

import contextlib
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from html import unescape
from typing import TypeVar

import requests

from tests.chaos.browser import PATIENCE_S, Browser, Trouble, fields_of, form_in
from tests.chaos.visitor import MOST_ORDERS, Placed, Visitor

# So long somebody waits for an answer that a page says is on its way; then they come again another time.
_WAITS_S = 8
_LOOKS_EVERY_S = 0.7
# So often somebody tries to pay from here in vain before they give it up.
_PATIENT = 6
Found = TypeVar("Found")
_ORDERED = re.compile(r"/cart/ordered/(\d+)/")


@dataclass
class Buyer(Visitor):
    """
    checkouts: by the number in the address of their page, with the order it led to, once it did.

    in_vain: how often in a row nothing could be paid from here; who saved no method at OVHcloud gives up.
    """

    checkouts: dict[int, int | None] = field(default_factory=dict)
    in_vain: int = 0

    # --- Ordering ---

    def order_name(self) -> None:
        """From wherever the cart stands: a name is looked up and chosen, filled in, and ordered."""
        if len(self.orders) >= MOST_ORDERS:
            return
        page = self._browser.get("/cart/summary/")
        if page.status_code == 302:
            self._choose_name()
        shown = self._when_ready()
        if shown is None:
            return
        way = self._chance.choice(("once", "once", "double", "tabs"))
        pays = self._chance.random() < 0.4
        fields = self._ticked(shown, pays=pays)
        # A tab that was opened before either button was pressed.
        other = self._ticked(self._browser.get("/cart/summary/").text, pays=pays) if way == "tabs" else fields
        self._press_in(way, self._order, fields, other)

    def _choose_name(self) -> None:
        # Letters of numbers only: no word by which the stand-in tells names apart.
        extension = self._chance.choice(("com", "net", "org"))
        name = f"c{self._chance.randrange(16**8):08x}.{extension}"
        asked = f"?q={name}&ext={extension}"
        self._browser.get(f"/domains/{asked}")
        offered = f'name="domain" value="{name}"'

        def answered() -> dict[str, str] | None:
            told = self._browser.get(f"/domains/answers/{asked}", fragment=True).text
            forms = [form for form in re.findall(r"<form\b.*?</form>", told, re.DOTALL) if offered in form]
            return fields_of(forms[0], 'action="/cart/add/"') if forms else None

        if (fields := self._wait_for(answered)) is not None:
            self._browser.post("/cart/add/", fields)

    def _when_ready(self) -> str | None:
        """The summary once it can be ordered by; what is asked on the way is filled in."""

        def ready() -> str | None:
            page = self._browser.get("/cart/summary/").text
            for path in dict.fromkeys(re.findall(r'href="(/cart/[0-9a-f-]{36}/configure/)"', page)):
                self._fill_in(path)
            if 'name="seen"' not in page:
                return None
            for led in re.findall(r'href="(/account/(?:rights|sure)/[^"]*)"', form_in(page, 'id="order"'))[:1]:
                self._go_where_led(unescape(led))
                return None
            return page

        return self._wait_for(ready)

    def _fill_in(self, path: str) -> None:
        page = self._browser.get(path).text
        if 'name="at-OWNER_LEGAL_AGE"' in page:
            sent = {name: fields_of(page, f'action="{path}"')[name] for name in ("csrfmiddlewaretoken", "account")}
            self._browser.post(path, sent | {"at-OWNER_LEGAL_AGE": "on"})

    def _ticked(self, page: str, *, pays: bool) -> dict[str, str]:
        fields = fields_of(page, 'id="order"')
        return {name: value for name, value in fields.items() if pays or name != "pay_now"}

    def _order(self, browser: Browser, fields: dict[str, str]) -> None:
        location = self._posted(browser, "/cart/order/", fields)
        if found := _ORDERED.fullmatch(location):
            # From the moment that the panel says yes, the order counts.
            self.checkouts.setdefault(int(found[1]), None)
            self.journal.tell("checkout", self.who["nichandle"], int(found[1]))

    def follow_order(self) -> None:
        """What became of an order that was asked for: its page leads on to the order's own."""
        for number in [number for number, order_id in self.checkouts.items() if order_id is None]:
            answer = self._browser.get(f"/cart/ordered/{number}/")
            if found := re.fullmatch(r"/orders/(\d+)/", answer.headers.get("Location", "")):
                self.checkouts[number] = int(found[1])
                self.orders.append(Placed(int(found[1]), unpaid=True, waived=True))

    # --- Paying ---

    def pay_here(self) -> None:
        """With a saved method; sometimes at OVHcloud itself in the same moment."""
        order = self._unpaid_one()
        if order is None or self.in_vain >= _PATIENT:
            return
        path = f"/orders/{order.order_id}/pay/"
        if not self._wait_for(lambda: self._may_pay(order, path)):
            self.in_vain += order.unpaid
            return
        self.in_vain = 0
        # Who has paid goes back to it now and then.
        order.unpaid = self._chance.random() < 0.3
        way = self._chance.choice(("once", "once", "double", "tabs", "elsewhere"))
        fields, other = self._way_to_pay(path), self._way_to_pay(path)
        if way == "elsewhere":
            self._aside(lambda: self._pay_at_ovhcloud(order.order_id), lambda: self._pay(self._browser, order, fields))
        else:
            self._press_in(way, lambda browser, sent: self._pay(browser, order, sent), fields, other)

    def _unpaid_one(self) -> Placed | None:
        unpaid = [order for order in self.orders if order.unpaid]
        return self._chance.choice(unpaid) if unpaid else None

    def _may_pay(self, order: Placed, path: str) -> bool | None:
        """None: not yet, for the methods are being read; or it cannot be told just now."""
        answer = self._browser.get(path)
        if 'id="pay"' in answer.text:
            return True
        if led := re.search(r'href="(/account/rights/[^"]*)"', answer.text):
            self._go_where_led(unescape(led[1]))
        # While it is to be paid, the page has a form, if only the one that leads to OVHcloud.
        order.unpaid = f'action="{path}"' in answer.text or answer.status_code != 200
        return None if order.unpaid else False

    def _way_to_pay(self, path: str) -> dict[str, str]:
        """One tab's form, with a method of its own chosen."""
        page = self._browser.get(path).text
        radios = re.findall(r'<input type="radio" name="method" value="([^"]+)"(?![^>]*disabled)', page)
        chosen = {"method": self._chance.choice(radios)} if radios else {}
        return fields_of(page, 'id="pay"') | chosen | {"way": "here"}

    def _pay(self, browser: Browser, order: Placed, fields: dict[str, str]) -> None:
        path = f"/orders/{order.order_id}/pay/"
        if self._posted(browser, path, fields) == f"{path}#payment":
            self.journal.tell("payment", self.who["nichandle"], order.order_id)

    def _pay_at_ovhcloud(self, order_id: int) -> None:
        """By somebody's card on the order's own page. Any thread may: with a session of its own."""
        with requests.Session() as session:
            session.trust_env = False
            replace(self.sandbox, _session=session).change_order(order_id, pay=True)
        self.journal.note_paid_elsewhere(order_id)

    # --- Ways of pressing a button ---

    def _press_in(
        self,
        way: str,
        press: Callable[[Browser, dict[str, str]], None],
        fields: dict[str, str],
        other: dict[str, str],
    ) -> None:
        """Press once; "double": twice at once; "tabs": in one tab, then in another that shows the page of before."""
        if way == "double":
            tab = self._browser.another_tab()
            self._aside(lambda: press(tab, fields), lambda: press(self._browser, fields))
            return
        press(self._browser, fields)
        if way == "tabs":
            press(self._browser, other)

    def _aside(self, one: Callable[[], None], other: Callable[[], None]) -> None:
        """Both at once, the first on a thread of its own, where trouble is swallowed."""

        def quietly() -> None:
            with contextlib.suppress(*Trouble):
                one()

        beside = threading.Thread(target=quietly, daemon=True)
        beside.start()
        try:
            other()
        finally:
            beside.join(PATIENCE_S)

    def _posted(self, browser: Browser, path: str, fields: dict[str, str]) -> str:
        """Post, and return where it leads, "" where it does not."""
        answer = browser.post(path, fields)
        location = answer.headers.get("Location", "") if answer.status_code == 302 else ""
        self._go_where_led(location)
        return location

    def _wait_for(self, look: Callable[[], Found | None]) -> Found | None:
        """Look at a page again and again, as one does; None where it does not come soon."""
        until = time.monotonic() + _WAITS_S
        while (found := look()) is None and time.monotonic() < until:
            time.sleep(_LOOKS_EVERY_S)
        return found
