"""Parts of an address that name an order or a receipt."""


class OrderNumber:
    """
    An order's number as OVHcloud writes it. Whatever else stands there is the number 0, which nobody has: so letters,
    signs and numbers beyond a bigint meet the very look-up, and the very 404, of an unknown order.
    """

    regex = "[^/]+"

    def to_python(self, value: str) -> int:
        if not (value.isascii() and value.isdigit()) or value.startswith("0") or len(value) > 19:
            return 0
        number = int(value)
        return number if number < 2**63 else 0

    def to_url(self, value: int | str) -> str:
        return str(value)


class AnyText:
    """Whatever is sent, slashes and line breaks, too: a page with one plain answer meets all of it."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
