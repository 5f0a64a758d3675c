"""Words for what is chosen and ordered: products, what is done with a name, durations, families of options."""

import re
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from carts import names

Text = str | Promise

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")

PRODUCTS: dict[str, Text] = {
    "domain": gettext_lazy("Domain name"),
    "dns": gettext_lazy("DNS zone"),
    "vps": gettext_lazy("VPS"),
    "webHosting": gettext_lazy("Web hosting"),
    "emailpro": gettext_lazy("E-mail"),
    "sslGateway": gettext_lazy("SSL Gateway"),
}

# What each kind of product is, for somebody who chooses.
ABOUT: dict[str, Text] = {
    "vps": gettext_lazy("A virtual server of your own: you install and run on it what you like."),
    "webHosting": gettext_lazy("Space for a website, looked after by OVHcloud."),
    "emailpro": gettext_lazy("Mailboxes at your own domain name."),
}

# The kinds of products of our catalogue.
CATALOGUE = tuple(ABOUT)
# And those that come along with one, whose options can be added.
BESIDE = ("dns",)

FAMILIES: dict[str, Text] = {
    "os": gettext_lazy("Operating system"),
    "backup": gettext_lazy("Backup"),
    "snapshot": gettext_lazy("Snapshot"),
    "additionaldisk": gettext_lazy("Additional disk"),
    "cdn": gettext_lazy("Delivery network (CDN)"),
    "archive": gettext_lazy("Archive"),
    "anycast": gettext_lazy("DNS Anycast"),
    "dnssec": gettext_lazy("DNSSEC"),
    "hosting": gettext_lazy("Web hosting"),
    "server": gettext_lazy("Servers"),
}

MODES: dict[str, Text] = {
    "default": gettext_lazy("paid as you go"),
    "upfront": gettext_lazy("paid in advance"),
    "degressivity": gettext_lazy("with an engagement, paid as you go"),
}


def duration_words(duration: str) -> str:
    """“1 year”, “12 months” for P1Y, P12M; what we cannot read stays as OVHcloud says it."""
    parts = _parts(duration)
    if parts is None:
        return duration
    years, months, weeks, days, hours, minutes = parts
    said = [
        ngettext("%(n)d year", "%(n)d years", years) % {"n": years} if years else "",
        ngettext("%(n)d month", "%(n)d months", months) % {"n": months} if months else "",
        ngettext("%(n)d week", "%(n)d weeks", weeks) % {"n": weeks} if weeks else "",
        ngettext("%(n)d day", "%(n)d days", days) % {"n": days} if days else "",
        ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours} if hours else "",
        ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes} if minutes else "",
    ]
    return " ".join(part for part in said if part) or _("at once")


def per_words(duration: str) -> str:
    """“a month”, “a year”, “for 2 years”: what stands behind a price."""
    fixed = {"P1M": _("a month"), "P1Y": _("a year"), "P12M": _("a year")}
    return fixed.get(duration) or _("for %(duration)s") % {"duration": duration_words(duration)}


def months_of(duration: str) -> int:
    """How many months it is; 0 for what has none, or less."""
    parts = _parts(duration)
    return parts[0] * 12 + parts[1] if parts else 0


def _parts(duration: str) -> list[int] | None:
    found = _DURATION.fullmatch(duration) if len(duration) < 30 else None
    if found is None or not any(found.groups()):
        return None
    return [int(part or 0) for part in found.groups()]


def delivery_words(delivery_time: str) -> str:
    """“usually within minutes” where OVHcloud names no time."""
    if not delivery_time:
        return _("usually within minutes")
    said = duration_words(delivery_time)
    return _("about %(time)s") % {"time": said} if _parts(delivery_time) else said


def product_words(product: str) -> str:
    """“Web hosting” for webHosting; a kind of product we never heard of keeps the API's word."""
    return str(PRODUCTS.get(product, product))


def family_words(family: str) -> str:
    """“Operating system” for os; a family we never heard of keeps OVHcloud's word."""
    return str(FAMILIES.get(family.casefold(), family.replace("-", " ").replace("_", " ").capitalize()))


def mode_words(pricing_mode: str) -> str:
    """How a price is paid: “paid in advance” for upfront12."""
    known = next((words for mode, words in MODES.items() if pricing_mode.startswith(mode)), None)
    return str(known) if known else pricing_mode


# --- Domain names -----------------------------------------------------------------------------------------------------
def action_words(pricing_mode: str, action: str = "") -> str:
    """What an offer of a name is: “Register”, “Buy on a market place”, …"""
    done, _hyphen, kind = pricing_mode.partition("-")
    done = done if done in ("create", "transfer") else action
    if kind.startswith("aftermarket"):
        return _("Buy it from its owner")
    if kind == "premium":
        return _("Transfer a premium name") if done == "transfer" else _("Register a premium name")
    if done == "create":
        return _("Register")
    if done == "transfer":
        return _("Transfer to OVHcloud")
    return {"trade": _("Change its owner"), "update": _("Update")}.get(done, pricing_mode)


def action_explained(pricing_mode: str, action: str = "") -> str:
    """A sentence on what that means for whoever chooses it."""
    done, _hyphen, kind = pricing_mode.partition("-")
    done = done if done in ("create", "transfer") else action
    if kind.startswith("aftermarket"):
        return _(
            "Somebody has this name and sells it on a market place (%(market)s). The seller names the price, for this"
            " name alone."
        ) % {"market": market_name(pricing_mode)}
    if kind == "premium" and done == "transfer":
        return _(
            "Somebody has this name. If it is yours, you can bring it here; the registry asks a special price for it."
        )
    if kind == "premium":
        return _("The name is free. The registry asks a special price for it, which depends on the name.")
    if done == "create":
        return _("The name is free.")
    if done == "transfer":
        return _("Somebody has this name. If it is yours, you can bring it here with its transfer code.")
    return ""


def market_name(pricing_mode: str) -> str:
    """OVHcloud numbers the market places it sells for: “market place 1” for transfer-aftermarket1."""
    number = re.search(r"aftermarket(\d+)$", pricing_mode)
    return _("market place %(number)s") % {"number": number[1]} if number else _("market place")


def item_title(item: Any) -> str:
    """What an item of a cart is called: a domain name as people read it, else OVHcloud's name of the plan."""
    if item.domain and item.product == "domain" and not item.parent_id:
        return names.shown(item.domain)
    if item.came_by_itself and item.product == "dns":
        return product_words("dns")
    return item.name or item.plan_code


def why_not(offer: Mapping[str, Any]) -> str:
    """Why an offer cannot be ordered, in a sentence; "" when it can."""
    if offer.get("is_transfer_locked"):
        return _(
            "The name is locked against transfer. Its owner unlocks it where it is registered now; then search again."
        )
    if not offer.get("orderable"):
        if offer.get("phase", "ga") not in ("", "ga"):
            return _("The registry does not sell this name to everybody yet (phase: %(phase)s).") % {
                "phase": offer["phase"]
            }
        return _("OVHcloud does not sell this name at the moment. The registry may keep it back.")
    return ""
