"""
One matrix over every route, method and kind of person; what is refused changes nothing and asks nobody.

`make prove` tries each cell by each of its methods, plain and by htmx; `make test` GET and POST both ways, and of the
others the one that falls to the cell.
"""

import copy
import os
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLResolver, get_resolver, reverse

from tests.attempts import forget_attempts
from tests.security.conftest import ACTORS, SECRETS_OF_A, Sieged, become, browser_of
from tests.security.headers import assert_headers
from tests.security.matrix import expected

METHODS = {
    "read": ("GET", "HEAD"),
    "post": ("POST",),
    "else": ("PUT", "PATCH", "DELETE", "OPTIONS"),
}
WHOLE = os.environ.get("PROVE") == "1"
REFUSED = {"in", "door", "key", "factor", "401", "403", "404", "405", "409"}
# Reading is what these two may do: each look at the desk, and each refusal, leaves its line.
MAY_WRITE = ("accounts_auditevent",)
# Noted once a minute, so only where the machine is slow.
SOMEBODY_WAS_HERE = 'UPDATE "accounts_session" SET "used_at" = '


def routes() -> dict[str, Any]:
    """Every route by its name, with its pattern."""
    found: dict[str, Any] = {}
    for name, pattern in _walk(get_resolver(), ""):
        assert name not in found, f"two routes are called {name}"
        found[name] = pattern
    return found


def _walk(resolver: Any, namespace: str) -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern, f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace)
        else:
            assert pattern.name, f"a route without a name: {pattern}"
            yield f"{namespace}{pattern.name}", pattern


def samples(sieged: Sieged) -> dict[str, Any]:
    """A value for each part of an address; a part that is not here fails the test that meets it."""
    return {
        "order_id": sieged.order.order_id,
        "product": "vps",
        "plan_code": "vps-1-2026",
        "nichandle": "agathe1-ovh",
        "reference": sieged.reference,
        # A receipt is of the order that was withdrawn from.
        "orders:receipt_pdf": {"order_id": sieged.withdrawn.order_id},
        # And so is what may be done after declaring.
        "orders:retraction_letter": {"order_id": sieged.withdrawn.order_id},
        "orders:receipt_send": {"order_id": sieged.withdrawn.order_id},
        "orders:refund_note": {"order_id": sieged.withdrawn.order_id},
        "support:refund_note": {"order_id": sieged.withdrawn.order_id},
        "support:declaration_show": {"reference": sieged.public.reference},
        "mail": sieged.public.receipts.get().pk,
        "intent_id": sieged.withdrawn.intents.get().pk,
        "nonce": "a-nonce-nobody-was-given",
        "token": "a-token-nobody-was-given",
        "holder": "bruno2-ovh",
        "name": "a-name-nobody-has",
        "email": sieged.support.username,
        "key": str(sieged.item.key),
        "contact_id": sieged.contact.pk,
        "checkout_id": sieged.checkout.pk,
        "support:account_drop": {"nichandle": sieged.kept.nichandle.nichandle},
    }


def address(name: str, pattern: Any, values: dict[str, Any]) -> str:
    values = values | values.get(name, {})
    return reverse(name, kwargs={part: values[part] for part in pattern.pattern.converters})


def test_every_route_has_its_lines_and_no_line_is_of_a_route_that_went():
    named = {route for route, _kind, _actor in expected()}
    assert named == set(routes())
    assert len(expected()) == len(named) * len(METHODS) * len(ACTORS)


@pytest.mark.parametrize("actor", ACTORS)
def test_each_cell(actor: str, sieged: Sieged, browsers: dict[str, Client], ovh: Any):
    table, values, wrong, calls = expected(), samples(sieged), [], ovh.last_request()
    cells = 0
    become(actor, sieged)
    for name, pattern in routes().items():
        url = address(name, pattern, values)
        for kind, methods in METHODS.items():
            wanted = table[name, kind, actor]
            for method in methods:
                for htmx in tried(name, actor, method):
                    cells += 1
                    with CaptureQueriesContext(connection) as queries:
                        answer = ask(browsers[actor], method, url, htmx)
                    where = f"{actor} {method} {url}{' by htmx' if htmx else ''}"
                    if not fits(answer, wanted, htmx):
                        wrong.append(
                            f"{where}: {answer.status_code} {answer.headers.get('Location', '')}, not {wanted}"
                        )
                    assert_headers(answer, where)
                    if actor in ("visitor", "other", "disabled", "nofactor", "administrator"):
                        leaks = [word for word in SECRETS_OF_A if word in answer.content.decode()]
                        wrong += [f"{where} tells {leaks}"] if leaks else []
                    if wanted in REFUSED:
                        wrong += [f"{where} wrote: {sql}" for sql in written(queries)]
    assert wrong == []
    assert cells == len(routes()) * (14 if WHOLE else 4)
    # Only the buttons that begin a journey speak to OVHcloud.
    asked = [call["path"] for call in ovh.requests(calls) if call["path"] != "/1.0/auth/time"]
    customers = actor in ("other", "owner", "revoked", "linked")
    # To sign in, and for a customer also to link an account and to allow more; in `make prove` plain and by htmx.
    assert asked == ["/1.0/auth/credential"] * (3 if customers else 1) * (2 if WHOLE else 1)


def tried(name: str, actor: str, method: str) -> tuple[bool, ...]:
    """By htmx or not; in `make prove` both. Nothing where this method's turn is in `make prove` alone."""
    if WHOLE:
        return (False, True)
    by_htmx = random.Random(f"{name} {actor} {method}").random() < 0.5
    other = random.Random(f"{name} {actor}").choice(METHODS["else"])
    return (by_htmx,) if method in ("GET", "POST", "HEAD", other) else ()


def ask(browser: Client, method: str, url: str, htmx: bool) -> Any:
    """Send it, and put the world back as it was: sessions, limits, rows."""
    cookies = copy.deepcopy(browser.cookies)
    forget_attempts()
    with transaction.atomic():
        answer = browser.generic(method, url, headers={"HX-Request": "true"} if htmx else {})
        answer.content  # noqa: B018 - a page that is streamed is read before its rows are gone
        transaction.set_rollback(True)
    browser.cookies = cookies
    return answer


def fits(answer: Any, wanted: str, htmx: bool) -> bool:
    if wanted in ("in", "door"):
        where = "/" if wanted == "in" else "/staff/sign-in/"
        if htmx:
            return answer.status_code == 401 and answer["HX-Redirect"] == where and not answer.content
        return answer.status_code == 302 and answer["Location"].partition("?")[0] == where
    if wanted == "key":
        return answer.status_code == 200 and [t.name for t in answer.templates][:1] == ["accounts/key_revoked.html"]
    if wanted == "kept":
        return answer.status_code == (200 if htmx else 302)
    if wanted == "away":
        told = (answer.status_code, bool(answer.headers.get("HX-Redirect")))
        return told == ((200, True) if htmx else (302, False))
    if wanted == "factor":
        return (answer.status_code, answer.headers.get("Location")) == (302, "/account/factors/")
    return answer.status_code == int(wanted)


def written(queries: CaptureQueriesContext) -> list[str]:
    """Statements that change rows of anything but the audit trail."""
    found = []
    for query in queries.captured_queries:
        match = re.match(r'\s*(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE)\s+"?(\w+)', query["sql"], re.I)
        if match and match[1] not in MAY_WRITE and not query["sql"].startswith(SOMEBODY_WAS_HERE):
            found.append(query["sql"][:120])
    return found


def test_a_post_without_a_token_reaches_no_view(sieged: Sieged):
    browser, values, answers = browser_of(sieged.a, enforce_csrf_checks=True), samples(sieged), {}
    for name, pattern in routes().items():
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with CaptureQueriesContext(connection) as queries:
                answer = browser.generic(method, address(name, pattern, values))
            answers[f"{method} {name}"] = (answer.status_code, written(queries))
    assert {what: told for what, told in answers.items() if told != (403, [])} == {}
    assert len(answers) == len(routes()) * 4


def test_no_view_is_exempt_from_the_token():
    exempt = [name for name, pattern in routes().items() if getattr(pattern.callback, "csrf_exempt", False)]
    assert exempt == []


def test_the_pages_open_to_everybody_are_these():
    open_ones = {name for name, pattern in routes().items() if not getattr(pattern.callback, "login_required", True)}
    assert open_ones == {
        "home",
        "orders:retractions",
        "orders:declaration",
        "orders:declared",
        "orders:declared_pdf",
        "orders:receipt_verify",
        "accounts:sign_in",
        "accounts:sign_in_continue",
        "accounts:sign_in_return",
        "accounts:sign_in_confirm",
        "accounts:sign_out",
        "account_login",
        "mfa_authenticate",
        "staff_welcome",
        "staff_welcome_link",
        "set_language",
        "health_live",
        "health_ready",
        "carts:domains",
        "carts:domain_answers",
        "carts:subsidiary_choose",
        "carts:catalogue",
        "carts:plan",
        "carts:cart",
        "carts:cart_add",
        "carts:cart_undo",
        "carts:coupon",
        "carts:cart_check",
        "carts:item",
    }


# --- Whose order is it? -----------------------------------------------------------------------------------------------
NUMBERED = [
    name for name, pattern in routes().items() if name.startswith("orders:") and "order_id" in str(pattern.pattern)
]


@pytest.mark.rows(12)
@pytest.mark.parametrize(
    "number", ["theirs", "unknown", "0", "-1", "१२", "1e3", "9" * 1000, str(2**63), "238100001.pdf"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_somebody_elses_order_is_an_unknown_one(sieged: Sieged, method: str, number: str):
    """Status, body, headers and the number of queries: B learns nothing, whichever way the number is written."""
    browser = browser_of(sieged.b)
    for name in NUMBERED:
        parts = routes()[name].pattern.converters
        more = {"token": "t", "reference": sieged.reference}
        values = {"order_id": sieged.unknown} | {part: more[part] for part in parts if part != "order_id"}
        unknown = seen(browser, method, reverse(name, kwargs=values))
        asked = {"theirs": sieged.order.order_id, "unknown": sieged.unknown + 1}.get(number, number)
        assert seen(browser, method, reverse(name, kwargs=values | {"order_id": asked})) == unknown


def seen(browser: Client, method: str, url: str) -> tuple[Any, ...]:
    with CaptureQueriesContext(connection) as queries:
        answer = browser.generic(method, url)
    return answer.status_code, answer.content, dict(answer.headers), len(queries)


def test_each_refused_order_leaves_a_line(sieged: Sieged):
    from accounts.models import AuditEvent

    browser = browser_of(sieged.b)
    for number in (sieged.order.order_id, sieged.unknown):
        browser.get(f"/orders/{number}/")
        line = AuditEvent.objects.latest("pk")
        told = (line.actor, line.action, line.target, line.result)
        assert told == (sieged.b.username, "not_found", f"/orders/{number}/", "refused")


def test_the_set_of_orders_is_the_owners_own(sieged: Sieged):
    own = {
        sieged.a: {sieged.order.order_id, sieged.withdrawn.order_id},
        sieged.b: {sieged.theirs.order_id},
    }
    lists = [
        "/orders/",
        "/orders/?expired=1",
        "/orders/?q=vps&sort=amount",
        "/orders/?q=2381&sort=number",
        "/",
        "/withdraw/",
    ]
    for user, numbers in own.items():
        browser = browser_of(user)
        for path in lists:
            for headers in ({}, {"HX-Request": "true"}):
                page = browser.get(path, headers=headers).content.decode()
                told = {int(number) for number in re.findall(r"\b2381\d{5}\b", page)}
                assert told <= numbers, path
        whole = browser.get("/orders/?expired=1").content.decode()
        assert {int(number) for number in re.findall(r'data-order-id="(\d+)"', whole)} == numbers
        assert re.search(rf"All\s*<[^>]*>\s*{len(numbers)}\b", whole), "the count is of somebody else's orders, too"


def test_pretending_changes_nothing(sieged: Sieged):
    """Who somebody is comes from the session alone: no parameter, cookie or header is asked."""
    pretences = {
        "role": "support",
        "nichandle": "agathe1-ovh",
        "user": str(sieged.a.pk),
        "is_staff": "1",
        "as": "owner",
    }
    headers = dict.fromkeys(("Remote-User", "X-Remote-User", "X-Forwarded-User", "X-User-ID"), sieged.a.username)
    for user in (None, sieged.b, sieged.administrator):
        for path in (f"/orders/{sieged.order.order_id}/", "/support/queues/", "/orders/"):
            plain, liar = browser_of(user), browser_of(user)
            for name, value in pretences.items():
                liar.cookies[name] = value
            lied = liar.get(path, pretences, headers=headers, REMOTE_USER=sieged.a.username)
            assert lied.status_code == plain.get(path).status_code
            assert str(sieged.order.order_id) not in lied.content.decode().replace(path, "")


def test_nothing_that_browsers_offer_overrides_the_method(sieged: Sieged):
    browser = browser_of(sieged.a)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert browser.get("/sign-out/?_method=POST", headers={name: "POST"}).status_code == 405
    browser.post("/orders/", {"_method": "GET"})
    assert browser.get("/orders/").status_code == 200
