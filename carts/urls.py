"""Addresses of ordering."""

from django.urls import URLPattern

app_name = "carts"

urlpatterns: list[URLPattern] = []
