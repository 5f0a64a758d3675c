"""What allauth may do here: sign staff in by password, and nothing by itself."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.shortcuts import resolve_url

from accounts.audit import client_address


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Customers come through OVHcloud, staff by invitation."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        user: Any = request.user
        return resolve_url("support:search" if user.is_staff else "orders:order_list")

    def get_client_ip(self, request: HttpRequest) -> str:
        """What our own proxies say, never what a caller sends: else every limit could be walked around."""
        return client_address(request)

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Our pages say what happened themselves."""

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail of allauth's leaves: its words are not ours, and staff's links are printed by manage.py."""
