"""A Redis cache that reads as empty while Redis is away, and keeps JSON only."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


class JSONSerializer:
    """Django's own pickles: whoever can write to Redis would run code here."""

    def dumps(self, obj: Any) -> bytes | int:
        # Integers stay bare, for Redis increments them itself.
        return obj if type(obj) is int else json.dumps(obj).encode()

    def loads(self, data: Any) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            return None


# Seconds for which a cache that did not answer is not asked again: one that hangs costs a page one time-out, not ten.
REST = 2


class ForgivingRedisCache(RedisCache):
    """What is counted here are attempts, and what is kept can be made again: losing it may never cost a page."""

    _away_until = 0.0

    def _or(self, default: Any, call: Callable[[], Any]) -> Any:
        if time.monotonic() < self._away_until:
            return default
        try:
            return call()
        except (RedisError, OSError):
            log.warning("cache away")
            self._away_until = time.monotonic() + REST
            return default

    def get(self, key, default=None, version=None):
        return self._or(default, lambda: super(ForgivingRedisCache, self).get(key, default, version))

    def set(self, key, value, timeout=300, version=None):
        return self._or(None, lambda: super(ForgivingRedisCache, self).set(key, value, timeout, version))

    def add(self, key, value, timeout=300, version=None):
        return self._or(True, lambda: super(ForgivingRedisCache, self).add(key, value, timeout, version))

    def delete(self, key, version=None):
        return self._or(False, lambda: super(ForgivingRedisCache, self).delete(key, version))

    def incr(self, key, delta=1, version=None):
        return self._or(1, lambda: super(ForgivingRedisCache, self).incr(key, delta, version))

    def touch(self, key, timeout=300, version=None):
        return self._or(False, lambda: super(ForgivingRedisCache, self).touch(key, timeout, version))

    def has_key(self, key, version=None):
        return self._or(False, lambda: super(ForgivingRedisCache, self).has_key(key, version))
