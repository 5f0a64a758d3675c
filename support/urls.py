"""The desk. Who may come here is decided by accounts.middleware (staff) and support.views.desk (their role)."""

from django.urls import path

from support.views import desk

app_name = "support"

urlpatterns = [
    path("", desk.search, name="search"),
    path("queues/", desk.queues, name="queues"),
    path("orders/<str:nichandle>/<str:order_id>/", desk.order_show, name="order_show"),
]
