from datetime import timedelta

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import (
            assurance,  # noqa: F401  (it listens for sign-ins)
            scope,
            seals,
        )
        from accounts.models import AuditEvent
        from accounts.rights import after_migrate

        scope.watch()
        seals.register(AuditEvent, "at", patience=timedelta(minutes=5))
        post_migrate.connect(after_migrate, dispatch_uid="accounts.rights")
