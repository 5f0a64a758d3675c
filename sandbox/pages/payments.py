"""The page that stands for a payment provider's: it takes no card, and does as it is told."""

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from .. import registering, world


@csrf_exempt
def register(request: HttpRequest, number: int) -> HttpResponse:
    """Show what is to be registered; POST `outcome`: success, failure or cancel."""
    with world.gate.use(), transaction.atomic():
        method = registering.find(number, request.GET.get("token", ""))
        if method is None:
            raise Http404
        if request.method == "POST" and request.POST.get("outcome") in ("success", "failure", "cancel"):
            try:
                back = registering.settle(method, request.POST["outcome"])
            except registering.NotOpen:
                back = ""
            return HttpResponseRedirect(back or request.get_full_path())
        context = {"answer": method.answer, "open": registering.is_open(method)}
        response = render(request, "sandbox/payment.html", context)
    response["Cache-Control"] = "no-store"
    return response
