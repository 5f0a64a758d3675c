from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"

    def ready(self) -> None:
        from support import trail  # noqa: F401  (its receivers connect themselves)
