"""Paying by each means, and what an account may pay with: it differs by country, currency and legal form."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.sandboxes import Sandbox

from . import official
from .client import Signing

_WITH = "payWithRegisteredPaymentMean"


def _signing(sandbox: Sandbox, about: str) -> Signing:
    return Signing(sandbox, sandbox.customer(about))


def _method(signing: Signing, kind: str) -> dict[str, Any]:
    numbers = signing.get(f"/me/payment/method?paymentType={kind}")
    found: dict[str, Any] = signing.get(f"/me/payment/method/{numbers[0]}")
    return found


# Who has a means, the method's type, the legacy word for it, and what the payment is called in the end.
_MEANS = [
    ("France", "CREDIT_CARD", "creditCard", "creditCard"),
    ("France", "SEPA_DIRECT_DEBIT", "bankAccount", "paymentMandate"),
    ("Great Britain", "PAYPAL", "paypal", "paypal"),
    ("Germany", "DEFERRED_PAYMENT_ACCOUNT", "deferredPaymentAccount", "debtAccount"),
]


@pytest.mark.parametrize(("about", "kind", "word", "called"), _MEANS)
def test_each_means_pays_in_both_of_the_apis_worlds(
    sandbox: Sandbox, about: str, kind: str, word: str, called: str
) -> None:
    signing = _signing(sandbox, about)
    method = _method(signing, kind)
    calls = [
        ("pay", {"paymentMethod": {"id": method["paymentMethodId"]}}),
        (_WITH, {"paymentMean": word, "paymentMeanId": method["paymentMeanId"]}),
        (_WITH, {"paymentMean": kind}),
    ]
    for route, sent in calls:
        order_id = sandbox.make_order(signing.customer)
        assert {"paymentMean": word} in signing.get(f"/me/order/{order_id}/availableRegisteredPaymentMean")
        answer = signing.call("POST", f"/me/order/{order_id}/{route}", sent)
        assert (answer.status_code, answer.text) == (200, "null"), answer.text
        payment = signing.get(f"/me/order/{order_id}/payment")
        assert (payment["paymentType"], payment["paymentIdentifier"]) == (called, method["label"])
        steps = signing.get(f"/me/order/{order_id}/followUp")
        labels = [entry["label"] for entry in steps[0]["history"]]
        assert labels[:3] == ["ORDER_STARTED", "REGISTERED_PAYMENT_INITIATED", "PAYMENT_RECEIVED"]


@pytest.mark.parametrize("word", ["creditCard", "bankAccount", "paypal"])
def test_means_that_one_may_have_several_of_need_their_number(anna: Signing, word: str) -> None:
    order_id = anna.sandbox.make_order()
    path = f"/me/order/{order_id}/{_WITH}"
    answer = anna.call("POST", path, {"paymentMean": word})
    assert (answer.status_code, answer.json()["message"]) == (400, "Missing parameter(s): paymentMeanId")
    answer = anna.call("POST", path, {"paymentMean": word, "paymentMeanId": 1})
    assert (answer.status_code, answer.json()["message"]) == (403, f"This order can't be paid with '{word}'")
    assert anna.get(f"/me/order/{order_id}/status") == "notPaid"


def test_a_refused_card_leaves_a_trace_and_the_order_unpaid(anna: Signing) -> None:
    order_id = anna.sandbox.make_order()
    methods = [anna.get(f"/me/payment/method/{number}") for number in anna.get("/me/payment/method")]
    refusing = next(one for one in methods if one["label"].endswith("02"))
    for route, sent in (
        ("pay", {"paymentMethod": {"id": refusing["paymentMethodId"]}}),
        (_WITH, {"paymentMean": "creditCard", "paymentMeanId": refusing["paymentMeanId"]}),
    ):
        answer = anna.call("POST", f"/me/order/{order_id}/{route}", sent)
        assert answer.status_code == 403
        assert answer.json() == {
            "class": "Client::Forbidden",
            "message": "This order can't be paid with 'creditCard'",
        }
    assert anna.get(f"/me/order/{order_id}/status") == "notPaid"
    assert anna.call("GET", f"/me/order/{order_id}/payment").status_code == 404
    labels = [entry["label"] for entry in anna.get(f"/me/order/{order_id}/followUp")[0]["history"]]
    assert "REGISTERED_PAYMENT_INITIATED" in labels
    assert "PAYMENT_RECEIVED" not in labels
    failed = anna.get("/me/payment/transaction?status=FAILED")
    assert len(failed) == 2
    assert anna.get(f"/me/payment/transaction/{failed[0]}")["paymentMethodId"] == refusing["paymentMethodId"]
    assert anna.sandbox.events(order_id) == ["created", "payment_refused", "payment_refused"]


def test_a_prepaid_account_pays_what_it_covers_and_no_more(sandbox: Sandbox) -> None:
    max_ = _signing(sandbox, "prepaid")
    account = max_.get("/me/ovhAccount")[0]
    before = max_.get(f"/me/ovhAccount/{account}")["balance"]["value"]
    orders = [sandbox.make_order(max_.customer, price=12) for _ in range(4)]

    def pay(order_id: int) -> int:
        path = f"/me/order/{order_id}/{_WITH}"
        return Signing(sandbox, max_.customer).call("POST", path, {"paymentMean": "ovhAccount"}).status_code

    with ThreadPoolExecutor(4) as pool:
        codes = dict(zip(orders, pool.map(pay, orders), strict=True))
    paid = [order_id for order_id, code in codes.items() if code == 200]
    assert sorted(codes.values()) == [200, 200, 403, 403]
    assert max_.get(f"/me/ovhAccount/{account}")["balance"]["value"] == before - 24
    assert {"paymentMean": "ovhAccount"} not in max_.get(f"/me/order/{orders[0]}/availableRegisteredPaymentMean")
    for order_id in orders:
        taken = max_.get(f"/me/withdrawal?orderId={order_id}")
        assert len(taken) == (order_id in paid)
        if taken:
            assert max_.get(f"/me/order/{order_id}/payment")["paymentType"] == "ovhAccount"
            withdrawal = max_.get(f"/me/withdrawal/{taken[0]}")
            assert set(withdrawal) == {
                *("withdrawalId", "orderId", "amount", "country", "date", "url", "pdfUrl", "password")
            }
            assert (withdrawal["amount"]["value"], withdrawal["country"]) == (12.0, "DE")
            assert official.faults_in(withdrawal["amount"], "order.Price") == []
            assert max_.session.get(withdrawal["url"], timeout=5).status_code == 200
    assert len(max_.get("/me/withdrawal")) == 2
    assert max_.get("/me/deposit") == []


def test_what_one_may_pay_with_differs_by_country_and_legal_form(sandbox: Sandbox) -> None:
    def kinds(about: str) -> list[str]:
        available = _signing(sandbox, about).get("/me/payment/availableMethods")
        return [one["paymentType"] for one in available]

    assert kinds("individual in France, every") == ["CREDIT_CARD", "PAYPAL", "SEPA_DIRECT_DEBIT"]
    assert kinds("company in France") == ["CREDIT_CARD", "PAYPAL", "SEPA_DIRECT_DEBIT", "BANK_TRANSFER"]
    assert kinds("Great Britain") == ["CREDIT_CARD", "PAYPAL", "BANK_TRANSFER"]
    assert kinds("Canada") == ["CREDIT_CARD", "PAYPAL"]


def test_a_free_order_is_paid_with_points_and_nothing_else_needs_to_be(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(price=0)
    path = f"/me/order/{order_id}/{_WITH}"
    assert anna.call("POST", path, {"paymentMean": "fidelityAccount"}).status_code == 200
    assert anna.get(f"/me/order/{order_id}/payment")["paymentType"] == "free"
    dear = anna.sandbox.make_order()
    answer = anna.call("POST", f"/me/order/{dear}/{_WITH}", {"paymentMean": "fidelityAccount"})
    assert (answer.status_code, answer.json()["message"]) == (403, "This order can't be paid with 'fidelityAccount'")


_BACK = {name: f"http://localhost:1/{name}" for name in ("success", "failure", "error", "cancel", "pending")}


def _register(signing: Signing, **more: Any) -> dict[str, Any]:
    sent = {"paymentType": "CREDIT_CARD", "callbackUrl": _BACK} | more
    made: dict[str, Any] = signing.call("POST", "/me/payment/method", sent).json()
    return made


def _press(signing: Signing, validation: dict[str, Any], outcome: str) -> str:
    """Press a button of the provider's page, and return the address it leads to."""
    page = signing.session.post(validation["url"], {"outcome": outcome}, allow_redirects=False, timeout=5)
    return str(page.headers["Location"])


@pytest.mark.parametrize(("outcome", "status"), [("success", "VALID"), ("failure", "FAILED"), ("cancel", "CANCELED")])
def test_a_card_is_registered_on_the_providers_page(anna: Signing, outcome: str, status: str) -> None:
    made = _register(anna, default=True, description="New")
    at = f"/me/payment/method/{made['paymentMethodId']}"
    assert anna.get(at)["status"] == "CREATING"
    assert anna.session.get(made["url"][:-1], timeout=5).status_code == 404
    assert _press(anna, made, outcome) == _BACK[outcome]
    assert _press(anna, made, "success") != _BACK["success"]
    assert anna.get(at)["status"] == status
    assert (anna.get("/me/payment/method?default=true") == [made["paymentMethodId"]]) is (status == "VALID")
    order_id = anna.sandbox.make_order()
    paid = anna.call("POST", f"/me/order/{order_id}/pay", {"paymentMethod": {"id": made["paymentMethodId"]}})
    assert paid.status_code == (200 if status == "VALID" else 404)


@pytest.mark.parametrize(("outcome", "events"), [("success", ["paid", "checking"]), ("failure", ["payment_refused"])])
def test_an_order_is_paid_once_by_a_card_that_is_not_kept(anna: Signing, outcome: str, events: list[str]) -> None:
    order_id = anna.sandbox.make_order()
    made = _register(anna, orderId=order_id, register=False)
    _press(anna, made, outcome)
    assert anna.sandbox.events(order_id) == ["created", *events]
    assert anna.get(f"/me/payment/method/{made['paymentMethodId']}")["status"] != "VALID"


def test_what_cannot_be_registered(sandbox: Sandbox, anna: Signing) -> None:
    company = Signing(sandbox, sandbox.company)

    def refused(signing: Signing, **sent: Any) -> str:
        answer = signing.call("POST", "/me/payment/method", {"paymentType": "PAYPAL", "callbackUrl": _BACK} | sent)
        assert answer.status_code in (400, 404), answer.text
        return str(answer.json()["message"])

    assert refused(company, paymentType="SEPA_DIRECT_DEBIT") == "Payment type SEPA_DIRECT_DEBIT is not available"
    assert refused(anna, callbackUrl=_BACK | {"success": "javascript:alert(1)"}).startswith("callbackUrl")
    assert refused(anna, callbackUrl={}).startswith("[callbackUrl]")
    assert refused(anna, orderId=1) == "The requested object (orderId = 1) does not exist"
    made = _register(anna)
    challenge = f"/me/payment/method/{made['paymentMethodId']}/challenge"
    assert company.call("POST", challenge, {"challenge": "1234"}).status_code == 404
    assert anna.call("POST", challenge, {"challenge": "4321"}).json()["message"] == "This challenge is not valid"
    assert anna.call("POST", challenge, {"challenge": "1234"}).text == "null"
    again = anna.call("POST", challenge, {"challenge": "1234"})
    assert (again.status_code, again.json()["message"]) == (400, "This payment method does not wait for anything")


def test_a_second_payment_is_refused_unless_the_world_pays_twice(anna: Signing) -> None:
    order_id = anna.sandbox.make_order()
    sent = {"paymentMethod": {"id": anna.get("/me/payment/method")[0]}}
    codes = [anna.call("POST", f"/me/order/{order_id}/pay", sent).status_code for _ in range(2)]
    assert (codes, anna.sandbox.events(order_id).count("paid")) == ([200, 400], 1)
    anna.sandbox.settings(pays_twice=True)
    assert anna.call("POST", f"/me/order/{order_id}/pay", sent).status_code == 200
    assert anna.sandbox.events(order_id).count("paid") == 2
