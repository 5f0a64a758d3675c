"""Redis is a doorbell: a ring that fails costs some seconds, never the row it was about."""

import logging
from typing import Any

from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def ring(task: Any, *args: int) -> None:
    """Hand a task to the workers after this transaction commits. Nothing is raised when the broker is away."""

    def send() -> None:
        try:
            task.delay(*args)
        except (OperationalError, RedisError, OSError):
            log.warning("not rung: %s", task.name)

    transaction.on_commit(send)
