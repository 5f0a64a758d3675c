from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"

    def ready(self) -> None:
        from accounts import retention
        from support import invitations, trail  # noqa: F401  (the trail's receivers connect themselves)

        retention.keep_for("invitations", "RETAIN_INVITATIONS_DAYS", invitations.let_go)
