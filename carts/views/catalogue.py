"""The catalogue: VPS, web hosting, e-mail."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.http import wants_fragment
from accounts.limits import limited
from carts import actions
from carts.forms import PlanForm
from carts.models import Plan
from carts.queries import buyer_of, plan_for_page
from carts.queries import catalogue as catalogue_for_page
from carts.queries.catalogue import plans_of
from carts.views.access import for_visitors_too, vary


@for_visitors_too
@require_safe
@limited("answers", reading=True)
@vary
def catalogue(request: HttpRequest) -> HttpResponse:
    """All plans with what they cost a month; while they are being read, a fragment asks whether they are there."""
    buyer = buyer_of(request)
    if not wants_fragment(request):
        actions.want_catalogue(buyer.subsidiary)
    context = catalogue_for_page(buyer)
    template = "carts/_plans.html" if wants_fragment(request) else "carts/catalogue.html"
    return render(request, template, context)


@for_visitors_too
@require_safe
@limited("answers", reading=True)
@vary
def plan(request: HttpRequest, product: str, plan_code: str) -> HttpResponse:
    """One plan with its choices; a fragment is the total of those made so far."""
    buyer = buyer_of(request)
    # PostgreSQL takes no NUL, and no plan has one.
    found = plans_of(buyer).filter(product=product, plan_code=plan_code).first() if "\0" not in request.path else None
    if found is None:
        raise Http404
    return plan_page(request, found, PlanForm(found, request.GET if "price" in request.GET else None))


def plan_page(request: HttpRequest, found: Plan, form: PlanForm) -> HttpResponse:
    """The page of a plan with these choices, also those that were refused."""
    context = plan_for_page(found, buyer_of(request), form)
    template = "carts/_plan_total.html" if wants_fragment(request) else "carts/plan.html"
    return render(request, template, context)
