"""The search for a domain name."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.limits import limited
from accounts.models import Nichandle
from accounts.ordering import may_order_here, rights_url
from carts import actions, names, subsidiaries
from carts.context import count_of, note_count
from carts.models import DomainCheck
from carts.queries import answers, buyer_of, search_page
from carts.queries.searching import chosen_extensions
from carts.views.access import for_visitors_too, vary

_TOO_LONG = 4000


@for_visitors_too
@require_safe
@limited("domains", reading=True)
def domains(request: HttpRequest) -> HttpResponse:
    """One field; below it the answers that are there, and a place into which the others come one by one."""
    buyer = buyer_of(request)
    offered, chosen = chosen_extensions([]), chosen_extensions(request.GET.getlist("ext"))
    q = request.GET.get("q", "").strip()[:_TOO_LONG]
    search = names.read(q, chosen)
    cart = actions.cart_of(request)
    count = count_of(cart)
    note_count(request, count)
    context = search_page(buyer, q, search, offered, chosen) | {"in_cart": count, "cart_count": count}
    if not search.names:
        return render(request, "carts/domains.html", context)
    whose = _asks_as(request)
    if whose is None:
        return render(request, "carts/domains.html", context | _way_in(request, context["here"] + context["again"]))
    checks = actions.ask_about(whose.nichandle, buyer.subsidiary, search.names)
    context |= answers(checks, buyer, cart, context["again"])
    return render(request, "carts/domains.html", context)


@for_visitors_too
@require_safe
@limited("answers", reading=True)
@vary
def domain_answers(request: HttpRequest) -> HttpResponse:
    """What was answered since the page last looked. Asks for nothing by itself: the search did."""
    buyer = buyer_of(request)
    chosen = chosen_extensions(request.GET.getlist("ext"))
    q = request.GET.get("q", "").strip()[:_TOO_LONG]
    search = names.read(q, chosen)
    whose = _asks_as(request)
    found: dict[str, DomainCheck] = {}
    if whose is not None:
        rows = DomainCheck.objects.filter(
            nichandle=whose.nichandle, subsidiary=buyer.subsidiary, domain__in=search.names
        )
        found = {row.domain: row for row in rows}
    checks = [found[name] for name in search.names if name in found]
    sent = request.GET.get("done", "").split(",")
    done = frozenset(int(one) for one in sent if one.isascii() and one.isdigit() and len(one) < 20)
    again = search_page(buyer, q, search, chosen_extensions([]), chosen)["again"]
    context = answers(checks, buyer, actions.cart_of(request), again, done)
    return render(request, "carts/_answers.html", context | {"again": again, "oob": True})


@for_visitors_too
@require_POST
@limited("cart")
def subsidiary_choose(request: HttpRequest) -> HttpResponse:
    """A visitor's country: whose prices are shown. An account's is its own."""
    if request.nichandle is None:  # type: ignore[attr-defined]
        subsidiaries.choose(request, request.POST.get("subsidiary", ""))
    back = request.POST.get("q", "")[:_TOO_LONG]
    page = "carts:catalogue" if request.POST.get("page") == "catalogue" else "carts:domains"
    return redirect(reverse(page) + (f"?{urlencode({'q': back})}" if back else ""))


class _As:
    """Whose key asks OVHcloud: an account's, or the operator's for visitors."""

    def __init__(self, nichandle: Nichandle | None) -> None:
        self.nichandle = nichandle


def _asks_as(request: HttpRequest) -> _As | None:
    """None: nobody may, until the visitor signs in or the customer allows it. A query for a customer."""
    who: Any = request
    if who.nichandle is not None:
        return _As(who.nichandle) if may_order_here(who) else None
    return _As(None) if settings.SEARCH_NICHANDLE else None


def _way_in(request: HttpRequest, then: str) -> dict[str, Any]:
    who: Any = request
    if who.nichandle is None:
        return {"sign_in": True, "next": then}
    return {"rights_url": rights_url(who, then)}
