"""The search for a name: what was asked, and what is answered so far."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from carts import names, words
from carts.models import Cart, CartItem, DomainCheck
from carts.prices import amount
from carts.queries.buyer import Buyer, subsidiary_choices
from orders import formats

# Milliseconds between two looks at the rows: at first somebody waits for them, later they are late anyway.
LOOK_EVERY, LOOK_LATER = 700, 4000
_LATE = timedelta(seconds=30)
# A search that nobody answers is no longer looked at: the page says so.
_GIVEN_UP = timedelta(minutes=10)


def chosen_extensions(sent: Sequence[str]) -> list[str]:
    """Those of the search's own form, of the operator's list; all of them when none is chosen."""
    offered: list[str] = [one.strip().strip(".").lower() for one in settings.DOMAIN_EXTENSIONS if one.strip(". ")]
    chosen = [one for one in offered if one in sent]
    return chosen or offered


def search_page(
    buyer: Buyer, q: str, search: names.Search, extensions: Sequence[str], chosen: Sequence[str]
) -> dict[str, Any]:
    """What stands around the answers. No query."""
    return {
        "q": q,
        "refused": search.refused,
        "left_out": search.left_out,
        "extensions": [{"name": one, "chosen": one in chosen} for one in extensions],
        "narrowed": len(chosen) < len(extensions),
        "tax_words": buyer.tax_words,
        "subsidiaries": subsidiary_choices(buyer),
        "subsidiary": buyer.subsidiary,
        "here": reverse("carts:domains"),
        # Where adding to the cart and signing in lead back to.
        "again": f"?{urlencode({'q': q} | ({'ext': chosen} if len(chosen) < len(extensions) else {}), doseq=True)}",
    }


def answers(
    checks: Sequence[DomainCheck], buyer: Buyer, cart: Cart | None, query: str, done: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """
    One row for each name, and when to look again. One query: what is in the cart already.

    done: rows that the page shows answered already. query: the search's own, to ask for the rest.
    """
    now = timezone.now()
    held = _held(cart)
    rows = [_row(check, buyer, held, now) for check in checks]
    waiting = [check for check in checks if check.state == DomainCheck.State.WAITING]
    settled = sorted(check.pk for check in checks if check.state != DomainCheck.State.WAITING)
    oldest = min((check.asked_at for check in waiting), default=now)
    looks = bool(waiting) and now - oldest < _GIVEN_UP
    more = urlencode({"done": ",".join(str(pk) for pk in settled)})
    return {
        "rows": rows,
        "news": [row for row in rows if row["state"] != DomainCheck.State.WAITING and row["pk"] not in done],
        "waiting": len(waiting),
        "settled": len(settled),
        "count": len(rows),
        "is_late": bool(waiting) and now - oldest > _LATE,
        "look_url": f"{reverse('carts:domain_answers')}{query}&{more}" if looks else "",
        "look_every": LOOK_LATER if now - oldest > _LATE else LOOK_EVERY,
        "as_of": _as_of(checks, buyer),
    }


def _held(cart: Cart | None) -> dict[str, CartItem]:
    if cart is None:
        return {}
    return {item.domain: item for item in cart.items.filter(product="domain", parent=None)}


def _as_of(checks: Sequence[DomainCheck], buyer: Buyer) -> str:
    """“Prices of 14:02”: of the oldest answer shown."""
    moments = [check.answered_at for check in checks if check.answered_at and check.state == DomainCheck.State.ANSWERED]
    if not moments:
        return ""
    said = {"time": formats.clock(min(moments), buyer.zone), "zone": formats.zone_words(buyer.zone)}
    return _("Prices of %(time)s (%(zone)s), kept for five minutes") % said


def _row(check: DomainCheck, buyer: Buyer, held: Mapping[str, CartItem], now: datetime) -> dict[str, Any]:
    shown = names.shown(check.domain)
    label, _dot, extension = shown.partition(".")
    item = held.get(check.domain)
    offers = check.offers if check.state == DomainCheck.State.ANSWERED else []
    shaped = [_offer(offer, check, buyer, item) for offer in offers]
    return {
        "pk": check.pk,
        "state": check.state,
        "domain": check.domain,
        "label": label,
        "extension": extension,
        "shown": shown,
        "ascii": check.domain if check.domain != shown else "",
        "offers": shaped,
        "in_cart": item is not None,
        "orderable": any(offer["orderable"] for offer in shaped),
        "message": check.message,
        "query_id": check.query_id,
    }


def _offer(offer: Mapping[str, Any], check: DomainCheck, buyer: Buyer, item: CartItem | None) -> dict[str, Any]:
    mode, action = offer["pricing_mode"], offer["action"]
    durations = offer["durations"]
    why_not = words.why_not(offer)
    return {
        "mode": mode,
        "offer_id": offer.get("offer_id", ""),
        "verb": words.action_words(mode, action),
        "explained": words.action_explained(mode, action),
        "is_transfer": action == "transfer" or mode.startswith("transfer"),
        "orderable": not why_not,
        "why_not": why_not,
        "minimum": words.duration_words(first_duration(offer)) if durations else "",
        "longest": words.duration_words(durations[-1]) if len(durations) > 1 else "",
        "delivery": words.delivery_words(offer.get("delivery_time", "")),
        "in_cart": item is not None and item.pricing_mode == mode,
        "other_in_cart": item is not None and item.pricing_mode != mode,
        **_prices(offer.get("prices") or {}, buyer),
    }


def _prices(prices: Mapping[str, Any], buyer: Buyer) -> dict[str, str]:
    """First period, what it would be without a reduction, and the renewal; "" where OVHcloud names none."""
    total = prices.get("TOTAL") or prices.get("PRICE")
    said = {"price": buyer.price(total) if total else "", "before": "", "renewal": ""}
    if "RENEW" in prices:
        said["renewal"] = buyer.price(prices["RENEW"])
    if total and "DISCOUNT" in prices:
        reduction, currency = amount(prices["DISCOUNT"])
        if reduction > 0:
            said["before"] = buyer.money(amount(total)[0] + reduction, currency)
    return said


def first_duration(offer: Mapping[str, Any]) -> str:
    """The shortest one there is, for that is what the price is of."""
    durations: list[str] = offer["durations"]
    return min(durations, key=lambda one: words.months_of(one) or 10_000)
