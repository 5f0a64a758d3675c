"""The first page: what this is, for a visitor; what needs me now, for a customer."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.addresses import own_page
from orders import actions, queries


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The way in, staff's desk, or the customer's dashboard."""
    user: Any = request.user
    if not user.is_authenticated:
        return render(request, "orders/welcome.html", {"next": own_page(request.GET.get("next", ""))})
    if user.is_staff:
        return redirect(user.desk)
    nichandle = request.nichandle  # type: ignore[attr-defined]
    if request.link_is_lost:  # type: ignore[attr-defined]
        return render(request, "accounts/key_revoked.html")
    actions.note_seen(nichandle)
    return render(request, "orders/dashboard.html", queries.dashboard(nichandle, timezone.now()))
