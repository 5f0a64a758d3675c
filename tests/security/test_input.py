"""Whatever is sent: a page, the form's own words, 400 or 404; never an error of ours, never somebody else's host."""

import base64
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pyotp
import pytest
from django.core.management import call_command
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import Client, RequestFactory

from accounts.models import AuditEvent, Session
from orders import relay
from orders.models import Order, Receipt, Retraction, Status
from panel.wsgi import application
from tests.factories import make_order
from tests.given import TOTP_SECRET
from tests.security.conftest import Sieged, browser_of
from tests.security.headers import assert_headers
from tests.world import import_all, sign_up

pytestmark = [pytest.mark.django_db, pytest.mark.rows(8)]
CROOKED_TEXTS = {
    "NUL": "a\0b",
    "long": "a" * 60_000,
    "markup": "<script>alert(1)</script>",
    "lines": "a\r\nSet-Cookie: x=1",
    "template": "{{ 7|add:7 }}{% load l10n %}%(x)s{0}",
    "right to left": "\u202e\u2066a",
    "emoji": "🧾" * 50,
    "sql": "') OR 1=1 --",
    "wildcards": "%_\\",
    "number": "9" * 400,
    "more digits than Python reads": "9" * 5000,
    "brackets": "[" * 5000,
}


@pytest.fixture(params=["visitor", "customer", "support"])
def knocker(request: Any, sieged: Sieged) -> Client:
    """Somebody for whom some of the pages do their work."""
    return browser_of({"visitor": None, "customer": sieged.a, "support": sieged.support}[request.param])


@pytest.mark.parametrize("text", CROOKED_TEXTS.values(), ids=CROOKED_TEXTS)
def test_no_query_can_break_a_page(knocker: Client, sieged: Sieged, text: str):
    names = (
        "q status from to min max sort after expired preset list next page language".split(),
        "q next after".split(),
    )
    for path in ("/", "/orders/", f"/orders/{sieged.order.order_id}/", "/support/", "/staff/sign-in/", "/withdraw/"):
        for chosen in names:
            answer = knocker.get(path, dict.fromkeys(chosen, text))
            assert answer.status_code in (200, 302, 400, 404), f"{path} {chosen}: {answer.status_code}"
            assert "<script>alert" not in answer.content.decode()
            assert "Set-Cookie: x" not in str(answer.headers)
            assert_headers(answer, path)


@pytest.mark.parametrize("text", CROOKED_TEXTS.values(), ids=CROOKED_TEXTS)
def test_no_part_of_an_address_can_break_a_page(knocker: Client, text: str):
    part = quote(text[:6000], safe="")
    for path in (
        "orders/{}/",
        "receipts/{}/",
        "sign-in/return/{}/",
        "staff/welcome/{}/",
        "support/orders/{}/{}/",
        "{}",
        "{}/",
    ):
        answer = knocker.get("/" + path.replace("{}", part))
        assert answer.status_code in (301, 302, 400, 404), f"{path}: {answer.status_code}"
        assert "\n" not in answer.headers.get("Location", "")
        assert_headers(answer, path)


@pytest.mark.parametrize("text", CROOKED_TEXTS.values(), ids=CROOKED_TEXTS)
def test_no_word_can_break_a_page_of_choosing(knocker: Client, text: str):
    part = quote(text[:6000], safe="")
    asked = [knocker.get(path, dict.fromkeys("q ext done price quantity".split(), text)) for path in _CHOOSING]
    asked += [knocker.get(f"/catalogue/{path}/") for path in (f"vps/{part}", f"{part}/vps-1", f"{part}/{part}")]
    fields = "plan_code domain mode offer_id again price quantity options coupon remove subsidiary q page do".split()
    for path in ("add", "coupon", "check", "undo"):
        for product in ("domain", text):
            asked.append(knocker.post(f"/cart/{path}/", dict.fromkeys(fields, text) | {"product": product}))
    for answer in asked:
        assert answer.status_code in (200, 302, 400, 404), f"{answer.request['PATH_INFO']}: {answer.status_code}"
        assert "<script>alert" not in answer.content.decode()
        assert "\n" not in answer.headers.get("Location", "")


_CHOOSING = ("/domains/", "/domains/answers/", "/catalogue/", "/cart/")


@pytest.mark.parametrize("octets", ["%ff%fe", "%ed%a0%80", "%c0%af", "%00"])
def test_octets_that_are_no_text(knocker: Client, octets: str):
    for path in (
        f"/orders/{octets}/",
        f"/receipts/{octets}/",
        f"/staff/welcome/{octets}/",
        f"/support/orders/{octets}/1/",
    ):
        assert knocker.get(path).status_code in (302, 404)
    for path in (
        f"/orders/?q={octets}",
        f"/orders/?min={octets}",
        f"/support/?q={octets}",
        f"/staff/sign-in/?next={octets}",
    ):
        assert knocker.get(path).status_code in (200, 302, 404)


def over_wsgi(method: str, path: str, body: bytes = b"", **environ: Any) -> int:
    """The status that the server's entrance answers; the test client enters behind it."""
    told: list[str] = []
    request = RequestFactory().generic(method, path, body, "text/plain")
    # As the test client does: else the request would close the test's own transaction.
    request_started.disconnect(close_old_connections)
    try:
        b"".join(application(request.environ | environ, lambda status, headers: told.append(status)))
    finally:
        request_started.connect(close_old_connections)
    return int(told[0][:3])


@pytest.mark.parametrize("codec", ["rot13", "hex", "idna", "utf-7", "utf-16", "punycode", "zlib", "x", "utf-8"])
def test_no_codec_can_break_a_page(sieged: Sieged, codec: str):
    cookie = f"panel_session={browser_of(sieged.a).cookies['panel_session'].value}; panel_csrf={'a' * 32}"
    for parameter in (f"charset={codec}", f"charset*={codec}''%41"):
        for path in ("/", "/orders/?q=%2B2AA-&from=%2B2AA-", "/staff/sign-in/?next=%ff"):
            status = over_wsgi("GET", path, CONTENT_TYPE=f"text/plain; {parameter}", HTTP_COOKIE=cookie)
            assert status in (200, 302)
    part = f"--b\r\nContent-Disposition: form-data; name*={codec}''%41\r\n\r\na\r\n--b--\r\n".encode()
    kind = "multipart/form-data; boundary=b"
    assert over_wsgi("POST", "/sign-out/", part, CONTENT_TYPE=kind, HTTP_COOKIE=cookie) in (400, 403)


@pytest.mark.parametrize(
    "cookie", ['"aaaaaaaaaaaaaaaa\\000bbbbbbbbbbbbbbb"', "é" * 32, "A" * 32, "a" * 31, "../../etc/passwd", ""]
)
def test_no_cookie_can_break_a_page(db: None, cookie: str):
    for name in ("panel_session", "panel_csrf", "panel_language", "messages"):
        for path, status in (("/", 200), ("/orders/", 302), ("/staff/sign-in/", 200)):
            answer = Client(headers={"Cookie": f"{name}={cookie}"}).get(path)
            assert answer.status_code == status


def test_a_session_key_that_a_browser_chose_is_not_taken(ovh: Any):
    fixed = "a" * 32
    client = Client(headers={"Cookie": f"panel_session={fixed}"})
    answer = client.post("/sign-in/")
    assert answer.cookies["panel_session"].value != fixed
    assert not Session.objects.filter(session_key=fixed).exists()


@pytest.mark.parametrize(
    "cursor",
    [
        ["\ud800", 1],
        ["\0", 1],
        ["a", 2**63],
        ["a", -1],
        ["a", True],
        [None, 1],
        [{}, []],
        ["9999-12-31T23:59:59+00:00", 1],
        ["0001-01-01T00:00:00+23:59", 1],
        ["NaN", 1],
        ["1e999999", 1],
        ["a"],
        {"a": 1},
        "x" * 50,
        [[[[[]]]]],
    ],
)
def test_a_forged_cursor_is_left_out_or_an_empty_page(sieged: Sieged, cursor: Any):
    after = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode().rstrip("=")
    browser = browser_of(sieged.a)
    for sort in ("date", "-number", "amount", "-amount", "status", "-status", "account__secret"):
        answer = browser.get("/orders/", {"after": after, "sort": sort, "expired": "1"})
        assert answer.status_code == 200, sort


@pytest.mark.parametrize("after", ["é", "=", "A", "W10", base64.b64encode(b"[" * 140).decode()])
def test_what_is_no_cursor(sieged: Sieged, after: str):
    assert browser_of(sieged.a).get("/orders/", {"after": after}).status_code == 200


def test_keywords_of_the_orm_are_words_like_any_other(sieged: Sieged):
    browser = browser_of(sieged.a)
    plain = browser.get("/orders/").context["rows"]
    keywords = {
        "_connector": "OR 1=1",
        "_negated": "1",
        "nichandle__isnull": "0",
        "nichandle__user__is_active": "1",
        "order_id__gte": "0",
        "pk__in": "1",
    }
    assert browser.get("/orders/", keywords).context["rows"] == plain
    sorted_by = browser.get("/orders/", {"sort": "nichandle__links__encrypted_key"})
    assert sorted_by.context["rows"] == plain
    assert sorted_by.context["problems"]


@pytest.mark.parametrize("body", [b"a=1&" * 200, b"a=" + b"x" * 300_000, b"\xff\xfe", b"{}", b""])
@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "text/plain; charset=x"],
)
def test_no_body_can_break_a_post(knocker: Client, sieged: Sieged, body: bytes, content_type: str):
    number = sieged.order.order_id
    for path in (
        f"/orders/{number}/withdrawal/",
        f"/orders/{number}/check/",
        "/orders/check/",
        "/staff/sign-in/",
        "/i18n/setlang/",
        "/withdraw/declare/",
    ):
        answer = knocker.generic("POST", path, body, content_type=content_type)
        assert answer.status_code in (200, 302, 400, 404), f"{path}: {answer.status_code}"
    assert set(Retraction.objects.all()) == {sieged.public, Retraction.objects.get(reference=sieged.reference)}


def test_nobody_sends_a_file(db: None):
    from django.core.files.uploadedfile import SimpleUploadedFile

    file = SimpleUploadedFile("a.txt", b"a")
    answer = Client().post("/i18n/setlang/", {"language": "fr", "file": file})
    assert answer.status_code == 400


# --- Redirects --------------------------------------------------------------------------------------------------------
ELSEWHERE = [
    "//evil.test",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https://evil.test",
    "http:///evil.test",
    "/%09/evil.test",
    "/\t/evil.test",
    "\x00/evil.test",
    "\x08//evil.test",
    "javascript:alert(1)",
    "https://localhost@evil.test",
    "https://testserver.evil.test",
    "/" + "a" * 3000,
    "/support/" + "a" * 3000,
    "/support/\r\nSet-Cookie: x=1",
]


@pytest.mark.parametrize("target", ELSEWHERE)
def test_next_leads_nowhere_else(sieged: Sieged, target: str):
    typed = {"login": "support@example.net", "password": "correct horse battery", "next": target}
    browser = Client()
    assert browser.post("/staff/sign-in/", typed)["Location"] == "/staff/sign-in/code/"
    answer = browser.post("/staff/sign-in/code/", {"code": pyotp.TOTP(TOTP_SECRET).now()})
    assert (answer.status_code, answer["Location"]) == (302, "/support/")
    answer = browser_of(sieged.support).get("/staff/sign-in/", {"next": target})
    assert_headers(answer)
    for client in (Client(), browser_of(sieged.a)):
        for headers in ({}, {"Referer": target.replace("\r\n", "")}):
            chosen = client.post("/i18n/setlang/", {"language": "fr", "next": target}, headers=headers)
            assert urlsplit(chosen["Location"]).netloc == ""
            assert_headers(chosen)
    assert not Client().get("/staff/sign-in/", {"next": target}).context["next"]


def test_next_given_twice_is_judged_as_it_is_used(sieged: Sieged):
    answer = browser_of(sieged.support).get("/staff/sign-in/?next=/support/queues/&next=//evil.test")
    assert answer["Location"] in ("/support/", "/support/queues/")


@pytest.mark.parametrize("language", ["xx", "a" * 10_000, "../fr", "fr\0", "fr-x-\r\n", ""])
def test_only_languages_of_the_list_are_kept(sieged: Sieged, language: str):
    browser = browser_of(sieged.a)
    answer = browser.post("/i18n/setlang/", {"language": language, "next": "/"})
    assert answer.status_code == 302
    assert "panel_language" not in answer.cookies
    sieged.a.refresh_from_db()
    assert sieged.a.language == ""
    assert (
        Client(headers={"Accept-Language": language.replace("\r\n", "").replace("\0", "")}).get("/").status_code == 200
    )


# --- The one form that acts at OVHcloud -------------------------------------------------------------------------------
MORE = {
    "reason": "performance",
    "comment": "take everything",
    "orderId": "1",
    "order": "1",
    "order_id": "1",
    "action": "refund",
    "amount": "0",
    "pk": "1",
    "id": "1",
    "nichandle": "bruno2-ovh",
    "declared_at": "2020-01-01T00:00:00Z",
    "reference": "W-AAAAAAAAA-AAAAAAAAA-AAAAAAAAA",
    "statement": "I want a million",
    "name": "Mallory",
    "late": "false",
    "snapshot": "{}",
    "intent": "1",
    "state": "accepted",
    "user": "1",
    "is_staff": "1",
}


def test_more_fields_than_the_form_has_change_nothing(ovh: Any):
    account = sign_up(ovh)
    number = ovh.make_order(status="delivered", price="24.00")
    import_all(account)
    before = Order.objects.filter(order_id=number).values().get()
    browser, calls = browser_of(account.user), ovh.last_request()
    answer = browser.post(
        f"/orders/{number}/withdrawal/?reason=x&orderId=1", MORE | {"email": "a@example.net", "confirm": "on"}
    )
    assert answer.status_code == 302
    while relay.relay_due():
        pass
    sent = [call for call in ovh.requests(calls) if call["method"] == "POST"]
    assert [call["path"] for call in sent] == [f"/1.0/me/order/{number}/retraction"]
    # The order's own ledger keeps what was asked with it.
    asked = [line for line in ovh.ledger(number) if line["event"] == "retraction_accepted"]
    assert [{"reason": line.get("reason"), "comment": line.get("comment")} for line in asked] == [
        {"reason": "other", "comment": None}
    ]
    declared = Retraction.objects.get()
    assert (declared.order_number, declared.nichandle) == (number, account.nichandle)
    assert not {declared.reference, declared.statement, declared.name} & set(MORE.values())
    assert declared.declared_at.year >= 2026
    after = Order.objects.filter(order_id=number).values().get()
    moved = {name for name in before if before[name] != after[name]}
    assert moved <= {"status", "status_since", "status_checked_at", "next_poll_at", "watched_until", "was_paid"}
    account.user.refresh_from_db()
    assert (account.user.role, account.user.is_staff) == ("", False)


@pytest.mark.parametrize(
    "email",
    [
        "a@example.net\r\nBcc: b@example.net",
        "a@example.net\nBcc: b@example.net",
        "a@example.net,b@example.net",
        "a@example.net;b@example.net",
        "A <a@example.net>",
        "a@example.net\0",
        '"a\r\nb"@example.net',
        "a" * 300 + "@example.net",
        "a@example.net%0d%0aBcc:b@example.net",
    ],
)
def test_an_address_with_more_in_it_is_no_address(sieged: Sieged, email: str):
    number = make_order(sieged.a.nichandle, retraction_date=sieged.withdrawn.retraction_date).order_id
    answer = browser_of(sieged.a).post(f"/orders/{number}/withdrawal/", {"email": email, "confirm": "on"})
    assert answer.status_code == 200
    assert "This is not an e-mail address" in answer.content.decode() or "at most 254" in answer.content.decode()
    assert not Retraction.objects.filter(order_number=number).exists()
    assert not Receipt.objects.filter(address__contains="b@example.net").exists()


def test_nobody_withdraws_from_anothers_order(sieged: Sieged):
    before = list(Retraction.objects.values()), list(Receipt.objects.values())
    for number in (sieged.order.order_id, sieged.withdrawn.order_id):
        typed = {"email": "b@example.net", "confirm": "on", "after": sieged.reference}
        assert browser_of(sieged.b).post(f"/orders/{number}/withdrawal/", typed).status_code == 404
    assert (list(Retraction.objects.values()), list(Receipt.objects.values())) == before


def test_a_link_to_pay_is_of_one_browser_and_one_order(sieged: Sieged, ovh: Any):
    Order.objects.filter(pk=sieged.theirs.pk).update(status=Status.NOT_PAID)
    mine, theirs = browser_of(sieged.a), browser_of(sieged.b)
    url = mine.post(f"/orders/{sieged.order.order_id}/pay/").context["leave_url"]
    assert theirs.get(url).status_code == 404
    swapped = url.replace(str(sieged.order.order_id), str(sieged.theirs.order_id))
    assert theirs.get(swapped).status_code == 410
    of_another = url.replace(str(sieged.order.order_id), str(sieged.withdrawn.order_id))
    assert mine.get(of_another).status_code == 410
    # A's second browser was given no link, and the first link still waits for the first.
    assert browser_of(sieged.a).get(url).status_code == 410
    assert mine.get(url).status_code != 410


# --- What strangers can make us write ---------------------------------------------------------------------------------
def test_strangers_fill_neither_sessions_nor_the_trail(db: None):
    client, lines = Client(), AuditEvent.objects.count()
    answers = [client.get(f"/sign-in/return/{number}/").status_code for number in range(60)]
    assert answers[-1] == 429
    assert AuditEvent.objects.count() - lines == answers.count(400) == 30
    for path in ("/", "/withdraw/", "/staff/sign-in/", "/receipts/x/", "/sign-in/continue/", "/sign-in/confirm/"):
        for _ in range(5):
            client.get(path)
            client.post("/sign-out/")
    assert Session.objects.count() == 0


def test_changing_the_forwarded_address_walks_around_no_limit(db: None):
    answers = [
        Client(headers={"X-Forwarded-For": f"10.0.0.{number}"}).get(f"/sign-in/return/{number}/").status_code
        for number in range(40)
    ]
    assert answers[-1] == 429
    assert set(AuditEvent.objects.values_list("address", flat=True)) == {"127.0.0.1"}


def test_the_last_trusted_hop_is_the_address(settings: Any, db: None):
    settings.TRUSTED_PROXIES = 1
    Client(headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7"}).get("/sign-in/return/x/")
    assert AuditEvent.objects.latest("pk").address == "192.0.2.7"


def test_the_trail_and_declarations_can_only_grow(sieged: Sieged):
    from django.db import DatabaseError, connection, transaction

    for table in ("accounts_auditevent", "orders_retraction"):
        for statement in (f"update {table} set id = id", f"delete from {table}"):
            with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
    call_command("check")
