"""The further accounts of the demo: each stands for one thing that a tool meets."""

import time
from statistics import median

from tests.sandboxes import Sandbox

from . import official
from .client import Signing


def test_the_first_five_accounts_keep_their_places(sandbox: Sandbox) -> None:
    names = [customer["nichandle"] for customer in sandbox.customers]
    assert names[:5] == ["am12345-ovh", "hb20417-ovh", "nn30001-ovh", "oz40404-ovh", "ts50505-ovh"]
    assert len(names) == len(set(names)) == 10


def test_ten_years_of_orders_are_there_when_somebody_asks(sandbox: Sandbox) -> None:
    veteran = Signing(sandbox, sandbox.customer("ten years"))
    orders = veteran.get("/me/order")
    assert len(orders) == 5300
    first, last = (veteran.get(f"/me/order/{number}") for number in (orders[0], orders[-1]))
    assert int(last["date"][:4]) - int(first["date"][:4]) in (9, 10)
    for order in (first, last):
        assert official.faults_in(order, "billing.Order") == []
        assert len(veteran.get(f"/me/order/{order['orderId']}/details")) == 1
        with_tax = order["priceWithoutTax"]["priceInUcents"] + order["tax"]["priceInUcents"]
        assert with_tax == order["priceWithTax"]["priceInUcents"]
    assert veteran.get(f"/me/bill?orderId={orders[0]}") == [f"FR{orders[0]}"]
    assert veteran.get("/me/order") == orders


def test_resets_stay_quick_after_the_ten_years_were_told(sandbox: Sandbox) -> None:
    Signing(sandbox, sandbox.customer("ten years")).get("/me/order")
    sandbox.reset()
    begun = time.monotonic()
    sandbox.reset()
    assert time.monotonic() - begun < 1


def test_a_grant_of_the_revoked_account_wears_out(sandbox: Sandbox) -> None:
    revoked = Signing(sandbox, sandbox.customer("revoked"))
    answers = [revoked.call("GET", "/me").status_code for _ in range(22)]
    assert answers == [200] * 20 + [403] * 2
    assert revoked.call("GET", "/me").json()["message"] == "This credential is not valid"
    sandbox.reset()
    assert revoked.call("GET", "/me").status_code == 200


def test_the_account_in_germany_pays_german_tax(sandbox: Sandbox) -> None:
    german = Signing(sandbox, sandbox.customer("Germany"))
    order = german.get(f"/me/order/{german.get('/me/order')[0]}")
    assert round(order["tax"]["value"] / order["priceWithoutTax"]["value"], 2) == 0.19
    assert german.get("/me")["country"] == "DE"


def test_the_account_in_canada_is_of_another_region(sandbox: Sandbox) -> None:
    canadian = Signing(sandbox, sandbox.customer("Canada"))
    assert any("QC" in fault for fault in official.faults_in(canadian.get("/me"), "nichandle.Nichandle"))
    order = canadian.get(f"/me/order/{canadian.get('/me/order')[0]}")
    assert order["priceWithTax"]["currencyCode"] == "CAD"
    assert official.faults_in(order, "billing.Order") == []


def test_the_slow_account_answers_late_and_the_others_do_not(sandbox: Sandbox) -> None:
    def late(signing: Signing) -> float:
        took = []
        for _ in range(5):
            begun = time.monotonic()
            signing.get("/me")
            took.append(time.monotonic() - begun)
        return median(took)

    slow = late(Signing(sandbox, sandbox.customer("slow")))
    assert slow > 0.1
    assert late(Signing(sandbox, sandbox.customers[0])) < slow / 2


def test_canada_is_a_region_of_its_own(sandbox: Sandbox) -> None:
    canadian, anna = Signing(sandbox, sandbox.customer("Canada")), Signing(sandbox, sandbox.anna)
    assert canadian.get("/auth/details")["identities"] == ["urn:v1:ca:identity:account:ca70707-ca"]
    assert anna.get("/auth/details")["identities"] == ["urn:v1:eu:identity:account:am12345-ovh"]
    cart = canadian.call("POST", "/order/cart", {"ovhSubsidiary": "QC"}).json()["cartId"]
    answer = anna.call("POST", f"/order/cart/{cart}/assign")
    assert (answer.status_code, answer.json()["message"]) == (404, "Invalid Cart ID")
    assert canadian.call("POST", f"/order/cart/{cart}/assign").text == "null"


def test_the_odd_account_has_every_oddity_that_the_page_promises(sandbox: Sandbox) -> None:
    odd = Signing(sandbox, sandbox.customer("odd"))
    orders = [odd.get(f"/me/order/{one}") for one in odd.get("/me/order")]
    statuses = [odd.get(f"/me/order/{order['orderId']}/status") for order in orders]
    lines = [odd.get(f"/me/order/{order['orderId']}/details") for order in orders]
    follow_ups = [odd.call("GET", f"/me/order/{order['orderId']}/followUp") for order in orders]
    texts = [
        odd.get(f"/me/order/{order['orderId']}/details/{found[0]}")
        for order, found in zip(orders, lines, strict=True)
        if found
    ]
    prices = [order["priceWithTax"] for order in orders]
    assert 404 in [answer.status_code for answer in follow_ups]
    told = str([answer.json() for answer in follow_ups if answer.ok])
    assert all(word in told for word in ("TELEPORTED", "POLISHING", "PERHAPS"))
    assert {"points", "N/A", "XTS", "EUR"} == {price["currencyCode"] for price in prices}
    assert any(price["value"] == 0 for price in prices)
    assert any(price["value"] < 0 for price in prices)
    assert {"priceInUcents" in price for price in prices} == {True, False}
    assert max(map(len, lines)) == 200
    assert min(map(len, lines)) == 0
    assert any("<script>" in text["description"] for text in texts)
    assert any("\u202e" in text["domain"] for text in texts)
    assert set(statuses) - set(official.models()["billing.order.OrderStatusEnum"]["enum"])
    assert {None, "HOLOGRAM"} <= {text["detailType"] for text in texts}
    assert "deux" in {text["quantity"] for text in texts}
    assert any("metadatas" not in order for order in orders)
    assert any(order["date"] is None for order in orders)


def test_a_person_sees_what_the_sandbox_holds_and_what_it_was_asked(sandbox: Sandbox) -> None:
    anna = Signing(sandbox, sandbox.anna)
    order_id = anna.get("/me/order")[0]
    anna.get(f"/me/order/{order_id}/status")
    sandbox.arm("latency", path="/me/bill", ms=1)
    page = anna.session.get(f"{sandbox.base}/", timeout=5)
    for word in (*(one["nichandle"] for one in sandbox.customers), f"/me/order/{order_id}/status", "latency", "demo"):
        assert word in page.text
    assert "<form" not in page.text
    assert sandbox.application_secret not in page.text
    assert sandbox.anna["consumer_key"] not in page.text
