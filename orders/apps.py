from typing import Any

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "orders"

    def ready(self) -> None:
        from accounts.signals import key_granted

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
