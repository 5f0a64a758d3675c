"""A Redis that evicts loses tasks silently, so the panel refuses one that says it may."""

from urllib.parse import urlsplit

import redis
from django.core.exceptions import ImproperlyConfigured


def maxmemory_policy(redis_url: str) -> str | None:
    """Return the policy, or None when the server cannot be asked (away, or CONFIG is forbidden as managed ones do)."""
    address = urlsplit(redis_url)
    # urlsplit's way back drops the slashes of unix://, which redis-py insists on.
    url = redis_url if address.scheme == "unix" else address._replace(path="/0").geturl()
    try:
        client = redis.Redis.from_url(url, socket_timeout=0.5, socket_connect_timeout=0.5)
        with client:
            answer = client.config_get("maxmemory-policy")
    except (redis.RedisError, OSError):
        return None
    policy = answer.get("maxmemory-policy")
    return str(policy) if policy else None


def report(redis_url: str) -> str:
    """One word or two for /health/ready."""
    policy = maxmemory_policy(redis_url)
    if policy is None:
        return "does not answer, or does not tell its eviction policy"
    return "answers" if policy == "noeviction" else f"may evict ({policy})"


def refuse_eviction(redis_url: str) -> None:
    """Raise ImproperlyConfigured when Redis answers with a policy other than noeviction."""
    policy = maxmemory_policy(redis_url)
    if policy not in (None, "noeviction"):
        raise ImproperlyConfigured(
            f"Redis may evict ({policy}), which loses tasks without a word: set `maxmemory-policy noeviction` there."
        )
