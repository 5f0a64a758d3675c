"""The breaker: who may still call while OVHcloud keeps silent, and what lets everybody through again."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from accounts import breaker
from accounts.breaker import BreakerOpen
from accounts.models import Breaker
from accounts.ovh import gateway_for
from gateway import OvhUnavailable
from orders import sync
from orders.models import Due, Order
from tests.world import import_all, sign_up

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_remembered(ovh: Any) -> Iterator[None]:
    breaker._found_closed.clear()
    yield
    breaker._found_closed.clear()


def due() -> None:
    Order.objects.update(next_poll_at=timezone.now() - timedelta(seconds=1))


def probe_is_due() -> None:
    Breaker.objects.update(probe_at=timezone.now())


@pytest.mark.parametrize(("kind", "more"), [("status", {"status": 503}), ("reset", {}), ("html", {"status": 502})])
def test_silence_opens_it_and_the_first_good_answer_closes_it(ovh: Any, kind: str, more: dict[str, Any]):
    accounts = [sign_up(ovh), sign_up(ovh, 1)]
    for nichandle in accounts:
        import_all(nichandle)
    ovh.arm(kind, path="*", **more)
    due()
    since = ovh.last_request()
    before = timezone.now()
    sync.poll_orders()
    state = breaker.state()
    assert state.unreachable
    assert state.state == "open"
    assert before <= state.since <= timezone.now()
    assert state.why
    # Those that were under way together, and nobody after them.
    assert len(ovh.requests(since)) < Order.objects.count()
    since = ovh.last_request()
    assert sync.poll_orders() == 0
    for nichandle in accounts:
        with pytest.raises(BreakerOpen):
            gateway_for(nichandle).me()
    assert ovh.requests(since) == []

    # One probe, which fails: the pause doubles.
    probe_is_due()
    due()
    sync.poll_orders()
    assert len(ovh.requests(since)) == 1
    row = Breaker.objects.get()
    assert (row.state, row.pause_seconds) == ("open", 2 * breaker.FIRST_PAUSE)
    assert breaker.state().since == state.since

    ovh.disarm()
    probe_is_due()
    due()
    assert sync.poll_orders() == 1
    assert not breaker.state().unreachable
    assert breaker.state().since is None
    Due.objects.update(at=timezone.now())
    assert sync.poll_orders() > 10


def test_somebody_who_waits_may_be_the_probe(ovh: Any):
    nichandle = sign_up(ovh, 1)
    breaker.note(silences=breaker.SILENCES, good=False, why="silence")
    with pytest.raises(BreakerOpen):
        gateway_for(nichandle).me()
    probe_is_due()
    assert gateway_for(nichandle).me().nichandle == nichandle.nichandle
    assert not breaker.state().unreachable


def test_the_pause_grows_to_a_bound(ovh: Any):
    breaker.note(silences=breaker.SILENCES, good=False)
    for _ in range(8):
        probe_is_due()
        breaker.note(silences=1, good=False, probe=breaker.enter())
    assert Breaker.objects.get().pause_seconds == breaker.LONGEST_PAUSE


def test_one_order_that_never_answers_opens_nothing(ovh: Any):
    nichandle = sign_up(ovh)
    import_all(nichandle)
    silent = nichandle.orders.filter(status="delivering").first()
    ovh.arm("status", path=f"/me/order/{silent.order_id}/*", status=500)
    for _ in range(breaker.SILENCES + 2):
        due()
        sync.poll_orders()
    assert not breaker.state().unreachable


def test_a_probe_that_died_is_followed_by_another(ovh: Any):
    breaker.note(silences=breaker.SILENCES, good=False)
    probe_is_due()
    assert breaker.enter() is not None
    with pytest.raises(BreakerOpen):
        breaker.enter()
    Breaker.objects.update(probe_until=timezone.now())
    assert breaker.enter() is not None


def test_the_answer_of_an_older_call_decides_nothing_while_a_probe_is_out(ovh: Any):
    breaker.note(silences=breaker.SILENCES, good=False)
    probe_is_due()
    breaker.enter()
    breaker.note(silences=3, good=False)
    assert Breaker.objects.get().state == "half-open"


@pytest.mark.parametrize("in_one_statement", [True, False])
@pytest.mark.django_db(transaction=True)
def test_one_probe_at_a_time_among_many_workers(ovh: Any, in_one_statement: bool):
    """The negative control looks first and takes afterwards, and several believe to be the probe."""
    breaker.note(silences=breaker.SILENCES, good=False)
    probe_is_due()

    def look_then_take() -> bool:
        free = Breaker.objects.filter(Q(state="open", probe_at__lte=timezone.now())).exists()
        time.sleep(0.1)
        return free and bool(Breaker.objects.update(state="half-open"))

    def enter() -> bool:
        try:
            return (breaker.enter() is not None) if in_one_statement else look_then_take()
        except BreakerOpen:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as workers:
        probes = sum(future.result() for future in [workers.submit(enter) for _ in range(6)])
    assert (probes == 1) is in_one_statement


def test_silences_are_counted_in_a_row(ovh: Any):
    nichandle = sign_up(ovh, 1)
    gateway = gateway_for(nichandle)
    for _ in range(breaker.SILENCES):
        ovh.arm("status", path="/me", status=503, count=3)
        with pytest.raises(OvhUnavailable):
            gateway.me()
        ovh.disarm()
        gateway.order_ids()
    assert not breaker.state().unreachable
    assert Breaker.objects.get().failures == 0


def test_answers_that_never_come_open_it_and_the_first_that_comes_closes_it(ovh: Any):
    """Over real HTTP, with the patience of a moment: a call that hangs costs its time-out, and then none any more."""
    nichandle = sign_up(ovh)
    impatient: dict[str, Any] = {"answer_within": 0.2, "in_all": 0.3, "tries": 1}
    assert gateway_for(nichandle).me().nichandle == nichandle.nichandle
    ovh.arm("hang", path="/me")
    since = ovh.last_request()
    for number in range(breaker.SILENCES):
        assert breaker.state().unreachable is False, number
        breaker._found_closed.clear()
        with pytest.raises(OvhUnavailable) as silent:
            gateway_for(nichandle, **impatient).me()
        assert not isinstance(silent.value, BreakerOpen)
    assert breaker.state().state == "open"
    began = time.monotonic()
    with pytest.raises(BreakerOpen):
        gateway_for(nichandle).me()
    assert time.monotonic() - began < 0.2
    assert len([call for call in ovh.requests(since) if call["path"].endswith("/me")]) == breaker.SILENCES

    # The probe hangs, too, and whoever asks meanwhile is not held.
    probe_is_due()
    with pytest.raises(OvhUnavailable) as silent:
        gateway_for(nichandle, **impatient).me()
    assert not isinstance(silent.value, BreakerOpen)
    assert Breaker.objects.get().pause_seconds == 2 * breaker.FIRST_PAUSE
    ovh.disarm()
    probe_is_due()
    assert gateway_for(nichandle, **impatient).me().nichandle == nichandle.nichandle
    assert not breaker.state().unreachable
    assert gateway_for(nichandle).me().nichandle == nichandle.nichandle
