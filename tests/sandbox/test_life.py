"""What happens to orders, by /_control/, by customers and by time."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandboxes import Sandbox

from . import official
from .client import Signing, real_client


def _in(**delta: float) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def _status(anna: Signing, order_id: int) -> Any:
    return anna.get(f"/me/order/{order_id}/status")


def test_an_order_is_made_as_asked(anna: Signing) -> None:
    date = _in(days=-3)
    made = anna.sandbox.make_order(
        price=24, products=["VPS", "Backup"], date=date, expirationDate=_in(days=9), retractionDate=_in(days=2)
    )
    order = anna.get(f"/me/order/{made}")
    assert order["priceWithTax"]["value"] == 24.0
    assert order["priceWithTax"]["currencyCode"] == "EUR"
    assert datetime.fromisoformat(order["date"]) == datetime.fromisoformat(date).replace(microsecond=0)
    assert order["retractionDate"] is not None
    details = [anna.get(f"/me/order/{made}/details/{one}") for one in anna.get(f"/me/order/{made}/details")]
    assert [detail["description"] for detail in details] == ["VPS", "Backup"]
    assert official.faults_in(order, "billing.Order") == []
    assert _status(anna, made) == "notPaid"
    assert anna.sandbox.events(made) == ["created"]


def test_fourteen_days_are_for_individuals(sandbox: Sandbox) -> None:
    anna, company = (Signing(sandbox, one) for one in sandbox.customers[:2])
    mine = anna.get(f"/me/order/{sandbox.make_order(status='delivered')}")
    period = datetime.fromisoformat(mine["retractionDate"]) - datetime.fromisoformat(mine["date"])
    assert period == timedelta(days=14)
    theirs = sandbox.make_order(company.customer, status="delivered")
    assert company.get(f"/me/order/{theirs}")["retractionDate"] is None
    assert company.get(f"/me/order/{theirs}")["priceWithTax"]["currencyCode"] == "GBP"


def test_a_paid_order_is_delivered_and_tells_of_each_step(anna: Signing) -> None:
    sandbox = anna.sandbox
    order_id = sandbox.make_order()
    sandbox.pace(100)
    sandbox.change_order(order_id, pay=True)
    sandbox.wait_until(lambda: _status(anna, order_id) == "delivered")
    events = [event for event in sandbox.events(order_id) if event != "documents_requested"]
    assert events == ["created", "paid", "checking", "delivering", "delivered"]
    steps = anna.get(f"/me/order/{order_id}/followUp")
    assert [step["status"] for step in steps] == ["DONE"] * 4
    assert sum(len(step["history"]) for step in steps) >= 8
    assert anna.get(f"/me/order/{order_id}/associatedObject")["type"] == "Bill"


def test_at_speed_one_it_takes_minutes_and_showcase_orders_stay(anna: Signing) -> None:
    before = {order_id: _status(anna, order_id) for order_id in anna.get("/me/order")}
    anna.sandbox.pace(1000)
    made = anna.sandbox.make_order(status="delivering")
    anna.sandbox.wait_until(lambda: _status(anna, made) == "delivered")
    after = {order_id: _status(anna, order_id) for order_id in before}
    moved = [order_id for order_id in before if before[order_id] != after[order_id]]
    assert len(moved) == 2
    assert {"checking", "documentsRequested", "delivering", "cancelling", "unknown"} <= set(after.values())


def test_a_retraction_shows_within_two_seconds_and_is_taken_once(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered", price=24, date=_in(days=-3))
    path = f"/me/order/{order_id}/retraction"
    answer = anna.call("POST", path, {"reason": "unused", "comment": "déjà"})
    assert (answer.status_code, answer.text) == (200, "null")
    again = anna.call("POST", path, {"reason": "unused"})
    assert (again.status_code, again.json()["class"]) == (400, "Client::BadRequest")
    anna.sandbox.wait_until(lambda: _status(anna, order_id) == "cancelling", within_s=2)
    anna.sandbox.pace(100)
    anna.sandbox.wait_until(lambda: anna.get(f"/me/refund?orderId={order_id}"))
    assert _status(anna, order_id) == "cancelled"
    refund = anna.get(f"/me/refund/{anna.get(f'/me/refund?orderId={order_id}')[0]}")
    assert refund["priceWithTax"]["value"] == 21.6  # three days of thirty used
    assert anna.sandbox.events(order_id)[-5:] == [
        *("retraction_accepted", "retraction_refused", "cancelling", "cancelled", "refunded"),
    ]


def test_at_once_or_not_at_all_one_retraction_is_accepted(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered")

    def retract(_: int) -> int:
        signing = Signing(anna.sandbox, anna.customer)
        return signing.call("POST", f"/me/order/{order_id}/retraction", {"reason": "other"}).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(retract, range(16)))
    assert sorted(codes) == [200] + [400] * 15
    assert anna.sandbox.events(order_id).count("retraction_accepted") == 1


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": "notPaid", "retractionDate": _in(days=3)},
        {"status": "delivered", "retractionDate": None},
        {"status": "delivered", "retractionDate": _in(minutes=-1)},
        {"status": "cancelled"},
    ],
)
def test_a_retraction_without_right_is_refused_and_noted(anna: Signing, wanted: dict[str, Any]) -> None:
    order_id = anna.sandbox.make_order(**wanted)
    answer = anna.call("POST", f"/me/order/{order_id}/retraction", {"reason": "other"})
    assert (answer.status_code, answer.json()["class"]) == (400, "Client::BadRequest")
    assert anna.sandbox.events(order_id)[-1] == "retraction_refused"


def test_waiving_gives_the_right_up(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    assert anna.call("POST", f"/me/order/{order_id}/waiveRetraction").text == "null"
    assert anna.get(f"/me/order/{order_id}")["retractionDate"] is None
    assert anna.call("POST", f"/me/order/{order_id}/retraction", {"reason": "other"}).status_code == 400
    cancelled = anna.sandbox.make_order(status="cancelled")
    assert anna.call("POST", f"/me/order/{cancelled}/waiveRetraction").status_code == 400


def test_an_unpaid_order_lapses_at_its_very_date(anna: Signing) -> None:
    order_id = anna.sandbox.make_order()
    assert order_id in anna.get("/me/order")
    anna.sandbox.change_order(order_id, expirationDate=_in(seconds=-1))
    assert anna.call("GET", f"/me/order/{order_id}").status_code == 404
    assert anna.call("GET", f"/me/order/{order_id}/status").status_code == 404
    assert order_id not in anna.get("/me/order")
    anna.sandbox.wait_until(lambda: anna.sandbox.events(order_id) == ["created", "expired"])


def test_orders_kept_past_their_date_stay_listed_until_the_date_is_moved(anna: Signing) -> None:
    kept = [
        order_id
        for order_id in anna.get("/me/order")
        if _status(anna, order_id) == "notPaid"
        and datetime.fromisoformat(anna.get(f"/me/order/{order_id}")["expirationDate"]) < datetime.now(UTC)
    ]
    assert len(kept) == 3
    anna.sandbox.change_order(kept[0], expirationDate=_in(days=-1))
    assert anna.call("GET", f"/me/order/{kept[0]}").status_code == 404


def test_paying_by_each_way(anna: Signing) -> None:
    methods = {
        anna.get(f"/me/payment/method/{one}")["label"]: anna.get(f"/me/payment/method/{one}")
        for one in anna.get("/me/payment/method")
    }
    card = next(one for one in methods.values() if one["default"])
    refusing = next(one for label, one in methods.items() if label.endswith("02"))

    def pay(order_id: int, method: dict[str, Any]) -> int:
        sent = {"paymentMethod": {"id": method["paymentMethodId"]}}
        return anna.call("POST", f"/me/order/{order_id}/pay", sent).status_code

    order_id = anna.sandbox.make_order()
    assert anna.call("GET", f"/me/order/{order_id}/payment").status_code == 404
    assert pay(order_id, refusing) == 403
    assert pay(order_id, {"paymentMethodId": 1}) == 404
    assert pay(order_id, card) == 200
    assert pay(order_id, card) == 400
    assert anna.get(f"/me/order/{order_id}/payment")["paymentType"] == "creditCard"
    assert anna.sandbox.events(order_id)[:4] == ["created", "payment_refused", "paid", "checking"]

    other = anna.sandbox.make_order()
    path = f"/me/order/{other}/payWithRegisteredPaymentMean"
    assert anna.call("POST", path, {"paymentMean": "creditCard"}).status_code == 400
    assert anna.call("POST", path, {"paymentMean": "ovhAccount"}).status_code == 403
    assert anna.call("POST", path, {"paymentMean": "creditCard", "paymentMeanId": card["paymentMeanId"]}).text == "null"

    free = anna.sandbox.make_order(price=0)
    assert anna.get(f"/me/order/{free}/availableRegisteredPaymentMean") == [{"paymentMean": "fidelityAccount"}]
    path = f"/me/order/{free}/payWithRegisteredPaymentMean"
    assert anna.call("POST", path, {"paymentMean": "fidelityAccount"}).status_code == 200


def test_an_order_is_paid_on_its_own_page(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(products=["<b>VPS</b>"])
    url = anna.get(f"/me/order/{order_id}")["url"]
    page = anna.session.get(url, timeout=5)
    assert "&lt;b&gt;VPS" in page.text
    assert "<form" in page.text
    assert "<form" not in anna.session.post(url, timeout=5).text
    assert anna.sandbox.events(order_id) == ["created", "paid", "checking"]
    assert anna.session.get(url[:-1], timeout=5).status_code == 404


def test_bills_open_as_pages_and_pdf(anna: Signing) -> None:
    bill = anna.get(f"/me/bill/{anna.get('/me/bill')[0]}")
    assert bill["billId"] in anna.session.get(bill["url"], timeout=5).text
    pdf = anna.session.get(bill["pdfUrl"], timeout=5)
    assert pdf.headers["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert anna.session.get(bill["url"] + "x", timeout=5).status_code == 404


def test_control_changes_status_and_tracking(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="checking")
    anna.sandbox.change_order(order_id, status="documentsRequested")
    assert _status(anna, order_id) == "documentsRequested"
    anna.sandbox.change_order(order_id, follow_up=None)
    assert anna.call("GET", f"/me/order/{order_id}/followUp").status_code == 404
    steps = [{"step": "VALIDATING", "status": "DONE", "history": []}]
    anna.sandbox.change_order(order_id, follow_up=steps)
    assert anna.get(f"/me/order/{order_id}/followUp") == steps
    anna.sandbox.change_order(order_id, status="somethingElse")
    assert _status(anna, order_id) == "somethingElse"


def test_ovhclouds_clock_moves_apart_from_the_machines(sandbox: Sandbox) -> None:
    machine = datetime.now(UTC).timestamp()
    sandbox.clock(3600)
    client = real_client(sandbox, sandbox.customers[0]["consumer_key"])
    assert abs(client.get("/auth/time", _need_auth=False) - machine - 3600) < 10
    assert client.get("/me")["nichandle"] == "am12345-ovh"
    sandbox.clock(-3600)
    assert abs(client.get("/auth/time", _need_auth=False) - machine) < 10


def test_a_reset_takes_less_than_a_second_and_keeps_granted_keys(sandbox: Sandbox) -> None:
    client = real_client(sandbox)
    asked = client.request_consumerkey([{"method": "GET", "path": "/*"}])
    sandbox.validate(asked["validationUrl"])
    made = sandbox.make_order()
    sandbox.pace(60)
    begun = datetime.now(UTC)
    sandbox.reset()
    assert datetime.now(UTC) - begun < timedelta(seconds=1)
    assert made not in client.get("/me/order")
    assert sandbox.control("GET", "pace") == {"speed": 1.0}
    assert sandbox.make_order() > made
    sandbox.reset("empty")
    assert client.get("/me/order") == []


def test_a_story_is_told_again_where_something_was_written_since(anna: Signing) -> None:
    def dates() -> list[str]:
        return [anna.get(f"/me/order/{one}")["date"] for one in sorted(anna.get("/me/order"))[:5]]

    sandbox = anna.sandbox
    sandbox.make_order()
    for _ in range(5):
        sandbox.reset()
        first = dates()
        sandbox.arm("html", path="/me")
        sandbox.reset()
        assert anna.get("/me"), "nothing is armed any more"
        if dates() == first:
            break
        # A busy machine let more than those two seconds go by.
    else:
        pytest.fail("reading, and trouble on the way, change nothing in the world, and it was told again")
    time.sleep(1.1)
    sandbox.settings(pays_twice=True)
    sandbox.reset()
    assert not sandbox.control("GET", "settings")["pays_twice"]
    second = dates()
    assert second != first
    time.sleep(1.1)
    sandbox.clock(60)
    sandbox.reset()
    assert dates() != second
    sandbox.reset("empty")
    assert anna.get("/me/order") == []


def test_the_same_seed_tells_the_same_story(anna: Signing) -> None:
    def told() -> list[Any]:
        return [(one, anna.get(f"/me/order/{one}")["password"]) for one in anna.get("/me/order")]

    first = told()
    anna.sandbox.reset(seed=7)
    other = told()
    anna.sandbox.reset()
    assert told() == first != other


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("orders", {}),
        ("orders", {"nichandle": "am12345-ovh", "price": "much"}),
        ("orders", {"nichandle": "am12345-ovh", "colour": "red"}),
        ("orders", {"nichandle": "am12345-ovh", "date": "yesterday"}),
        ("orders", {"nichandle": "am12345-ovh", "products": [1]}),
        ("orders/201000001", {"follow_up": [{"step": "\ud800"}]}),
        ("orders/201000001", {"follow_up": [{"step": "\0"}]}),
        ("faults", {"kind": "flood"}),
        ("faults", {"kind": "status", "probability": 2}),
        ("faults", {"kind": "status", "match": {"host": "x"}}),
        ("pace", {"speed": -1}),
        ("clock", {}),
        ("reset", {"scenario": "no such"}),
        ("settings", {"expanded_lists": "perhaps"}),
        ("mail", {"refuse": 3}),
    ],
)
def test_control_refuses_what_it_does_not_understand(sandbox: Sandbox, path: str, sent: dict[str, Any]) -> None:
    answer = Signing(sandbox, sandbox.customers[0]).session.post(
        f"{sandbox.base}/_control/{path}", json=sent, timeout=5
    )
    assert answer.status_code == 400
    assert answer.json()["message"]


def test_control_is_no_part_of_the_api_and_not_for_pages_elsewhere(anna: Signing) -> None:
    for prefix in ("/1.0", "/v1"):
        assert anna.session.get(f"{anna.sandbox.base}{prefix}/_control/requests", timeout=5).status_code == 404
    headers = {"Origin": "http://evil.example"}
    answer = anna.session.delete(f"{anna.sandbox.base}/_control/faults", headers=headers, timeout=5)
    assert answer.status_code == 403
