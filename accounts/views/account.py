"""The account's own page, the accounts linked to it, and this person's sessions."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, queries
from accounts.addresses import own_page
from accounts.assurance import asks_who_is_there, is_fresh
from accounts.forms import SettingsForm
from accounts.http import CustomerRequest, remember_language
from accounts.limits import limited
from accounts.models import SignIn
from accounts.ordering import may_order
from accounts.views.factors import show_by_factor
from accounts.views.sign_in import begin


def _customer(request: HttpRequest) -> CustomerRequest:
    """Staff have no account here."""
    if getattr(request, "nichandle", None) is None:
        raise Http404
    return cast(CustomerRequest, request)


@require_safe
def account(request: CustomerRequest) -> HttpResponse:
    """Who I am at OVHcloud, what the panel may do there, which accounts and sessions there are, and how to end each."""
    return render(request, "accounts/account.html", queries.account_for_page(_customer(request)))


@require_http_methods(["GET", "HEAD", "POST"])
def change_settings(request: CustomerRequest) -> HttpResponse:
    """The language of this person's pages, and the time zone of their own account's times."""
    own = _customer(request).user.nichandle
    assert own is not None  # noqa: S101  (a customer has one)
    language = request.user.language or get_language() or "en"
    form = SettingsForm(request.POST or None, initial={"language": language, "time_zone": own.time_zone})
    if request.method != "POST" or not form.is_valid():
        return render(request, "accounts/settings.html", {"form": form})
    actions.change_settings(request, **form.cleaned_data)
    translation.activate(form.cleaned_data["language"])
    messages.success(request, _("Kept."))
    response = redirect("accounts:account")
    remember_language(response, form.cleaned_data["language"])
    return response


@require_http_methods(["GET", "HEAD", "POST"])
def forget_me(request: CustomerRequest) -> HttpResponse:
    """Take the panel's keys away: they are revoked at OVHcloud, and nothing is asked there any more."""
    _customer(request)
    if request.method != "POST":
        return render(request, "accounts/forget.html")
    actions.forget_keys(request)
    logout(request)
    response = render(request, "accounts/forgotten.html")
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@asks_who_is_there
def erase(request: CustomerRequest) -> HttpResponse:
    """Forget me: what is deleted, what the law keeps, and a box against slips."""
    _customer(request)
    if request.method != "POST" or request.POST.get("sure") != "on":
        return render(request, "accounts/erase.html", {"missing": request.method == "POST"})
    kept = actions.forget(request)
    request.session.flush()
    response = render(request, "accounts/erased.html", {"kept": kept, "nichandle": None, "user": AnonymousUser()})
    response.headers["Clear-Site-Data"] = '"storage"'
    return response


# --- Linked accounts --------------------------------------------------------------------------------------------------
@require_POST
def switch(request: CustomerRequest) -> HttpResponse:
    """From now on this browser is about another of my accounts."""
    _customer(request)
    link = get_object_or_404(request.user.links, nichandle__nichandle=_name(request, "to"))
    request.session["account"] = link.nichandle.nichandle
    return redirect("orders:order_list")


@require_http_methods(["GET", "HEAD", "POST"])
@asks_who_is_there
@limited("link")
def link_begin(request: CustomerRequest) -> HttpResponse:
    """What linking means; a POST goes through OVHcloud, where one signs in as the account to link."""
    _customer(request)
    if request.method != "POST":
        return render(request, "accounts/link.html")
    return begin(request, SignIn.Purpose.LINK)


@require_http_methods(["GET", "HEAD", "POST"])
@asks_who_is_there
def link_end(request: CustomerRequest, nichandle: str, holder: str) -> HttpResponse:
    """End a link: mine to another account, or somebody's to mine. Nobody ends what is neither."""
    _customer(request)
    held_by = Q(user__nichandle__nichandle=holder) | Q(user__nichandle=None, user__username=holder)
    link = get_object_or_404(queries.links_i_may_end(request.user).filter(held_by), nichandle__nichandle=nichandle)
    if request.method != "POST":
        return render(request, "accounts/link_end.html", {"link": link, "mine": link.user_id == request.user.pk})
    actions.end_link(request, link)
    messages.success(request, _("The link is ended. Its key is being revoked at OVHcloud."))
    return redirect("accounts:account")


@require_http_methods(["GET", "HEAD", "POST"])
@limited("link")
def rights(request: CustomerRequest) -> HttpResponse:
    """What ordering and paying need besides, and why; a POST goes through OVHcloud, as the account it is for."""
    _customer(request)
    sent = request.POST if request.method == "POST" else request.GET
    then = own_page(sent.get("next", ""))
    wanted = sent.get("for", "")[:64].replace("\0", "") or request.nichandle.nichandle
    link = get_object_or_404(request.user.links.select_related("nichandle"), nichandle__nichandle=wanted)
    if link.is_usable and may_order(link):
        return redirect(then or "accounts:account")
    if request.method != "POST":
        return render(request, "accounts/rights.html", {"next": then, "about": link.nichandle})
    return begin(request, SignIn.Purpose.ORDERING, then, link.nichandle)


# --- Showing who is there ---------------------------------------------------------------------------------------------
@require_http_methods(["GET", "HEAD", "POST"])
@limited("assurance")
def assurance(request: HttpRequest) -> HttpResponse:
    """
    Before something that a borrowed session must not do: show once more that it is you. By a factor, where one is set
    up; else a customer goes through OVHcloud again, and staff sign in again.
    """
    then = own_page(request.POST.get("next", "") or request.GET.get("next", ""))
    user: Any = request.user
    if is_fresh(request):
        return redirect(then or "home")
    if user.has_factor:
        return show_by_factor(request, then)
    if user.is_staff:
        logout(request)
        return redirect("account_login")
    if request.method != "POST":
        return render(request, "accounts/assurance.html", {"next": then})
    return begin(request, SignIn.Purpose.ASSURANCE, then)


# --- Sessions ---------------------------------------------------------------------------------------------------------
@require_POST
@asks_who_is_there
def session_end(request: CustomerRequest) -> HttpResponse:
    """End one session by its name, or all but this one."""
    _customer(request)
    ended = actions.end_sessions(request, _name(request, "session"))
    if ended:
        messages.success(request, _("Ended: whoever used it must sign in again."))
    else:
        messages.info(request, _("That session had ended already."))
    return redirect("accounts:account")


def _name(request: Any, field: str) -> str:
    return str(request.POST.get(field, "")).replace("\0", "")[:64]
