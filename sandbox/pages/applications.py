"""Where programs get what they sign in with: application keys on a page, access tokens by OAuth2."""

import base64
import binascii

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.crypto import constant_time_compare
from django.views.decorators.csrf import csrf_exempt

from .. import tokens, world
from ..api.auth import random_word
from ..models import Application, Customer

_FIRST_MADE = 90_000


@csrf_exempt
def create(request: HttpRequest) -> HttpResponse:
    """Make an application for whoever knows an account's password, and show its secret once."""
    context: dict[str, object] = {}
    if request.method == "POST":
        given = {name: request.POST.get(name, "").strip() for name in ("nichandle", "password", "name")}
        customer = Customer.objects.filter(pk=given["nichandle"].replace("\0", "")).first()
        if customer is None or not constant_time_compare(given["password"], customer.password) or not given["name"]:
            context = {"error": "Account ID or password is wrong, or the name is missing.", "given": given}
        else:
            context = {"made": _made(customer, given["name"].replace("\0", "")[:200])}
    response = render(request, "sandbox/application.html", context)
    response["Cache-Control"] = "no-store"
    response["X-Frame-Options"] = "DENY"
    return response


def _made(customer: Customer, name: str) -> Application:
    with world.gate.use(), transaction.atomic():
        return Application.objects.create(
            application_id=_FIRST_MADE + world.next_numbers(1)[0],
            key=random_word(16),
            secret=random_word(32),
            name=name,
            owner=customer.nichandle,
        )


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Answer a request for an access token by client credentials (RFC 6749, 4.4), its refusals too."""
    if request.method != "POST" or request.POST.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type", 400)
    client_id, secret = _client(request)
    with world.gate.use():
        granted = tokens.grant(client_id, secret)
    if granted is None:
        return _refused("invalid_client", 401)
    answer = {"access_token": granted, "token_type": "Bearer", "expires_in": tokens.LIVES_S, "scope": "all"}
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _client(request: HttpRequest) -> tuple[str, str]:
    """Return id and secret of the client: HTTP Basic, or fields of the form as some libraries send them."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.POST.get("client_id", ""), request.POST.get("client_secret", "")
    try:
        client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def _refused(error: str, status: int) -> HttpResponse:
    return JsonResponse({"error": error}, status=status, headers={"Cache-Control": "no-store"})
