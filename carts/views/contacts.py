"""A contact of the account: a new one, or one to change. OVHcloud is told by a task."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.addresses import own_page
from accounts.http import CustomerRequest
from accounts.limits import limited
from carts.configuring import contacts
from carts.models import Contact


@require_http_methods(["GET", "HEAD", "POST"])
@limited("cart")
def contact_new(request: CustomerRequest) -> HttpResponse:
    """A contact that OVHcloud does not have yet."""
    return _edit(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@limited("cart")
def contact_edit(request: CustomerRequest, contact_id: int) -> HttpResponse:
    """A contact as OVHcloud has it, or as it is to be there."""
    return _edit(request, get_object_or_404(request.nichandle.contacts, pk=contact_id))


def _edit(request: CustomerRequest, contact: Contact | None) -> HttpResponse:
    sent = request.POST if request.method == "POST" else request.GET
    back = own_page(sent.get("next", ""))
    initial = contacts.initial_of(contact, request.nichandle)
    form = contacts.ContactForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            contacts.save_contact(request, contact, form)
        except contacts.ContactFull:
            form.add_error(None, _("No more contacts fit here. Change one you have."))
        else:
            messages.success(request, _("The contact is being sent to OVHcloud. It can be chosen in a moment."))
            return redirect(back or "carts:cart")
    return render(request, "carts/contact_edit.html", {"form": form, "contact": contact, "next": back})
