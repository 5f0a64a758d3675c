"""The audit trail: what leaves a line, and that it is one, of whom, on whose behalf, about what, with which result."""

import io
import os
import re
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts import actions
from accounts.models import AuditEvent, Link, User
from carts.models import Checkout
from orders import export
from orders.models import Intent, PaymentChoices
from orders.payment.asking import amount_of
from tests.accounts.test_links import hold, link_another
from tests.accounts.test_ordering import WIDE, allow
from tests.accounts.test_sign_in import begin, come_back, sign_in
from tests.carts import made
from tests.carts.test_configuring import FILLED_IN
from tests.factories import TOTP_SECRET, make_customer, make_order, make_staff
from tests.security.conftest import Sieged, browser_of

pytestmark = pytest.mark.django_db

A, B, S, ADMIN = "ovh-eu/agathe1-ovh", "ovh-eu/bruno2-ovh", "support@example.net", "boss@example.net"
OWN, OTHERS = "agathe1-ovh", "bruno2-ovh"
# action, actor, subject, target, result
Line = tuple[str, str, str, str, str]


class World:
    """Who acts in a case, each with a browser."""

    def __init__(self, sieged: Sieged, ovh: Any) -> None:
        self.sieged, self.ovh = sieged, ovh
        self.visitor = Client(enforce_csrf_checks=False)
        self.a, self.b = browser_of(sieged.a), browser_of(sieged.b)
        self.support, self.admin = browser_of(sieged.support), browser_of(sieged.administrator)
        self.order, self.unpaid = sieged.withdrawn.order_id, sieged.order.order_id
        self.fresh = make_order(sieged.a.nichandle, 238_100_009, retraction_date=timezone.now()).order_id


def _withdraw(world: World) -> None:
    now = timezone.now()
    order = make_order(
        world.sieged.a.nichandle, 238_100_010, payment_date=now, retraction_date=now + timedelta(days=14)
    )
    world.a.post(f"/orders/{order.order_id}/withdrawal/", {"email": "agathe@canari.example", "confirm": "on"})


def _withdraw_for_another(world: World) -> None:
    """B holds a link to A's account: the line says who did it, and for whom."""
    hold(world.sieged.b, world.sieged.a.nichandle)
    now = timezone.now()
    make_order(world.sieged.a.nichandle, 238_100_010, payment_date=now, retraction_date=now + timedelta(days=14))
    sent = {"email": "bruno@example.net", "confirm": "on", "account": OWN}
    world.b.post("/orders/238100010/withdrawal/", sent)


def _leave(world: World) -> None:
    leave = world.a.post(f"/orders/{world.unpaid}/pay/").context["leave_url"]
    world.a.get(leave)


def _pay(world: World) -> None:
    Link.objects.filter(user=world.sieged.a).update(rules=WIDE)
    order = world.sieged.order
    entry = {"key": "m1", "mean": "creditCard", "mean_id": 1, "method_id": 1, "type": "CREDIT_CARD", "sub_type": "VISA"}
    entry |= {"label": "4970", "default": True, "available": True}
    PaymentChoices.objects.create(order=order, choices=[entry], read_at=timezone.now())
    sent = {"way": "here", "method": "m1", "attempts": "0", "amount": amount_of(order)}
    for _click in range(2):
        assert world.a.post(f"/orders/{order.order_id}/pay/", sent).status_code == 302


def _order_cart(world: World) -> None:
    made.may_order(world.sieged.a)
    made.put_quote(world.sieged.item.cart, made.quote([made.line("VPS-1 - 1 month", "4.20")], tax="0.84"))
    shown = world.a.get("/cart/summary/").context["seen"]
    world.a.post("/cart/order/", {"seen": shown, "contracts": "on"})


def _take_export(world: World) -> None:
    world.a.post("/account/export/")
    export.make_due()
    world.a.post("/account/export/take/")


def _sign_in(world: World) -> None:
    sign_in(world.visitor, world.ovh, world.ovh.customers[0])


def _return_of_nobody(world: World) -> None:
    world.visitor.get("/sign-in/return/invented/")


def _refuse_at_ovhcloud(world: World) -> None:
    come_back(world.visitor, world.ovh.validate(begin(world.visitor), refuse=True))


def _too_late(world: World) -> None:
    come_back(world.visitor, world.ovh.validate(begin(world.visitor), world.ovh.customers[0]))
    make_customer(world.ovh.customers[0]["nichandle"])
    User.objects.filter(nichandle__nichandle=world.ovh.customers[0]["nichandle"]).update(is_active=False)
    world.visitor.post("/sign-in/confirm/")


def _staff(world: World, password: str = "correct horse battery", code: str = "") -> None:
    world.visitor.post("/staff/sign-in/", {"login": S, "password": password})
    if code:
        world.visitor.post("/staff/sign-in/code/", {"code": code})


def _link_ended_by_owner(world: World) -> None:
    hold(world.sieged.b, world.sieged.a.nichandle)
    world.a.post(f"/account/links/{OWN}/{OTHERS}/end/")


def _revoked(world: World) -> None:
    Link.objects.update(renewed_at=timezone.now().replace(year=2020))
    actions.note_revoked(world.sieged.a.nichandle, timezone.now())


def _without_token(world: World) -> None:
    browser_of(world.sieged.a, enforce_csrf_checks=True).post("/account/forget/")


def _show_by_app(world: World, code: str) -> None:
    session: Any = world.support.session
    session["shown_at"] = time.time() - 3600
    session.save()
    world.support.post("/account/sure/", {"code": code})


def _ring_of(world: World) -> str:
    return f"/support/intents/{world.sieged.withdrawn.intents.get().pk}/ring/"


def _name_order(world: World, number: str = "4711") -> None:
    checkout = world.sieged.checkout
    Checkout.objects.filter(pk=checkout.pk).update(candidates=[4711, 4712])
    Intent.objects.filter(pk=checkout.intent_id).update(state=Intent.State.DEAD, why="unclear", attempts=1)
    said = {"order": number, "note": "OVHcloud says so.", "sure": "on"}
    chief = browser_of(make_staff("super@example.net", role="supervisor"))
    chief.post(f"/support/intents/{checkout.intent_id}/order/", said)


def _end_other_sessions(world: World) -> None:
    browser_of(world.sieged.a)
    world.a.post("/account/sessions/end/", {"session": "others"})


def _set_password(world: World) -> None:
    os.environ["PASSWORD_OF_A_TEST"] = "purple monkey dishwasher"
    try:
        call_command("add_staff", S, "--password-env", "PASSWORD_OF_A_TEST", stdout=io.StringIO())
    finally:
        del os.environ["PASSWORD_OF_A_TEST"]


CASES: dict[str, tuple[Callable[[World], Any], list[Line]]] = {
    "a customer signs in": (
        _sign_in,
        [("sign_in", "ovh-eu/{0}", "{0}", "", "done")],
    ),
    "a return that nobody began": (_return_of_nobody, [("sign_in_return", "", "", "", "refused")]),
    "refused at OVHcloud": (_refuse_at_ovhcloud, [("sign_in_return", "", "", "", "refused")]),
    "somebody switched off comes in": (_too_late, [("sign_in", "", "", "", "refused")]),
    "a customer signs out": (lambda w: w.a.post("/sign-out/"), [("sign_out", A, "", "", "done")]),
    "a link is ended": (_link_ended_by_owner, [("unlink", A, OWN, B, "done")]),
    "keys are given back": (lambda w: w.a.post("/account/forget/"), [("forget_keys", A, OWN, "", "done")]),
    "OVHcloud took the key back": (_revoked, [("key_revoked", "", OWN, A, "done")]),
    "an order is paid, once": (_pay, [("pay_order", A, OWN, "order {unpaid}", "done")]),
    "a cart is ordered": (_order_cart, [("order_cart", A, OWN, "cart {cart}", "done")]),
    "a contact is written": (
        lambda w: w.a.post("/cart/contacts/new/", FILLED_IN),
        [("save_contact", A, OWN, "a new contact", "done")],
    ),
    "somebody is forgotten": (lambda w: w.a.post("/account/erase/", {"sure": "on"}), [("forget", A, OWN, "", "done")]),
    "settings": (
        lambda w: w.a.post("/account/settings/", {"language": "fr", "time_zone": "Asia/Tokyo"}),
        [("settings", A, OWN, "", "done")],
    ),
    "data is asked for": (lambda w: w.a.post("/account/export/"), [("export_asked", A, OWN, "", "done")]),
    "data is taken": (
        _take_export,
        [("export_asked", A, OWN, "", "done"), ("export_taken", A, OWN, "", "done")],
    ),
    "nothing is taken": (
        lambda w: w.a.post("/account/export/take/"),
        [("not_found", A, "", "/account/export/take/", "refused")],
    ),
    "a withdrawal": (_withdraw, [("declare_withdrawal", A, OWN, "order 238100010", "done")]),
    "a withdrawal for another": (
        _withdraw_for_another,
        [("declare_withdrawal", B, OWN, "order 238100010", "done")],
    ),
    "on the way to pay": (_leave, [("leave_to_pay", A, OWN, "order 238100001", "failed")]),
    "another customer's order": (
        lambda w: w.b.get(f"/orders/{w.order}/"),
        [("not_found", B, "", "/orders/238100002/", "refused")],
    ),
    "nobody's order": (
        lambda w: w.b.get("/orders/999999999/"),
        [("not_found", B, "", "/orders/999999999/", "refused")],
    ),
    "a customer at the desk": (
        lambda w: w.a.get("/support/queues/"),
        [("not_found", A, "", "/support/queues/", "refused")],
    ),
    "staff at a customer's page": (
        lambda w: w.support.get("/orders/"),
        [("not_found", S, "", "/orders/", "refused")],
    ),
    "a form without its token": (_without_token, [("form_refused", A, "", "/account/forget/", "refused")]),
    "a wrong password": (lambda w: _staff(w, "wrong"), [("staff_sign_in", "", "", S, "refused")]),
    "a wrong code": (lambda w: _staff(w, code="000000"), [("staff_sign_in", "", "", S, "refused")]),
    "staff sign in": (
        lambda w: _staff(w, code=pyotp.TOTP(TOTP_SECRET).now()),
        [("staff_sign_in", S, "", S, "done")],
    ),
    "staff show who they are": (
        lambda w: _show_by_app(w, pyotp.TOTP(TOTP_SECRET).now()),
        [("assurance", S, "", S, "done")],
    ),
    "support searches": (lambda w: w.support.get("/support/?q=canari"), [("staff_search", S, "", "canari", "done")]),
    "support looks": (
        lambda w: w.support.get(f"/support/orders/{OWN}/{w.order}/"),
        [("staff_order", S, OWN, "238100002", "done")],
    ),
    "support looks for what is not there": (
        lambda w: w.support.get("/support/orders/nobody/1/"),
        [("staff_order", S, "", "nobody 1", "failed")],
    ),
    "support looks at the queues": (lambda w: w.support.get("/support/queues/"), [("staff_queues", S, "", "", "done")]),
    "support has an order checked": (
        lambda w: w.support.post(f"/support/orders/{OWN}/{w.unpaid}/check/"),
        [("staff_check", S, OWN, "order 238100001", "done")],
    ),
    "support decides what a supervisor does": (
        lambda w: w.support.post(f"/support/intents/{w.sieged.withdrawn.intents.get().pk}/ring/"),
        [("intent_ring", S, "", "/support/intents/{intent}/ring/", "refused")],
    ),
    "a supervisor rings what does not wait": (
        lambda w: browser_of(make_staff("super@example.net", role="supervisor")).post(_ring_of(w)),
        [
            ("staff_sign_in", "super@example.net", "", "super@example.net", "done"),
            ("staff_decide", "super@example.net", "", "{intent}", "refused"),
        ],
    ),
    "a supervisor says which order a checkout made": (
        _name_order,
        [
            ("staff_sign_in", "super@example.net", "", "super@example.net", "done"),
            ("staff_name_order", "super@example.net", OWN, "{intent}", "done"),
        ],
    ),
    "a supervisor names an order that it cannot have made": (
        lambda w: _name_order(w, "5"),
        [
            ("staff_sign_in", "super@example.net", "", "super@example.net", "done"),
            ("staff_decide", "super@example.net", "", "{intent}", "refused"),
        ],
    ),
    "support says which order a checkout made": (
        lambda w: w.support.post(f"/support/intents/{w.sieged.checkout.intent_id}/order/", {"order": "4711"}),
        [("intent_order", S, "", "/support/intents/{intent}/order/", "refused")],
    ),
    "support cannot tell which order is meant": (
        lambda w: w.support.post(
            f"/support/declarations/{w.sieged.public.reference}/", {"unmatched": "on", "note": "Nobody knows."}
        ),
        [("leave_unmatched", S, "", "{reference}", "done")],
    ),
    "support at the page of people": (
        lambda w: w.support.get("/support/people/"),
        [("people", S, "", "/support/people/", "refused")],
    ),
    "an administrator looks for an order": (
        lambda w: w.admin.get("/support/?q=canari"),
        [("search", ADMIN, "", "/support/", "refused")],
    ),
    "somebody is invited": (
        lambda w: w.admin.post("/support/people/", {"email": "kim@example.net", "role": "support"}),
        [
            ("staff_add", ADMIN, "", "kim@example.net", "done"),
            ("staff_invite", ADMIN, "", "kim@example.net", "done"),
        ],
    ),
    "a role is changed": (
        lambda w: w.admin.post(f"/support/people/{S}/", {"do": "role", "role": "supervisor"}),
        [("staff_role", ADMIN, "", S, "done")],
    ),
    "somebody is switched off": (
        lambda w: w.admin.post(f"/support/people/{S}/", {"do": "off"}),
        [("staff_off", ADMIN, "", S, "done")],
    ),
    "factors are reset": (
        lambda w: w.admin.post(f"/support/people/{S}/", {"do": "factors"}),
        [("factors_reset", ADMIN, "", S, "done")],
    ),
    "somebody is switched on again": (
        lambda w: (
            User.objects.filter(username=S).update(is_active=False)
            and w.admin.post(f"/support/people/{S}/", {"do": "on"})
        ),
        [("staff_on", ADMIN, "", S, "done")],
    ),
    "an administrator looks at people": (
        lambda w: w.admin.get("/support/people/"),
        [("staff_people", ADMIN, "", "", "done")],
    ),
    "an administrator looks at accounts": (
        lambda w: w.admin.get("/support/accounts/"),
        [("staff_accounts", ADMIN, "", "", "done")],
    ),
    "a mail is sent by staff": (
        lambda w: w.support.post(f"/support/mails/{w.sieged.public.receipts.get().pk}/"),
        [("staff_send_receipt", S, "", "{mail}", "done")],
    ),
    "staff note a refund of nobody": (
        lambda w: w.support.post("/support/orders/nobody/1/refund/", {}),
        [("staff_refund_note", S, "", "nobody 1", "failed")],
    ),
    "another session is ended": (
        _end_other_sessions,
        [("end_sessions", A, OWN, "", "done")],
    ),
    "a factor is taken away": (
        lambda w: w.support.post("/account/factors/app/remove/"),
        [("factor_removed", S, "", S, "done")],
    ),
    "codes are made": (
        lambda w: w.support.post("/account/factors/codes/new/"),
        [("recovery_codes_made", S, "", S, "done")],
    ),
    "a password is set at the command line": (
        _set_password,
        [("staff_password", "", "", S, "done")],
    ),
    "an account is let go": (
        lambda w: w.admin.post("/support/accounts/kurt3-ovh/drop/"),
        [("account_drop", ADMIN, "kurt3-ovh", "kurt3-ovh", "done")],
    ),
}


@pytest.mark.rows(15)
@pytest.mark.parametrize("case", CASES)
def test_it_leaves_exactly_these_lines(case: str, sieged: Sieged, ovh: Any):
    cause, lines = CASES[case]
    world = World(sieged, ovh)
    last = AuditEvent.objects.latest("pk").pk
    cause(world)
    told = AuditEvent.objects.filter(pk__gt=last).order_by("pk")
    name = ovh.customers[0]["nichandle"]
    wanted = [tuple(word.replace("{0}", name) for word in line) for line in lines]
    found = [(row.action, row.actor, row.subject, row.target, row.result) for row in told]
    assert [line[:3] + line[4:] for line in found] == [line[:3] + line[4:] for line in wanted]
    for line, want in zip(found, wanted, strict=True):
        assert "{" in want[3] or line[3] == want[3]
    # From where and within which request, wherever somebody asked for something.
    for row in told:
        by_itself = row.action in ("key_revoked", "staff_password", "staff_sign_in")
        assert by_itself or (row.address == "127.0.0.1" and row.request_id)


def test_linking_leaves_one_line_and_says_which_account(client: Client, ovh: Any):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    last = AuditEvent.objects.latest("pk").pk
    link_another(client, ovh, second)
    (line,) = AuditEvent.objects.filter(pk__gt=last)
    told = (line.action, line.actor, line.subject, line.result)
    assert told == ("link", f"ovh-eu/{first['nichandle']}", second["nichandle"], "done")


def test_wider_rights_leave_one_line_also_where_another_account_came_back(client: Client, ovh: Any):
    first, second = ovh.customers[:2]
    sign_in(client, ovh, first)
    last = AuditEvent.objects.latest("pk").pk
    for who in (second, first):
        allow(client, ovh, who)
    lines = AuditEvent.objects.filter(pk__gt=last).order_by("pk").values_list("action", "actor", "subject", "result")
    actor, subject = f"ovh-eu/{first['nichandle']}", first["nichandle"]
    assert list(lines) == [("allow_ordering", actor, subject, "refused"), ("allow_ordering", actor, subject, "done")]


def test_strangers_without_a_token_leave_one_line_an_hour(sieged: Sieged):
    last = AuditEvent.objects.latest("pk").pk
    stranger = Client(enforce_csrf_checks=True)
    for _ in range(5):
        assert stranger.post("/sign-in/").status_code == 403
    assert AuditEvent.objects.filter(pk__gt=last).count() == 1


WRITES = re.compile(r'(?:audit\.record|trail\.looked|_audited|_write)\(\s*(?:None|request|self\.request),\s*"(\w+)"')


def test_each_kind_of_line_that_the_code_writes_is_caused_by_some_test():
    """A new kind has a case above, or its name stands in the test of the thing it tells of."""
    root = Path(__file__).resolve().parents[2]
    packages = ("accounts", "orders", "carts", "support", "panel")
    code = "".join(path.read_text() for name in packages for path in (root / name).rglob("*.py"))
    tests = "".join(path.read_text() for path in (root / "tests").rglob("test_*.py"))
    written = set(WRITES.findall(code))
    assert len(written) > 40
    assert {action for action in written if f'"{action}"' not in tests} == set()
