"""Words for what OVHcloud tells of an account in codes."""

from babel import Locale
from django.utils.translation import get_language, to_locale


def country(code: str) -> str:
    """Return the country's name in the reader's language; the code itself where nobody knows it."""
    locale = Locale.parse(to_locale(get_language() or "en"))
    return locale.territories.get(code.upper(), code)
