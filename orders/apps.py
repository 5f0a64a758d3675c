from datetime import datetime, timedelta
from typing import Any

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from accounts import retention, seals
        from accounts.signals import forgetting, key_granted
        from orders.models import Retraction

        retention.keep_for("answers of OVHcloud", "RETAIN_EVIDENCE_DAYS", _let_evidence_go)
        # Declarations are few and weigh much: each is sealed at the next turn.
        seals.register(Retraction, "declared_at", patience=timedelta(0))
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
