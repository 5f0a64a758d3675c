"""Signing in and out, and the account's own page."""

from django.urls import path

from accounts import views

app_name = "accounts"

urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-in/continue/", views.sign_in_continue, name="sign_in_continue"),
    path("sign-in/return/<str:nonce>/", views.sign_in_return, name="sign_in_return"),
    path("sign-in/confirm/", views.sign_in_confirm, name="sign_in_confirm"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("account/", views.account, name="account"),
    path("account/forget/", views.forget_me, name="forget"),
]
