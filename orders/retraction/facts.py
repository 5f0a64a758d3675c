"""What a receipt states, and the fingerprint that ties page, mail and PDF to the declaration as it was stored."""

import hashlib
import json
from datetime import UTC
from typing import Any

from django.conf import settings
from django.urls import reverse

from orders.models import Retraction
from orders.retraction import words


def declaration_json(retraction: Retraction) -> bytes:
    """
    What was declared, as the octets that are fingerprinted and attached to the PDF.

    UTF-8 JSON without spaces, keys sorted: whoever holds the receipt's facts can write it again.
    """
    declared: dict[str, Any] = {
        "reference": retraction.reference,
        "declared_at": retraction.declared_at.astimezone(UTC).isoformat(timespec="microseconds"),
        "nichandle": retraction.nichandle,
        "order": retraction.order_number,
        "name": retraction.name,
        "email": retraction.email,
        "statement": retraction.statement,
        "statement_version": retraction.statement_version,
        "language": retraction.language,
    }
    if retraction.order_typed:
        declared["order_typed"] = retraction.order_typed
    return json.dumps(declared, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(retraction: Retraction) -> str:
    """SHA-256, in hex, of `declaration_json`."""
    return hashlib.sha256(declaration_json(retraction)).hexdigest()


def facts(retraction: Retraction) -> dict[str, Any]:
    """What a receipt states, for page, mail and PDF, in the language in force. "" where there is nothing to say."""
    order = retraction.order
    order_url = settings.BASE_URL + reverse("orders:retraction_show", args=[order.order_id]) if order else ""
    return {
        "retraction": retraction,
        # Made without signing in it says what was typed, and nothing of what was found.
        "public": retraction.channel == Retraction.Channel.PUBLIC,
        "number": retraction.number,
        "declared_at": words.long_moment(retraction.declared_at.astimezone(retraction.zone)),
        "fingerprint": fingerprint(retraction),
        "verify_url": settings.BASE_URL + reverse("orders:receipt_verify", args=[retraction.reference]),
        "order_url": order_url,
        "refund_due": words.plain_day(words.refund_due(retraction)) if order else "",
        "held": retraction.snapshot.get("held", ""),
    }
