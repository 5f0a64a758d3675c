"""Every path of the panel. Those of product pages are a contract; the rest may move."""

from django.urls import include, path

from accounts.views import factors
from orders.views.dashboard import home
from panel import views
from support.views import sign_in

handler429 = "panel.views.too_many"
handler500 = "panel.views.server_error"

urlpatterns = [
    path("", home, name="home"),
    path("", include("orders.urls")),
    path("", include("carts.urls")),
    path("", include("accounts.urls")),
    path("support/", include("support.urls")),
    path("staff/sign-in/", sign_in.sign_in, name="account_login"),
    path("staff/sign-in/code/", sign_in.sign_in_code, name="mfa_authenticate"),
    path("account/factors/", factors.index, name="mfa_index"),
    path("account/factors/app/", factors.app_add, name="mfa_activate_totp"),
    path("account/factors/app/remove/", factors.app_remove, name="mfa_deactivate_totp"),
    path("account/factors/passkey/", factors.passkey_add, name="mfa_add_webauthn"),
    path("account/factors/passkey/<str:name>/remove/", factors.passkey_remove, name="mfa_remove_webauthn"),
    path("account/factors/codes/", factors.codes_show, name="mfa_view_recovery_codes"),
    path("account/factors/codes/new/", factors.codes_make, name="mfa_generate_recovery_codes"),
    path("staff/welcome/", sign_in.welcome, name="staff_welcome"),
    path("staff/welcome/<str:token>/", sign_in.welcome_link, name="staff_welcome_link"),
    path("i18n/setlang/", views.set_language, name="set_language"),
    path("health/live", views.live, name="health_live"),
    path("health/ready", views.ready, name="health_ready"),
]
