from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from . import control, pages
from .pages import applications, documents, mail, payments, validation

urlpatterns = [
    path("", pages.home, name="home"),
    path("style.css", pages.style, name="style"),
    path("auth/", validation.validate, name="validate"),
    path("auth/oauth2/token", applications.token),
    path("createApp/", applications.create, name="create_application"),
    path("order/display-order.cgi", documents.order),
    re_path(r"^billing/(?P<bill_id>[A-Z0-9]+)\.pdf\Z", documents.bill_pdf),
    path("billing/<str:bill_id>", documents.bill),
    path("payment/<int:number>", payments.register),
    path("mail/", mail.mails, name="mails"),
    path("mail/<int:mail_id>/<int:number>/", mail.attachment, name="attachment"),
]
if settings.CONTROL:
    urlpatterns += [
        path("_control/requests", control.requests),
        path("_control/ledger", control.ledger),
        path("_control/orders", control.orders),
        path("_control/orders/<int:order_id>", control.order),
        path("_control/faults", control.faults),
        path("_control/pace", control.pace),
        path("_control/clock", control.clock),
        path("_control/reset", control.reset),
        path("_control/accounts", control.accounts),
        path("_control/policies", control.policies),
        path("_control/settings", control.settings),
        path("_control/mail", control.mail),
    ]


def not_here(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return HttpResponse("There is nothing here.\n", status=404, content_type="text/plain")


def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("This did not work; the sandbox's output says why.\n", status=500, content_type="text/plain")


handler404 = not_here
handler500 = broken
