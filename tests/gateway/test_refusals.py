"""What each answer of OVHcloud means."""

import pickle

import pytest

import gateway as front_door
from gateway import (
    AnswerLost,
    ApplicationKeyInvalid,
    CredentialRevoked,
    Gateway,
    InvalidSignature,
    NotAdmitted,
    NotConnected,
    NotFound,
    NotGranted,
    OrderNotFound,
    OvhError,
    OvhRefused,
    OvhUnavailable,
    RateLimited,
    UnusableAnswer,
    WrongTime,
)
from tests.gateway.conftest import KEY, SECRET
from tests.gateway.crooked import Crooked, response


def error_after(gateway: Gateway, crooked: Crooked, *answers: bytes) -> OvhError:
    crooked.answers(*answers)
    with pytest.raises(OvhError) as caught:
        gateway.retract_order(7)
    return caught.value


OLD = {"httpCode": "403 Forbidden"}
NEW = {"class": "Client::Forbidden"}


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, OLD | {"errorCode": "INVALID_CREDENTIAL", "message": "Whatever"}, CredentialRevoked),
        (403, OLD | {"errorCode": "NOT_CREDENTIAL", "message": "Whatever"}, CredentialRevoked),
        (403, NEW | {"message": "This credential is not valid"}, CredentialRevoked),
        (403, NEW | {"message": "This credential does not exist"}, CredentialRevoked),
        (403, {"message": "This credential is not valid"}, CredentialRevoked),
        (401, {"class": "Client::Unauthorized", "message": "You must login first"}, CredentialRevoked),
        (403, OLD | {"errorCode": "INVALID_KEY", "message": "Whatever"}, ApplicationKeyInvalid),
        (403, NEW | {"message": "This application key is invalid"}, ApplicationKeyInvalid),
        (403, OLD | {"errorCode": "NOT_GRANTED_CALL", "message": "Whatever"}, NotGranted),
        (403, NEW | {"message": "This call has not been granted"}, NotGranted),
        (
            403,
            NEW | {"message": "User not granted for this request", "details": {"unauthorizedActionsByIAM": "x"}},
            NotGranted,
        ),
        (400, {"message": "Query out of time"}, WrongTime),
        (400, {"errorCode": "QUERY_TIME_OUT", "message": "Whatever"}, WrongTime),
        (400, {"errorCode": "INVALID_SIGNATURE", "message": "Whatever"}, InvalidSignature),
        (400, {"class": "Client::BadRequest", "message": "Invalid signature"}, InvalidSignature),
        (429, {"class": "Client::TooManyRequests", "message": "Slow down"}, RateLimited),
        # Refusals of what was asked, not of who asks.
        (403, NEW | {"message": "You are not allowed"}, OvhRefused),
        (403, OLD | {"errorCode": "FORBIDDEN", "message": "No"}, OvhRefused),
        (403, {"message": "This order can't be paid with 'bankAccount'"}, OvhRefused),
        (400, {"class": "Client::BadRequest", "message": "The period is over"}, OvhRefused),
        (402, {"message": "Pay first"}, OvhRefused),
        (409, {"class": "Cart::Confused", "message": "Conflict"}, OvhRefused),
        (460, {"message": "Expired"}, OvhRefused),
        (404, {"class": "Client::NotFound", "message": "This service does not exist"}, OrderNotFound),
        (404, {"message": "Got an invalid (or empty) URL"}, NotFound),
        # JSON, but no object.
        (400, ["no"], OvhRefused),
        (400, "no", OvhRefused),
        (400, None, OvhRefused),
        (403, [], OvhRefused),
        (404, None, OrderNotFound),
        (400, {"message": None}, OvhRefused),
        (400, {"message": {"odd": 1}, "class": 5, "errorCode": []}, OvhRefused),
        # Nobody knows whether it happened.
        (408, {"message": "Request Timeout"}, AnswerLost),
        (500, {"class": "Server::InternalServerError", "message": "Oops"}, UnusableAnswer),
        (500, [], UnusableAnswer),
        (503, {"class": "Client::TooManyRequests", "message": "This call has not been granted"}, UnusableAnswer),
        (304, None, UnusableAnswer),
        (600, {"message": "?"}, UnusableAnswer),
    ],
)
def test_an_answer_means_exactly_this(
    gateway: Gateway, crooked: Crooked, status: int, body: object, error: type[OvhError]
) -> None:
    raised = error_after(gateway, crooked, response(status, body))
    assert type(raised) is error
    assert raised.status == status
    assert len(crooked.calls) == 1


@pytest.mark.parametrize("status", [200, 400, 403, 404, 500, 502, 503, 504])
@pytest.mark.parametrize(
    "raw", [b"<html><h1>Bad Gateway</h1></html>", b"", b"{", b"NaN", b"\xff\xfe\xff", b"[" * 99999]
)
def test_a_page_is_never_taken_for_ovhclouds_word(gateway: Gateway, crooked: Crooked, status: int, raw: bytes) -> None:
    raised = error_after(gateway, crooked, response(status, raw=raw))
    assert type(raised) is UnusableAnswer
    assert raised.status == status
    assert raised.message == ""


def test_a_page_that_says_429_is_obeyed(gateway: Gateway, crooked: Crooked) -> None:
    raised = error_after(gateway, crooked, response(429, raw=b"<html>"))
    assert isinstance(raised, RateLimited)
    assert raised.retry_after == 5.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("-3", 0.0),
        ("99999999", 3600.0),
        ("soon", 5.0),
        ("nan", 5.0),
        ("inf", 5.0),
        ("Fri, 01 Jan 1990 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600.0),
    ],
)
def test_how_long_to_keep_silent(gateway: Gateway, crooked: Crooked, header: str, seconds: float) -> None:
    raised = error_after(gateway, crooked, response(429, {"message": "Slow down"}, Retry_After=header))
    assert isinstance(raised, RateLimited)
    assert raised.retry_after == seconds


def test_ovhclouds_words_and_the_name_of_the_request_are_kept(gateway: Gateway, crooked: Crooked) -> None:
    said = "Le délai\x00 est\r\ndépassé"
    raised = error_after(gateway, crooked, response(400, {"message": said}, X_Ovh_Queryid="EU.ext-3.63ac85b6.10528.x"))
    assert raised.message == "Le délai est dépassé"
    assert raised.query_id == "EU.ext-3.63ac85b6.10528.x"
    assert str(raised) == "400 Le délai est dépassé (query id EU.ext-3.63ac85b6.10528.x)"


def test_endless_words_are_cut(gateway: Gateway, crooked: Crooked) -> None:
    assert len(error_after(gateway, crooked, response(400, {"message": "no " * 100_000})).message) == 1000


def test_no_key_in_the_words_of_an_answer(gateway: Gateway, crooked: Crooked) -> None:
    raised = error_after(gateway, crooked, response(403, {"message": f"Key {KEY} of {SECRET} is no good"}))
    assert raised.message == "Key … of … is no good"


def everything_hanging_on(error: BaseException) -> str:
    """The error, its causes, and the local variables of every frame of ours: what a crash page may print."""
    parts = [repr(error), str(error), repr(error.args), repr(vars(error))]
    for other in (error.__cause__, error.__context__):
        if other is not None:
            parts.append(everything_hanging_on(other))
    trace = error.__traceback__
    while trace is not None:
        if "/gateway/" in trace.tb_frame.f_code.co_filename and "/tests/" not in trace.tb_frame.f_code.co_filename:
            parts.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    return "\n".join(parts)


@pytest.mark.parametrize(
    "answer",
    [response(403, {"message": "no"}), response(502, raw=b"<html>"), b"", b"garbage\r\n\r\n", response(200, [])],
)
def test_no_key_hangs_on_an_error(gateway: Gateway, crooked: Crooked, answer: bytes) -> None:
    crooked.answers(crooked.cutting(answer))
    with pytest.raises(OvhError) as caught:
        gateway.me()
    hanging = everything_hanging_on(caught.value)
    assert caught.value.__context__ is None
    assert KEY not in hanging
    assert SECRET not in hanging
    assert "X-Ovh-Consumer" not in hanging


def test_no_key_in_a_repr(gateway: Gateway, crooked: Crooked) -> None:
    crooked.answers(response(200, {"consumerKey": KEY, "validationUrl": f"{crooked.base_url}/x", "state": "new"}))
    for thing in (gateway, gateway.application, gateway.request_credential([], "http://localhost/")):
        assert KEY not in repr(thing)
        assert SECRET not in repr(thing)
        assert "/1.0/x" not in repr(thing)


def test_a_write_that_was_refused_or_never_sent_did_not_happen() -> None:
    """What the withdrawal asks: each error is on one side, and only NotConnected and refusals are on the safe one."""
    tree = {getattr(front_door, name) for name in front_door.__all__}
    errors = {one for one in tree if isinstance(one, type) and issubclass(one, OvhError)}
    did_not_happen = {one for one in errors if issubclass(one, NotConnected | OvhRefused)}
    assert errors - did_not_happen == {OvhError, OvhUnavailable, AnswerLost, UnusableAnswer}
    assert {one for one in did_not_happen if issubclass(one, NotAdmitted)} == {
        NotAdmitted,
        CredentialRevoked,
        NotGranted,
        ApplicationKeyInvalid,
        WrongTime,
        InvalidSignature,
        RateLimited,
    }


def test_errors_survive_being_pickled() -> None:
    limited = pickle.loads(pickle.dumps(RateLimited("Slow", 429, "Q", "", 9.0)))
    assert (limited.message, limited.status, limited.query_id, limited.retry_after) == ("Slow", 429, "Q", 9.0)
    lost = pickle.loads(pickle.dumps(AnswerLost(detail="cut")))
    assert (lost.message, lost.status, lost.detail) == ("", None, "cut")
