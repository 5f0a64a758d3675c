"""How much is rung for and not yet taken up. Redis is only the doorbell: not being able to ask is an answer, too."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

# Seconds; twice this is the longest that a page waits for Redis.
PATIENCE = 0.12


def queue_depths() -> Mapping[str, int] | None:
    """Messages that wait in each queue; None when Redis cannot be asked just now."""
    names = list(settings.CELERY_QUEUES_IN_USE)
    address = urlsplit(settings.REDIS_URL)
    # urlsplit's way back drops the slashes of unix://, which redis-py insists on.
    url = settings.REDIS_URL if address.scheme == "unix" else address._replace(path="/0").geturl()
    try:
        client = redis.Redis.from_url(
            url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        with client, client.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.llen(name)
            return dict(zip(names, pipeline.execute(), strict=True))
    except (redis.RedisError, OSError):
        return None
