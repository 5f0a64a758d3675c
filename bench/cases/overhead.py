"""What Celery itself costs: a task that does nothing, and a ring of ours that finds nothing due."""

import time
from datetime import timedelta

from django.utils import timezone

from bench import engine, peer_worker
from bench.cases.meter import Meter
from bench.cases.polling import publish, queue_length, worker
from bench.machine import Figures
from orders.models import Order
from panel.celery import app


def celery_nothing(tasks_each: int) -> Figures:
    published = publish(peer_worker.nothing, list(range(tasks_each)))
    return _drained("bench.peer_worker", peer_worker.QUEUE, published)


def celery_rings(tasks_each: int) -> Figures:
    """Rings of the poll task with nothing due: the claim's query is part of it."""
    Order.objects.update(next_poll_at=timezone.now() + timedelta(days=1))
    began = time.process_time()
    with app.connection_for_write() as broker, app.amqp.Producer(broker) as producer:
        for _ in range(tasks_each):
            # By name: the plain application of this process would send it elsewhere.
            app.send_task("orders.tasks.poll_orders", producer=producer)
    published = (time.process_time() - began) / tasks_each * 1e6
    return _drained("panel.celery", "poll", published) | {"claims": engine.CLAIMED_AT_MOST}


def _drained(application: str, queue: str, published: float) -> Figures:
    """Let a worker empty the queue; its start and end are not counted."""
    whole = queue_length(queue)
    if not whole:
        raise AssertionError(f"nothing was handed in to {queue}")
    with worker(application, queue, "prefork", 2) as process:
        _until(lambda: queue_length(queue) <= whole * 0.9)
        before, meter = queue_length(queue), Meter(process.pid)
        _until(lambda: queue_length(queue) <= whole * 0.05)
        figures = meter.figures(before - queue_length(queue))
    return figures | {"published_us": published, "task_us": figures["cpu_us"] + published}


def _until(true: object, within: float = 90) -> None:
    until = time.monotonic() + within
    while not true():  # type: ignore[operator]
        if time.monotonic() > until:
            raise TimeoutError("the worker does not get on")
        time.sleep(0.01)
