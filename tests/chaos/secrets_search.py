"""Looks for what must not be known in logs and in Redis."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg
import redis

_PLANTED = """
    SELECT consumer_key, 'consumer key' FROM sandbox_credential
    UNION SELECT token, 'token of a validation page' FROM sandbox_credential
    UNION SELECT password, 'password of an order' FROM sandbox_order
    UNION SELECT password, 'password of a bill' FROM sandbox_bill
    UNION SELECT password, 'password at OVHcloud' FROM sandbox_customer
    UNION SELECT secret, 'application secret' FROM sandbox_application
"""


def planted(ovh_url: str) -> dict[str, str]:
    """Every secret that OVHcloud gave out, with its name. The tokens of url and pdfUrl are the orders' passwords."""
    with psycopg.connect(ovh_url) as connection:
        return {value: what for value, what in connection.execute(_PLANTED).fetchall() if len(value) >= 8}


def search(secrets: Mapping[str, str], logs: Iterable[Path], valkey: str) -> list[str]:
    """Return "what in where" for each secret found. valkey: what Redis held, as text."""
    if not secrets:
        return []
    places = {f"logs: {path.name}": path.read_text(errors="replace") for path in logs if path.exists()}
    places["Redis"] = valkey
    # One pass for all of them; what is found is named, never printed.
    any_of_them = re.compile("|".join(re.escape(value) for value in sorted(secrets, key=len, reverse=True)))
    found: dict[str, None] = {}
    for where, text in places.items():
        for match in any_of_them.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.setdefault(f"{secrets[match[0]]} in {where}" + (f", line {line}" if where != "Redis" else ""))
    return list(found)


def held_by_valkey(url: str) -> str:
    """Every key and value of its databases, as text. What cannot be read now (it is away) is empty."""
    told = []
    for database in (0, 1):
        with redis.Redis.from_url(url, db=database, socket_timeout=2) as client:
            try:
                for key in client.scan_iter(count=1000):
                    kind = client.type(key)
                    read = {
                        b"list": lambda k: client.lrange(k, 0, -1),
                        b"set": client.smembers,
                        b"hash": client.hgetall,
                    }
                    value = read[kind](key) if kind in read else client.dump(key)
                    told.append(f"{key!r} {value!r}")
            except redis.RedisError:
                continue
    return "\n".join(told)
