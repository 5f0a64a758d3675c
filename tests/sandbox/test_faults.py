"""Trouble on request: each kind, what it does on the wire, and whether the world heard of the call."""

import threading
import time
from typing import Any

import pytest
import requests

from .client import Signing


def _retractable(anna: Signing) -> str:
    return f"/me/order/{anna.sandbox.make_order(status='delivered')}/retraction"


def _retract(anna: Signing, path: str) -> requests.Response:
    return anna.call("POST", path, {"reason": "other"})


def _was_retracted(anna: Signing, path: str) -> bool:
    return "retraction_accepted" in anna.sandbox.events(int(path.split("/")[3]))


def _last_status(anna: Signing) -> Any:
    return anna.sandbox.requests()[-1]["status"]


def test_status_answers_in_the_worlds_place(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("status", "POST", "/me/order/*/retraction", status=503, count=1)
    answer = _retract(anna, path)
    assert (answer.status_code, answer.json()["class"]) == (503, "Server::InternalServerError")
    assert answer.headers["X-Ovh-Queryid"]
    assert not _was_retracted(anna, path)
    assert _retract(anna, path).status_code == 200


def test_too_many_requests_says_when_to_come_back_unless_told_not_to(anna: Signing) -> None:
    anna.sandbox.arm("status", status=429, count=1)
    answer = anna.call("GET", "/me")
    assert (answer.status_code, answer.json()["class"]) == (429, "Client::TooManyRequests")
    assert answer.headers["Retry-After"] == "5"
    anna.sandbox.arm("status", status=429, count=1, retry_after=None)
    assert "Retry-After" not in anna.call("GET", "/me").headers


def test_status_200_is_the_empty_body_seen_under_load(anna: Signing) -> None:
    anna.sandbox.arm("status", status=200, count=1)
    answer = anna.call("GET", "/me")
    assert (answer.status_code, answer.content) == (200, b"")


def test_html_is_a_page_of_some_proxy(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("html", count=1)
    answer = _retract(anna, path)
    assert answer.status_code == 502
    assert answer.headers["Content-Type"] == "text/html"
    assert answer.text.startswith("<html>")
    assert not _was_retracted(anna, path)


def test_reset_is_a_reset_and_leaves_the_world_alone(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("reset", count=1)
    with pytest.raises(requests.ConnectionError) as caught:
        _retract(anna, path)
    assert "ConnectionResetError" in repr(caught.value)
    assert not _was_retracted(anna, path)
    assert _last_status(anna) is None
    assert anna.sandbox.requests()[-1]["signature"] == "ok"


def test_accept_then_reset_acts_and_says_nothing(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("accept_then_reset", count=1)
    with pytest.raises(requests.ConnectionError):
        _retract(anna, path)
    assert _was_retracted(anna, path)
    assert _last_status(anna) is None
    assert _retract(anna, path).status_code == 400


def test_truncated_acts_and_sends_half(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("truncated", count=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        _retract(anna, path)
    assert _was_retracted(anna, path)
    assert _last_status(anna) == 200


def test_latency_acts_and_is_late(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("latency", ms=400, count=1)
    begun = time.monotonic()
    assert _retract(anna, path).status_code == 200
    assert time.monotonic() - begun >= 0.4
    assert _was_retracted(anna, path)


def test_a_client_that_does_not_wait_got_no_answer_yet_was_heard(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("latency", ms=600, count=1)
    with pytest.raises(requests.ReadTimeout):
        anna.session.send(anna.prepare("POST", path, {"reason": "other"}), timeout=0.2)
    anna.session.close()
    time.sleep(0.8)
    assert _last_status(anna) is None
    assert _was_retracted(anna, path)


def test_drip_comes_byte_by_byte(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("drip", ms=100, count=1)
    begun = time.monotonic()
    assert _retract(anna, path).text == "null"
    assert time.monotonic() - begun >= 0.4
    assert _was_retracted(anna, path)


def test_hanging_calls_end_unanswered_when_disarmed_and_use_up_no_thread(anna: Signing) -> None:
    path = _retractable(anna)
    anna.sandbox.arm("hang")
    ends: list[str] = []

    def hang() -> None:
        try:
            _retract(Signing(anna.sandbox, anna.customer), path)
        except requests.ConnectionError as error:
            ends.append(type(error).__name__)

    threads = [threading.Thread(target=hang) for _ in range(40)]
    since = anna.sandbox.last_request()
    for thread in threads:
        thread.start()
    anna.sandbox.wait_until(lambda: len(anna.sandbox.requests(since)) == 40)
    begun = time.monotonic()
    anna.sandbox.disarm()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - begun < 5
    assert ends == ["ConnectionError"] * 40
    assert {entry["status"] for entry in anna.sandbox.requests(since)} == {None}
    assert not _was_retracted(anna, path)


def test_a_fault_with_seconds_ends_by_itself_and_closes_what_hangs(anna: Signing) -> None:
    anna.sandbox.arm("hang", seconds=0.5)
    begun = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        anna.call("GET", "/me")
    assert 0.3 < time.monotonic() - begun < 3
    assert anna.call("GET", "/me").status_code == 200


def test_match_leaves_other_calls_alone(anna: Signing) -> None:
    anna.sandbox.arm("status", "GET", "/me/order/*/status", status=500)
    order_id = anna.get("/me/order")[0]
    assert anna.call("GET", f"/me/order/{order_id}").status_code == 200
    assert anna.call("GET", f"/me/order/{order_id}/status").status_code == 500
    assert anna.call("GET", f"/me/order/{order_id}/status", base=f"{anna.sandbox.base}/v1").status_code == 500


def test_faults_combine_count_down_and_are_drawn_by_lot(anna: Signing) -> None:
    anna.sandbox.arm("latency", ms=200, count=1)
    anna.sandbox.arm("status", status=502, count=2)
    begun = time.monotonic()
    codes = [anna.call("GET", "/me").status_code for _ in range(3)]
    assert codes == [502, 502, 200]
    assert 0.2 <= time.monotonic() - begun < 2
    anna.sandbox.arm("status", status=503, probability=0.5)
    codes = [anna.call("GET", "/me").status_code for _ in range(40)]
    assert 5 < codes.count(503) < 35


def test_pages_and_control_know_no_faults(anna: Signing) -> None:
    for kind in ("hang", "reset", "html"):
        anna.sandbox.arm(kind)
    assert anna.session.get(f"{anna.sandbox.base}/", timeout=5).status_code == 200
    assert anna.sandbox.requests() is not None
