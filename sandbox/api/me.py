"""/me: the account itself."""

from typing import Any

from .routes import Call, route


@route("GET /me")
def me(call: Call) -> dict[str, Any]:
    profile: dict[str, Any] = call.customer.profile
    return profile
