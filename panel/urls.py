"""Every path of the panel. Those of product pages are a contract; the rest may move."""

from allauth.account import views as allauth_account
from allauth.mfa.base import views as allauth_mfa
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from orders.views.dashboard import home

from panel import views

handler500 = "panel.views.server_error"

urlpatterns = [
    path("", home, name="home"),
    path("", include("orders.urls")),
    path("", include("accounts.urls")),
    path("support/", include("support.urls")),
    path("staff/sign-in/", login_not_required(allauth_account.login), name="account_login"),
    path("staff/sign-in/code/", login_not_required(allauth_mfa.authenticate), name="mfa_authenticate"),
    path("i18n/setlang/", views.set_language, name="set_language"),
    path("health/live", views.live, name="health_live"),
    path("health/ready", views.ready, name="health_ready"),
]
