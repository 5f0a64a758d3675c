"""Every answer of every route against OVHcloud's own schemas, for every order of the demo."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.sandboxes import Sandbox

from . import official
from .client import Signing

# Per order; what may be absent (404) is marked.
_OF_ORDER = {
    "": False,
    "/status": False,
    "/details": False,
    "/followUp": True,
    "/associatedObject": False,
    "/payment": True,
    "/paymentMethods": False,
    "/availableRegisteredPaymentMean": False,
}


class Samples:
    """Collects answers and what is wrong with them, and counts operations."""

    def __init__(self, signing: Signing) -> None:
        self.signing = signing
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()

    def take(self, operation: str, path: str, may_be_absent: bool = False) -> object:
        answer = self.signing.call("GET", path)
        if may_be_absent and answer.status_code == 404:
            return None
        assert answer.status_code == 200, f"{path}: {answer.text}"
        self.seen[operation] += 1
        found = official.faults_in(answer.json(), official.operations()[operation]["responseType"])
        self.wrong += [f"{path} {fault}" for fault in found]
        return answer.json()


def _take_all(samples: Samples) -> None:
    for path in ("/auth/currentCredential", "/auth/details", "/auth/time", "/me", "/me/order"):
        samples.take(f"GET {path}", path)
    for order_id in samples.signing.get("/me/order"):
        for suffix, may_be_absent in _OF_ORDER.items():
            answer = samples.take(f"GET /me/order/{{orderId}}{suffix}", f"/me/order/{order_id}{suffix}", may_be_absent)
            if suffix == "/details" and isinstance(answer, list):
                for detail_id in answer[:3]:
                    detail = f"/me/order/{order_id}/details/{detail_id}"
                    samples.take("GET /me/order/{orderId}/details/{orderDetailId}", detail)
                    extension = "GET /me/order/{orderId}/details/{orderDetailId}/extension"
                    samples.take(extension, f"{detail}/extension", may_be_absent=True)
    for path, name in (("/me/bill", "billId"), ("/me/refund", "refundId"), ("/me/payment/method", "paymentMethodId")):
        found = samples.take(f"GET {path}", path)
        assert isinstance(found, list)
        for one in found:
            samples.take(f"GET {path}/{{{name}}}", f"{path}/{one}")


def test_every_answer_of_the_french_individual_follows_the_schemas(sandbox: Sandbox) -> None:
    samples = Samples(Signing(sandbox, sandbox.customers[0]))
    _take_all(samples)
    assert samples.wrong == []
    assert len(samples.seen) == 21


def test_every_answer_of_the_british_company_follows_the_schemas(sandbox: Sandbox) -> None:
    samples = Samples(Signing(sandbox, sandbox.customers[1]))
    _take_all(samples)
    assert samples.wrong == []


def test_the_odd_account_leaves_the_schemas_and_answers_all_the_same(sandbox: Sandbox) -> None:
    samples = Samples(Signing(sandbox, sandbox.customer("odd")))
    _take_all(samples)
    assert any("priceInUcents" in fault for fault in samples.wrong)
    assert any("awaitingMoonlight" in fault for fault in samples.wrong)


def test_the_demo_holds_what_it_promises(sandbox: Sandbox) -> None:
    assert 50 <= sum(len(Signing(sandbox, one).get("/me/order")) for one in sandbox.customers[:5]) <= 90
    anna, company = sandbox.customers[:2]
    assert anna["totp_secret"] is company["totp_secret"] is None
    assert "odd" not in anna["about"] + company["about"]
    signing = Signing(sandbox, anna)
    statuses = {signing.get(f"/me/order/{order_id}/status") for order_id in signing.get("/me/order")}
    assert statuses == {
        *("cancelled", "cancelling", "checking", "delivered"),
        *("delivering", "documentsRequested", "notPaid", "unknown"),
    }
    me = Signing(sandbox, company).get("/me")
    assert (me["legalform"], me["country"], me["currency"]["code"]) == ("corporation", "GB", "GBP")
    assert Signing(sandbox, sandbox.customer("without orders")).get("/me/order") == []


def test_history_labels_of_every_kind_are_told(anna: Signing) -> None:
    labels = set()
    for order_id in anna.get("/me/order"):
        answer = anna.call("GET", f"/me/order/{order_id}/followUp")
        steps = answer.json() if answer.ok else []
        labels |= {entry["label"] for step in steps for entry in step["history"]}
    known = next(
        document["models"]["billing.order.followUp.HistoryStatusEnum"]["enum"]
        for document in official.documents()
        if "billing.order.followUp.HistoryStatusEnum" in document["models"]
    )
    assert labels == set(known)


def test_lines_add_up_to_the_order(anna: Signing) -> None:
    for order_id in anna.get("/me/order"):
        order = anna.get(f"/me/order/{order_id}")
        details = [anna.get(f"/me/order/{order_id}/details/{one}") for one in anna.get(f"/me/order/{order_id}/details")]
        lines = sum(detail["totalPrice"]["priceInUcents"] for detail in details)
        assert lines == order["priceWithoutTax"]["priceInUcents"]
        with_tax = order["priceWithoutTax"]["priceInUcents"] + order["tax"]["priceInUcents"]
        assert with_tax == order["priceWithTax"]["priceInUcents"]


def test_dates_filter_the_list(anna: Signing) -> None:
    every = anna.get("/me/order")
    newest = anna.get(f"/me/order/{every[-1]}")["date"].replace("+", "%2B")
    assert every[-1] in anna.get(f"/me/order?date.from={newest}")
    assert anna.get(f"/me/order?date.to={newest}") == every
    assert anna.get("/me/order?date.from=2999-01-01") == []


def test_a_bill_is_found_by_its_order(anna: Signing) -> None:
    bill = anna.get(f"/me/bill/{anna.get('/me/bill')[0]}")
    assert anna.get(f"/me/bill?orderId={bill['orderId']}") == [bill["billId"]]
    found = anna.get(f"/me/order/{bill['orderId']}/associatedObject")
    assert found["id"] in (bill["billId"], f"RF{bill['orderId']}")


def test_v1_is_the_same_api(anna: Signing) -> None:
    assert anna.get("/me", base=f"{anna.sandbox.base}/v1") == anna.get("/me")


def test_lists_stay_lists_of_numbers_until_expanding_is_switched_on(anna: Signing) -> None:
    headers = {"X-Pagination-Mode": "CachedObjectList-Pages", "X-Pagination-Size": "5"}
    assert all(isinstance(one, int) for one in anna.get("/me/order", headers=headers))
    anna.sandbox.settings(expanded_lists=True)
    headers |= {"X-Pagination-Sort": "date", "X-Pagination-Sort-Order": "DESC", "X-Pagination-Number": "2"}
    answer = anna.call("GET", "/me/order", headers=headers)
    assert official.faults_in(answer.json(), "billing.Order[]") == []
    assert len(answer.json()) == 5
    assert answer.headers["X-Pagination-Elements"] == str(len(anna.get("/me/order")))
    dates = [order["date"] for order in answer.json()]
    assert dates == sorted(dates, reverse=True)


def test_batches_are_answered_once_switched_on(anna: Signing) -> None:
    first, second = anna.get("/me/order")[:2]
    path = f"/me/order/{first},{second},1"
    assert anna.call("GET", path, headers={"X-Ovh-Batch": ","}).status_code == 400
    anna.sandbox.settings(batch=True)
    answer = anna.get(path, headers={"X-Ovh-Batch": ","})
    assert [one["key"] for one in answer] == [str(first), str(second), "1"]
    assert answer[0]["value"] == anna.get(f"/me/order/{first}")
    assert answer[2]["value"] is None
    assert answer[2]["error"]["class"] == "Client::NotFound"


_EXPANDED = {"X-Pagination-Mode": "CachedObjectList-Pages"}


def test_every_list_of_identifiers_expands(anna: Signing) -> None:
    anna.sandbox.settings(expanded_lists=True)
    order_id = next(one for one in anna.get("/me/order") if len(anna.get(f"/me/order/{one}/details")) > 1)
    for path, model in (
        (f"/me/order/{order_id}/details", "billing.OrderDetail"),
        ("/me/bill", "billing.Bill"),
        ("/me/refund", "billing.Refund"),
        ("/me/payment/method", "me.payment.PaymentMethod"),
    ):
        plain, expanded = anna.get(path), anna.get(path, headers=_EXPANDED)
        assert len(plain) == len(expanded) > 0
        assert official.faults_in(expanded, f"{model}[]") == []
        assert expanded[0] == anna.get(f"{path}/{plain[0]}")
    assert anna.get("/domain/contact", headers=_EXPANDED) == []
    assert anna.get("/me", headers=_EXPANDED) == anna.get("/me")


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("orderId:eq={first}", lambda order, first: order["orderId"] == first),
        ("orderId:ne={first}", lambda order, first: order["orderId"] != first),
        ("orderId:gt={first}", lambda order, first: order["orderId"] > first),
        ("orderId:in={first},1", lambda order, first: order["orderId"] == first),
        ("priceWithTax.value:lt=20", lambda order, first: order["priceWithTax"]["value"] < 20),
        ("priceWithTax.text:like=%259%25", lambda order, first: "9" in order["priceWithTax"]["text"]),
        ("url:like=" + "%25o" * 60, lambda order, first: False),
        ("retractionDate:ne=null", lambda order, first: order["retractionDate"] is not None),
        ("date:gt=2020-01-01&orderId:lt={first}", lambda order, first: order["orderId"] < first),
        ("nonsense", lambda order, first: True),
        ("orderId:near={first}", lambda order, first: True),
    ],
)
def test_expanded_lists_are_filtered(anna: Signing, asked: str, kept: Callable[[Any, int], bool]) -> None:
    anna.sandbox.settings(expanded_lists=True)
    orders = anna.get("/me/order", headers=_EXPANDED)
    first = sorted(order["orderId"] for order in orders)[3]
    headers = _EXPANDED | {"X-Pagination-Filter": asked.format(first=first), "X-Pagination-Size": "5"}
    answer = anna.call("GET", "/me/order", headers=headers)
    wanted = [order["orderId"] for order in orders if kept(order, first)]
    assert [order["orderId"] for order in answer.json()] == wanted[:5]
    assert answer.headers["X-Pagination-Elements"] == str(len(wanted))
    assert answer.headers["X-Pagination-Size"] == "5"
