"""
How often a visitor may do what: every address that is open to everybody has its line, or a test fails.

number: so many go through from one address, and the next is a 429. A reason instead of a number: why it has none; then
it asks neither PostgreSQL nor OVHcloud anything, but for those marked `asks`.
"""

from typing import Any

NO_WORK = "asks nothing of anybody: turning it away would cost as much"
OF_A_JOURNEY = "does nothing without a journey that this very session began, and those are limited"

# route: (method, what is sent, number or reason)
VISITORS: dict[str, tuple[str, dict[str, Any], int | str]] = {
    "home": ("GET", {}, NO_WORK),
    "set_language": ("POST", {"language": "fr"}, NO_WORK),
    "health_live": ("GET", {}, NO_WORK),
    "health_ready": ("GET", {}, "asks: a balancer that is turned away takes a healthy panel off the air"),
    "orders:retractions": ("GET", {}, NO_WORK),
    "orders:declaration": ("GET", {}, NO_WORK + "; declaring itself is never refused, its mails are limited"),
    "orders:declared": ("GET", {}, 60),
    "orders:declared_pdf": ("GET", {}, 60),
    "orders:receipt_verify": ("GET", {}, 60),
    "carts:domains": ("GET", {"q": "name{}"}, 40),
    "carts:domain_answers": ("GET", {"q": "name{}"}, 240),
    "carts:catalogue": ("GET", {}, 240),
    "carts:plan": ("GET", {}, 240),
    "carts:cart": ("GET", {}, 240),
    "carts:subsidiary_choose": ("POST", {"subsidiary": "GB"}, 120),
    "carts:cart_add": ("POST", {}, 120),
    "carts:cart_undo": ("POST", {}, 120),
    "carts:coupon": ("POST", {}, 120),
    "carts:cart_check": ("POST", {}, 120),
    "carts:item": ("POST", {}, 120),
    "accounts:sign_in": ("POST", {}, 20),
    "accounts:sign_in_return": ("GET", {}, 30),
    "accounts:sign_in_continue": ("GET", {}, OF_A_JOURNEY),
    "accounts:sign_in_confirm": ("POST", {}, OF_A_JOURNEY),
    "accounts:sign_out": ("POST", {}, NO_WORK),
    "account_login": ("POST", {"login": "nobody{}@example.net", "password": "wrong"}, 10),
    "mfa_authenticate": ("POST", {"code": "000000"}, OF_A_JOURNEY),
    "staff_welcome": ("GET", {}, 20),
    "staff_welcome_link": ("GET", {}, 20),
}

# What people who are signed in may do so often, each for themself: route, who, method, number.
SIGNED_IN: list[tuple[str, str, str, int]] = [
    ("accounts:link_begin", "owner", "POST", 10),
    ("accounts:rights", "owner", "POST", 10),
    ("accounts:assurance", "owner", "POST", 10),
    ("orders:export", "owner", "POST", 5),
    ("carts:domains", "owner", "GET", 20),
    ("carts:domain_answers", "owner", "GET", 180),
    ("carts:cart_add", "owner", "POST", 60),
    ("support:search", "support", "GET", 120),
    ("support:people", "administrator", "POST", 30),
    ("support:person", "administrator", "POST", 30),
    ("support:accounts", "administrator", "POST", 30),
    ("support:account_drop", "administrator", "POST", 30),
]
