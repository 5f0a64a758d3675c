"""Calling operations by their template, and holding every answer to OVHcloud's own schema."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from . import official
from .client import Signing


@dataclass
class Walk:
    """Takes samples: one call each, whose status, body and nullability are looked at."""

    signing: Signing
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, operation: str, *identifiers: Any, sent: Any = None, query: str = "", absent: bool = False) -> Any:
        """
        Call `METHOD /path/{id}` and return its answer, None where nothing was found and that is allowed (absent).

        identifiers: what stands in the places of the template, in their order.
        """
        method, template = operation.split(" ")
        told = official.operations()[operation]
        path = template
        for identifier in identifiers:
            head, _, rest = path.partition("{")
            path = head + quote(str(identifier), safe="") + rest.partition("}")[2]
        assert "{" not in path, f"{operation} wants more identifiers"
        answer = self.signing.call(method, path + query, sent)
        if absent and answer.status_code == 404:
            return None
        assert answer.status_code == 200, f"{method} {path}: {answer.status_code} {answer.text}"
        assert answer.headers["X-Ovh-Queryid"]
        self.seen[operation] += 1
        self.wrong += [f"{method} {path} {fault}" for fault in official.faults_in(answer.json(), told["responseType"])]
        return answer.json()

    def each(self, operation: str, *before: Any, query: str = "", **more: Any) -> list[Any]:
        """Take a list of identifiers and then each of them: `GET /me/order` and `GET /me/order/{orderId}`."""
        one = next(
            name
            for name in official.operations()
            if name.startswith(operation + "/{") and name.count("/") == operation.count("/") + 1
        )
        found: list[Any] = self.take(operation, *before, query=query, **more) or []
        for identifier in found:
            self.take(one, *before, identifier)
        return found


def served(signing: Signing) -> set[str]:
    """Return the operations that the sandbox says it serves, by the documents at its index."""
    found = set()
    for api in signing.get("/")["apis"]:
        document = signing.get(f"{api['path']}.json")
        found |= {
            f"{operation['httpMethod']} {one['path']}" for one in document["apis"] for operation in one["operations"]
        }
    return found
