"""A withdrawal's receipt: the owner's PDF, and the page where anybody who holds a receipt can verify it."""

import re
from typing import cast

from allauth.core.internal import ratelimit
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts import audit
from accounts.http import CustomerRequest, works_without_key
from accounts.scope import finds_by_secret
from orders import queries
from orders.models import ReceiptDocument, Retraction
from orders.retraction import document, words
from orders.retraction.facts import fingerprint
from orders.retraction.pdf import PdfFailed

_REFERENCE = re.compile(r"W(-[2-9A-HJ-NP-Z]{9}){3}", re.ASCII)


@works_without_key
@require_safe
def receipt_pdf(request: CustomerRequest, order_id: int, reference: str) -> HttpResponse:
    """The receipt of one of the customer's own declarations. 503 while it cannot be made; the declaration stands."""
    order = get_object_or_404(queries.order_of(request.nichandle), order_id=order_id)
    retraction = get_object_or_404(
        order.retractions.select_related("order__nichandle"), reference=_as_printed(reference)
    )
    try:
        return pdf_answer(document.document_of(retraction), document.file_name(retraction))
    except PdfFailed:
        return render(request, "orders/receipt_trouble.html", {"order": order}, status=503)


def pdf_answer(made: ReceiptDocument, name: str) -> HttpResponse:
    """The file, to be kept and not shown by a browser's plug-in."""
    answer = HttpResponse(bytes(made.pdf), content_type="application/pdf")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@login_not_required
@finds_by_secret
@require_safe
def receipt_verify(request: HttpRequest, reference: str) -> HttpResponse:
    """What a receipt attests, for anybody who holds one: when, and the fingerprint to compare. Nothing else."""
    limited = ratelimit.consume_or_429(request, app="allauth.account", action="receipt", limit_get=True)
    if limited:
        # Each line of the trail is there for ever, so one an hour and address tells that somebody guesses.
        if ratelimit.consume(request, app="allauth.account", action="receipt_noted", limit_get=True):
            audit.record(request, "verify_receipt", target="too many", result="refused")
        return cast(HttpResponse, limited)
    found = Retraction.objects.filter(reference=_as_printed(reference)).first()
    if found is None:
        # The same page for whatever was sent, and nothing of what was sent in it.
        return render(request, "orders/receipt_unknown.html", status=404)
    made = ReceiptDocument.objects.filter(retraction=found).only("digest").first()
    context = {
        "reference": found.reference,
        "declared_at": words.utc_moment(found.declared_at),
        "fingerprint": fingerprint(found),
        "pdf_digest": made.digest if made else "",
    }
    return render(request, "orders/receipt_verify.html", context)


def _as_printed(reference: str) -> str:
    """A reference as people type it, in small letters, with blanks around; "" for what is none."""
    written = reference[:100].strip().upper()
    return written if _REFERENCE.fullmatch(written) else ""
