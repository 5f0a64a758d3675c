"""Pages for people: what the sandbox holds, OVHcloud's validation page, orders' documents, caught mail."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from .. import world
from ..front.faults import FAULTS
from ..front.journal import JOURNAL
from ..mailbox import MAILBOX
from ..models import Customer, World


def home(request: HttpRequest) -> HttpResponse:
    """What the sandbox holds, and what it was asked lately. Reads only."""
    context = {
        "world": World.objects.filter(pk=1).first(),
        "now": world.now(),
        "customers": Customer.objects.annotate(order_count=Count("orders")).order_by("position"),
        "entries": JOURNAL.latest(50),
        "faults": FAULTS.armed(),
        "mail_count": len(MAILBOX.all()),
    }
    return render(request, "sandbox/home.html", context)


def style(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_to_string("sandbox/style.css"), content_type="text/css; charset=utf-8")
