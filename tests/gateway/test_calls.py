"""Every call against the sandbox: real HTTP, real signatures, real refusals."""

import os
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway import (
    AccessRule,
    AnswerLost,
    Application,
    ApplicationKeyInvalid,
    CredentialRevoked,
    Gateway,
    InvalidSignature,
    NotConnected,
    NotFound,
    NotGranted,
    OrderNotFound,
    OvhError,
    OvhRefused,
    RateLimited,
    UnusableAnswer,
)
from tests.sandboxes import Sandbox


@pytest.fixture
def application(sandbox: Sandbox) -> Application:
    return Application("ovh-eu", sandbox.api_base, sandbox.application_key, sandbox.application_secret)


@pytest.fixture
def anna(sandbox: Sandbox, application: Application) -> Gateway:
    return Gateway(application, sandbox.anna["consumer_key"])


def calls_since(sandbox: Sandbox, number: int) -> list[tuple[str, str]]:
    """What arrived, but for questions about the time."""
    seen = [(entry["method"], entry["path"]) for entry in sandbox.requests(number)]
    return [call for call in seen if not call[1].endswith("/auth/time")]


# Who we are


def test_the_time(anna: Gateway) -> None:
    assert abs(anna.time() - time.time()) < 5


def test_a_key_is_asked_for_approved_used_and_dropped(sandbox: Sandbox, application: Application) -> None:
    rules = [
        AccessRule("get", " /me\t"),
        AccessRule("GET", "/auth/currentCredential"),
        AccessRule("POST", "/auth/logout"),
    ]
    request = Gateway(application).request_credential(rules, "http://localhost/back?nonce=1")
    assert request.state == "pendingValidation"
    mine = Gateway(application, request.consumer_key)
    with pytest.raises(CredentialRevoked):
        mine.current_credential()
    assert sandbox.validate(request.validation_url).startswith("http://localhost/back?nonce=1")
    credential = mine.current_credential()
    assert credential.status == "validated"
    assert credential.rules[0] == AccessRule("GET", "/me")
    assert credential.creation.tzinfo is UTC
    assert mine.me().nichandle == sandbox.anna["nichandle"]
    with pytest.raises(NotGranted):
        mine.order_ids()
    mine.log_out()
    with pytest.raises(CredentialRevoked):
        mine.me()
    with pytest.raises(CredentialRevoked):
        mine.log_out()


def test_a_key_that_was_refused(sandbox: Sandbox, application: Application) -> None:
    request = Gateway(application).request_credential([AccessRule("GET", "/me")], "http://localhost/")
    sandbox.validate(request.validation_url, refuse=True)
    with pytest.raises(CredentialRevoked):
        Gateway(application, request.consumer_key).me()


@pytest.mark.parametrize("shape", ["new", "old"])
def test_wrong_keys_in_either_shape_of_error(sandbox: Sandbox, application: Application, shape: str) -> None:
    sandbox.settings(error_shape=shape)
    key = sandbox.anna["consumer_key"]
    with pytest.raises(CredentialRevoked) as unknown:
        Gateway(application, "x" * 32).me()
    assert unknown.value.query_id
    stranger = Application("ovh-eu", sandbox.api_base, "y" * 16, sandbox.application_secret)
    with pytest.raises(ApplicationKeyInvalid):
        Gateway(stranger, key).me()
    liar = Application("ovh-eu", sandbox.api_base, sandbox.application_key, "z" * 32)
    with pytest.raises(InvalidSignature):
        Gateway(liar, key).me()


def test_me(sandbox: Sandbox, anna: Gateway) -> None:
    me = anna.me()
    assert me.nichandle == sandbox.anna["nichandle"]
    assert me.legalform == "individual"
    assert me.currency_code == "EUR"
    assert "@" in me.email
    assert me.organisation == ""


# Orders


def test_an_order_and_what_belongs_to_it(sandbox: Sandbox, anna: Gateway) -> None:
    placed = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    order_id = sandbox.make_order(status="delivered", price="11.99", products=["example.fr"], date=placed.isoformat())
    order = anna.order(order_id)
    assert (order.order_id, order.date) == (order_id, placed)
    assert (order.price_with_tax.value, order.price_with_tax.currency_code) == (Decimal("11.99"), "EUR")
    assert order.price_without_tax.value + order.tax.value == Decimal("11.99")
    assert order.retraction_date is not None
    assert anna.order_status(order_id) == "delivered"

    detail_ids = anna.order_detail_ids(order_id)
    details = [anna.order_detail(order_id, detail_id) for detail_id in detail_ids]
    assert any("example.fr" in detail.description for detail in details)
    assert all(isinstance(detail.quantity, str) for detail in details)
    for detail_id in detail_ids:
        extension = anna.order_detail_extension(order_id, detail_id)
        assert extension is None or isinstance(extension.plan_code, str)

    steps = anna.follow_up(order_id)
    assert steps is None or {step.step for step in steps} == {"VALIDATING", "VALIDATED", "DELIVERING", "AVAILABLE"}
    payment = anna.payment(order_id)
    assert payment is not None
    assert payment.payment_date is not None


def test_documents_and_their_secrets_are_apart(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order()
    links = anna.order_links(order_id)
    assert links.url.startswith(sandbox.base)
    password = links.url.rpartition("=")[2]
    assert password not in repr(anna.order(order_id))
    assert password not in repr(links)


def test_an_order_that_became_a_bill(anna: Gateway) -> None:
    bill_ids = anna.bill_ids()
    bill = anna.bill(bill_ids[0])
    assert bill.order_id is not None
    became = anna.associated_object(bill.order_id)
    assert became is not None
    assert became.type in ("Bill", "Refund")
    assert bill.bill_id in anna.bill_ids(order_id=bill.order_id)
    assert anna.bill_links(bill.bill_id).pdf_url
    for refund_id in anna.refund_ids():
        refund = anna.refund(refund_id)
        assert refund.order_id is not None
        assert refund_id in anna.refund_ids(order_id=refund.order_id)


def test_an_unpaid_order(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid")
    assert anna.payment(order_id) is None
    assert anna.associated_object(order_id) is None
    assert anna.bill_ids(order_id=order_id) == []
    options = anna.payment_methods(order_id)
    assert {method.payment_type for method in options.available} >= {"CREDIT_CARD"}
    assert set(options.registered) <= set(anna.registered_payment_method_ids())


def test_payment_methods(anna: Gateway) -> None:
    methods = [anna.payment_method(method_id) for method_id in anna.registered_payment_method_ids()]
    assert [method.payment_method_id for method in methods] == anna.registered_payment_method_ids()
    assert sum(method.default for method in methods) <= 1
    with pytest.raises(NotFound) as caught:
        anna.payment_method(10**9)
    assert not isinstance(caught.value, OrderNotFound)


def test_what_is_not_there(sandbox: Sandbox, anna: Gateway) -> None:
    theirs = sandbox.make_order(sandbox.company)
    for order_id in (theirs, 1, 0, -1, 2**63 - 1):
        with pytest.raises(OrderNotFound):
            anna.order(order_id)
        with pytest.raises(OrderNotFound):
            anna.order_status(order_id)
        with pytest.raises(OrderNotFound):
            anna.retract_order(order_id)
        assert anna.follow_up(order_id) is None
        assert anna.payment(order_id) is None
    with pytest.raises(OvhRefused):
        anna.order(2**63)
    with pytest.raises(NotFound):
        anna.bill("FR/../1 é%41")


@pytest.mark.parametrize("bill_id", ["a b", "é", "a/b", "a/../b", "%41", "~", "[1]", "a?b#c"])
def test_ids_are_quoted_before_they_are_signed(sandbox: Sandbox, anna: Gateway, bill_id: str) -> None:
    number = sandbox.last_request()
    with pytest.raises(OvhRefused):
        anna.bill(bill_id)
    assert [entry["signature"] for entry in sandbox.requests(number) if "bill" in entry["path"]] == ["ok"]


def test_orders_of_a_span(sandbox: Sandbox, anna: Gateway) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    made = [
        sandbox.make_order(status="delivered", date=(now - timedelta(days=days)).isoformat())
        for days in (700, 699, 698)
    ]
    first, last = now - timedelta(days=700), now - timedelta(days=699)
    assert set(anna.order_ids(first, last)) & set(made) == set(made[:2])
    assert set(anna.order_ids(date_from=last)) & set(made) == set(made[1:])
    assert set(anna.order_ids(date_to=first)) & set(made) == set(made[:1])
    assert set(made) < set(anna.order_ids())
    assert anna.order_ids(date_to=now - timedelta(days=9000)) == []
    with pytest.raises(ValueError, match="zone"):
        anna.order_ids(datetime(2026, 1, 1))  # noqa: DTZ001  (the very mistake)


def test_orders_whole_where_the_api_gives_them(sandbox: Sandbox, anna: Gateway) -> None:
    assert anna.order_objects() is None
    sandbox.settings(expanded_lists=True)
    orders = anna.order_objects()
    assert orders is not None
    assert sorted(order.order_id for order in orders) == sorted(anna.order_ids())
    assert orders[0] == anna.order(orders[0].order_id)
    assert anna.order_objects(date_to=datetime.now(UTC) - timedelta(days=9000)) == []


def test_orders_that_leave_the_schema_are_read_all_the_same(sandbox: Sandbox, application: Application) -> None:
    odd = Gateway(application, sandbox.customer("odd")["consumer_key"])
    order_ids = odd.order_ids()
    assert len(order_ids) >= 20
    for order_id in order_ids:
        assert odd.order(order_id).order_id == order_id
        assert odd.order_status(order_id)
        for step in odd.follow_up(order_id) or ():
            assert list(step.history) == sorted(step.history, key=lambda entry: entry.date)
        for detail_id in odd.order_detail_ids(order_id)[:3]:
            odd.order_detail(order_id, detail_id)
            odd.order_detail_extension(order_id, detail_id)


# Withdrawing


def test_a_withdrawal_is_taken_once(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="delivered")
    anna.retract_order(order_id, "unused", "Déjà vu ☂")
    with pytest.raises(OvhRefused) as refused:
        anna.retract_order(order_id)
    assert refused.value.status == 400
    assert refused.value.message
    assert sandbox.events(order_id).count("retraction_accepted") == 1


def test_a_withdrawal_that_cannot_be(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid")
    with pytest.raises(OvhRefused) as refused:
        anna.retract_order(order_id)
    assert type(refused.value) is OvhRefused
    assert refused.value.message
    with pytest.raises(OvhRefused, match="reason"):
        anna.retract_order(order_id, "boredom")


def test_a_withdrawal_whose_answer_is_lost_is_doubtful_and_sent_once(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="delivered")
    number = sandbox.last_request()
    sandbox.arm("accept_then_reset", "POST", "*/retraction")
    with pytest.raises(AnswerLost):
        anna.retract_order(order_id)
    assert sandbox.events(order_id).count("retraction_accepted") == 1
    assert calls_since(sandbox, number) == [("POST", f"/1.0/me/order/{order_id}/retraction")]


# Trouble


TROUBLE: list[tuple[str, dict[str, Any], type[OvhError]]] = [
    ("status", {"status": 500}, UnusableAnswer),
    ("status", {"status": 503}, UnusableAnswer),
    ("status", {"status": 200}, UnusableAnswer),  # the empty body seen under load
    ("html", {"status": 502}, UnusableAnswer),
    ("html", {"status": 404}, UnusableAnswer),
    ("html", {"status": 200}, UnusableAnswer),
    ("truncated", {}, AnswerLost),
    ("reset", {}, AnswerLost),
    ("accept_then_reset", {}, AnswerLost),
    ("status", {"status": 429, "retry_after": "7"}, RateLimited),
    ("html", {"status": 429}, RateLimited),
    ("status", {"status": 418}, OvhRefused),
]


@pytest.mark.rows(5)
@pytest.mark.parametrize(("kind", "more", "error"), TROUBLE)
def test_trouble_with_a_write(
    sandbox: Sandbox, anna: Gateway, kind: str, more: dict[str, Any], error: type[OvhError]
) -> None:
    order_id = sandbox.make_order(status="delivered")
    number = sandbox.last_request()
    sandbox.arm(kind, "POST", "*", **more)
    with pytest.raises(OvhError) as caught:
        anna.retract_order(order_id)
    assert type(caught.value) is error
    assert len(calls_since(sandbox, number)) == 1


@pytest.mark.rows(5)
@pytest.mark.parametrize(("kind", "more", "error"), TROUBLE)
def test_trouble_with_a_read(
    sandbox: Sandbox, anna: Gateway, kind: str, more: dict[str, Any], error: type[OvhError]
) -> None:
    anna.time()
    number = sandbox.last_request()
    sandbox.arm(kind, "GET", "/me/order", **more)
    with pytest.raises(OvhError) as caught:
        anna.order_ids()
    assert type(caught.value) is error
    passing = kind in ("truncated", "reset", "accept_then_reset") or more["status"] in (200, 500, 502, 503)
    assert len(calls_since(sandbox, number)) == (3 if passing else 1)


@pytest.mark.parametrize("kind", ["status", "html", "truncated", "reset"])
def test_passing_trouble_with_a_read_is_not_noticed(sandbox: Sandbox, anna: Gateway, kind: str) -> None:
    sandbox.arm(kind, "GET", "/me/order", count=2)
    assert len(anna.order_ids()) > 3


def test_how_long_a_429_asks_for(sandbox: Sandbox, anna: Gateway) -> None:
    sandbox.arm("status", status=429, retry_after="7")
    with pytest.raises(RateLimited) as limited:
        anna.me()
    assert limited.value.retry_after == 7


@pytest.mark.parametrize("kind", ["hang", "drip"])
def test_slowness_is_cut_off(sandbox: Sandbox, application: Application, kind: str) -> None:
    hasty = Gateway(application, sandbox.anna["consumer_key"], answer_within=0.6, in_all=1.0)
    hasty.me()
    sandbox.arm(kind, "GET", "/me", **({"ms": 50} if kind == "drip" else {}))
    began = time.monotonic()
    with pytest.raises(AnswerLost):
        hasty.me()
    assert 0.5 < time.monotonic() - began < 1.5


@pytest.mark.prove
@pytest.mark.skipif("PROVE" not in os.environ, reason="25 s; the test above shows the same limits in proportion")
@pytest.mark.parametrize(("kind", "at_least", "at_most"), [("hang", 9.9, 10.6), ("drip", 14.9, 15.6)])
def test_the_limits_a_worker_lives_by(
    sandbox: Sandbox, anna: Gateway, kind: str, at_least: float, at_most: float
) -> None:
    """Ten seconds for an answer to begin, fifteen for all of it, whatever drips."""
    anna.me()
    sandbox.arm(kind, "GET", "/me", **({"ms": 100} if kind == "drip" else {}))
    began = time.monotonic()
    with pytest.raises(AnswerLost):
        anna.me()
    assert at_least < time.monotonic() - began < at_most


@pytest.mark.parametrize("forward_s", [3600, -3600])
def test_a_clock_that_steps_is_noticed_and_followed(sandbox: Sandbox, anna: Gateway, forward_s: int) -> None:
    order_id = sandbox.make_order(status="delivered")
    anna.me()
    number = sandbox.last_request()
    sandbox.clock(forward_s)
    assert anna.me().nichandle == sandbox.anna["nichandle"]
    sandbox.clock(0)
    anna.retract_order(order_id)
    statuses = [entry["status"] for entry in sandbox.requests(number) if entry["path"] != "/1.0/auth/time"]
    assert statuses == [400, 200, 400, 200]


# TLS


def test_tls_with_a_certificate_of_ones_own(sandbox: Sandbox) -> None:
    base = f"{sandbox.tls}/1.0"
    keys = (sandbox.application_key, sandbox.application_secret)
    trusting = Application("ovh-eu", base, *keys, ca_file=str(sandbox.ca_file))
    gateway = Gateway(trusting, sandbox.anna["consumer_key"])
    assert gateway.me().nichandle == sandbox.anna["nichandle"]
    sandbox.arm("drip", "GET", "/me", ms=50)
    hasty = Gateway(trusting, sandbox.anna["consumer_key"], answer_within=0.6, in_all=1.0)
    began = time.monotonic()
    with pytest.raises(AnswerLost):
        hasty.me()
    assert time.monotonic() - began < 1.5


def test_a_certificate_nobody_trusts_gets_nothing(sandbox: Sandbox) -> None:
    number = sandbox.last_request()
    stranger = Application("ovh-eu", f"{sandbox.tls}/1.0", sandbox.application_key, sandbox.application_secret)
    with pytest.raises(NotConnected):
        Gateway(stranger, sandbox.anna["consumer_key"]).me()
    assert sandbox.requests(number) == []


# Paying


def test_an_order_is_paid_in_the_older_words_once(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid")
    means = anna.available_registered_payment_means(order_id)
    assert {"creditCard", "bankAccount"} <= set(means)
    methods = [anna.payment_method(number) for number in anna.registered_payment_method_ids()]
    card = next(method for method in methods if method.default)
    assert card.payment_mean_id is not None
    with pytest.raises(OvhRefused, match="paymentMeanId"):
        anna.pay_with_registered_payment_mean(order_id, "creditCard")
    anna.pay_with_registered_payment_mean(order_id, "creditCard", card.payment_mean_id)
    assert anna.order_status(order_id) == "checking"
    with pytest.raises(OvhRefused, match="already paid"):
        anna.pay_with_registered_payment_mean(order_id, "creditCard", card.payment_mean_id)
    assert sandbox.events(order_id).count("paid") == 1


def test_an_order_is_paid_by_the_new_number(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid")
    anna.pay(order_id, anna.registered_payment_method_ids()[0])
    assert anna.payment(order_id) is not None
    with pytest.raises(NotFound):
        anna.pay(sandbox.make_order(status="notPaid"), 10**9)


def test_a_free_order_is_paid_by_nothing(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid", price="0.00")
    assert anna.available_registered_payment_means(order_id) == ["fidelityAccount"]
    anna.pay_with_registered_payment_mean(order_id, "fidelityAccount")
    assert anna.order_status(order_id) == "checking"


def test_a_payment_is_not_made_again_when_its_answer_is_lost(sandbox: Sandbox, anna: Gateway) -> None:
    order_id = sandbox.make_order(status="notPaid")
    sandbox.arm("accept_then_reset", method="POST", path="/me/order/*/pay")
    since = sandbox.last_request()
    with pytest.raises(AnswerLost):
        anna.pay(order_id, anna.registered_payment_method_ids()[0])
    assert [call for call in calls_since(sandbox, since) if call[0] == "POST"] == [
        ("POST", f"/1.0/me/order/{order_id}/pay")
    ]
    assert sandbox.events(order_id).count("paid") == 1
