"""What the frame of every page needs: addresses and names from settings. No query."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def frame(request: HttpRequest) -> dict[str, Any]:
    language = (get_language() or "en").split("-")[0]

    def by_language(addresses: dict[str, str]) -> str:
        return addresses.get(language) or addresses["en"]

    return {
        "site_name": settings.SITE_NAME or _("Orders"),
        "support_email": settings.SUPPORT_EMAIL,
        "imprint_url": settings.IMPRINT_URL,
        "privacy_url": settings.PRIVACY_URL,
        "contracts_url": by_language(settings.CONTRACTS_URL),
        "guides_url": by_language(settings.GUIDES_URL),
        "community_url": by_language(settings.COMMUNITY_URL),
        "partners_url": by_language(settings.PARTNERS_URL),
        "nichandle": getattr(request, "nichandle", None),
    }
