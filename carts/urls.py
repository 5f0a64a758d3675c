"""Addresses of ordering."""

from django.urls import URLPattern, path

from carts.views import again, cart, catalogue, configure, contacts, domains, ordering, summary

app_name = "carts"

urlpatterns: list[URLPattern] = [
    path("domains/", domains.domains, name="domains"),
    path("domains/answers/", domains.domain_answers, name="domain_answers"),
    path("domains/country/", domains.subsidiary_choose, name="subsidiary_choose"),
    path("catalogue/", catalogue.catalogue, name="catalogue"),
    path("catalogue/<str:product>/<str:plan_code>/", catalogue.plan, name="plan"),
    path("cart/", cart.cart, name="cart"),
    path("cart/add/", cart.cart_add, name="cart_add"),
    path("cart/undo/", cart.cart_undo, name="cart_undo"),
    path("cart/coupon/", cart.coupon, name="coupon"),
    path("cart/check/", cart.cart_check, name="cart_check"),
    path("cart/<uuid:key>/", cart.item, name="item"),
    path("cart/<uuid:key>/configure/", configure.configure, name="configure"),
    path("cart/contacts/new/", contacts.contact_new, name="contact_new"),
    path("cart/contacts/<int:contact_id>/", contacts.contact_edit, name="contact_edit"),
    path("cart/summary/", summary.summary, name="summary"),
    path("cart/order/", summary.order, name="order"),
    path("cart/ordered/<int:checkout_id>/", ordering.ordered, name="ordered"),
    # The converter is of orders.urls, which come first.
    path("orders/<order_number:order_id>/again/", again.order_again, name="order_again"),
]
