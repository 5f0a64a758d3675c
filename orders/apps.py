from datetime import datetime, timedelta
from typing import Any

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from accounts import retention, seals
        from accounts.signals import forgetting, key_granted
        from orders.models import Intent, Matching, ReceiptDocument, RefundNote, RefundSeen, Retraction
        from orders.payment.kind import PaymentKind
        from orders.relay.kinds import register

        register(Intent.Kind.PAYMENT, PaymentKind())
        retention.keep_for("answers of OVHcloud", "RETAIN_EVIDENCE_DAYS", _let_evidence_go)
        # Declarations are few and weigh much: each is sealed at the next turn.
        at_once = timedelta(0)
        seals.register(Retraction, "declared_at", at_once)
        # And with it what it hangs on later: whose it is, its receipt as made, what became of the money.
        seals.register(Matching, "at", at_once)
        seals.register(ReceiptDocument, "made_at", at_once, most=50)
        seals.register(RefundSeen, "seen_at", at_once)
        seals.register(RefundNote, "at", at_once)
        forgetting.connect(_erase, dispatch_uid="orders.erase")
        key_granted.connect(_begin_import, dispatch_uid="orders.begin_import")


def _begin_import(nichandle: Any, **kwargs: Any) -> None:
    from accounts.ringing import ring
    from orders import relay, sync, tasks

    sync.begin_import(nichandle)
    relay.release_waiting_for_key(nichandle)
    ring(tasks.import_orders)
    ring(tasks.find_orders)
    ring(tasks.poll_orders)
    ring(tasks.relay_intents)


def _let_evidence_go(before: datetime) -> int:
    from orders import evidence

    return evidence.let_go(before)


def _erase(nichandle: Any, **kwargs: Any) -> int:
    from orders import erasure

    return erasure.erase(nichandle)
