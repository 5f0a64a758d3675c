"""Download my data: asked for, made by a task, taken once."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts import audit
from accounts.assurance import asks_who_is_there
from accounts.http import CustomerRequest, wants_fragment
from accounts.limits import limited
from orders import actions
from orders.models import Export


@require_http_methods(["GET", "HEAD", "POST"])
@vary_on_headers("HX-Request", "HX-Boosted", "HX-History-Restore-Request")
@asks_who_is_there
@limited("export")
def export(request: CustomerRequest) -> HttpResponse:
    """What is in the download, and where it stands; a POST asks for one."""
    if request.method == "POST":
        actions.ask_for_export(request)
        return redirect("orders:export")
    standing = Export.objects.of(request.user, request.nichandle).first()
    template = "orders/_export.html" if wants_fragment(request) else "orders/export.html"
    return render(request, template, {"export": standing})


@require_POST
@asks_who_is_there
def export_take(request: CustomerRequest) -> HttpResponse:
    """The file, once: what was taken is no longer here."""
    content = actions.take_export(request)
    if content is None:
        raise Http404
    audit.record(request, "export_taken", subject=request.nichandle.nichandle)
    response = HttpResponse(content, content_type="application/zip")
    day = timezone.now().astimezone(request.nichandle.zone)
    response.headers["Content-Disposition"] = f'attachment; filename="orders-{day:%Y-%m-%d}.zip"'
    return response
