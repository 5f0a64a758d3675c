"""The calls: one typed method for each route of OVHcloud's API that the panel uses."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from . import errors
from ._fields import as_integer, as_integers, as_list, as_text
from ._limits import Limits
from ._paths import filled as _path
from ._paths import query_of as _query
from ._refusals import error_of
from ._transport import Answer, Call, exchange
from .application import Application
from .ordering import Ordering
from .paying import Paying
from .records import (
    AccessRule,
    AssociatedObjectRecord,
    BillLinks,
    BillRecord,
    CredentialRecord,
    CredentialRequest,
    ExtensionRecord,
    FollowUpRecord,
    NichandleRecord,
    OrderDetailRecord,
    OrderLinks,
    OrderRecord,
    PaymentMethodRecord,
    PaymentOptions,
    PaymentRecord,
    RefundRecord,
)

T = TypeVar("T")

# A read is tried this often while OVHcloud fails quickly; what fails slowly is not worth a worker's time.
TRIES = 3

# Seconds before the second and the third try, each times a chance between 0.5 and 1.5.
PAUSES = (0.2, 0.8)

# Orders in one answer of an expanded list, and how many such answers are read at most.
PAGE_SIZE = 500
MOST_PAGES = 400

# Orders in one batch: what OVHcloud's own pages ask for at once.
LARGEST_BATCH = 50

# Seconds to add to this machine's clock to have OVHcloud's, by API address. Read when first needed, and again
# when a signature is refused for it.
_time_deltas: dict[str, int] = {}
# Seconds: a reading is no more exact than its answer was quick.
_CLOCKS_AGREE_WITHIN = 2
_reading_the_clock = threading.Lock()


def _unlock_the_clock() -> None:
    """A child forked while another thread read the clock would wait for a thread that it has not got."""
    global _reading_the_clock
    _reading_the_clock = threading.Lock()


os.register_at_fork(after_in_child=_unlock_the_clock)


@dataclass(frozen=True, slots=True)
class Heard:
    """
    What came of one request, for a witness. value: the answer as JSON, with all its secrets in it.

    path: below /1.0, with its query. error: set for everything but a success; value is None then.
    """

    method: str
    path: str
    status: int | None
    query_id: str
    value: Any = field(repr=False)
    error: errors.OvhError | None


class Gateway(Ordering, Paying):
    """
    OVHcloud for one nichandle, or for nobody yet (an empty consumer key serves `time` and
    `request_credential`). Cheap to make; safe in any thread and after a fork.

    answer_within, connect_within, in_all: seconds; in_all holds for one request with its retries.
    tries: how often a read is made while OVHcloud fails quickly, at most TRIES.
    before_call: called with method and path before each request that leaves, `GET /auth/time` and
        retries too; what it raises comes through, and nothing is sent. An OvhError before a retry ends the tries.
    witness: told what came of each request, from whatever thread made it; it must not raise.

    Every method raises OvhUnavailable when no usable answer came, and OvhRefused for OVHcloud's no,
    among which: CredentialRevoked, NotGranted, RateLimited. Reads are retried while time allows;
    writes never, but for one refused because our clock was off, which OVHcloud has not looked at.
    """

    def __init__(
        self,
        application: Application,
        consumer_key: str = "",
        *,
        answer_within: float = 10.0,
        in_all: float = 15.0,
        connect_within: float = 5.0,
        tries: int = TRIES,
        before_call: Callable[[str, str], None] | None = None,
        witness: Callable[[Heard], None] | None = None,
    ) -> None:
        self.application = application
        self._consumer_key = consumer_key
        self._connect_within = connect_within
        self._answer_within = answer_within
        self._in_all = in_all
        self._pauses = PAUSES[: tries - 1]
        self._before_call = before_call
        self._witness = witness

    def __repr__(self) -> str:
        return f"<Gateway to {self.application.address}>"

    @property
    def clock_behind_s(self) -> int:
        """Seconds by which OVHcloud's clock stood behind ours when it was last read; 0: not behind, or never read."""
        behind = -_time_deltas.get(self.application.address, 0)
        return behind if behind > _CLOCKS_AGREE_WITHIN else 0

    # Who we are

    def time(self) -> int:
        """
        Return OVHcloud's time, Unix seconds.

        Source: GET /auth/time, open to all.
        """
        return self._read_time(self._limits())

    def request_credential(self, rules: Sequence[AccessRule], redirection: str) -> CredentialRequest:
        """
        Ask for a consumer key with these rights; the customer consents at its validation_url.

        Source: POST /auth/credential, signed by nobody. redirection: where OVHcloud sends the customer back.
        Raises UnusableAnswer when validation_url lies on a host that we do not send customers to.
        """
        body = {
            "accessRules": [{"method": rule.method.strip().upper(), "path": rule.path.strip()} for rule in rules],
            "redirection": redirection,
        }
        call = Call("POST", "/auth/credential", body, signed=False)
        return self._parsed(self._answer(call), self._checked_request)

    def _checked_request(self, raw: Any) -> CredentialRequest:
        request = CredentialRequest.from_api(raw)
        if not self.application.may_ask_for_consent(request.validation_url):
            raise errors.UnusableAnswer(detail="validationUrl: not on a host we trust")
        return request

    def current_credential(self) -> CredentialRecord:
        """
        Return what the consumer key in use may do.

        Source: GET /auth/currentCredential, schema auth.ApiCredential.
        Raises CredentialRevoked also while the customer has not consented yet.
        """
        return self._get(CredentialRecord.from_api, "/auth/currentCredential")

    def log_out(self) -> None:
        """
        Make the consumer key worthless.

        Source: POST /auth/logout. Raises CredentialRevoked when it already is.
        """
        self._post("/auth/logout")

    def me(self) -> NichandleRecord:
        """
        Return the account.

        Source: GET /me, schema nichandle.Nichandle.
        """
        return self._get(NichandleRecord.from_api, "/me")

    # Orders

    def order_ids(self, date_from: datetime | None = None, date_to: datetime | None = None) -> list[int]:
        """
        Return the ids of all orders, or of those placed in a span (both ends belong to it), in no
        order that could be relied on.

        Source: GET /me/order. Raises ValueError for a naive datetime.
        """
        return self._get(lambda raw: as_integers(raw, "orders"), "/me/order", query=_span(date_from, date_to))

    def order_objects(
        self, date_from: datetime | None = None, date_to: datetime | None = None
    ) -> list[OrderRecord] | None:
        """
        Return orders whole, some hundred to a request, in no order that could be relied on; None where
        the API gives ids only.

        What the API leaves out (null) or spoils is missing here: `order_ids` is the truth about which
        orders there are, `order` about one of them.

        Source: GET /me/order with X-Pagination-Mode, which OVHcloud uses itself and documents nowhere.
        Raises ValueError for a naive datetime.
        """
        orders: dict[int, OrderRecord] = {}
        received = 0
        for number in range(1, MOST_PAGES + 1):
            answer = self._answer(_page_of_orders(date_from, date_to, number))
            items = self._parsed(answer, lambda raw: as_list(raw, "orders"))
            if any(isinstance(item, int) for item in items):
                return None
            known = len(orders)
            orders.update((order.order_id, order) for order in map(_order_or_none, items) if order)
            received += len(items)
            # A server that knows no pages sends everything at once, or the same again and again.
            repeats = len(orders) == known and any(item is not None for item in items)
            if not items or repeats or not _more_to_come(answer, received, len(items)):
                break
        return list(orders.values())

    def order(self, order_id: int) -> OrderRecord:
        """
        Return one order as OVHcloud holds it now.

        Source: GET /me/order/{orderId}, schema billing.Order.
        Raises OrderNotFound when this nichandle has no such order.
        """
        return self._get(OrderRecord.from_api, "/me/order/{}", order_id)

    def order_links(self, order_id: int) -> OrderLinks:
        """
        Return where the order's document lies, "" for an address that is not OVHcloud's.

        Source: GET /me/order/{orderId}. Raises OrderNotFound.
        """
        links = self._get(OrderLinks.from_api, "/me/order/{}", order_id)
        return OrderLinks(url=self._document(links.url), pdf_url=self._document(links.pdf_url))

    def order_status(self, order_id: int) -> str:
        """
        Return the status, OVHcloud's word ("notPaid"), known to us or not.

        Source: GET /me/order/{orderId}/status. Raises OrderNotFound, also once an order has lapsed.
        """
        return self._get(_status, "/me/order/{}/status", order_id)

    def order_statuses(self, order_ids: Sequence[int]) -> dict[int, str] | None:
        """
        Return the statuses of several orders in one call, at most LARGEST_BATCH; None where the API knows no batches.

        An order that the answer leaves out, or has an error for, is missing here: `order_status` tells why.

        Source: GET /me/order/{orderId},{orderId}/status with X-Ovh-Batch, which OVHcloud uses itself and documents
        nowhere; for this route it is not known to work.
        """
        path = f"/me/order/{','.join(str(int(order_id)) for order_id in order_ids[:LARGEST_BATCH])}/status"
        try:
            answer = self._answer(Call("GET", path, headers={"X-Ovh-Batch": ","}))
        except errors.NotAdmitted:
            raise
        except (errors.OvhRefused, errors.UnusableAnswer) as error:
            if (error.status or 500) >= 500:
                raise
            return None
        return _statuses(answer.value)

    def order_detail_ids(self, order_id: int) -> list[int]:
        """
        Return the ids of an order's details.

        Source: GET /me/order/{orderId}/details. Raises OrderNotFound.
        """
        return self._get(lambda raw: as_integers(raw, "details"), "/me/order/{}/details", order_id)

    def order_detail(self, order_id: int, detail_id: int) -> OrderDetailRecord:
        """
        Return one detail of an order; prices without tax.

        Source: GET /me/order/{orderId}/details/{orderDetailId}, schema billing.OrderDetail.
        Raises OrderNotFound.
        """
        return self._get(OrderDetailRecord.from_api, "/me/order/{}/details/{}", order_id, detail_id)

    def order_detail_extension(self, order_id: int, detail_id: int) -> ExtensionRecord | None:
        """
        Return what a detail orders, None where the API does not tell (404; in the US always).

        Source: GET /me/order/{orderId}/details/{orderDetailId}/extension, schema billing.ItemDetail.
        """
        path = "/me/order/{}/details/{}/extension"
        return self._get_or_none(ExtensionRecord.from_api, path, order_id, detail_id)

    def follow_up(self, order_id: int) -> tuple[FollowUpRecord, ...] | None:
        """
        Return the steps of an order's way, in the API's order; None: no tracking (404), as for older
        orders. The status wins over it: a delivered order may have four steps, all TODO.

        Source: GET /me/order/{orderId}/followUp, schema billing.order.FollowUp.
        """
        return self._get_or_none(_follow_up, "/me/order/{}/followUp", order_id)

    def associated_object(self, order_id: int) -> AssociatedObjectRecord | None:
        """
        Return what the order became (a bill, a refund), None as long as it became nothing.

        Source: GET /me/order/{orderId}/associatedObject.
        """
        return self._get_or_none(AssociatedObjectRecord.from_api, "/me/order/{}/associatedObject", order_id)

    def payment(self, order_id: int) -> PaymentRecord | None:
        """
        Return how the order was paid, None when it is not.

        Source: GET /me/order/{orderId}/payment, schema billing.Payment.
        """
        return self._get_or_none(PaymentRecord.from_api, "/me/order/{}/payment", order_id)

    def payment_methods(self, order_id: int) -> PaymentOptions:
        """
        Return with what this order can be paid.

        Source: GET /me/order/{orderId}/paymentMethods, schema billing.order.PaymentMethods.
        Raises OrderNotFound.
        """
        return self._get(PaymentOptions.from_api, "/me/order/{}/paymentMethods", order_id)

    def retract_order(self, order_id: int, reason: str = "other", comment: str | None = None) -> None:
        """
        Ask OVHcloud to take the whole order back. Success means that the request was taken; what
        becomes of it is seen in the status. Not idempotent: never repeat it unless NotConnected.

        Source: POST /me/order/{orderId}/retraction.
        reason: competitor, difficulty, expensive, other, performance, reliability or unused.
        Raises:
            OvhRefused: no right of withdrawal, or too late, or asked before; `message` says which. Its
                child NotAdmitted is no verdict on the withdrawal.
            NotConnected: OVHcloud never heard of it.
            OvhUnavailable, otherwise: it may have been accepted; look at the status before anything else.
        """
        body = {"reason": reason} if comment is None else {"reason": reason, "comment": comment}
        self._post("/me/order/{}/retraction", order_id, body=body)

    # Payment methods, bills, refunds

    def registered_payment_method_ids(self) -> list[int]:
        """
        Return the ids of the customer's registered payment methods.

        Source: GET /me/payment/method.
        """
        return self._get(lambda raw: as_integers(raw, "payment methods"), "/me/payment/method")

    def payment_method(self, payment_method_id: int) -> PaymentMethodRecord:
        """
        Return one registered payment method.

        Source: GET /me/payment/method/{paymentMethodId}, schema me.payment.PaymentMethod. Raises NotFound.
        """
        return self._get(PaymentMethodRecord.from_api, "/me/payment/method/{}", payment_method_id)

    def bill_ids(self, order_id: int | None = None) -> list[str]:
        """
        Return the ids of all bills, or of an order's.

        Source: GET /me/bill.
        """
        return self._get(_ids, "/me/bill", query={"orderId": order_id})

    def bill(self, bill_id: str) -> BillRecord:
        """
        Return one bill.

        Source: GET /me/bill/{billId}, schema billing.Bill. Raises NotFound.
        """
        return self._get(BillRecord.from_api, "/me/bill/{}", bill_id)

    def bill_links(self, bill_id: str) -> BillLinks:
        """
        Return where the bill's document lies, "" for an address that is not OVHcloud's.

        Source: GET /me/bill/{billId}. Raises NotFound.
        """
        links = self._get(BillLinks.from_api, "/me/bill/{}", bill_id)
        return BillLinks(url=self._document(links.url), pdf_url=self._document(links.pdf_url))

    def refund_ids(self, order_id: int | None = None) -> list[str]:
        """
        Return the ids of all refunds, or of an order's.

        Source: GET /me/refund.
        """
        return self._get(_ids, "/me/refund", query={"orderId": order_id})

    def refund(self, refund_id: str) -> RefundRecord:
        """
        Return one refund.

        Source: GET /me/refund/{refundId}, schema billing.Refund. Raises NotFound.
        """
        return self._get(RefundRecord.from_api, "/me/refund/{}", refund_id)

    # Below the methods

    def _get(self, parse: Callable[[Any], T], template: str, *ids: int | str, query: dict[str, Any] | None = None) -> T:
        return self._parsed(self._answer(Call("GET", _path(template, *ids) + _query(query or {}))), parse)

    def _get_or_none(self, parse: Callable[[Any], T], template: str, *ids: int | str) -> T | None:
        try:
            return self._get(parse, template, *ids)
        except errors.NotFound:
            return None

    def _post(self, template: str, *ids: int | str, body: dict[str, Any] | None = None) -> None:
        self._answer(Call("POST", _path(template, *ids), body))

    def _parsed(self, answer: Answer, parse: Callable[[Any], T]) -> T:
        try:
            return parse(answer.value)
        except errors.UnusableAnswer as error:
            detail = error.detail
        raise errors.UnusableAnswer("", answer.status, answer.query_id, detail)

    def _document(self, url: str) -> str:
        return url if self.application.may_hold_documents(url) else ""

    def _limits(self) -> Limits:
        return Limits(self._connect_within, self._answer_within, self._in_all)

    def _answer(self, call: Call) -> Answer:
        """Make one call with all its tries and return its success."""
        if call.signed and not self._consumer_key:
            raise errors.CredentialRevoked(detail="there is no consumer key")
        limits = self._limits()
        outcome = (self._no_clock(limits) if call.signed else None) or self._tried_by_a_right_clock(call, limits)
        if isinstance(outcome, errors.OvhError):
            raise outcome
        return outcome

    def _tried_by_a_right_clock(self, call: Call, limits: Limits) -> Answer | errors.OvhError:
        signed_with = _time_deltas.get(self.application.address, 0)
        outcome = self._tried(call, limits)
        if not isinstance(outcome, errors.WrongTime | errors.InvalidSignature):
            return outcome
        return self._tried(call, limits) if self._clock_moved(signed_with, limits) else outcome

    def _tried(self, call: Call, limits: Limits) -> Answer | errors.OvhError:
        outcome = self._once(call, limits)
        for pause in self._pauses:
            if call.writes or not _may_pass(outcome) or limits.elapsed() > self._in_all / 3:
                return outcome
            time.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311  (jitter, no secret)
            try:
                outcome = self._once(call, limits)
            except errors.OvhError:
                # before_call allows no other try: what came of the last one is what there is to tell.
                return outcome
        return outcome

    def _once(self, call: Call, limits: Limits) -> Answer | errors.OvhError:
        if not (self.application.application_key and self.application.application_secret):
            return errors.ApplicationKeyInvalid(detail="no application key is configured")
        if self._before_call:
            self._before_call(call.method, call.path)
        time_delta = _time_deltas.get(self.application.address, 0)
        outcome: Answer | errors.OvhError = exchange(self.application, self._consumer_key, time_delta, call, limits)
        if not isinstance(outcome, errors.OvhError):
            secrets = (self._consumer_key, self.application.application_secret)
            error = error_of(outcome, of_an_order=call.path.startswith("/me/order/"), secrets=secrets)
            outcome = error or outcome
        if self._witness:
            self._witness(_heard(call, outcome))
        return outcome

    # OVHcloud's clock

    def _no_clock(self, limits: Limits) -> errors.OvhError | None:
        """Return why OVHcloud's time is not known: then the call cannot be signed and is not sent."""
        if self.application.address in _time_deltas:
            return None
        try:
            with _reading_the_clock:
                # Many threads begin at once: one reads for all.
                if self.application.address not in _time_deltas:
                    self._read_time(limits)
        except (errors.RateLimited, errors.ApplicationKeyInvalid) as error:
            return error
        except errors.OvhError as error:
            return errors.NotConnected("", error.status, error.query_id, f"no time to sign by: {error}")
        return None

    def _clock_moved(self, signed_with: int, limits: Limits) -> bool:
        """Read OVHcloud's clock again; True when it tells another time than we signed with."""
        try:
            self._read_time(limits)
        except errors.OvhError:
            return False
        return abs(_time_deltas[self.application.address] - signed_with) > 5

    def _read_time(self, limits: Limits) -> int:
        outcome = self._tried(Call("GET", "/auth/time", signed=False), limits)
        if isinstance(outcome, errors.OvhError):
            raise outcome
        now = self._parsed(outcome, lambda raw: as_integer(raw, "time"))
        _time_deltas[self.application.address] = now - int(time.time())
        return now


def _heard(call: Call, outcome: Answer | errors.OvhError) -> Heard:
    if isinstance(outcome, errors.OvhError):
        return Heard(call.method, call.path, outcome.status, outcome.query_id, None, outcome)
    return Heard(call.method, call.path, outcome.status, outcome.query_id, outcome.value, None)


def _may_pass(outcome: Answer | errors.OvhError) -> bool:
    """Whether a read that ended so is worth another try at once: no connection, a cut, 5xx, a spoilt 200."""
    if not isinstance(outcome, errors.OvhUnavailable):
        return False
    return outcome.status is None or outcome.status >= 500 or outcome.status == 200


def _page_of_orders(date_from: datetime | None, date_to: datetime | None, number: int) -> Call:
    headers = {
        "X-Pagination-Mode": "CachedObjectList-Pages",
        "X-Pagination-Size": str(PAGE_SIZE),
        "X-Pagination-Number": str(number),
        "Pragma": "no-cache",
    }
    return Call("GET", "/me/order" + _query(_span(date_from, date_to)), headers=headers)


def _more_to_come(answer: Answer, received: int, of_this_page: int) -> bool:
    total = answer.headers.get("X-Pagination-Elements", "")
    if total.isascii() and total.isdigit():
        return received < int(total[:18])
    return of_this_page >= PAGE_SIZE


def _span(date_from: datetime | None, date_to: datetime | None) -> dict[str, str | None]:
    return {"date.from": _moment(date_from), "date.to": _moment(date_to)}


def _moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a datetime without its zone")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _ids(raw: Any) -> list[str]:
    return [as_text(item, "id") for item in as_list(raw, "ids") if item]


def _status(raw: Any) -> str:
    status = as_text(raw, "status")
    if not status:
        raise errors.UnusableAnswer(detail="status: missing")
    return status


def _statuses(raw: Any) -> dict[int, str] | None:
    """Read the answer to a batch; None for what is none, such as the status of one order."""
    if not isinstance(raw, list):
        return None
    found: dict[int, str] = {}
    for item in raw:
        if not isinstance(item, dict) or "key" not in item:
            return None
        value, key = item.get("value"), str(item["key"])
        if not item.get("error") and isinstance(value, str) and value and key.isascii() and key.isdigit():
            found[int(key)] = as_text(value, "status")
    return found


def _order_or_none(raw: Any) -> OrderRecord | None:
    try:
        return OrderRecord.from_api(raw)
    except errors.UnusableAnswer:
        return None


def _follow_up(raw: Any) -> tuple[FollowUpRecord, ...]:
    return tuple(FollowUpRecord.from_api(item) for item in as_list(raw, "followUp") if item is not None)
