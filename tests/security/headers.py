"""What every answer of ours says to browsers and caches, whatever its status."""

from typing import Any

CSP = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "frame-ancestors 'none'",
}
LITERALLY = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
# Pages with a link out of the panel tell the other side nothing at all.
STRICTER = {"Referrer-Policy": "no-referrer"}


def assert_headers(answer: Any, where: str = "", *, cached: bool = False) -> None:
    """cached: a file of ours, which a cache may keep."""
    told = answer.headers
    assert set(told["Content-Security-Policy"].split("; ")) == CSP, where
    for name, value in LITERALLY.items():
        if cached and name == "Cache-Control":
            continue
        assert told.get(name) in (value, STRICTER.get(name, value)), f"{where}: {name}: {told.get(name)}"
    assert told.get("X-Frame-Options", "DENY") == "DENY"
    assert "Access-Control-Allow-Origin" not in told or cached, where
    location = told.get("Location", "/")
    assert location.startswith("/") and not location.startswith("//") and "\\" not in location, f"{where}: {location}"  # noqa: PT018
    for morsel in getattr(answer, "cookies", {}).values():
        assert morsel["path"] == "/", where
        if morsel["max-age"] != 0:
            assert morsel["httponly"], f"{where}: {morsel.key}"
            assert morsel["samesite"] == "Lax", f"{where}: {morsel.key}"
