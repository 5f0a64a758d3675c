"""How the supervisor sees that something is ready."""

import urllib.error
import urllib.request

import redis

# Past any proxy of the environment: these addresses are this machine's.
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def answers(url: str) -> bool:
    try:
        with _direct.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def workers_listen(redis_url: str, count: int) -> bool:
    """Tell whether so many Celery workers wait at the broker's queues, which they do by BRPOP."""
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=2) as client:
            return sum(entry.get("cmd") == "brpop" for entry in client.client_list()) >= count
    except redis.RedisError:
        return False
