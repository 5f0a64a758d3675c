"""The cart: what is in it, and every change to it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.http import wants_fragment
from accounts.limits import limited
from accounts.ordering import rights_url
from carts import actions, names, subsidiaries, words
from carts.actions import AlreadyThere, CartClosed, CartFull, CartMoved, Wanted
from carts.context import note_count
from carts.forms import CouponForm, ItemForm, PlanForm
from carts.models import Cart, CartItem, DomainCheck, Plan
from carts.queries import buyer_of, cart_for_page
from carts.queries.catalogue import choice_of, plans_of
from carts.queries.searching import first_duration
from carts.views.access import for_visitors_too, vary
from carts.views.catalogue import plan_page

_TAKEN = "cart_taken"


@for_visitors_too
@require_safe
@limited("answers", reading=True)
@vary
def cart(request: HttpRequest) -> HttpResponse:
    """What is in the cart. While OVHcloud's copy is being made, a fragment asks how far it is."""
    return _page(request, actions.cart_of(request))


def _page(request: HttpRequest, found: Cart | None, **more: Any) -> HttpResponse:
    typed, coupon = more.get("typed"), more.get("coupon_form")
    context = cart_for_page(found, buyer_of(request), typed=typed)
    note_count(request, context["count"])
    taken = _taken(request)
    context |= {
        "cart_count": context["count"],
        "coupon_form": coupon,
        "taken": words_of_taken(taken) if taken else "",
        "next": reverse("carts:cart"),
    }
    if context.get("trouble") == Cart.Trouble.RIGHTS:
        who: Any = request
        context["rights_url"] = rights_url(who, reverse("carts:cart"))
    template = "carts/_cart.html" if wants_fragment(request) else "carts/cart.html"
    return render(request, template, context, status=more.get("status", 200))


# --- Putting in -------------------------------------------------------------------------------------------------------
@for_visitors_too
@require_POST
@limited("cart")
def cart_add(request: HttpRequest) -> HttpResponse:
    """Put an offer of a name, or a plan with its options, into the cart; prices are those of our own rows."""
    if request.POST.get("product") == "domain":
        return _add_domain(request)
    plan = plans_of(buyer_of(request)).filter(
        product=_sent(request, "product", 40), plan_code=_sent(request, "plan_code", 100)
    )
    found = plan.first()
    if found is None:
        messages.error(request, _("This is no longer in the catalogue. Choose again, please."))
        return redirect("carts:catalogue")
    return _add_plan(request, found)


def _sent(request: HttpRequest, field: str, longest: int) -> str:
    """What may be looked for in the database, which takes no NUL."""
    return str(request.POST.get(field, "")).replace("\0", "")[:longest]


def _add_plan(request: HttpRequest, plan: Plan) -> HttpResponse:
    form = PlanForm(plan, request.POST)
    if request.POST.get("do") == "total":
        return plan_page(request, plan, form)
    if not form.is_valid():
        return plan_page(request, plan, form)
    wanted, options = form.wanted()
    if _put(request, wanted, options):
        messages.success(request, _("%(what)s is in your cart.") % {"what": plan.name})
    return redirect("carts:cart")


def _add_domain(request: HttpRequest) -> HttpResponse:
    again = request.POST.get("again", "")[:4000]
    back = reverse("carts:domains") + (again if again.startswith("?") else "")
    domain = _sent(request, "domain", 253)
    wanted = _offered(request, domain, request.POST.get("mode", ""), request.POST.get("offer_id", ""))
    if wanted is None:
        messages.error(request, _("This offer is no longer there. Search for the name again, please."))
    elif _put(request, wanted):
        # Of the zone that comes along: its options.
        actions.want_catalogue(subsidiaries.of(request))
        messages.success(request, _("%(what)s is in your cart.") % {"what": names.shown(domain)})
    return redirect(f"{back}#{domain}" if wanted else back)


def _offered(request: HttpRequest, domain: str, mode: str, offer_id: str) -> Wanted | None:
    """The offer a form means, by the answer we have of it; None when there is none, or it cannot be ordered."""
    buyer = buyer_of(request)
    check = DomainCheck.objects.filter(
        nichandle=buyer.nichandle, subsidiary=buyer.subsidiary, domain=domain, state=DomainCheck.State.ANSWERED
    ).first()
    for offer in check.offers if check else ():
        meant = offer["pricing_mode"] == mode and (offer.get("offer_id") or "") == offer_id
        if meant and offer["durations"] and not words.why_not(offer):
            return Wanted(
                product="domain",
                plan_code=domain.partition(".")[2],
                domain=domain,
                pricing_mode=mode,
                offer_id=offer_id,
                duration=first_duration(offer),
                prices=offer.get("prices") or {},
            )
    return None


def _put(request: HttpRequest, wanted: Wanted, options: list[Wanted] | None = None) -> bool:
    """Put it into this browser's cart; what keeps it out is said."""
    for _attempt in range(2):
        found = actions.cart_for(request)
        try:
            actions.add_item(found, wanted, options or [])
        except CartClosed:
            continue  # it was ordered in this very moment: the next one is a new one
        except AlreadyThere:
            messages.info(request, _("%(name)s is in your cart already.") % {"name": names.shown(wanted.domain)})
        except CartFull:
            messages.error(request, _full())
        else:
            request.session.pop(_TAKEN, None)
            return True
        return False
    return False


# --- Changing ---------------------------------------------------------------------------------------------------------
@for_visitors_too
@require_POST
@limited("cart")
def item(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """Change or remove one item, or add an option to it: field `do`."""
    found = actions.cart_of(request)
    row = get_object_or_404(_items(found), key=key)
    do = request.POST.get("do", "change")
    try:
        if do == "remove":
            request.session[_TAKEN] = actions.remove_item(row) | {"whose": _account(request)}
            messages.success(request, _("%(what)s is out of your cart.") % {"what": words.item_title(row)})
        elif do == "add":
            _add_option(request, row)
        elif do == "no-zone":
            actions.leave_zone_out(row)
            messages.success(request, _("The DNS zone is out of your cart."))
        else:
            return _change(request, row)
    except (CartMoved, CartClosed, CartFull) as problem:
        _say(request, problem)
    return redirect("carts:cart")


def _items(found: Cart | None) -> Any:
    """This browser's items; nobody's where it has no cart, so that any key is a plain 404."""
    return found.items.select_related("cart") if found else CartItem.objects.none()


def _change(request: HttpRequest, row: CartItem) -> HttpResponse:
    choices = _choices(row)
    form = ItemForm(request.POST, item=row, **_limits(row, choices))
    chosen = request.POST.get("duration", "")
    known = {value for value, _price in choices}
    if not form.is_valid() or (chosen and chosen not in known):
        if not form.errors:
            form.add_error("duration", _("It is not sold for that long."))
        return _page(request, row.cart, typed={"key": row.key, "form": form})
    quantity = form.cleaned_data["quantity"]
    mode, _bar, duration = chosen.partition("|")
    moved = bool(chosen) and (mode, duration) != (row.pricing_mode, row.duration)
    price = next((price for value, price in choices if value == chosen), None)
    # A name's price for longer is OVHcloud's to say.
    prices: dict[str, Any] | None = ({"PRICE": price} if price else {}) if moved else None
    try:
        actions.change_item(
            row,
            quantity=quantity,
            duration=duration or None,
            pricing_mode=mode or None,
            prices=prices,
            was_quantity=form.cleaned_data["was_quantity"],
            was_duration=form.cleaned_data["was_duration"] or None,
        )
    except CartMoved:
        # What was typed stays in its field, beside what another tab made of it.
        messages.warning(request, _moved())
        return _page(request, row.cart, typed={"key": row.key, "form": form})
    return redirect("carts:cart")


def _choices(row: CartItem) -> list[tuple[str, Any]]:
    """What a form may say for the duration, with the price of one where our rows have it."""
    if row.domain:
        checks = DomainCheck.objects.filter(
            nichandle=row.cart.nichandle_id, subsidiary=row.cart.subsidiary, domain=row.domain
        )
        offers = [one for check in checks for one in check.offers if one["pricing_mode"] == row.pricing_mode]
        return [(f"{row.pricing_mode}|{one}", None) for offer in offers for one in offer["durations"]]
    return [(choice_of(price), price["price"]) for price in _prices(row) if words.months_of(price["duration"])]


def _prices(row: CartItem) -> list[dict[str, Any]]:
    plan = Plan.objects.filter(subsidiary=row.cart.subsidiary, product=row.product, plan_code=row.plan_code).first()
    return plan.prices if plan else []


def _limits(row: CartItem, choices: list[tuple[str, Any]]) -> dict[str, int]:
    if row.domain:
        return {"least": 1, "most": 1}
    prices = [one for one in _prices(row) if one["pricing_mode"] == row.pricing_mode]
    most = [one["maximum_quantity"] for one in prices if one["maximum_quantity"]]
    least = max((one["minimum_quantity"] for one in prices), default=1)
    return {"least": least} | ({"most": min(most)} if most else {})


def _add_option(request: HttpRequest, row: CartItem) -> None:
    code = request.POST.get("plan_code", "")
    plan = Plan.objects.filter(subsidiary=row.cart.subsidiary, product=row.product, plan_code=row.plan_code).first()
    here = f"{row.pricing_mode}|{row.duration}"
    for option in (plan.options or []) if plan else ():
        price = next((one for one in option["prices"] if choice_of(one) == here), None)
        if option["plan_code"] == code and price is not None:
            others = row.options.filter(family=option["family"]).exclude(plan_code=code)
            if option["exclusive"] and option["family"] and others.exists():
                messages.error(request, _("Choose only one of these: they exclude each other."))
                return
            wanted = Wanted(
                product=row.product,
                plan_code=code,
                name=option["name"],
                family=option["family"],
                pricing_mode=row.pricing_mode,
                duration=row.duration,
                quantity=row.quantity,
                prices={"PRICE": price["price"]},
            )
            actions.add_option(row, wanted)
            messages.success(request, _("%(what)s is added.") % {"what": option["name"]})
            return
    messages.error(request, _("This option is no longer offered."))


@for_visitors_too
@require_POST
@limited("cart")
def cart_undo(request: HttpRequest) -> HttpResponse:
    """Put back what was removed last, as it was."""
    taken = _taken(request)
    if taken:
        del request.session[_TAKEN]
        try:
            actions.put_back(actions.cart_for(request), taken)
        except (CartMoved, CartClosed, CartFull) as problem:
            _say(request, problem)
        else:
            messages.success(request, _("%(what)s is back.") % {"what": words_of_taken(taken)})
    return redirect("carts:cart")


def _taken(request: HttpRequest) -> dict[str, Any] | None:
    """What was removed last from this cart: of another account's it stays there, with what was filled in for it."""
    taken: dict[str, Any] | None = request.session.get(_TAKEN)
    return taken if taken and taken.get("whose", "") in ("", _account(request)) else None


def _account(request: HttpRequest) -> str:
    nichandle = getattr(request, "nichandle", None)
    return nichandle.nichandle if nichandle else ""


@for_visitors_too
@require_POST
@limited("cart")
def coupon(request: HttpRequest) -> HttpResponse:
    """Try a coupon, or leave one out: field `remove`."""
    found = actions.cart_of(request)
    if found is None:
        return redirect("carts:cart")
    try:
        if "remove" in request.POST:
            actions.remove_coupon(found, request.POST["remove"])
            return redirect("carts:cart")
        form = CouponForm(request.POST)
        if not form.is_valid():
            return _page(request, found, coupon_form=form)
        actions.add_coupon(found, form.cleaned_data["coupon"])
    except (CartClosed, CartFull) as problem:
        _say(request, problem)
    return redirect("carts:cart")


@for_visitors_too
@require_POST
@limited("cart")
def cart_check(request: HttpRequest) -> HttpResponse:
    """Try again what OVHcloud did not take, or take the prices as they are now: field `do`."""
    found = actions.cart_of(request)
    if found is not None:
        try:
            if request.POST.get("do") == "prices":
                actions.accept_prices(found)
            else:
                actions.try_again(found)
        except CartClosed as problem:
            _say(request, problem)
    return redirect("carts:cart")


# --- Words ------------------------------------------------------------------------------------------------------------
def words_of_taken(taken: dict[str, Any]) -> str:
    """What was removed last, as the page called it."""
    if taken["domain"] and taken["product"] == "domain":
        return names.shown(taken["domain"])
    return str(taken["name"] or taken["plan_code"])


def _say(request: HttpRequest, problem: Exception) -> None:
    if isinstance(problem, CartMoved):
        messages.warning(request, _moved())
    elif isinstance(problem, CartFull):
        messages.error(request, _full())
    else:
        messages.info(request, _("This cart is being ordered and cannot be changed any more."))


def _moved() -> str:
    return _(
        "The cart was changed in another window meanwhile, so this change was not made. Here it is as it stands now."
    )


def _full() -> str:
    return _("The cart is full: it holds %(n)d items at most. Order these first, please.") % {
        "n": actions.ITEMS_AT_MOST
    }
