from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import assurance  # noqa: F401  (it listens for sign-ins)
