"""The calls of paying: what an order may be paid with, and the two calls that pay it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ._fields import Fields, as_list

T = TypeVar("T")


class Paying:
    """
    The part of a Gateway that pays. Neither call that pays is idempotent by contract: after anything but a refusal or
    NotConnected, look at `order_status` and `payment` first.
    """

    if TYPE_CHECKING:

        def _get(self, parse: Callable[[Any], T], template: str, *ids: int | str, query: Any = None) -> T: ...

        def _post(self, template: str, *ids: int | str, body: dict[str, Any] | None = None) -> None: ...

    def available_registered_payment_means(self, order_id: int) -> list[str]:
        """
        Return with which of the customer's own means the order may be paid: "creditCard", "bankAccount", "paypal",
        "ovhAccount" (money on the account itself), "fidelityAccount" (a free order), "CREDIT_CARD", … .

        Source: GET /me/order/{orderId}/availableRegisteredPaymentMean. Raises OrderNotFound.
        """
        return self._get(_means, "/me/order/{}/availableRegisteredPaymentMean", order_id)

    def pay_with_registered_payment_mean(self, order_id: int, mean: str, mean_id: int | None = None) -> None:
        """
        Pay the whole order in the older words. Success means that OVHcloud took it; the status leaves notPaid
        afterwards, or does not.

        Source: POST /me/order/{orderId}/payWithRegisteredPaymentMean.
        mean: one of `available_registered_payment_means`. mean_id: PaymentMethodRecord.payment_mean_id; required for
            bankAccount, creditCard and paypal, None for fidelityAccount and ovhAccount.
        Raises:
            OvhRefused: not by this mean, the bank's no, paid before, lapsed; `message` says which. Its child
                NotAdmitted is no verdict on the payment.
            NotConnected: OVHcloud never heard of it.
            OvhUnavailable, otherwise: it may have been taken.
        """
        body: dict[str, Any] = {"paymentMean": mean}
        if mean_id is not None:
            body["paymentMeanId"] = mean_id
        self._post("/me/order/{}/payWithRegisteredPaymentMean", order_id, body=body)

    def pay(self, order_id: int, payment_method_id: int) -> None:
        """
        Pay the whole order with a method of GET /me/payment/method; otherwise as `pay_with_registered_payment_mean`.

        Source: POST /me/order/{orderId}/pay (BETA).
        """
        self._post("/me/order/{}/pay", order_id, body={"paymentMethod": {"id": payment_method_id}})


def _means(raw: Any) -> list[str]:
    means = [Fields(item, "availableRegisteredPaymentMean").word("paymentMean") for item in as_list(raw, "means")]
    return list(dict.fromkeys(means))
