"""One REDIS_URL, said the way each library wants it. Django's cache takes database 1, Celery's broker database 0."""

from urllib.parse import urlsplit


def broker_url(redis_url: str) -> str:
    """Return kombu's form: `redis+socket:///path?virtual_host=0`, or the address with database 0."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"redis+socket://{parts.path}?virtual_host=0"
    return parts._replace(path="/0").geturl()


def cache_url(redis_url: str) -> str:
    """Return redis-py's form: `unix:///path?db=1`, or the address with database 1."""
    parts = urlsplit(redis_url)
    if parts.scheme == "unix":
        return f"unix://{parts.path}?db=1"
    return parts._replace(path="/1").geturl()
