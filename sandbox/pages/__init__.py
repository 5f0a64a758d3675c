"""Pages for people: what the sandbox holds, OVHcloud's validation page, orders' documents, caught mail."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from .. import world
from ..front.faults import FAULTS
from ..front.journal import JOURNAL
from ..mailbox import MAILBOX
from ..models import Customer, Order, World
from ..reading import row, rows

# Of a generated world, the first accounts; and no order is counted beyond so many, of an account or of all.
_SHOWN = 50
_COUNTED = 10_000
_COUNTS = """
    SELECT nichandle, (SELECT count(*) FROM (
        SELECT FROM sandbox_order WHERE customer_id = nichandle LIMIT %s) AS found)
    FROM sandbox_customer WHERE nichandle = ANY(%s)
"""
_ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'sandbox_order'::regclass"


def home(request: HttpRequest) -> HttpResponse:
    """What the sandbox holds, and what it was asked lately. Reads only."""
    customers = list(Customer.objects.order_by("position")[:_SHOWN])
    counts = dict(rows(_COUNTS, _COUNTED + 1, [customer.nichandle for customer in customers]))
    context = {
        "world": World.objects.filter(pk=1).first(),
        "now": world.now(),
        "customers": [(customer, _counted(counts.get(customer.nichandle, 0))) for customer in customers],
        "customer_count": Customer.objects.count(),
        "order_count": _order_count(),
        "entries": JOURNAL.latest(50),
        "faults": FAULTS.armed(),
        "mail_count": len(MAILBOX.all()),
    }
    return render(request, "sandbox/home.html", context)


def _counted(count: int) -> str:
    return f"{count:,}" if count <= _COUNTED else f"more than {_COUNTED:,}"


def _order_count() -> str:
    """Return how many orders there are; many are PostgreSQL's estimate, for counting them takes a while."""
    if Order.objects.all()[_COUNTED : _COUNTED + 1].exists():
        estimate = row(_ESTIMATE)
        return f"about {max(estimate[0], _COUNTED):,}" if estimate else ""
    return f"{Order.objects.count():,}"


def style(request: HttpRequest) -> HttpResponse:
    return HttpResponse(render_to_string("sandbox/style.css"), content_type="text/css; charset=utf-8")
