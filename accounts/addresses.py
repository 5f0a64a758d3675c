"""Which of our own pages a link may name as the place to go on to."""

from django.urls import Resolver404, resolve

# Pages of these namespaces are for whoever signed in; nothing else is come back to.
PAGES = {"orders", "carts", "accounts", "support"}
# allauth's names stand in no namespace.
FACTORS = {
    *("mfa_index", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_remove_webauthn"),
    *("mfa_view_recovery_codes", "mfa_generate_recovery_codes"),
}
# Steps of a journey make no sense without it, and what only takes a form shows nothing.
NOT_PAGES = {
    *(f"accounts:{name}" for name in ("sign_in", "sign_in_continue", "sign_in_return", "sign_in_confirm", "sign_out")),
    *(f"accounts:{name}" for name in ("assurance", "switch", "session_end")),
    *(f"orders:{name}" for name in ("order_leave", "order_check", "list_check")),
}


def own_page(address: str) -> str:
    """Return the address if it is the path of a page of ours, with its query; "" for anything else."""
    path, _query, _rest = address.partition("?")
    if not path.startswith("/") or not address.isascii() or not address.isprintable() or len(address) > 500:
        return ""
    try:
        match = resolve(path)
    except Resolver404:
        return ""
    is_page = bool(PAGES & set(match.namespaces)) or match.view_name in FACTORS
    return address if is_page and match.view_name not in NOT_PAGES else ""
