"""Signing in and out, the account's own page, linked accounts and sessions."""

from django.urls import path

from accounts.views import account, sign_in

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-in/continue/", sign_in.sign_in_continue, name="sign_in_continue"),
    path("sign-in/return/<str:nonce>/", sign_in.sign_in_return, name="sign_in_return"),
    path("sign-in/confirm/", sign_in.sign_in_confirm, name="sign_in_confirm"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("account/", account.account, name="account"),
    path("account/settings/", account.change_settings, name="settings"),
    path("account/forget/", account.forget_me, name="forget"),
    path("account/erase/", account.erase, name="erase"),
    path("account/switch/", account.switch, name="switch"),
    path("account/link/", account.link_begin, name="link_begin"),
    path("account/links/<str:nichandle>/<str:holder>/end/", account.link_end, name="link_end"),
    path("account/rights/", account.rights, name="rights"),
    path("account/sure/", account.assurance, name="assurance"),
    path("account/sessions/end/", account.session_end, name="session_end"),
]
