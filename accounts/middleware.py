"""Who is asking, decided before any view: the current nichandle, and which pages are for whom."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render, resolve_url

from accounts import audit
from accounts.addresses import own_page
from accounts.http import is_poll

# Pages by URL namespace. A namespace that is not here is open to whoever passed the sign-in.
CUSTOMERS_ONLY = {"orders", "carts"}
STAFF_ONLY = {"support"}


class CurrentNichandle:
    """
    Sets request.nichandle: the account that this request is about, or None for staff and visitors.

    A form names the account that its page was written for, and acts on that one; a page is about the account last
    switched to, at first the customer's own. Only accounts that this person holds a link to are ever taken.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        user: Any = request.user
        namespaces = set(request.resolver_match.namespaces) if request.resolver_match else set()
        request.nichandle = user.nichandle if user.is_authenticated else None  # type: ignore[attr-defined]
        request.link_is_lost = bool(request.nichandle and user.key_is_revoked)  # type: ignore[attr-defined]
        if user.is_authenticated:
            if not is_poll(request):
                request.session.note_use()  # type: ignore[attr-defined]
            # What is found by a secret of its own is of no account: one may declare without an account while signed in.
            acts = bool(namespaces & CUSTOMERS_ONLY) and not getattr(view, "finds_by_secret", False)
            if user.nichandle and not _choose_account(request, user, acts=acts):
                return render(request, "accounts/wrong_account.html", status=409)
        if not user.is_authenticated or not namespaces & (CUSTOMERS_ONLY | STAFF_ONLY):
            return None
        if not getattr(view, "login_required", True):
            # Open to everybody, so also to both kinds of people and without a key.
            return None
        if namespaces & (STAFF_ONLY if user.nichandle else CUSTOMERS_ONLY):
            # The other kind of person is told nothing, not even that the page exists.
            _note_refusal(request)
            raise Http404
        if user.is_staff and not user.has_factor:
            # The desk shows other people's orders: a password alone does not open it.
            return redirect("mfa_index")
        if request.link_is_lost and not getattr(view, "works_without_key", False):  # type: ignore[attr-defined]
            return render(request, "accounts/key_revoked.html")
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """A customer's 404: a number that somebody else has and one that nobody has leave the same line."""
        namespaces = set(request.resolver_match.namespaces) if request.resolver_match else set()
        if isinstance(exception, Http404) and request.user.is_authenticated and namespaces & CUSTOMERS_ONLY:
            _note_refusal(request)


def _choose_account(request: Any, user: Any, *, acts: bool) -> bool:
    """Set the account of this request. False: a form of a customer's page names none, or one no longer linked."""
    own = user.nichandle.nichandle
    named = request.POST.get("account") if acts and request.method == "POST" else None
    if named is None and acts and request.method == "POST" and user.has_linked:
        return False
    wanted = named if named is not None else request.session.get("account", own)
    if wanted == own:
        return True
    link = user.links.select_related("nichandle").filter(nichandle__nichandle=wanted[:64].replace("\0", "")).first()
    if link is None:
        request.session.pop("account", None)
        return named is None
    request.nichandle, request.link_is_lost = link.nichandle, not link.is_usable
    return True


def _note_refusal(request: HttpRequest) -> None:
    audit.record(request, "not_found", target=request.path, result="refused")


class SignInRequired(LoginRequiredMiddleware):
    """Login is the default. A fragment is told to load the sign-in as a page, for htmx follows redirects silently."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> Any:
        namespaces = request.resolver_match.namespaces if request.resolver_match else []
        for_staff = "support" in namespaces
        where = resolve_url("account_login" if for_staff else "home")
        if request.session.ended_because and not request.headers.get("HX-Request"):  # type: ignore[attr-defined]
            # Said once: with this answer the browser forgets the session.
            return render(request, "accounts/key_revoked.html", {"next": own_page(request.get_full_path())}, status=401)
        if request.headers.get("HX-Request"):
            session: Any = request.session
            if session.ended_because:
                # The page that lay open is loaded anew, and says why.
                session.is_told_later = True
                where = own_page(request.htmx.current_url_abs_path or "") or where  # type: ignore[attr-defined]
            response = HttpResponse(status=401)
            response["HX-Redirect"] = where
            return response
        if request.method == "GET" and (for_staff or {"orders", "carts", "accounts"} & set(namespaces)):
            # Whoever signs in comes back to where they wanted to be.
            where += f"?{urlencode({'next': request.get_full_path()})}"
        return redirect(where)
