"""From an answer that is no success to the error it means."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from . import errors
from ._transport import Answer

# Seconds to keep silent after a 429 that names none, and the most we let it name.
SILENCE = 5.0
LONGEST_SILENCE = 3600.0

# (errorCode of the older body, words of the message) and what they mean. The newer body has a class in place
# of the code, and its class is Client::Forbidden for almost all of them: the words decide.
AT_THE_DOOR: tuple[tuple[str, tuple[str, ...], type[errors.NotAdmitted]], ...] = (
    ("INVALID_KEY", ("application key is invalid",), errors.ApplicationKeyInvalid),
    (
        "NOT_CREDENTIAL",
        ("credential does not exist", "credential has expired", "credential is expired", "must login first"),
        errors.CredentialRevoked,
    ),
    ("INVALID_CREDENTIAL", ("credential is not valid", "credential is invalid"), errors.CredentialRevoked),
    ("NOT_GRANTED_CALL", ("call has not been granted", "not granted for this request"), errors.NotGranted),
    ("QUERY_TIME_OUT", ("query out of time",), errors.WrongTime),
    ("INVALID_SIGNATURE", ("invalid signature",), errors.InvalidSignature),
)


def error_of(answer: Answer, *, of_an_order: bool, secrets: tuple[str, ...]) -> errors.OvhError | None:
    """
    Return what `answer` means, None for a success.

    of_an_order: a 404 means that there is no such order, not only no such thing.
    secrets: what must not stand in a message, should the answer repeat it.
    """
    status, query_id = answer.status, answer.query_id
    fields = answer.value if isinstance(answer.value, dict) else {}
    message = _message(answer.value, secrets)
    if 200 <= status < 300 and answer.is_json:
        return None
    if status == 429:
        return errors.RateLimited(message, status, query_id, "", _silence(answer.headers.get("Retry-After", "")))
    if status == 408:
        return errors.AnswerLost(message, status, query_id, "OVHcloud waited for the request in vain")
    if not 400 <= status < 500 or not answer.is_json:
        # Also a 4xx that is a page: some proxy's word, and no ground to call an order gone or a key revoked.
        return errors.UnusableAnswer(message, status, query_id, _why_unusable(answer))
    return _refusal(status, fields, message, of_an_order)(message, status, query_id)


def _refusal(status: int, fields: dict[str, Any], message: str, of_an_order: bool) -> type[errors.OvhRefused]:
    words = message.lower()
    if status in (400, 401, 403):
        code = _text(fields, "errorCode")
        for known_code, phrases, error in AT_THE_DOOR:
            if code == known_code or any(phrase in words for phrase in phrases):
                return error
    if status == 404:
        # A route that does not exist says nothing about the order in its path.
        no_route = "invalid (or empty) url" in words
        return errors.OrderNotFound if of_an_order and not no_route else errors.NotFound
    return errors.OvhRefused


def _why_unusable(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return "a redirect, which is not followed"
    return "" if answer.is_json else "not JSON"


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _message(value: Any, secrets: tuple[str, ...]) -> str:
    """OVHcloud's own words on one line, at most 1000 characters of them."""
    words = value.get("message") if isinstance(value, dict) else value
    if not isinstance(words, str):
        return ""
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:1000]


def _silence(header: str) -> float:
    """Read Retry-After: seconds, or a date."""
    try:
        seconds = float(header)
    except ValueError:
        try:
            when = parsedate_to_datetime(header)
            seconds = (when.replace(tzinfo=when.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return SILENCE
    return min(max(seconds, 0.0), LONGEST_SILENCE) if math.isfinite(seconds) else SILENCE
