"""Who may call: the checks of the contract's chapter 2, in its order."""

import hashlib
import time
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.signatures import is_granted, sign, urls_signed
from tests.sandboxes import Sandbox

from .client import Signing, real_client

_SECRET, _KEY = "ExampleApplicationSecret00000001", "ExampleConsumerKey00000000000001"


@pytest.mark.parametrize(
    ("method", "url", "body", "signature"),
    [
        (
            "GET",
            "https://eu.api.ovh.com/1.0/me/order?date.from=2026-01-01T00%3A00%3A00%2B00%3A00",
            b"",
            "$1$a6a76a1835826abb7a88a5314c725f25b60b2c55",
        ),
        (
            "POST",
            "http://127.0.0.1:8080/1.0/me/order/123/retraction",
            rb'{"reason":"other","comment":"d\u00e9j\u00e0"}',
            "$1$a076c62aa6057635f5d3ddf084e417ce3deaaee3",
        ),
    ],
)
def test_signatures_of_the_contract(method: str, url: str, body: bytes, signature: str) -> None:
    assert sign(_SECRET, _KEY, method, url, body, "1790000000") == signature


def _by_hand(secret: str, key: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Chapter 2.2 of the contract, word by word: neither the sandbox's code nor the client's."""
    signed = b"+".join([secret.encode(), key.encode(), method.encode(), url.encode(), body, timestamp.encode()])
    return "$1$" + hashlib.new("sha1", signed, usedforsecurity=False).digest().hex()


_WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)


@given(st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]), _WORDS, _WORDS, st.binary(max_size=200), _WORDS)
@settings(deadline=None)
def test_signatures_are_as_computed_by_hand(method: str, secret: str, url: str, body: bytes, key: str) -> None:
    wanted = _by_hand(secret, key, method, f"https://x/1.0/{url}", body, "1790000000")
    assert sign(secret, key, method, f"https://x/1.0/{url}", body, "1790000000") == wanted
    assert len(wanted) == 3 + 40


def test_a_signature_by_hand_is_taken_and_each_part_of_it_counts(anna: Signing) -> None:
    """The whole of what is signed, over the wire; then one part after the other is another than the one sent."""
    sandbox, path = anna.sandbox, "/me/order?date.from=2026-01-01T00%3A00%3A00%2B00%3A00"
    now = str(int(time.time()))
    parts = {
        "secret": sandbox.application_secret,
        "key": anna.customer["consumer_key"],
        "method": "GET",
        "url": sandbox.api_base + path,
        "body": b"",
        "timestamp": now,
    }

    def answered(**spoilt: Any) -> tuple[int, Any]:
        headers = {
            "X-Ovh-Application": sandbox.application_key,
            "X-Ovh-Consumer": anna.customer["consumer_key"],
            "X-Ovh-Timestamp": now,
            "X-Ovh-Signature": _by_hand(**(parts | spoilt)),
        }
        answer = requests.get(sandbox.api_base + path, headers=headers, timeout=5)
        return answer.status_code, answer.json()

    assert answered()[0] == 200
    refused = (400, {"class": "Client::BadRequest", "message": "Invalid signature"})
    other: dict[str, Any] = {
        "secret": "x" * 32,
        "key": "y" * 32,
        "method": "POST",
        "url": sandbox.api_base + "/me/order",
        "body": b"{}",
        "timestamp": str(int(now) - 1),
    }
    assert {name: answered(**{name: value}) for name, value in other.items()} == dict.fromkeys(other, refused)
    assert _by_hand(**parts) != _by_hand(**parts).upper()


def test_what_is_signed_is_every_byte_of_the_body(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    path = f"/me/order/{order_id}/retraction"
    body = '{"reason":"other","comment":"d\\u00e9j\\u00e0 \u00e9\u0301 \U0001f600"}'
    spaced = anna.prepare("POST", path, body=body)
    spaced.body = body.replace(",", ", ").encode()
    spaced.headers["Content-Length"] = str(len(spaced.body))
    answer = anna.session.send(spaced, timeout=5)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid signature")
    assert anna.call("POST", path, body=body).text == "null"


def test_https_may_be_signed_without_its_port() -> None:
    assert urls_signed("https", "localhost:8443", "/1.0/me") == [
        "https://localhost:8443/1.0/me",
        "https://localhost/1.0/me",
    ]
    assert urls_signed("http", "localhost:8080", "/1.0/me") == ["http://localhost:8080/1.0/me"]


@pytest.mark.parametrize(
    ("pattern", "path", "granted"),
    [
        ("/*", "/me", True),
        ("/me/order/*", "/me/order/1/status", True),
        ("/me/order/*", "/me/order", False),
        ("/me/order/*/retraction", "/me/order/1/retraction", True),
        ("/me/order/*/retraction", "/me/order/1/retraction/2", False),
        ("/me", "/me/order", False),
        ("\t/me", "/me", False),
        ("/me.order", "/me/order", False),
        ("/me*me", "/me", False),
        ("/*e*e", "/me/order/e", True),
        ("/*e*e", "/me", False),
        # As many ways to try as would last longer than anybody waits, were each tried.
        ("/" + "*a" * 300 + "b", "/" + "a" * 6_000, False),
    ],
)
def test_a_star_stands_for_any_run_of_characters(pattern: str, path: str, granted: bool) -> None:
    rules = [{"method": "GET", "path": pattern}]
    assert is_granted(rules, "GET", path) is granted
    assert not is_granted(rules, "POST", path)


_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "no-cache, no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def _refusal(signing: Signing, **spoilt: object) -> tuple[int, str]:
    answer = signing.call("GET", "/me", **spoilt)  # type: ignore[arg-type]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.headers["X-Ovh-Queryid"].startswith("EU.ext-")
    classes = {400: "Client::BadRequest", 401: "Client::Unauthorized", 403: "Client::Forbidden"}
    assert answer.json() == {"class": classes[answer.status_code], "message": answer.json()["message"]}
    assert {name: answer.headers[name] for name in _HEADERS} == _HEADERS
    return answer.status_code, answer.json()["message"]


def test_refusals_have_the_words_of_the_contract(anna: Signing) -> None:
    nothing = {"X-Ovh-Application": None, "X-Ovh-Consumer": None, "X-Ovh-Signature": None}
    assert _refusal(anna, headers=nothing) == (401, "You must login first")
    assert _refusal(anna, headers={"X-Ovh-Application": "x"}) == (403, "This application key is invalid")
    assert _refusal(anna, headers={"X-Ovh-Consumer": "x"}) == (403, "This credential does not exist")
    assert _refusal(anna, headers={"X-Ovh-Signature": "x"}) == (400, "Invalid signature")
    assert _refusal(anna, headers={"X-Ovh-Signature": None}) == (400, "Invalid signature")
    assert _refusal(anna, headers={"X-Ovh-Timestamp": None}) == (400, "Query out of time")
    assert _refusal(anna, timestamp="soon") == (400, "Query out of time")


@pytest.mark.parametrize(("off_by", "taken"), [(-180, True), (180, True), (-181, False), (181, False)])
def test_a_timestamp_may_be_three_minutes_off_and_not_a_second_more(anna: Signing, off_by: int, taken: bool) -> None:
    """Asked again where a second of the clock passed between stamping and looking."""
    for _ in range(5):
        begun = int(time.time())
        answer = anna.call("GET", "/me", timestamp=begun + off_by)
        if int(time.time()) == begun:
            break
    assert (answer.status_code, answer.json().get("message")) == ((200, None) if taken else (400, "Query out of time"))


def test_what_was_sent_can_be_sent_again_within_its_time(anna: Signing) -> None:
    """The contract knows no nonce: a repeated read is answered, and a repeated act meets the world it made."""
    read = anna.prepare("GET", "/me")
    assert [anna.session.send(read, timeout=5).status_code for _ in range(2)] == [200, 200]
    order_id = anna.sandbox.make_order(status="delivered")
    act = anna.prepare("POST", f"/me/order/{order_id}/retraction", {"reason": "other"})
    answers = [anna.session.send(act, timeout=5) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json() == {
        "class": "Client::BadRequest",
        "message": "A retraction has already been requested for this order",
    }
    anna.sandbox.clock(181)
    assert anna.session.send(read, timeout=5).json()["message"] == "Query out of time"


def test_the_order_of_the_checks(anna: Signing) -> None:
    """Each call has every later fault too, so that the answer shows which check came first."""
    late = {"timestamp": 1}
    wrong = {"X-Ovh-Signature": "wrong"}
    no_route = anna.call("GET", "/no/route", headers={"X-Ovh-Application": "x"} | wrong, timestamp=1)
    assert (no_route.status_code, no_route.json()["message"]) == (404, "Got an invalid (or empty) URL")
    both = {"X-Ovh-Application": "x", "X-Ovh-Consumer": "y"} | wrong
    assert _refusal(anna, headers=both, **late)[1] == "This application key is invalid"
    assert _refusal(anna, headers={"X-Ovh-Consumer": "y"} | wrong, **late)[1] == "This credential does not exist"
    assert _refusal(anna, headers=wrong, **late)[1] == "Query out of time"


def test_a_key_that_was_logged_out_is_valid_no_more(anna: Signing) -> None:
    answer = anna.call("POST", "/auth/logout")
    assert (answer.status_code, answer.text) == (200, "null")
    assert _refusal(anna) == (403, "This credential is not valid")


def test_access_rules_are_looked_at_before_parameters_and_objects(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    asked = client.request_consumerkey([{"method": "GET", "path": "/me/order/*"}])
    sandbox.validate(asked["validationUrl"])
    narrow = Signing(sandbox, sandbox.customers[0] | {"consumer_key": asked["consumerKey"]})  # type: ignore[arg-type]
    answer = narrow.call("GET", "/me/order?unknown=1")
    assert (answer.status_code, answer.json()["message"]) == (403, "This call has not been granted")
    assert narrow.call("GET", "/me/order/1").status_code == 404
    assert narrow.call("POST", "/me/order/1/retraction").status_code == 403


def test_the_raw_target_is_what_was_signed(anna: Signing) -> None:
    """An encoded sign is not the sign: what is signed is what was sent."""
    answer = anna.call("GET", "/me/order/1%2B1")
    assert answer.json()["message"] == "[orderId] Given data (1+1) is not valid for type long"
    answer = anna.call("GET", "/me/order/1%2B1", signed_url=f"{anna.sandbox.api_base}/me/order/1+1")
    assert answer.json()["message"] == "Invalid signature"


def test_over_tls_a_signature_without_the_port_is_taken(anna: Signing) -> None:
    sandbox = anna.sandbox
    base = f"{sandbox.tls}/1.0"
    assert anna.get("/me", base=base, verify=sandbox.ca_file)["nichandle"] == anna.customer["nichandle"]
    portless = "https://localhost/1.0/me"
    assert anna.get("/me", base=base, signed_url=portless, verify=sandbox.ca_file)


def test_the_old_shape_of_errors_can_be_switched_on(anna: Signing) -> None:
    anna.sandbox.settings(error_shape="old")
    answer = anna.call("GET", "/me", headers={"X-Ovh-Consumer": "x"})
    assert answer.json() == {
        "errorCode": "NOT_CREDENTIAL",
        "httpCode": "403 Forbidden",
        "message": "This credential does not exist",
    }
    anna.sandbox.settings(error_shape="bare")
    assert anna.call("GET", "/me", timestamp=1).json() == {"message": "Query out of time"}


def test_the_log_says_how_each_call_was_signed_and_keeps_no_secret(anna: Signing) -> None:
    sandbox, since = anna.sandbox, anna.sandbox.last_request()
    anna.call("GET", "/me")
    anna.call("GET", "/me", headers={"X-Ovh-Signature": "wrong"})
    anna.session.get(f"{sandbox.api_base}/auth/time", timeout=10)
    log = sandbox.requests(since)
    assert [entry["n"] for entry in log] == [since + 1, since + 2, since + 3]
    assert [(entry["path"], entry["status"], entry["signature"]) for entry in log] == [
        ("/1.0/me", 200, "ok"),
        ("/1.0/me", 400, "wrong"),
        ("/1.0/auth/time", 200, "none"),
    ]
    assert [entry["nichandle"] for entry in log] == ["am12345-ovh", "am12345-ovh", None]
    text = str(log)
    assert anna.customer["consumer_key"] not in text
    assert sandbox.application_secret not in text
