"""The desk. Who may come here is decided by accounts.middleware (staff) and support.views.desk (their role)."""

from django.urls import path

from support.views import acting, desk, people, sync, withdrawals

app_name = "support"

urlpatterns = [
    path("", desk.search, name="search"),
    path("queues/", desk.queues, name="queues"),
    path("sync/", sync.sync, name="sync"),
    path("people/", people.people, name="people"),
    path("people/<str:email>/", people.person, name="person"),
    path("accounts/", people.accounts, name="accounts"),
    path("accounts/<str:nichandle>/drop/", people.account_drop, name="account_drop"),
    path("intents/<int:intent_id>/ring/", acting.intent_ring, name="intent_ring"),
    path("intents/<int:intent_id>/close/", acting.intent_close, name="intent_close"),
    path("intents/<int:intent_id>/order/", acting.intent_order, name="intent_order"),
    path("declarations/<str:reference>/", withdrawals.declaration_show, name="declaration_show"),
    path("mails/<int:mail>/", withdrawals.receipt_send, name="receipt_send"),
    path("orders/<str:nichandle>/<str:order_id>/", desk.order_show, name="order_show"),
    path("orders/<str:nichandle>/<str:order_id>/refund/", withdrawals.refund_note, name="refund_note"),
    path("orders/<str:nichandle>/<str:order_id>/check/", acting.order_check, name="order_check"),
]
