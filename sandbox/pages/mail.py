"""Caught mail, for people and for tools."""

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from ..mailbox import MAILBOX

# Types that are safe to show; the rest is handed over for saving.
_SHOWN = ("application/pdf", "text/plain")


def mails(request: HttpRequest) -> HttpResponse:
    """Show every mail, newest first; ?format=json lists them oldest first."""
    caught = MAILBOX.all()
    if request.GET.get("format") == "json":
        return JsonResponse([mail.as_answer() for mail in caught], safe=False)
    return render(request, "sandbox/mail.html", {"mails": caught[::-1]})


def attachment(request: HttpRequest, mail_id: int, number: int) -> HttpResponse:
    mail = MAILBOX.find(mail_id)
    if mail is None or number >= len(mail.attachments):
        raise Http404
    found = mail.attachments[number]
    response = HttpResponse(found.content, content_type=found.type)
    name = "".join(letter for letter in found.name if letter.isascii() and letter.isprintable() and letter != '"')
    disposition = "inline" if found.type in _SHOWN else "attachment"
    response["Content-Disposition"] = f'{disposition}; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response
