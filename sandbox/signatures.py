"""Signatures and access rules of the API: what can be said of a call without knowing any key's owner."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any


def sign(secret: str, consumer_key: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    signed = "+".join([secret, consumer_key, method, url]).encode() + b"+" + body + b"+" + timestamp.encode()
    return "$1$" + hashlib.sha1(signed).hexdigest()  # noqa: S324 - it is OVHcloud's algorithm


def urls_signed(scheme: str, host: str, target: str) -> list[str]:
    """Return the addresses a client may have signed: as it sent it, and without the port as Node does."""
    urls = [f"{scheme}://{host}{target}"]
    without_port = re.sub(r":\d+$", "", host)
    if scheme == "https" and without_port != host:
        urls.append(f"https://{without_port}{target}")
    return urls


def is_granted(rules: Iterable[Mapping[str, Any]], method: str, path: str) -> bool:
    """Tell whether rules cover a call. A star stands for any run of characters, slashes included."""
    return any(rule["method"] == method and _pattern(rule["path"]).fullmatch(path) for rule in rules)


@lru_cache(4096)
def _pattern(path: str) -> re.Pattern[str]:
    return starred(path, "*")


def starred(pattern: str, star: str, flags: int = 0) -> re.Pattern[str]:
    """
    Return what matches a pattern whose star stands for any run of characters.

    Each run ends at the first chance and is never tried anew: any number of stars takes no longer than reading them,
    where plain backtracking would stand still, and the whole process with it.
    """
    first, *parts = (re.escape(part) for part in pattern.split(star))
    middle = "".join(f"(?>.*?{part})" for part in parts[:-1])
    last = f".*{parts[-1]}" if parts else ""
    return re.compile(first + middle + last, re.DOTALL | flags)
