"""Declaring without signing in: fill in, read and confirm, and the page of what was declared."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_safe

from accounts import audit
from accounts.limits import limited
from accounts.scope import finds_by_secret
from orders import actions
from orders.models import Receipt, Retraction
from orders.retraction import document, limits, open_door, receipt, words
from orders.retraction.form import AddressForm, ConfirmedDeclarationForm, DeclarationForm, new_key
from orders.retraction.pdf import PdfFailed
from orders.views.receipts import pdf_answer


@login_not_required
@finds_by_secret
@require_http_methods(["GET", "HEAD", "POST"])
def declaration(request: HttpRequest) -> HttpResponse:
    """
    Two steps on one address; what was typed travels in the forms, for nothing is kept of somebody who only reads.

    The same words, and no look-up at all, whether or not there is such an order.
    """
    step = request.POST.get("step", "")
    if request.method != "POST":
        return _fill_in(request, DeclarationForm())
    if step == "change":
        return _fill_in(request, DeclarationForm(initial=request.POST.dict()))
    if step != "confirm":
        form = DeclarationForm(request.POST)
        return _read_and_confirm(request, form) if form.is_valid() else _fill_in(request, form)
    confirmed = ConfirmedDeclarationForm(request.POST)
    if confirmed.is_valid():
        retraction = actions.declare_without_sign_in(**confirmed.for_action(), request=request)
        return redirect("orders:declared", open_door.link_of(retraction))
    if confirmed.lacks_only_the_box:
        return _read_and_confirm(request, confirmed)
    return _fill_in(request, DeclarationForm(request.POST))


@login_not_required
@finds_by_secret
@require_http_methods(["GET", "HEAD", "POST"])
@limited("declared", reading=True)
def declared(request: HttpRequest, token: str) -> HttpResponse:
    """What one has just declared, for whoever holds the link. It says nothing of what was found, or whether."""
    retraction = open_door.by_link(token)
    if retraction is None:
        raise Http404
    form = AddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _send_again(retraction, form.cleaned_data["email"], request)
        return redirect("orders:declared", token)
    rows = list(retraction.receipts.filter(kind=Receipt.Kind.RECEIPT).order_by("pk"))
    context = receipt.facts(retraction) | {
        "form": form,
        "posted": form.is_bound,
        "receipts": [{"address": row.address, "sent": row.sent_at, "error": row.last_error} for row in rows],
        "held_back": any(row.held_back for row in rows),
        "url": reverse("orders:declared", args=[token]),
        "pdf_url": reverse("orders:declared_pdf", args=[token]),
    }
    return render(request, "orders/declared.html", context)


@login_not_required
@finds_by_secret
@require_safe
@limited("declared", reading=True)
def declared_pdf(request: HttpRequest, token: str) -> HttpResponse:
    """Its receipt as PDF, by the same link. While it cannot be made, back to the page, which says the same."""
    retraction = open_door.by_link(token)
    if retraction is None:
        raise Http404
    try:
        return pdf_answer(document.document_of(retraction), document.file_name(retraction))
    except PdfFailed:
        return redirect("orders:declared", token)


def _send_again(retraction: Retraction, email: str, request: HttpRequest) -> None:
    """To another address too, within the same limits as any mail of this page."""
    if limits.within(email, audit.client_address(request)):
        actions.send_receipt(retraction, email, request=request, only_if_new=True)


def _fill_in(request: HttpRequest, form: DeclarationForm) -> HttpResponse:
    return render(request, "orders/declaration.html", {"form": form, "page_language": get_language()})


def _read_and_confirm(request: HttpRequest, form: DeclarationForm) -> HttpResponse:
    typed: dict[str, Any] = form.cleaned_data
    context = {
        "form": form,
        "typed": typed,
        "statement": words.public_statement(typed["name"], typed["order_number"]),
        "key": new_key(),
        "page_language": get_language(),
        "unticked": isinstance(form, ConfirmedDeclarationForm),
    }
    return render(request, "orders/declaration_confirm.html", context)
