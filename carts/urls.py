"""Addresses of ordering."""

from django.urls import URLPattern, path

from carts.views import configure, contacts

app_name = "carts"

urlpatterns: list[URLPattern] = [
    path("cart/<uuid:key>/configure/", configure.configure, name="configure"),
    path("cart/contacts/new/", contacts.contact_new, name="contact_new"),
    path("cart/contacts/<int:contact_id>/", contacts.contact_edit, name="contact_edit"),
]
