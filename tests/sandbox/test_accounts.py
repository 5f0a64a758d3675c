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
