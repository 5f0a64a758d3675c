"""Input that no program should send: each answered in the contract's words, never with a 500."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.sandboxes import Sandbox

from .client import Signing


@pytest.mark.parametrize("order_id", ["0", "-1", "1", "9223372036854775807"])
def test_an_order_that_nobody_has(anna: Signing, order_id: str) -> None:
    answer = anna.call("GET", f"/me/order/{order_id}")
    assert answer.status_code == 404
    assert answer.json() == {
        "class": "Client::NotFound",
        "message": f"The requested object (orderId = {order_id}) does not exist",
    }


@pytest.mark.parametrize(
    "order_id",
    ["abc", "1.5", "9223372036854775808", "1" * 1000, "%D9%A1", "1e3", "%00", "+1", "%20", "%ED%A0%80", "%ff"],
)
def test_an_order_number_of_the_wrong_shape(anna: Signing, order_id: str) -> None:
    assert anna.call("GET", f"/me/order/{order_id}").status_code in (400, 404)


@pytest.mark.parametrize(
    "body",
    [
        *("{", "[]", '"text"', "null", "1", "NaN", '{"reason": NaN}', "[" * 100_000, "\x00", "{" + '"a":' * 9000),
        *('{"reason": null}', '{"reason": "boredom"}', '{"reason": ["other"]}', '{"comment": "no reason"}'),
        *('{"reason": "other", "comment": "a\\u0000b"}', '{"reason": "other", "comment": "\\ud800"}'),
        *('{"reason": "other", "Reason": "other"}', '{"reason": "other", "\\ud800": 1}', "1" * 5000),
        *('{"reason": "other", "comment": null}', '{"reason": 1e999}'),
    ],
)
def test_bodies_that_cannot_be_a_retraction(anna: Signing, body: str) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    answer = anna.call("POST", f"/me/order/{order_id}/retraction", body=body)
    assert (answer.status_code, answer.json()["class"]) == (400, "Client::BadRequest")
    assert "retraction_accepted" not in anna.sandbox.events(order_id)


def test_what_is_not_described_is_named(anna: Signing) -> None:
    answer = anna.call("GET", "/me/order?limit=10")
    assert answer.status_code == 400
    message = "Received not described parameters: (limit) while calling GET /me/order"
    assert answer.json()["message"] == message
    assert anna.call("GET", "/me/order?date.from=yesterday").status_code == 400
    assert anna.call("GET", "/me/payment/method?status=ILL").status_code == 400
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
    assert anna.call(method, "/me/order").status_code == 404


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
    try:
        answer = anna.call("POST", "/auth/credential", body=json.dumps({"accessRules": "x" * 10_000_000}))
    except requests.ConnectionError:
        pass  # it may close before all is sent
    else:
        assert answer.status_code == 413
    assert anna.call("GET", "/me").status_code == 200


def test_idle_connections_keep_nobody_out(anna: Signing) -> None:
    parts = urlsplit(anna.sandbox.base)
    idle = [socket.create_connection((parts.hostname, parts.port or 80), timeout=10) for _ in range(500)]
    try:
        assert anna.call("GET", "/me").status_code == 200
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
