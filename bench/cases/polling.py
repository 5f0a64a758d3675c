"""Checking orders that are due: our engine, and the plain ways beside it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path

from django.db import connection, connections
from django.db.models import Count
from django.utils import timezone

from bench import engine, machine, peer_worker, peers
from bench.cases.meter import Meter
from bench.cases.population import take_your_time
from bench.machine import Figures
from orders.models import Order, OrderEvent
from panel.celery import app

# Threads of the plain pool, and of the plain Celery worker that has any.
THREADS = 64


# --- All due at once: how fast ----------------------------------------------------------------------------------------
def poll_ours(seconds: float, to_the_last: bool = False) -> Figures:
    """
    Check until nothing is due or the time is up, as a worker does that is rung again and again.

    to_the_last: wait for those, too, which the budget of their key holds back.
    """
    began = timezone.now()
    orders = Order.objects.count()
    meter = Meter()
    while meter.seconds() < seconds:
        if not engine.poll() and engine.is_idle():
            if not to_the_last or _checked_since(began) >= orders:
                break
            time.sleep(0.1)
    done = _checked_since(began)
    return meter.figures(done) | {"held_back": orders - done} | _what_was_written(began) | _waits(began)


def poll_sequential(seconds: float) -> Figures:
    return _plainly(seconds, map, 1)


def poll_threads(seconds: float, threads: int = THREADS) -> Figures:
    """Each thread has a connection to PostgreSQL of its own."""
    with ThreadPoolExecutor(threads) as pool:
        return _plainly(seconds, pool.map, threads)


def _plainly(seconds: float, run: Callable[..., Iterator[None]], at_once: int) -> Figures:
    make_plain()
    began = timezone.now()
    pks = iter(_due(began))
    meter = Meter()
    # An account's orders go to one thread in turn, so that its client serves all of them.
    while meter.seconds() < seconds and (chunk := list(islice(pks, 20 * at_once))):
        parts = [chunk[start : start + 20] for start in range(0, len(chunk), 20)]
        list(run(lambda part: [peers.check(pk) for pk in part if meter.seconds() < seconds], parts))
    return meter.figures(_checked_since(began)) | _what_was_written(began)


def poll_celery(seconds: float, orders: int, pool: str, concurrency: int) -> Figures:
    """One task an order. What it costs to hand the tasks in is counted with the worker's CPU."""
    make_plain()
    began = timezone.now()
    pks = _due(began)[:orders]
    published = publish(peer_worker.check, pks)
    with worker("bench.peer_worker", peer_worker.QUEUE, pool, concurrency) as process:
        _wait_until(lambda: _checked_since(began) >= concurrency)
        before, meter = _checked_since(began), Meter(process.pid)
        while meter.seconds() < seconds and _checked_since(began) < len(pks):
            time.sleep(0.2)
        figures = meter.figures(_checked_since(began) - before)
    figures["cpu_us"] += published
    figures["per_core"] = 1e6 / figures["cpu_us"]
    peer_worker.app.control.purge()
    return figures | {"published_us": published, "asked": _checked_since(began)} | _what_was_written(began)


def make_plain() -> None:
    """The table as a plain poller would have it: no queue kept by triggers, and an index to find what is due."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE orders_order DISABLE TRIGGER USER")
        cursor.execute("CREATE INDEX ON orders_order (next_poll_at)")


def _due(now: datetime) -> list[int]:
    """Account by account, so that the plain clients serve many orders each."""
    due = Order.objects.filter(next_poll_at__lte=now).order_by("nichandle_id", "pk")
    return list(due.values_list("pk", flat=True))


def publish(task: object, pks: list[int]) -> float:
    """Hand in one task for each, over one kept connection. Returns microseconds of CPU a task."""
    began = time.process_time()
    with peer_worker.app.connection_for_write() as broker, peer_worker.app.amqp.Producer(broker) as producer:
        for pk in pks:
            task.apply_async((pk,), producer=producer)  # type: ignore[attr-defined]
    return (time.process_time() - began) / max(len(pks), 1) * 1e6


def queue_length(queue: str) -> int:
    with app.connection_for_read() as broker, broker.channel() as channel:
        length: int = channel.client.llen(queue)
        return length


@contextlib.contextmanager
def worker(application: str, queues: str, pool: str, concurrency: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker on this process's core, ended with all it started."""
    arguments = ["-A", application, "worker", "--pool", pool, "--concurrency", str(concurrency), "-Q", queues]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "warning", "-n", f"bench-{os.getpid()}@bench"]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "celery", *arguments, *quiet], stdout=subprocess.DEVNULL, stderr=sys.stderr
    )
    try:
        yield process
    finally:
        below = machine.tree(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            for pid in below:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait(5)


def _wait_until(true: Callable[[], bool], within: float = 60) -> None:
    until = time.monotonic() + within
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("the worker did not begin")
        time.sleep(0.05)


def _checked_since(moment: datetime) -> int:
    return Order.objects.filter(status_checked_at__gte=moment).count()


def _what_was_written(began: datetime) -> Figures:
    """What shows that the work was done: changes seen, in row and event."""
    checked = Order.objects.filter(status_checked_at__gte=began)
    statuses = dict(checked.values_list("status").annotate(Count("pk")))
    events = OrderEvent.objects.filter(at__gte=began, kind=OrderEvent.Kind.STATUS).count()
    return {"statuses": statuses, "status_events": events, "failed": Order.objects.exclude(last_error="").count()}


def _waits(began: datetime) -> Figures:
    """How long each order waited for its answer, from the moment when all were due."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT percentile_cont(ARRAY[0.5, 0.99])
                   WITHIN GROUP (ORDER BY extract(epoch FROM status_checked_at - %(began)s))
            FROM orders_order WHERE status_checked_at >= %(began)s
            """,
            {"began": began},
        )
        found = cursor.fetchone()[0] or [0.0, 0.0]
    return {"wait_median_s": found[0], "wait_p99_s": found[1]}


# --- Due one after another: how late ----------------------------------------------------------------------------------
def lag(way: str, seconds: float, lead: float, ring_every: float = 2.0) -> Figures:
    """
    Let orders fall due as the policy spreads them over accounts that are being looked at, for so many seconds.

    lead: seconds within which rows are made so and workers begin. Lag: from when an order was due to when its answer
    was asked for; one not checked by the end counts to the end.
    """
    if way != "ours":
        make_plain()
    began = _spread_due_moments(lead)
    core_busy, ended = _LAGGING[way](began, seconds, ring_every)
    # What fell due in the last seconds had no chance yet.
    grace = timedelta(seconds=min(5.0, seconds / 3))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH first_checks AS (SELECT id, min(at) AS checked_at FROM bench_checked GROUP BY id)
            SELECT count(*), count(checked_at),
                   percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (
                       ORDER BY greatest(0, extract(epoch FROM coalesce(checked_at, %(ended)s) - due_at)))
            FROM bench_due LEFT JOIN first_checks USING (id) WHERE due_at <= %(counted)s
            """,
            {"ended": ended, "counted": ended - grace},
        )
        due, checked, (median, p95, p99) = cursor.fetchone()
    return {
        "lag_median_s": median,
        "lag_p95_s": p95,
        "lag_p99_s": p99,
        "due_a_second": due / (seconds - grace.total_seconds()),
        "checked_of_due": checked / max(due, 1),
        "core_busy": core_busy,
    }


_NOTE_CHECKS = """
CREATE UNLOGGED TABLE bench_checked (id bigint, at timestamptz);
CREATE FUNCTION bench_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO bench_checked VALUES (NEW.id, NEW.status_checked_at); RETURN NULL; END $$;
CREATE TRIGGER bench_note AFTER UPDATE OF status_checked_at ON orders_order
    FOR EACH ROW WHEN (NEW.status_checked_at > OLD.status_checked_at) EXECUTE FUNCTION bench_note();
"""


def _spread_due_moments(lead: float) -> datetime:
    """
    Each order falls due at random within its wait by the policy. `bench_due` remembers when, and `bench_checked` when
    it was checked: what moves is checked more than once meanwhile.
    """
    take_your_time()
    now = timezone.now()
    began = now + timedelta(seconds=lead)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_nichandle SET seen_at = %s", [now])
        for status, wait in engine.waits(now).items():
            cursor.execute(
                "UPDATE orders_order SET next_poll_at = %s + random() * %s, status_checked_at = %s WHERE status = %s",
                [began, wait, now - wait, status],
            )
        cursor.execute("CREATE TABLE bench_due AS SELECT id, next_poll_at AS due_at FROM orders_order")
        cursor.execute("CREATE UNIQUE INDEX ON bench_due (id)")
        cursor.execute(_NOTE_CHECKS)
    connection.connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) orders_order")
    return began


def _lag_ours(began: datetime, seconds: float, ring_every: float) -> tuple[float, datetime]:
    """The worker that README.md names, and beat as it is configured."""
    app.send_task("orders.tasks.poll_orders")
    with worker("panel.celery", "poll", "prefork", 2) as process, _beat():
        _wait_until(lambda: not queue_length("poll"))
        meter = _from(began, process.pid)
        time.sleep(seconds)
        return meter.figures(0)["core_busy"], timezone.now()


def _lag_celery(began: datetime, seconds: float, ring_every: float) -> tuple[float, datetime]:
    with worker("bench.peer_worker", peer_worker.QUEUE, "threads", THREADS) as process:
        publish(peer_worker.nothing, list(range(THREADS)))
        _wait_until(lambda: not queue_length(peer_worker.QUEUE))
        meter = _from(began, process.pid)
        _each_ring(seconds, ring_every, lambda pks: publish(peer_worker.check, pks))
        busy, ended = meter.figures(0)["core_busy"], timezone.now()
        peer_worker.app.control.purge()
        return busy, ended


def _lag_threads(began: datetime, seconds: float, ring_every: float) -> tuple[float, datetime]:
    meter = _from(began)
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(THREADS) as pool:

        def one(pk: int) -> None:
            if time.monotonic() < until:
                peers.check(pk)

        _each_ring(seconds, ring_every, lambda pks: list(pool.map(one, pks)))
    return meter.figures(0)["core_busy"], timezone.now()


def _lag_sequential(began: datetime, seconds: float, ring_every: float) -> tuple[float, datetime]:
    meter = _from(began)
    until = time.monotonic() + seconds

    def some(pks: list[int]) -> None:
        for pk in pks:
            if time.monotonic() < until:
                peers.check(pk)

    _each_ring(seconds, ring_every, some)
    return meter.figures(0)["core_busy"], timezone.now()


_LAGGING = {"ours": _lag_ours, "celery": _lag_celery, "threads": _lag_threads, "sequential": _lag_sequential}


def _from(began: datetime, pid: int | None = None) -> Meter:
    left = (began - timezone.now()).total_seconds()
    if left < 0:
        raise TimeoutError(f"not ready in time, {-left:.1f} s late: give it more lead")
    time.sleep(left)
    return Meter(pid)


def _each_ring(seconds: float, every: float, check_these: Callable[[list[int]], object]) -> None:
    """Claim what is due at each ring, so that nothing is handed in twice, and have it checked."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ring = time.monotonic()
        now = timezone.now()
        due = _due(now)
        Order.objects.filter(pk__in=due).update(next_poll_at=now + timedelta(minutes=2))
        check_these(due)
        time.sleep(max(0.0, min(ring + every, until) - time.monotonic()))


@contextlib.contextmanager
def _beat() -> Iterator[None]:
    arguments = ["-A", "panel.celery", "beat", "--loglevel", "warning", "--pidfile="]
    environment = os.environ | {"PANEL_PROCESS": "command"}
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "celery", *arguments], env=environment, cwd=Path(__file__).parents[2], stdout=sys.stderr
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)
        connections.close_all()
