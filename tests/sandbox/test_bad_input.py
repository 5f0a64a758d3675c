"""Input that no program should send: each answered in the contract's words, never with a 500."""

import contextlib
import json
import socket
import time
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

from tests.sandboxes import Sandbox

from .client import Signing

pytestmark = pytest.mark.rows(8)


@pytest.mark.parametrize("order_id", ["0", "-1", "1", "9223372036854775807"])
def test_an_order_that_nobody_has(anna: Signing, order_id: str) -> None:
    answer = anna.call("GET", f"/me/order/{order_id}")
    assert answer.status_code == 404
    assert answer.json() == {
        "class": "Client::NotFound",
        "message": f"The requested object (orderId = {order_id}) does not exist",
    }


_WRONG_LONGS = ["abc", "1.5", "9223372036854775808", "1" * 1000, "%D9%A1", "1e3", "%00", "+1", "%20", "0x1", "1,2", "-"]


@pytest.mark.parametrize("wrong", _WRONG_LONGS)
def test_a_number_of_the_wrong_shape(anna: Signing, wrong: str) -> None:
    order_id = anna.get("/me/order")[0]
    for path, name in (
        ("/me/order/{}", "orderId"),
        ("/me/order/{}/status", "orderId"),
        (f"/me/order/{order_id}/details/{{}}", "orderDetailId"),
        ("/me/payment/method/{}", "paymentMethodId"),
        ("/me/contact/{}", "contactId"),
    ):
        answer = anna.call("GET", path.format(wrong))
        told = f"[{name}] Given data ({unquote(wrong)[:100]}) is not valid for type long"
        assert (answer.status_code, answer.json()) == (400, {"class": "Client::BadRequest", "message": told})


@pytest.mark.parametrize("wrong", ["%ED%A0%80", "%ff", "%c3%28"])
def test_a_path_that_is_not_text_is_no_route(anna: Signing, wrong: str) -> None:
    answer = anna.call("GET", f"/me/order/{wrong}")
    assert (answer.status_code, answer.json()) == (
        404,
        {"class": "Client::NotFound", "message": "Got an invalid (or empty) URL"},
    )


@pytest.mark.parametrize("wrong", ["FR0", "x" * 500, "%00", "%F0%9F%98%80", "..%2F..", "'%20OR%201=1"])
def test_a_name_that_nothing_has(anna: Signing, wrong: str) -> None:
    for path in ("/me/bill/{}", "/me/refund/{}", "/me/withdrawal/{}", "/me/ovhAccount/{}"):
        answer = anna.call("GET", path.format(wrong))
        if wrong == "%00":
            assert (answer.status_code, answer.json()["class"]) == (400, "Client::BadRequest")
        else:
            assert (answer.status_code, answer.json()["class"]) == (404, "Client::NotFound")
            assert answer.json()["message"].endswith("does not exist")


_INVALID_JSON = "Invalid JSON received"
_NO_REASON = "Missing parameter(s): reason"


def _invalid(name: str, shown: str, kind: str) -> str:
    return f"[{name}] Given data ({shown}) is not valid for type {kind}"


def _undescribed(order_id: int, name: str) -> str:
    return f"Received not described parameters: ({name}) while calling POST /me/order/{{orderId}}/retraction"


_REASON = "billing.order.RetractionReasonEnum"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        *((body, _INVALID_JSON) for body in ("{", "[]", '"text"', "null", "1", "NaN", '{"reason": NaN}', "\x00")),
        *((body, _INVALID_JSON) for body in ("[" * 100_000, "{" + '"a":' * 9000, "1" * 5000, '{"reason": "other",}')),
        *((body, _NO_REASON) for body in ("", "{}", '{"comment": "no reason"}')),
        ('{"reason": null}', _invalid("reason", "null", _REASON)),
        ('{"reason": "boredom"}', _invalid("reason", "boredom", _REASON)),
        ('{"reason": "Other"}', _invalid("reason", "Other", _REASON)),
        ('{"reason": ["other"]}', _invalid("reason", '["other"]', _REASON)),
        ('{"reason": 1e999}', _invalid("reason", "Infinity", _REASON)),
        ('{"reason": "other", "comment": 1}', _invalid("comment", "1", "text")),
        ('{"reason": "other", "comment": null}', _invalid("comment", "null", "text")),
        ('{"reason": "other", "comment": {}}', _invalid("comment", "{}", "text")),
        ('{"reason": "other", "comment": "\\ud800"}', _invalid("comment", "?", "text")),
        ('{"reason": "other", "Reason": "other"}', _undescribed(1, "Reason")),
        ('{"reason": "other", "\\ud800": 1}', _undescribed(1, "?")),
        ('{"reason": "other", "id": 1, "force": true}', _undescribed(1, "id, force")),
    ],
)
def test_bodies_that_cannot_be_a_retraction(anna: Signing, body: str, message: str) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    answer = anna.call("POST", f"/me/order/{order_id}/retraction", body=body)
    assert (answer.status_code, answer.json()) == (400, {"class": "Client::BadRequest", "message": message})
    assert "retraction_accepted" not in anna.sandbox.events(order_id)


@pytest.mark.parametrize(
    ("route", "sent", "message"),
    [
        ("/me/order/{}/pay", None, "Missing parameter(s): paymentMethod"),
        (
            "/me/order/{}/pay",
            {"paymentMethod": 7},
            _invalid("paymentMethod", "7", "billing.order.PayWithPaymentMethod"),
        ),
        (
            "/me/order/{}/pay",
            {"paymentMethod": {"id": "x"}},
            _invalid("paymentMethod", '{"id": "x"}', "billing.order.PayWithPaymentMethod"),
        ),
        ("/me/order/{}/payWithRegisteredPaymentMean", None, "Missing parameter(s): paymentMean"),
        (
            "/me/order/{}/payWithRegisteredPaymentMean",
            {"paymentMean": "gold"},
            _invalid("paymentMean", "gold", "billing.ReusablePaymentMeanEnum"),
        ),
        ("/order/cart", None, "Missing parameter(s): ovhSubsidiary"),
        ("/order/cart", {"ovhSubsidiary": "XX"}, "invalid ovhSubsidiary"),
        ("/order/cart", {"ovhSubsidiary": 1}, _invalid("ovhSubsidiary", "1", "nichandle.OvhSubsidiaryEnum")),
        ("/order/cart", {"ovhSubsidiary": "FR", "expire": "soon"}, _invalid("expire", "soon", "datetime")),
        ("/me/contact", {}, "Missing parameter(s): address, email, firstName, language, lastName, legalForm"),
        ("/auth/credential", None, "Missing parameter(s): accessRules"),
    ],
)
def test_bodies_of_other_routes(anna: Signing, route: str, sent: Any, message: str) -> None:
    order_id = anna.sandbox.make_order()
    answer = anna.call("POST", route.format(order_id), sent)
    assert answer.status_code == 400
    assert answer.json()["class"] == "Client::BadRequest"
    told = answer.json()["message"]
    assert (told.partition(": ")[0], sorted(told.partition(": ")[2].split(", "))) == (
        message.partition(": ")[0],
        sorted(message.partition(": ")[2].split(", ")),
    )
    assert anna.sandbox.events(order_id) == ["created"]


def test_what_is_not_described_is_named(anna: Signing) -> None:
    answer = anna.call("GET", "/me/order?limit=10")
    assert answer.status_code == 400
    message = "Received not described parameters: (limit) while calling GET /me/order"
    assert answer.json()["message"] == message
    for path, message in (
        ("/me/order?date.from=yesterday", _invalid("date.from", "yesterday", "datetime")),
        ("/me/payment/method?status=ILL", _invalid("status", "ILL", "me.payment.method.StatusEnum")),
        ("/me/bill?orderId=x", _invalid("orderId", "x", "long")),
        ("/me/bill?category=gold", _invalid("category", "gold", "billing.CategoryEnum")),
        ("/order/catalog/public/vps", "Missing parameter(s): ovhSubsidiary"),
        ("/order/catalog/public/vps?ovhSubsidiary=XX", "invalid ovhSubsidiary"),
        ("/me/order?date.from=%FF", "Invalid query string"),
    ):
        answer = anna.call("GET", path)
        assert (answer.status_code, answer.json()) == (400, {"class": "Client::BadRequest", "message": message})
    assert anna.call("GET", "/me/payment/method?default=true").json() != []


@pytest.mark.parametrize(
    "rules",
    [
        None,
        [],
        [{}],
        "GET /me",
        [{"method": "STEAL", "path": "/me"}],
        [{"method": "GET"}],
        [{"method": "GET", "path": 1}],
    ],
)
def test_access_rules_that_are_none(sandbox: Sandbox, rules: Any) -> None:
    answer = requests.post(
        f"{sandbox.api_base}/auth/credential",
        json={"accessRules": rules, "redirection": None, "allowedIPs": None},
        headers={"X-Ovh-Application": sandbox.application_key},
        timeout=5,
    )
    assert answer.status_code == 400
    assert answer.json()["message"] == "Body parameter accessRules isn't formated correctly"


def test_a_credential_needs_an_application(sandbox: Sandbox) -> None:
    sent = {"accessRules": [{"method": "GET", "path": "/me"}]}
    url = f"{sandbox.api_base}/auth/credential"
    nobody = requests.post(url, json=sent, timeout=5)
    assert nobody.status_code == 401
    assert nobody.json()["message"] == "You must send your application key to request new credentials"
    unknown = requests.post(url, json=sent, headers={"X-Ovh-Application": "x"}, timeout=5)
    assert (unknown.status_code, unknown.json()["message"]) == (403, "This application key is invalid")
    script = sent | {"redirection": "javascript:alert(1)"}
    known = {"X-Ovh-Application": sandbox.application_key}
    assert requests.post(url, json=script, headers=known, timeout=5).status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/nothing",
        "/me/order/",
        "/me//order",
        "/me/order/1/nothing",
        "/%ff",
        "/me/../auth/time",
        "/_control/requests",
    ],
)
def test_routes_that_are_none(sandbox: Sandbox, path: str) -> None:
    raw = _raw(sandbox, f"GET /1.0{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert raw.startswith(b"HTTP/1.1 404")
    assert b"Got an invalid (or empty) URL" in raw
    assert b"Location" not in raw


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "PROPFIND"])
def test_methods_that_a_route_has_not(anna: Signing, method: str) -> None:
    answer = anna.call(method, "/me/order")
    assert answer.status_code == 404
    if method != "HEAD":
        assert answer.json() == {"class": "Client::NotFound", "message": "Got an invalid (or empty) URL"}


def _raw(sandbox: Sandbox, sent: bytes) -> bytes:
    parts = urlsplit(sandbox.base)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        connection.sendall(sent)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /1.0/me HTTP/1.1\r\n\r\n",
        b"GET /1.0/me HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /1.0/me HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /1.0/me HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /1.0/me HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /1.0/me HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 1_000_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_next_caller_served(sandbox: Sandbox, sent: bytes) -> None:
    assert _raw(sandbox, sent).startswith(b"HTTP/1.1 4")
    assert requests.get(f"{sandbox.api_base}/auth/time", timeout=5).status_code == 200


def test_headers_of_any_bytes_are_no_trouble(sandbox: Sandbox) -> None:
    head = b"GET /1.0/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    for name in (b"Application", b"Consumer", b"Timestamp", b"Signature"):
        head += b"X-Ovh-" + name + b": \xff\xe9\xb2\r\n"
    assert _raw(sandbox, head + b"\r\n").startswith(b"HTTP/1.1 403")


def test_a_body_of_ten_megabytes_is_refused(anna: Signing) -> None:
    """Looked at on the socket: a client that is still sending may not come to read the refusal."""
    body = b'{"accessRules": "' + b"x" * 10_000_000
    head = f"POST /1.0/auth/credential HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    parts = urlsplit(anna.sandbox.base)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as connection:
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + body)
        with contextlib.suppress(OSError):
            received = connection.recv(65536)
    assert received.startswith(b"HTTP/1.1 413 ")
    assert json.loads(received.partition(b"\r\n\r\n")[2]) == {
        "class": "Client::PayloadTooLarge",
        "message": "Request body is too large",
    }
    assert anna.call("GET", "/me").status_code == 200


def test_idle_connections_keep_nobody_out(anna: Signing) -> None:
    parts = urlsplit(anna.sandbox.base)
    idle = [socket.create_connection((parts.hostname, parts.port or 80), timeout=10) for _ in range(500)]
    # Half of them have begun to say something.
    for connection in idle[::2]:
        connection.sendall(b"GET /1.0/me HTTP/1.1\r\nHost: loc")
    try:
        begun = time.monotonic()
        assert [anna.call("GET", "/me").status_code for _ in range(20)] == [200] * 20
        assert time.monotonic() - begun < 5
    finally:
        for connection in idle:
            connection.close()


def test_a_connection_is_kept_for_the_next_call(anna: Signing) -> None:
    anna.get("/me")
    adapter = anna.session.get_adapter(anna.sandbox.base)
    for _ in range(5):
        anna.get("/me")
    pools = adapter.poolmanager.pools  # type: ignore[attr-defined]
    assert [pools.get(key).num_connections for key in pools.keys()] == [1]  # noqa: SIM118 - it is no dict
