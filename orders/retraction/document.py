"""The receipt as PDF: which words stand in it, and the one file that is kept of it."""

import hashlib
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models import ReceiptDocument, Retraction
from orders.retraction import pdf, words
from orders.retraction.facts import declaration_json, facts


def document_of(retraction: Retraction) -> ReceiptDocument:
    """
    Return the receipt's PDF, made now if nobody made it yet. However often it is asked for, it is one file.

    Raises: pdf.PdfFailed.
    """
    found = ReceiptDocument.objects.filter(retraction=retraction).first()
    if found:
        return found
    made = pdf.typeset(contents(retraction), retraction.declared_at)
    values = {"pdf": made, "digest": hashlib.sha256(made).hexdigest()}
    return ReceiptDocument.objects.get_or_create(retraction=retraction, defaults=values)[0]


def file_name(retraction: Retraction) -> str:
    """A name that means something in a folder of downloads, in letters that every system takes."""
    return f"withdrawal-{retraction.reference}.pdf"


def contents(retraction: Retraction) -> dict[str, Any]:
    """Every word of the PDF, by the names that receipt.typ knows, in the declaration's language."""
    language, _dash, region = retraction.language.partition("-")
    with override(retraction.language):
        told = facts(retraction)
        return {
            "language": language,
            "region": region or None,
            "title": _("Receipt of your withdrawal"),
            "author": settings.SITE_NAME or _("Orders"),
            "description": _("Order %(number)s, reference %(reference)s")
            % {"number": told["number"], "reference": retraction.reference},
            "footer": f"{retraction.reference} · {told['declared_at']}",
            "lead": _("We received and stored your declaration. Keep this document: it is your proof."),
            "statement_heading": _("What you declared"),
            "statement": retraction.statement,
            "facts": _facts(retraction, told),
            **_withdrawn(retraction),
            "next_heading": _("What happens next"),
            "next": _next(retraction, told),
            "verify_heading": _("To verify this receipt"),
            "verify": [
                _(
                    "The file declaration.json is attached to this document. It holds the declaration as it was stored;"
                    " its SHA-256 is the fingerprint above. This page says whether a receipt with this reference and"
                    " fingerprint is ours, and nothing else about it:"
                )
            ],
            "verify_url": told["verify_url"],
            "note": _("Details vary with country, law and product; the contracts prevail."),
            "declaration": declaration_json(retraction).decode(),
            "attachment": _("The declaration as it was stored"),
        }


def _facts(retraction: Retraction, told: dict[str, Any]) -> list[tuple[str, str]]:
    by = retraction.name
    if retraction.nichandle:
        by = f"{retraction.name} ({retraction.nichandle})"
    return [
        (_("Reference"), retraction.reference),
        (_("Declared on"), told["declared_at"]),
        (_("The same moment in universal time"), words.utc_moment(retraction.declared_at)),
        (_("Order, as you gave it") if told["public"] else _("Order"), told["number"]),
        (_("By"), by),
        (_("Receipt to"), retraction.email),
        (_("Fingerprint (SHA-256)"), told["fingerprint"]),
    ]


def _withdrawn(retraction: Retraction) -> dict[str, Any]:
    """The parts, and how the last day came about, as the page showed them; empty lists where it showed none."""
    estimate = retraction.snapshot.get("estimate") or {}
    deadline = retraction.snapshot.get("deadline") or {}
    return {
        "parts_heading": _("What you withdraw from"),
        "parts": [_cut(part["description"]) for part in estimate.get("details", ())],
        "working_heading": _("How the last day to withdraw came about"),
        "working": list(deadline.get("working", ())),
    }


def _next(retraction: Retraction, told: dict[str, Any]) -> list[str]:
    if told["public"]:
        return [
            _("Your declaration cannot be changed or lost. Its date and time count, whatever happens later."),
            _(
                "We look for the order. If number and e-mail agree with one that we know, your declaration is passed to"
                " OVHcloud at once; else a person looks for it."
            ),
        ]
    if told["held"]:
        return [
            _(
                "When you declared, withdrawal was not open for this order as far as we and OVHcloud know, so a person"
                " looks at it before anything is sent. Your declaration keeps its date and time."
            ),
            retraction.snapshot.get("reason_words") or "",
        ]
    lines = [
        _(
            "We pass your declaration to OVHcloud, once, and show its answer on the page of your withdrawal. When"
            " OVHcloud accepts, the order is cancelled and its services end."
        )
    ]
    if told["refund_due"]:
        due = {"day": told["refund_due"]}
        lines.append(_("By law the refund is then due by %(day)s, 14 days after your declaration.") % due)
    return lines


def _cut(text: str) -> str:
    """OVHcloud's descriptions know no limit; a receipt has pages."""
    return text if len(text) <= 300 else f"{text[:299]}…"
