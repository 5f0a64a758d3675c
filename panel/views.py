"""Pages about the panel itself: health, and the ones for when something is wrong."""

import sys
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language as django_set_language

from accounts import audit, limits
from orders.models import Canary
from panel import redis_policy


@login_not_required
@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("live\n", content_type="text/plain")


@login_not_required
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """200 when PostgreSQL answers and its tables are of this version; the rest is reported, never counted."""
    try:
        executor = MigrationExecutor(connection)
        migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        sang = Canary.objects.values_list("sang_at", flat=True).first() if migrated else None
    except (OperationalError, InterfaceError):
        return JsonResponse({"ready": False, "postgresql": "does not answer"}, status=503)
    worker_age = None if sang is None else round((timezone.now() - sang).total_seconds())
    report = {
        "ready": migrated,
        "postgresql": "answers",
        "migrations": "applied" if migrated else "pending",
        "redis": redis_policy.report(settings.REDIS_URL),
        "worker_age_s": worker_age,
    }
    return JsonResponse(report, status=200 if migrated else 503)


@login_not_required
@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """The reader's own switch: a cookie, and kept with the account."""
    response = django_set_language(request)
    user: Any = request.user
    chosen = request.POST.get("language", "")
    if user.is_authenticated and chosen in dict(settings.LANGUAGES):
        user.language = chosen
        user.save(update_fields=["language"])
    return response


@login_not_required
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A page left open too long, or a form of another site. Strangers leave one line an hour: lines are for ever."""
    if request.user.is_authenticated or limits.within(request, "noted"):
        audit.record(request, "form_refused", target=request.path, result="refused")
    return render(request, "403_csrf.html", status=403)


@login_not_required
def too_many(request: HttpRequest) -> HttpResponse:
    """A limit of allauth's was reached; all of them let somebody in again within a minute of silence."""
    response = render(request, "429.html", status=429)
    response.headers["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """503 while PostgreSQL is away, else 500. Neither page asks anything of anybody."""
    if isinstance(sys.exc_info()[1], (OperationalError, InterfaceError)):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "10"})
    # The lines that the log has of this request carry the same.
    reference = getattr(request, "request_id", "")
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)
