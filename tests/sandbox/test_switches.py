"""What stands switched: how often one may call, how late answers are, and what is odd about them."""

import time

import pytest

from tests.sandboxes import Sandbox

from .client import Signing


def test_beyond_so_many_calls_a_minute_the_api_refuses(anna: Signing) -> None:
    anna.sandbox.settings(rate_limit=3)
    assert [anna.call("GET", "/me").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    refused = anna.call("GET", "/me")
    assert refused.json()["class"] == "Client::TooManyRequests"
    assert refused.headers["Retry-After"] == "5"
    company = Signing(anna.sandbox, anna.sandbox.company)
    assert company.call("GET", "/me").status_code == 200
    assert anna.call("GET", "/auth/time").status_code == 200


def test_a_proxy_refuses_in_html_and_does_not_say_for_how_long(anna: Signing) -> None:
    anna.sandbox.settings(rate_limit=1, rate_limit_body="html")
    anna.get("/me")
    refused = anna.call("GET", "/me")
    assert refused.status_code == 429
    assert refused.text.startswith("<html>")
    assert "Retry-After" not in refused.headers


def test_answers_are_late_as_the_distribution_says(anna: Signing) -> None:
    anna.sandbox.settings(latency={"median_ms": 60, "p95_ms": 200})
    took = []
    for _ in range(15):
        begun = time.monotonic()
        anna.get("/auth/time")
        took.append(time.monotonic() - begun)
    assert sorted(took)[7] > 0.03
    assert max(took) > 1.5 * min(took)
    anna.sandbox.reset()
    assert anna.sandbox.control("GET", "settings")["latency"] is None


def test_tracking_can_be_missing_everywhere_or_never_begun(anna: Signing) -> None:
    order_id = anna.sandbox.make_order(status="delivered")
    anna.sandbox.settings(follow_up="todo")
    assert {step["status"] for step in anna.get(f"/me/order/{order_id}/followUp")} == {"TODO"}
    anna.sandbox.settings(follow_up="missing")
    assert anna.call("GET", f"/me/order/{order_id}/followUp").status_code == 404


def test_expanded_lists_can_hold_nulls(anna: Signing) -> None:
    anna.sandbox.settings(expanded_lists=True, null_entries=True)
    answer = anna.get("/me/order", headers={"X-Pagination-Mode": "CachedObjectList-Pages"})
    assert None in answer
    assert any(answer)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_limit": -1},
        {"rate_limit": True},
        {"latency": 5},
        {"latency": {"p95_ms": 1}},
        {"follow_up": 1},
        {"batch": 1},
    ],
)
def test_a_switch_takes_nothing_else(sandbox: Sandbox, wrong: dict[str, object]) -> None:
    with pytest.raises(AssertionError, match="400"):
        sandbox.settings(**wrong)
