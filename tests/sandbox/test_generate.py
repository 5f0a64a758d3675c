"""Generated worlds: as many orders as asked for, alive, and answered like all others."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.sandboxes import Customer, Sandbox, SandboxProcess

from . import official
from .client import Signing
from .walk import Walk

_KINDS = ("notPaid", "checking", "documentsRequested", "delivering", "withdrawable", "delivered", "cancelling")
EVERY_KIND = dict.fromkeys((*_KINDS, "cancelled"), 1)


def generate(sandbox: Sandbox, **plan: Any) -> list[Signing]:
    """Go to a generated world, where nothing moves by itself, and return its accounts in order."""
    sandbox.control("POST", "reset", {"scenario": "generated"} | plan)
    sandbox.pace(0)
    return [
        Signing(sandbox, Customer(language="", about="", totp_secret=None, **_without_orders(one)))
        for one in sandbox.control("GET", "accounts")
    ]


def _without_orders(account: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in account.items() if name != "orders"}


def statuses(accounts: list[Signing]) -> dict[int, str]:
    return {
        number: account.get(f"/me/order/{number}/status") for account in accounts for number in account.get("/me/order")
    }


def test_every_answer_follows_the_schemas(sandbox: Sandbox) -> None:
    for account in generate(sandbox, orders=48, accounts=6, mix=EVERY_KIND):
        walk = Walk(account)
        walk.take("GET /me")
        walk.each("GET /me/payment/method")
        for number in walk.each("GET /me/order"):
            walk.take("GET /me/order/{orderId}/status", number)
            walk.take("GET /me/order/{orderId}/followUp", number, absent=True)
            walk.take("GET /me/order/{orderId}/payment", number, absent=True)
            walk.take("GET /me/order/{orderId}/associatedObject", number)
            for detail in walk.each("GET /me/order/{orderId}/details", number):
                walk.take("GET /me/order/{orderId}/details/{orderDetailId}/extension", number, detail)
        for bill in walk.each("GET /me/bill"):
            walk.each("GET /me/bill/{billId}/details", bill)
        walk.each("GET /me/refund")
        assert walk.wrong == []


def test_money_and_history_agree_with_the_status(sandbox: Sandbox) -> None:
    for account in generate(sandbox, orders=32, accounts=2, mix=EVERY_KIND):
        for number in account.get("/me/order"):
            order, status = account.get(f"/me/order/{number}"), account.get(f"/me/order/{number}/status")
            lines = [
                account.get(f"/me/order/{number}/details/{line}") for line in account.get(f"/me/order/{number}/details")
            ]
            net = sum(line["totalPrice"]["priceInUcents"] for line in lines)
            assert net == order["priceWithoutTax"]["priceInUcents"]
            assert net + order["tax"]["priceInUcents"] == order["priceWithTax"]["priceInUcents"]
            assert {line["cancelled"] for line in lines} == {status == "cancelled"}
            events = sandbox.events(number)
            assert events[0] == "created"
            assert ("paid" in events) is (status != "notPaid")
            assert ("refunded" in events) is (status == "cancelled")
            billed = status in ("delivered", "cancelling", "cancelled")
            assert account.get(f"/me/bill?orderId={number}") == ([f"FR{number}"] if billed else [])


def test_the_mix_is_what_was_asked_for(sandbox: Sandbox) -> None:
    accounts = generate(sandbox, orders=200, accounts=10, mix={"delivering": 2, "notPaid": 8, "withdrawable": 90})
    found = statuses(accounts)
    assert Counter(found.values()) == {"delivering": 4, "notPaid": 16, "delivered": 180}
    assert {len(account.get("/me/order")) for account in accounts} == {20}
    now = time.strftime("%Y-%m-%d")
    delivered = next(number for number in accounts[0].get("/me/order") if found[number] == "delivered")
    assert accounts[0].get(f"/me/order/{delivered}")["retractionDate"] > now
    assert accounts[0].call("POST", f"/me/order/{delivered}/retraction", {"reason": "other"}).status_code == 200


def test_one_account_may_have_most_of_the_orders(sandbox: Sandbox) -> None:
    accounts = generate(sandbox, orders=130, accounts=4, largest=100)
    assert [len(account.get("/me/order")) for account in accounts] == [100, 10, 10, 10]


def test_the_same_seed_tells_the_same_world(sandbox: Sandbox) -> None:
    def told(seed: int) -> list[tuple[Any, ...]]:
        accounts = generate(sandbox, orders=40, accounts=4, seed=seed)
        return [
            (order["orderId"], order["password"], order["priceWithTax"]["value"], status)
            for account in accounts
            for number, status in statuses([account]).items()
            for order in [account.get(f"/me/order/{number}")]
        ]

    first = told(7)
    assert told(7) == first
    assert told(8) != first


def test_numbers_follow_dates(sandbox: Sandbox) -> None:
    (account,) = generate(sandbox, orders=50, accounts=1)
    dates = [account.get(f"/me/order/{number}")["date"][:10] for number in account.get("/me/order")]
    assert dates == sorted(dates)


def test_orders_under_way_arrive_when_the_pace_lets_them(sandbox: Sandbox) -> None:
    accounts = generate(sandbox, orders=12, accounts=3, mix={"delivering": 1}, spread_s=60)
    assert set(statuses(accounts).values()) == {"delivering"}
    sandbox.pace(1000)
    sandbox.wait_until(lambda: set(statuses(accounts).values()) == {"delivered"})
    number = accounts[0].get("/me/order")[0]
    assert sandbox.events(number)[-2:] == ["delivering", "delivered"]
    assert accounts[0].get(f"/me/bill?orderId={number}") == [f"FR{number}"]


def test_unpaid_orders_lapse_by_the_thousand(sandbox: Sandbox) -> None:
    accounts = generate(sandbox, orders=5_000, accounts=1, mix={"notPaid": 1})
    numbers = accounts[0].get("/me/order")
    assert len(numbers) == 5_000
    sandbox.clock(8 * 86_400)
    stamp = int(time.time()) + 8 * 86_400
    assert accounts[0].call("GET", "/me/order", timestamp=stamp).json() == []
    sandbox.wait_until(lambda: all(sandbox.events(number)[-1] == "expired" for number in numbers[::1_250]))


@pytest.mark.parametrize(
    "plan",
    [
        *({"orders": 1_000_001}, {"orders": -1}, {"orders": "many"}, {"accounts": 0}, {"accounts": 50_001}),
        *({"mix": {}}, {"mix": {"lost": 1}}, {"mix": {"delivered": 0}}, {"mix": {"delivered": -1}}, {"mix": [1]}),
        *({"largest": 11}, {"spread_s": -1}),
    ],
)
def test_a_plan_that_cannot_be_carried_out_changes_nothing(sandbox: Sandbox, plan: dict[str, Any]) -> None:
    sent = {"scenario": "generated", "orders": 10, "accounts": 2} | plan
    answer = requests.post(f"{sandbox.base}/_control/reset", json=sent, timeout=10)
    assert answer.status_code == 400
    assert len(sandbox.control("GET", "accounts")) == 10


def test_a_named_scenario_takes_no_plan(sandbox: Sandbox) -> None:
    answer = requests.post(f"{sandbox.base}/_control/reset", json={"scenario": "demo", "orders": 10}, timeout=10)
    assert answer.status_code == 400


def test_grants_of_accounts_that_stay_outlive_another_world(sandbox: Sandbox) -> None:
    (account,) = generate(sandbox, orders=5, accounts=1)
    asked = requests.post(
        f"{sandbox.api_base}/auth/credential",
        json={"accessRules": [{"method": "GET", "path": "/me"}]},
        headers={"X-Ovh-Application": sandbox.application_key},
        timeout=10,
    ).json()
    sandbox.validate(asked["validationUrl"], account.customer)
    granted = Signing(sandbox, account.customer | {"consumer_key": asked["consumerKey"]})  # type: ignore[arg-type]
    assert granted.get("/me")["nichandle"] == "gn000001-ovh"
    generate(sandbox, orders=5, accounts=2)
    assert granted.get("/me")["nichandle"] == "gn000001-ovh"
    sandbox.reset()
    assert granted.call("GET", "/me").status_code == 403


def test_the_page_tells_of_a_large_world_without_counting_it(sandbox: Sandbox) -> None:
    generate(sandbox, orders=12_000, accounts=1_000)
    page = requests.get(sandbox.base, timeout=10)
    assert "1000 accounts with about " in page.text
    assert page.text.count("<td>generated-world<") == 50


def test_coming_back_from_a_large_world_is_quick(sandbox: Sandbox) -> None:
    def come_back() -> float:
        generate(sandbox, orders=8_000, accounts=1_000)  # 24,000 entries in the ledger
        began = time.monotonic()
        sandbox.reset()
        return time.monotonic() - began

    # Once is enough: whoever else uses the machine may be in the way.
    assert any(come_back() < 1 for _ in range(3))
    assert [one["nichandle"] for one in sandbox.control("GET", "accounts")][:2] == ["am12345-ovh", "hb20417-ovh"]
    anna = Signing(sandbox, sandbox.anna)
    assert official.faults_in(anna.get("/me"), "nichandle.Nichandle") == []


@pytest.fixture
def generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxProcess]:
    """A sandbox that brings its own PostgreSQL and a generated world."""
    monkeypatch.delenv("SANDBOX_DATABASE_URL")
    plan = ("--generate", "300", "--accounts", "150", "--largest", "151", "--mix", "notPaid=1,delivered=1")
    process = SandboxProcess(tmp_path, *plan)
    yield process
    process.kill()


@pytest.mark.processes
def test_it_is_made_from_the_command_line(generated: SandboxProcess) -> None:
    running = generated.start()
    # The ready file names some; all are to be asked for.
    assert len(running.customers) == 100
    accounts = running.control("GET", "accounts")
    assert [one["orders"] for one in accounts] == [151] + [1] * 149
    assert {one["consumer_key"] for one in accounts[:100]} == {one["consumer_key"] for one in running.customers}
    assert len(Signing(running, running.customers[0]).get("/me/order")) == 151
    assert generated.stop() == 0


def test_a_batch_answers_as_one_call_after_the_other(sandbox: Sandbox) -> None:
    first, second = generate(sandbox, orders=16, accounts=2, mix=EVERY_KIND)
    sandbox.settings(batch=True)
    mine, theirs = first.get("/me/order"), second.get("/me/order")
    keys = [str(number) for number in [*mine, theirs[0], mine[0]]] + [f"0{mine[0]}", "no-number", "1", "9" * 30, ""]
    for route in ("/me/order/{}", "/me/order/{}/status"):
        told = first.get(route.format(",".join(keys)), headers={"X-Ovh-Batch": ","})
        assert [one["key"] for one in told] == keys
        for one in told[: len(mine)]:
            assert (one["value"], one["error"]) == (first.get(route.format(one["key"])), None)
        for one in told[len(mine) :]:
            alone = first.call("GET", route.format(one["key"] or "%20"))
            assert one["value"] == (alone.json() if alone.status_code == 200 else None)
            assert (one["error"] is None) is (alone.status_code == 200)


def test_a_page_of_an_expanded_list_is_what_the_whole_has_there(sandbox: Sandbox) -> None:
    (account,) = generate(sandbox, orders=25, accounts=1)
    sandbox.settings(expanded_lists=True)
    expanded = {"X-Pagination-Mode": "CachedObjectList-Pages"}
    whole = account.get("/me/order", headers=expanded)
    assert [one["orderId"] for one in whole] == account.get("/me/order")
    page = {"X-Pagination-Size": "10", "X-Pagination-Number": "3"}
    answer = account.call("GET", "/me/order", headers=expanded | page)
    assert answer.json() == whole[20:]
    assert answer.headers["X-Pagination-Elements"] == "25"
    turned = {"X-Pagination-Sort": "orderId", "X-Pagination-Sort-Order": "DESC"}
    assert account.get("/me/order", headers=expanded | page | turned) == whole[4::-1]
