"""
The least that a list of orders can cost here: one query, twenty rows, a short template, in the panel's own frame of
middleware, session and user. `bench.floor_settings` serves it in place of the panel's pages.
"""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from orders.models import Order

_PAGE = engines["django"].from_string(
    "<!doctype html><title>Orders</title><table>{% for row in rows %}<tr><td>{{ row.0 }}</td><td>{{ row.1 }}</td>"
    "<td>{{ row.2 }}</td><td>{{ row.3 }}</td></tr>{% endfor %}</table>"
)


def order_list(request: HttpRequest) -> HttpResponse:
    orders = Order.objects.filter(nichandle=request.nichandle).order_by("-date", "-order_id")  # type: ignore[attr-defined]
    rows = orders.values_list("order_id", "first_description", "status", "price_with_tax")[:20]
    return HttpResponse(_PAGE.render({"rows": [tuple(map(str, row)) for row in rows]}, request))


urlpatterns = [path("orders/", order_list)]
