from typing import Any

from django.apps import AppConfig


class CartsConfig(AppConfig):
    name = "carts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts import rotation
        from accounts.signals import forgetting, key_granted
        from carts import sign_in  # noqa: F401  (it listens for sign-ins)
        from carts.checkout.kind import CheckoutKind
        from carts.models import Configuration
        from orders.models import Intent
        from orders.relay import register

        register(Intent.Kind.CHECKOUT, CheckoutKind())
        rotation.register(Configuration, "key_binding", "encrypted_value")
        forgetting.connect(_erase, dispatch_uid="carts.erase")
        key_granted.connect(_go_on, dispatch_uid="carts.go_on")


def _go_on(nichandle: Any, **kwargs: Any) -> None:
    from accounts.ringing import ring
    from carts import sync, tasks

    sync.key_granted(nichandle)
    ring(tasks.mirror_carts)
    ring(tasks.carry_contacts)


def _erase(nichandle: Any, **kwargs: Any) -> int:
    from carts import sync

    return sync.erase(nichandle)
