from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "sandbox"
    label = "sandbox"

    def ready(self) -> None:
        from sandbox import untouched

        untouched.watch()
