"""
The page where an account's owner grants a consumer key its rights.

It sets no cookie, for cookies ignore ports and the panel shares the host: each form carries what the next page needs.
"""

from datetime import timedelta
from typing import Any

from django.core import signing
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from .. import world
from ..models import Credential, Customer
from ..totp import is_code

# How long a request waits for its answer, and how long one may take between password and code.
_REQUEST_LIVES = timedelta(hours=24)
_STEP_LIVES_S = 600
_SALT = "second factor"
# Days that a grant can be given for; 0 is unlimited.
DURATIONS = (0, 1, 7, 30)

_WORDS = {
    "en": {
        "title": "Authorize access",
        "asks": "asks for access to your OVHcloud account:",
        "nichandle": "Account ID",
        "password": "Password",
        "code": "Code of your authenticator app",
        "duration": "Validity",
        "durations": {0: "Unlimited", 1: "1 day", 7: "7 days", 30: "30 days"},
        "authorize": "Authorize Access",
        "refuse": "Refuse",
        "wrong": "Account ID or password is wrong.",
        "wrong_code": "This code is not valid.",
        "over": "This request is not valid any more, or never was.",
        "validated": "Access is granted. You can close this page.",
        "refused": "Access is refused. You can close this page.",
    },
    "fr": {
        "title": "Autoriser l'accès",
        "asks": "demande l'accès à votre compte OVHcloud :",
        "nichandle": "Identifiant",
        "password": "Mot de passe",
        "code": "Code de votre application d'authentification",
        "duration": "Validité",
        "durations": {0: "Illimitée", 1: "1 jour", 7: "7 jours", 30: "30 jours"},
        "authorize": "Autoriser",
        "refuse": "Refuser",
        "wrong": "Identifiant ou mot de passe incorrect.",
        "wrong_code": "Ce code n'est pas valide.",
        "over": "Cette demande n'est plus valide, ou ne l'a jamais été.",
        "validated": "L'accès est accordé. Vous pouvez fermer cette page.",
        "refused": "L'accès est refusé. Vous pouvez fermer cette page.",
    },
}


@csrf_exempt
def validate(request: HttpRequest) -> HttpResponse:
    """Show a request and take the answer to it: sign in and grant, or refuse."""
    token = request.POST.get("credentialToken") or request.GET.get("credentialToken") or ""
    with world.gate.use(), transaction.atomic():
        credential = (
            Credential.objects.select_for_update(of=("self",))
            .select_related("application")
            .filter(token=token.replace("\0", ""), status="pendingValidation")
            .first()
        )
        if credential is None or credential.creation + _REQUEST_LIVES <= world.now():
            return _page(request, "sandbox/message.html", {"message": "over"}, status=404)
        if request.method != "POST":
            return _form(request, credential)
        if "refuse" in request.POST:
            return _settle(request, credential, "refused")
        if "step" in request.POST:
            return _check_code(request, credential)
        return _check_password(request, credential)


def _check_password(request: HttpRequest, credential: Credential) -> HttpResponse:
    nichandle = request.POST.get("nichandle", "").strip().replace("\0", "")
    customer = Customer.objects.filter(pk=nichandle).first()
    password = request.POST.get("password", "")
    if customer is None or not constant_time_compare(password, customer.password):
        return _form(request, credential, nichandle=nichandle, error="wrong")
    duration = request.POST.get("duration", "0")
    if customer.totp_secret is None:
        return _grant(request, credential, customer, duration)
    step = signing.dumps([credential.pk, nichandle, duration], salt=_SALT)
    return _page(request, "sandbox/second_factor.html", {"credential": credential, "step": step})


def _check_code(request: HttpRequest, credential: Credential) -> HttpResponse:
    step = request.POST["step"]
    try:
        pk, nichandle, duration = signing.loads(step, salt=_SALT, max_age=_STEP_LIVES_S)
    except signing.BadSignature:
        return _form(request, credential, error="over")
    customer = Customer.objects.filter(pk=nichandle).first()
    if customer is None or customer.totp_secret is None or pk != credential.pk:
        return _form(request, credential, error="over")
    # The code is of the customer's telephone, which follows the machine's clock, not OVHcloud's.
    if not is_code(customer.totp_secret, request.POST.get("code", "")):
        context = {"credential": credential, "step": step, "error": "wrong_code"}
        return _page(request, "sandbox/second_factor.html", context)
    return _grant(request, credential, customer, duration)


def _grant(request: HttpRequest, credential: Credential, customer: Customer, duration: str) -> HttpResponse:
    days = int(duration) if duration in {str(days) for days in DURATIONS} else 0
    credential.customer = customer
    credential.expiration = world.now() + timedelta(days=days) if days else None
    return _settle(request, credential, "validated")


def _settle(request: HttpRequest, credential: Credential, status: str) -> HttpResponse:
    credential.status = status
    credential.save()
    if credential.redirection:
        return HttpResponseRedirect(credential.redirection)
    return _page(request, "sandbox/message.html", {"message": status})


def _form(request: HttpRequest, credential: Credential, **more: Any) -> HttpResponse:
    return _page(request, "sandbox/validation.html", {"credential": credential} | more)


def _page(request: HttpRequest, template: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    language = language_of(request)
    words = _WORDS[language]
    for name in ("error", "message"):
        if name in context:
            context[name] = words[context[name]]
    response = render(request, template, context | {"words": words, "language": language}, status=status)
    response["Cache-Control"] = "no-store"
    response["X-Frame-Options"] = "DENY"
    return response


def language_of(request: HttpRequest) -> str:
    return "fr" if request.headers.get("Accept-Language", "").lower().startswith("fr") else "en"
