"""A broker that goes away while a worker holds messages: its clean-up must not end the worker."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu.transport import redis as transport

from embedded.valkey import Valkey
from panel.celery import _Channel, app

QUEUE = "held"


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path / "valkey") as running:
        yield running


def give_up_with_a_message_held(valkey: Valkey) -> None:
    """What celery's consumer does after a connection error, `collect` and then `close`, over a real broker."""
    path = valkey.url.removeprefix("unix://").partition("?")[0]
    connection: Any = app.connection_for_read(f"redis+socket://{path}?virtual_host=0")
    app.send_task("orders.tasks.sing", queue=QUEUE, connection=connection, retry=False)
    held: list[Any] = []
    consumer = connection.Consumer(app.amqp.queues.select_add(QUEUE), on_message=held.append)
    consumer.consume()
    connection.drain_events(timeout=5)
    assert len(held) == 1
    assert valkey.pid is not None
    os.kill(valkey.pid, signal.SIGKILL)
    # What `collect` comes to where reading the dead connection fails before the channel is closed.
    connection._do_close_transport()
    connection.close()


def test_a_message_that_is_held_when_the_broker_goes_does_not_end_the_worker(valkey: Valkey):
    assert transport.Transport.Channel is _Channel
    give_up_with_a_message_held(valkey)
