from typing import Any

from django.apps import AppConfig


class CartsConfig(AppConfig):
    name = "carts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import retention, rotation
        from accounts.signals import forgetting, key_granted
        from carts import export, sign_in  # noqa: F401  (sign_in listens for sign-ins)
        from carts.checkout.kind import CheckoutKind
        from carts.models import Configuration
        from carts.retention import let_carts_go
        from orders.export import also
        from orders.models import Intent
        from orders.relay import register
        from orders.signals import orders_found

        register(Intent.Kind.CHECKOUT, CheckoutKind())
        rotation.register(Configuration, "key_binding", "encrypted_value")
        retention.keep_for("carts and searches", "RETAIN_CARTS_DAYS", let_carts_go)
        also("carts.json", export.carts)
        orders_found.connect(_arrived, dispatch_uid="carts.arrived")
        forgetting.connect(_erase, dispatch_uid="carts.erase")
        key_granted.connect(_go_on, dispatch_uid="carts.go_on")


def _go_on(nichandle: Any, **kwargs: Any) -> None:
    from accounts.ringing import ring
    from carts import sync, tasks

    sync.key_granted(nichandle)
    ring(tasks.mirror_carts)
    ring(tasks.carry_contacts)


def _arrived(nichandle: Any, numbers: list[int], **kwargs: Any) -> None:
    from carts.sync import ordered

    ordered.arrived(nichandle.pk, numbers)


def _erase(nichandle: Any, **kwargs: Any) -> int:
    from carts import sync

    return sync.erase(nichandle)
