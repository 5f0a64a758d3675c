"""
What OVHcloud answered, parsed once.

Names are the API's in Python's spelling; datetimes are aware and in UTC; enums stay OVHcloud's own words,
also those we do not know; fields we do not use are ignored. `from_api` raises UnusableAnswer when an
answer does not have the shape its schema promises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from ._fields import Fields

# priceInUcents counts millionths of a cent.
UCENTS = Decimal(100_000_000)
# Ucents of less than 10**12 whole units: amounts of twelve digits have been seen, more than a long counts.
MEASURE = range(-(10**20) + 1, 10**20)


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One method on one path pattern, `*` matching any run of characters: ("GET", "/me/order/*")."""

    method: str
    path: str

    @classmethod
    def from_api(cls, raw: Any) -> AccessRule:
        fields = Fields(raw, "rule")
        return cls(method=fields.word("method"), path=fields.word("path"))


@dataclass(frozen=True, slots=True)
class CredentialRequest:
    """
    A consumer key that waits for its customer's consent.

    validation_url: OVHcloud's page where they give it; its host has been checked.
    state: "pendingValidation" to begin with.
    """

    consumer_key: str = field(repr=False)
    validation_url: str = field(repr=False)
    state: str

    @classmethod
    def from_api(cls, raw: Any) -> CredentialRequest:
        fields = Fields(raw, "credential")
        return cls(
            consumer_key=fields.word("consumerKey"),
            validation_url=fields.word("validationUrl"),
            state=fields.word("state"),
        )


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """
    What the consumer key in use may do (schema auth.ApiCredential).

    status: "validated", "expired", "refused" or "pendingValidation".
    expiration: None for a grant without end. last_use: None when never used.
    """

    credential_id: int
    application_id: int
    status: str
    creation: datetime
    expiration: datetime | None
    last_use: datetime | None
    rules: tuple[AccessRule, ...]

    @classmethod
    def from_api(cls, raw: Any) -> CredentialRecord:
        fields = Fields(raw, "credential")
        return cls(
            credential_id=fields.integer("credentialId"),
            application_id=fields.integer("applicationId"),
            status=fields.word("status"),
            creation=fields.moment("creation"),
            expiration=fields.moment_or_none("expiration"),
            last_use=fields.moment_or_none("lastUse"),
            rules=fields.records("rules", AccessRule.from_api),
        )


@dataclass(frozen=True, slots=True)
class NichandleRecord:
    """The account (schema nichandle.Nichandle). What OVHcloud leaves empty or null is "" here."""

    nichandle: str
    customer_code: str
    email: str
    name: str
    firstname: str
    organisation: str
    legalform: str
    country: str
    language: str
    currency_code: str
    ovh_subsidiary: str
    ovh_company: str
    state: str
    address: str
    complementary_address: str
    area: str
    city: str
    zip: str
    phone: str
    vat: str

    @classmethod
    def from_api(cls, raw: Any) -> NichandleRecord:
        fields = Fields(raw, "nichandle")
        currency = Fields(fields.raw("currency"), "nichandle.currency") if fields.has("currency") else None
        return cls(
            nichandle=fields.word("nichandle"),
            customer_code=fields.text("customerCode"),
            email=fields.text("email"),
            name=fields.text("name"),
            firstname=fields.text("firstname"),
            organisation=fields.text("organisation"),
            legalform=fields.text("legalform"),
            country=fields.text("country"),
            language=fields.text("language"),
            currency_code=currency.text("code") if currency else "",
            ovh_subsidiary=fields.text("ovhSubsidiary"),
            ovh_company=fields.text("ovhCompany"),
            state=fields.text("state"),
            address=fields.text("address"),
            complementary_address=fields.text("complementaryAddress"),
            area=fields.text("area"),
            city=fields.text("city"),
            zip=fields.text("zip"),
            phone=fields.text("phone"),
            vat=fields.text("vat"),
        )


@dataclass(frozen=True, slots=True)
class Price:
    """
    An amount as OVHcloud quotes it (schema order.Price).

    value: whole currency units, Decimal("11.99").
    currency_code: has "points" and "N/A" beside ISO 4217 codes.
    text: OVHcloud's own rendering, in the account's language; shown, never read.
    """

    value: Decimal
    currency_code: str
    text: str

    @classmethod
    def from_api(cls, raw: Any) -> Price:
        fields = Fields(raw, "price")
        ucents = fields.integer_or_none("priceInUcents", within=MEASURE)
        return cls(
            value=fields.number("value") if ucents is None else ucents / UCENTS,
            currency_code=fields.word("currencyCode"),
            text=fields.text("text"),
        )


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """
    One order (schema billing.Order), without the addresses and the password that open its document:
    those are OrderLinks. Its status is a call of its own.

    expiration_date: end of the purchase order's life if it stays unpaid; read, never computed.
    retraction_date: last moment of the right of withdrawal; None means there is none, or not yet.
    """

    order_id: int
    date: datetime | None
    expiration_date: datetime | None
    retraction_date: datetime | None
    price_with_tax: Price
    price_without_tax: Price
    tax: Price

    @classmethod
    def from_api(cls, raw: Any) -> OrderRecord:
        fields = Fields(raw, "order")
        return cls(
            order_id=fields.integer("orderId"),
            date=fields.moment_or_none("date"),
            expiration_date=fields.moment_or_none("expirationDate"),
            retraction_date=fields.moment_or_none("retractionDate"),
            price_with_tax=Price.from_api(fields.raw("priceWithTax")),
            price_without_tax=Price.from_api(fields.raw("priceWithoutTax")),
            tax=Price.from_api(fields.raw("tax")),
        )


@dataclass(frozen=True, slots=True)
class OrderLinks:
    """
    Where an order's document lies. Whoever holds one of these addresses can open it: hand them to the
    owner at the moment of the click, keep them nowhere. "" when OVHcloud gave none that may be used.
    """

    url: str = field(repr=False)
    pdf_url: str = field(repr=False)

    @classmethod
    def from_api(cls, raw: Any) -> OrderLinks:
        fields = Fields(raw, "order")
        return cls(url=fields.text("url"), pdf_url=fields.text("pdfUrl"))


@dataclass(frozen=True, slots=True)
class OrderDetailRecord:
    """
    One part of an order (schema billing.OrderDetail).

    domain: the service's name, or a placeholder before delivery ("*001", "*").
    detail_type: "" where OVHcloud tells none. quantity: text, as OVHcloud sends it.
    unit_price, total_price: without tax; a discount (GIFT) is negative.
    """

    order_detail_id: int
    description: str
    domain: str
    detail_type: str
    quantity: str
    unit_price: Price
    total_price: Price
    cancelled: bool

    @classmethod
    def from_api(cls, raw: Any) -> OrderDetailRecord:
        fields = Fields(raw, "detail")
        # A string by the schema, a whole number in the cart's sister model: take both.
        quantity = fields.raw("quantity")
        counted = isinstance(quantity, int) and not isinstance(quantity, bool)
        return cls(
            order_detail_id=fields.integer("orderDetailId"),
            description=fields.text("description"),
            domain=fields.text("domain"),
            detail_type=fields.text("detailType"),
            quantity=str(fields.integer("quantity")) if counted else fields.text("quantity"),
            unit_price=Price.from_api(fields.raw("unitPrice")),
            total_price=Price.from_api(fields.raw("totalPrice")),
            cancelled=fields.flag("cancelled"),
        )


@dataclass(frozen=True, slots=True)
class ExtensionRecord:
    """
    What a detail orders (schema billing.ItemDetail); every text is "" where OVHcloud tells nothing.

    action: "installation", "renew", … . duration: an ISO 8601 period, "P1M".
    configurations: (label, value) pairs, in OVHcloud's order.
    """

    action: str
    type: str
    plan_code: str
    duration: str
    pricing_mode: str
    product_name: str
    quantity: int | None
    configurations: tuple[tuple[str, str], ...]

    @classmethod
    def from_api(cls, raw: Any) -> ExtensionRecord:
        def part(parent: Fields, name: str) -> Fields:
            return Fields(parent.raw(name) if parent.has(name) else {}, f"extension.{name}")

        order = part(Fields(raw, "extension"), "order")
        plan = part(order, "plan")
        return cls(
            action=order.text("action"),
            type=order.text("type"),
            plan_code=plan.text("code"),
            duration=plan.text("duration"),
            pricing_mode=plan.text("pricingMode"),
            product_name=part(plan, "product").text("name"),
            quantity=plan.integer_or_none("quantity"),
            configurations=order.records("configurations", _configuration),
        )


def _configuration(raw: Any) -> tuple[str, str]:
    fields = Fields(raw, "configuration")
    return fields.text("label"), fields.text("value")


@dataclass(frozen=True, slots=True)
class FollowUpEntry:
    """Something that happened; description is in the account's language."""

    date: datetime
    label: str
    description: str

    @classmethod
    def from_api(cls, raw: Any) -> FollowUpEntry:
        fields = Fields(raw, "followUp.history")
        return cls(date=fields.moment("date"), label=fields.text("label"), description=fields.text("description"))


@dataclass(frozen=True, slots=True)
class FollowUpRecord:
    """
    One step of an order's way (schema billing.order.FollowUp).

    step: VALIDATING, VALIDATED, DELIVERING or AVAILABLE. status: TODO, DOING, DONE or ERROR.
    history: oldest first, whatever order OVHcloud sent.
    """

    step: str
    status: str
    history: tuple[FollowUpEntry, ...]

    @classmethod
    def from_api(cls, raw: Any) -> FollowUpRecord:
        fields = Fields(raw, "followUp")
        history = fields.records("history", FollowUpEntry.from_api)
        return cls(
            step=fields.word("step"),
            status=fields.word("status"),
            history=tuple(sorted(history, key=lambda entry: entry.date)),
        )


@dataclass(frozen=True, slots=True)
class AssociatedObjectRecord:
    """What an order became: type "Bill", "Refund", "Deposit", "ReverseBill" or "Withdrawal", and its id."""

    type: str
    id: str

    @classmethod
    def from_api(cls, raw: Any) -> AssociatedObjectRecord | None:
        """None when both are null: the order became nothing yet."""
        fields = Fields(raw, "associatedObject")
        type_, id_ = fields.text("type"), fields.text("id")
        return cls(type=type_, id=id_) if type_ and id_ else None


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """How and when an order was paid (schema billing.Payment)."""

    payment_date: datetime | None
    payment_type: str
    payment_identifier: str

    @classmethod
    def from_api(cls, raw: Any) -> PaymentRecord:
        fields = Fields(raw, "payment")
        return cls(
            payment_date=fields.moment_or_none("paymentDate"),
            payment_type=fields.text("paymentType"),
            payment_identifier=fields.text("paymentIdentifier"),
        )


@dataclass(frozen=True, slots=True)
class AvailablePaymentMethodRecord:
    """A kind of payment OVHcloud takes for an order (schema payment.method.AvailablePaymentMethod)."""

    payment_type: str
    payment_sub_type: str
    integration: str
    oneshot: bool
    registerable: bool

    @classmethod
    def from_api(cls, raw: Any) -> AvailablePaymentMethodRecord:
        fields = Fields(raw, "availableMethod")
        return cls(
            payment_type=fields.word("paymentType"),
            payment_sub_type=fields.text("paymentSubType"),
            integration=fields.text("integration"),
            oneshot=fields.flag("oneshot"),
            registerable=fields.flag("registerable"),
        )


@dataclass(frozen=True, slots=True)
class PaymentOptions:
    """With what an order can be paid: kinds, and ids of methods the customer has registered."""

    available: tuple[AvailablePaymentMethodRecord, ...]
    registered: tuple[int, ...]

    @classmethod
    def from_api(cls, raw: Any) -> PaymentOptions:
        fields = Fields(raw, "paymentMethods")
        return cls(
            available=fields.records("available", AvailablePaymentMethodRecord.from_api),
            registered=fields.integers("registered"),
        )


@dataclass(frozen=True, slots=True)
class PaymentMethodRecord:
    """
    A payment method the customer has registered (schema me.payment.PaymentMethod).

    payment_type: free text in the schema, "CREDIT_CARD". status: "VALID", "EXPIRED", … .
    label: what tells it from others, a masked number. payment_sub_type, label, description may be "".
    payment_mean_id: its number in the older words; None where it has none.
    """

    payment_method_id: int
    payment_type: str
    payment_sub_type: str
    status: str
    default: bool
    label: str
    description: str
    expiration_date: datetime | None
    payment_mean_id: int | None

    @classmethod
    def from_api(cls, raw: Any) -> PaymentMethodRecord:
        fields = Fields(raw, "paymentMethod")
        return cls(
            payment_method_id=fields.integer("paymentMethodId"),
            payment_type=fields.word("paymentType"),
            payment_sub_type=fields.text("paymentSubType"),
            status=fields.word("status"),
            default=fields.flag("default"),
            label=fields.text("label"),
            description=fields.text("description"),
            expiration_date=fields.moment_or_none("expirationDate"),
            payment_mean_id=fields.integer_or_none("paymentMeanId"),
        )


@dataclass(frozen=True, slots=True)
class BillRecord:
    """A bill (schema billing.Bill), without what opens its document: that is BillLinks."""

    bill_id: str
    order_id: int | None
    date: datetime
    category: str
    price_with_tax: Price
    price_without_tax: Price
    tax: Price

    @classmethod
    def from_api(cls, raw: Any) -> BillRecord:
        fields = Fields(raw, "bill")
        return cls(
            bill_id=fields.word("billId"),
            order_id=fields.integer_or_none("orderId"),
            date=fields.moment("date"),
            category=fields.text("category"),
            price_with_tax=Price.from_api(fields.raw("priceWithTax")),
            price_without_tax=Price.from_api(fields.raw("priceWithoutTax")),
            tax=Price.from_api(fields.raw("tax")),
        )


@dataclass(frozen=True, slots=True)
class BillLinks:
    """Where a bill's document lies; the same care as for OrderLinks."""

    url: str = field(repr=False)
    pdf_url: str = field(repr=False)

    @classmethod
    def from_api(cls, raw: Any) -> BillLinks:
        fields = Fields(raw, "bill")
        return cls(url=fields.text("url"), pdf_url=fields.text("pdfUrl"))


@dataclass(frozen=True, slots=True)
class RefundRecord:
    """Money given back (schema billing.Refund), without what opens its document."""

    refund_id: str
    order_id: int | None
    original_bill_id: str
    date: datetime
    price_with_tax: Price
    price_without_tax: Price
    tax: Price

    @classmethod
    def from_api(cls, raw: Any) -> RefundRecord:
        fields = Fields(raw, "refund")
        return cls(
            refund_id=fields.word("refundId"),
            order_id=fields.integer_or_none("orderId"),
            original_bill_id=fields.text("originalBillId"),
            date=fields.moment("date"),
            price_with_tax=Price.from_api(fields.raw("priceWithTax")),
            price_without_tax=Price.from_api(fields.raw("priceWithoutTax")),
            tax=Price.from_api(fields.raw("tax")),
        )
