"""Addresses of orders. A number that is none meets the same look-up as an unknown one (converters.py)."""

from django.urls import path, register_converter

from orders.converters import AnyText, OrderNumber
from orders.views import afterwards, exports, open_door, orders, payments, receipts, retractions

register_converter(OrderNumber, "order_number")
register_converter(AnyText, "any_text")

app_name = "orders"

urlpatterns = [
    path("orders/", orders.order_list, name="order_list"),
    path("orders/check/", orders.list_check, name="list_check"),
    path("orders/<order_number:order_id>/", orders.order_show, name="order_show"),
    path("orders/<order_number:order_id>/tracking/", orders.order_tracking, name="order_tracking"),
    path("orders/<order_number:order_id>/check/", orders.order_check, name="order_check"),
    path("orders/<order_number:order_id>/pay/", payments.order_pay, name="order_pay"),
    path("orders/<order_number:order_id>/bill/", orders.order_bill, name="order_bill"),
    path("orders/<order_number:order_id>/leave/<str:token>/", orders.order_leave, name="order_leave"),
    path("orders/<order_number:order_id>/withdrawal/", retractions.retraction_show, name="retraction_show"),
    path("orders/<order_number:order_id>/withdrawal/model-form/", retractions.retraction_form, name="retraction_form"),
    path("orders/<order_number:order_id>/withdrawal/letter/", afterwards.retraction_letter, name="retraction_letter"),
    path("orders/<order_number:order_id>/withdrawal/receipt/", afterwards.receipt_send, name="receipt_send"),
    path("orders/<order_number:order_id>/withdrawal/refund/", afterwards.refund_note, name="refund_note"),
    path("account/export/", exports.export, name="export"),
    path("account/export/take/", exports.export_take, name="export_take"),
    path("withdraw/", retractions.retractions, name="retractions"),
    path("withdraw/declare/", open_door.declaration, name="declaration"),
    path("withdraw/declared/<str:token>/", open_door.declared, name="declared"),
    path("withdraw/declared/<str:token>/receipt.pdf", open_door.declared_pdf, name="declared_pdf"),
    path("orders/<order_number:order_id>/withdrawal/<str:reference>.pdf", receipts.receipt_pdf, name="receipt_pdf"),
    path("receipts/<any_text:reference>/", receipts.receipt_verify, name="receipt_verify"),
]
