"""
What can go wrong between us and OVHcloud, one sentence each.

    OvhError
    ├── OvhUnavailable              no usable answer
    │   ├── NotConnected            nothing was sent: a write did not happen
    │   ├── AnswerLost              sent, and no whole answer came: doubtful
    │   └── UnusableAnswer          an answer nobody can use (5xx, a page, wrong JSON): doubtful
    └── OvhRefused                  OVHcloud's own no: a 4xx
        ├── NotFound
        │   └── OrderNotFound
        └── NotAdmitted             turned away at the door, nobody judged what was asked
            ├── CredentialRevoked
            ├── NotGranted
            ├── ApplicationKeyInvalid
            ├── WrongTime
            ├── InvalidSignature
            └── RateLimited

For a write the question is always: did it happen? After NotConnected and after any OvhRefused it did
not. After any other OvhUnavailable nobody knows: look before sending again.
"""

from __future__ import annotations


class OvhError(Exception):
    """
    A call to OVHcloud that brought no result.

    message: OVHcloud's own words, to be shown as they are; "" when it said nothing we could read.
    status: the HTTP status of the answer, None when there was none.
    query_id: OVHcloud's name for the request, what its support asks for; "" when unknown.
    detail: our own words, English, for logs and staff.

    Neither this nor what hangs on it holds a key: the library's exceptions, which hold the request with
    its headers, are dropped before one of these is raised.
    """

    def __init__(self, message: str = "", status: int | None = None, query_id: str = "", detail: str = "") -> None:
        super().__init__(message, status, query_id, detail)
        self.message = message
        self.status = status
        self.query_id = query_id
        self.detail = detail

    def __str__(self) -> str:
        said = self.message or self.detail or "no explanation"
        status = f"{self.status} " if self.status is not None else ""
        query_id = f" (query id {self.query_id})" if self.query_id else ""
        return f"{status}{said}{query_id}"


class OvhUnavailable(OvhError):
    """No usable answer in time; worth another try later."""


class NotConnected(OvhUnavailable):
    """Not one byte of the call was sent, so a write did not happen (no connection, or no clock to sign by)."""


class AnswerLost(OvhUnavailable):
    """The call was sent and its answer did not come, or not whole: a write may have happened."""


class UnusableAnswer(OvhUnavailable):
    """An answer that tells nothing (5xx, a redirect, a page, other JSON): a write may have happened."""


class OvhRefused(OvhError):
    """OVHcloud understood the call and said no; a write did not happen."""


class NotFound(OvhRefused):
    """There is no such thing, or it belongs to somebody else."""


class OrderNotFound(NotFound):
    """This nichandle has no such order, or has it no more."""


class NotAdmitted(OvhRefused):
    """The call was turned away at the door: nobody judged what it asks, and it changed nothing."""


class CredentialRevoked(NotAdmitted):
    """The consumer key is unknown, refused, expired, logged out, or not validated yet."""


class NotGranted(NotAdmitted):
    """The consumer key is good, but its access rules do not cover this call."""


class ApplicationKeyInvalid(NotAdmitted):
    """OVHcloud does not know the panel's own application key: the operator's trouble, not the customer's."""


class WrongTime(NotAdmitted):
    """The call's time differs from OVHcloud's even after its clock was read again."""


class InvalidSignature(NotAdmitted):
    """The signature does not match: a wrong application secret, or a consumer key still pending."""


class RateLimited(NotAdmitted):
    """Too many calls; `retry_after` says for how many seconds to keep silent."""

    def __init__(
        self,
        message: str = "",
        status: int | None = None,
        query_id: str = "",
        detail: str = "",
        retry_after: float = 5.0,
    ) -> None:
        super().__init__(message, status, query_id, detail)
        self.args = (message, status, query_id, detail, retry_after)
        self.retry_after = retry_after
