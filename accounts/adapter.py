"""What allauth may do here: sign staff in by password, and nothing by itself."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _

from accounts.audit import client_address


class AccountAdapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": _("This e-mail and this password do not belong together."),
        "too_many_login_attempts": _("Too many attempts. Wait a few minutes, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Customers come through OVHcloud, staff by invitation."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user: Any = request.user
        return resolve_url(user.desk if user.is_staff else "orders:order_list")

    def is_safe_url(self, url: str) -> bool:
        """A `next` must be the path of a page at the desk: whatever else a link says is dropped."""
        path, _query, _rest = url.partition("?")
        if not path.startswith("/") or not url.isascii() or not url.isprintable() or len(url) > 2000:
            return False
        try:
            return "support" in resolve(path).namespaces
        except Resolver404:
            return False

    def respond_user_inactive(self, request: HttpRequest, user: Any) -> HttpResponse:
        """Told only to who knows the password."""
        return render(request, "account/account_inactive.html", status=403)

    def get_client_ip(self, request: HttpRequest) -> str:
        """What our own proxies say, never what a caller sends: else every limit could be walked around."""
        return client_address(request)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Never allauth's own, which lets whoever has neither password nor factor pass: see accounts.assurance."""
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say what happened themselves."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail of allauth's leaves: its words are not ours, and staff's links are printed by manage.py."""
