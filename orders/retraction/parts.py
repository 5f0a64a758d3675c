"""What kind of thing a detail of an order is, as far as withdrawing from it goes."""

import re

from django.db import models
from django.utils.translation import gettext_lazy as _

from orders.models import OrderDetail


class Part(models.TextChoices):
    """The kinds. Only PRODUCT, SET_UP and REDUCTION leave the right of withdrawal as it is."""

    PRODUCT = "product", _("product")
    SET_UP = "set-up", _("set-up")
    REDUCTION = "reduction", _("reduction")
    RENEWAL = "renewal", _("renewal")
    DOMAIN = "domain", _("domain name")
    CERTIFICATE = "certificate", _("certificate")
    LICENCE = "licence", _("licence")
    CANCELLED = "cancelled", _("cancelled")


# The right was expressly waived when these were ordered (France: L.221-28), or never existed for them.
WAIVED = frozenset({Part.DOMAIN, Part.CERTIFICATE, Part.LICENCE})

# Descriptions are in the account's language: the words OVHcloud's catalogue uses in English and French, and marks that
# every language shares (".com", "Sectigo").
_DNS_ZONE = re.compile(r"\bdns\b|\bzone\b", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?<!\S)\.[a-z][a-z0-9.-]{1,30}(?!\S)|\bdomain (name|registration|transfer)|\bnom de domaine"
    r"|\benregistrement d.un domaine",
    re.IGNORECASE,
)
_CERTIFICATE = re.compile(r"\bsectigo\b|\bcomodo\b", re.IGNORECASE)
_LICENCE = re.compile(
    r"\b(office|microsoft) ?365\b|\blicen[cs]es?\b|\bwindows server\b|\bsql server\b|\bplesk\b|\bcpanel\b",
    re.IGNORECASE,
)
_DOMAIN_PLANS = re.compile(r"^(domain|dom[-_ ])", re.IGNORECASE)


def part_of(detail: OrderDetail) -> Part:
    """Return the kind of a detail; what nothing marks as special is a product."""
    if detail.cancelled:
        return Part.CANCELLED
    if detail.detail_type in ("GIFT", "VOUCHER", "REFUND") or detail.total_price < 0:
        return Part.REDUCTION
    if detail.detail_type == "RENEW" or _ordered(detail, "action") == "renew":
        return Part.RENEWAL
    if _CERTIFICATE.search(detail.description):
        return Part.CERTIFICATE
    if detail.detail_type == "LICENSE" or _LICENCE.search(detail.description):
        return Part.LICENCE
    if _is_domain(detail):
        return Part.DOMAIN
    if detail.detail_type == "INSTALLATION":
        return Part.SET_UP
    return Part.PRODUCT


def _is_domain(detail: OrderDetail) -> bool:
    if _DNS_ZONE.search(detail.description):
        return False
    names = (_ordered(detail, "plan_code"), _ordered(detail, "product_name"))
    return bool(_DOMAIN.search(detail.description)) or any(_DOMAIN_PLANS.match(name) for name in names)


def _ordered(detail: OrderDetail, field: str) -> str:
    """A text of the detail's extension, "" where OVHcloud gave none."""
    return str((detail.extension or {}).get(field) or "")
