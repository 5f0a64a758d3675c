"""Which of our own pages a link may name as the place to go on to."""

from django.urls import Resolver404, resolve

# Pages of these namespaces are for whoever signed in; nothing else is come back to.
PAGES = {"orders", "accounts", "support"}
# Steps of a journey make no sense without it.
STEPS = {"accounts:sign_in_return", "accounts:sign_in_confirm", "accounts:sign_in_continue", "orders:order_leave"}


def own_page(address: str) -> str:
    """Return the address if it is the path of a page of ours, with its query; "" for anything else."""
    path, _query, _rest = address.partition("?")
    if not path.startswith("/") or not address.isascii() or not address.isprintable() or len(address) > 500:
        return ""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    return address if PAGES & set(match.namespaces) and match.view_name not in STEPS else ""
