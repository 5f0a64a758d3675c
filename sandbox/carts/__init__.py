"""Carts: what can be ordered, at which price, and how a cart becomes an order."""


class Refusal(Exception):
    """The cart does not allow it. The text is OVHcloud's answer, the status the HTTP one."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
