"""A request and an answer, as they pass between the front and what answers."""

import re
from dataclasses import dataclass
from functools import cached_property

_API = re.compile(r"/(?:1\.0|v1)(?=[/?]|$)")


@dataclass(eq=False)
class Received:
    """A request as it came. headers: names in lower case. target: undecoded, path and query."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    scheme: str
    address: str

    @property
    def host(self) -> str:
        return self.headers.get("host", "localhost")

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @cached_property
    def is_api(self) -> bool:
        return _API.match(self.target) is not None

    @cached_property
    def api_path(self) -> str:
        """The path without /1.0 or /v1."""
        return _API.sub("", self.path, count=1)


@dataclass(eq=False)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
