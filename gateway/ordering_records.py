"""
What OVHcloud answers about carts, offers, contacts, parsed once; see records.py.

Durations are the API's words ("P1Y"). Prices by label hold PRICE, RENEW, DISCOUNT, FEE, TOTAL, without tax: never read
by position, and no arithmetic between them is promised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ._fields import Fields, as_facts
from .errors import UnusableAnswer
from .records import Price

# Deeper than any rule of a registry that was seen.
RULE_DEPTH = 40
CONTACT_PATH = re.compile(r"/(?:me|domain)/contact/[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class CartRecord:
    """
    A cart (schema order.cart.Cart). cart_id: whoever has it may fill the cart, until it is assigned.

    read_only: it was checked out.
    """

    cart_id: str = field(repr=False)
    description: str
    expire: datetime | None
    items: tuple[int, ...]
    read_only: bool

    @classmethod
    def from_api(cls, raw: Any) -> CartRecord:
        fields = Fields(raw, "cart")
        return cls(
            cart_id=fields.word("cartId"),
            description=fields.text("description"),
            expire=fields.moment_or_none("expire"),
            items=fields.integers("items"),
            read_only=fields.flag("readOnly"),
        )


@dataclass(frozen=True, slots=True)
class RequirementRecord:
    """
    A label of requiredConfiguration. required: a hint, wrong both ways; checking out decides.

    allowed_values: None where any text is taken, as far as the API tells.
    """

    label: str
    type: str
    required: bool
    fields: tuple[str, ...] | None
    allowed_values: tuple[str, ...] | None

    @classmethod
    def from_api(cls, raw: Any) -> RequirementRecord:
        fields = Fields(raw, "requirement")
        return cls(
            label=fields.word("label"),
            type=fields.text("type"),
            required=fields.flag("required"),
            fields=fields.texts_or_none("fields"),
            allowed_values=fields.texts_or_none("allowedValues"),
        )


@dataclass(frozen=True, slots=True)
class DomainOfferRecord:
    """
    One way to have a name (schema order.cart.ProductInformation).

    pricing_mode: "create-default", "transfer-premium", …. delivery_time: "" when it is not told.
    recommended_duration: "" when there is none. nameservers: those of a name that is taken.
    """

    action: str
    pricing_mode: str
    offer_id: str
    offer: str
    orderable: bool
    phase: str
    delivery_time: str
    durations: tuple[str, ...]
    recommended_duration: str
    quantity_max: int | None
    prices: Mapping[str, Price]
    configurations: tuple[RequirementRecord, ...]
    nameservers: tuple[str, ...] | None
    is_transfer_locked: bool | None

    @classmethod
    def from_api(cls, raw: Any) -> DomainOfferRecord:
        fields = Fields(raw, "offer")
        return cls(
            action=fields.word("action"),
            pricing_mode=fields.word("pricingMode"),
            offer_id=fields.text("offerId"),
            offer=fields.text("offer"),
            orderable=fields.flag("orderable"),
            phase=fields.text("phase"),
            delivery_time=fields.text("deliveryTime"),
            durations=fields.texts("duration"),
            recommended_duration=fields.text("recommendedDuration"),
            quantity_max=fields.integer_or_none("quantityMax"),
            prices=_by_label(fields),
            configurations=fields.records("configurations", RequirementRecord.from_api),
            nameservers=fields.texts_or_none("currentNameservers"),
            is_transfer_locked=fields.flag_or_none("isTransferLocked"),
        )


@dataclass(frozen=True, slots=True)
class PricingRecord:
    """
    One price of a plan (schema order.cart.GenericProductPricing), without tax and for one of it.

    capacities: an order takes one that holds "installation". interval: months. maximum_quantity: None, no limit.
    """

    pricing_mode: str
    duration: str
    price: Price
    description: str
    interval: int | None
    capacities: tuple[str, ...]
    pricing_type: str
    minimum_quantity: int
    maximum_quantity: int | None

    @classmethod
    def from_api(cls, raw: Any) -> PricingRecord:
        fields = Fields(raw, "pricing")
        least = fields.integer_or_none("minimumQuantity")
        return cls(
            pricing_mode=fields.word("pricingMode"),
            duration=fields.text("duration"),
            price=Price.from_api(fields.raw("price")),
            description=fields.text("description"),
            interval=fields.integer_or_none("interval"),
            capacities=fields.texts("capacities"),
            pricing_type=fields.text("pricingType"),
            minimum_quantity=1 if least is None else least,
            maximum_quantity=fields.integer_or_none("maximumQuantity"),
        )


@dataclass(frozen=True, slots=True)
class ProductRecord:
    """A plan that can be ordered, or an option: then with its family (schemas order.cart.Generic…Definition)."""

    plan_code: str
    product_name: str
    product_type: str
    prices: tuple[PricingRecord, ...]
    family: str
    exclusive: bool
    mandatory: bool

    @classmethod
    def from_api(cls, raw: Any) -> ProductRecord:
        fields = Fields(raw, "product")
        return cls(
            plan_code=fields.word("planCode"),
            product_name=fields.text("productName"),
            product_type=fields.text("productType"),
            prices=fields.records("prices", PricingRecord.from_api),
            family=fields.text("family"),
            exclusive=fields.flag("exclusive"),
            mandatory=fields.flag("mandatory"),
        )


@dataclass(frozen=True, slots=True)
class CartItemRecord:
    """
    An item of a cart (schema order.cart.Item), its settings flat. parent_item_id: set for options.

    product_id: not always the segment it was ordered by ("domainfr"). duration, domain: "" when not told.
    """

    item_id: int
    parent_item_id: int | None
    product_id: str
    duration: str
    offer_id: str
    plan_code: str
    pricing_mode: str
    quantity: int | None
    domain: str
    options: tuple[int, ...]
    configurations: tuple[int, ...]
    prices: Mapping[str, Price]

    @classmethod
    def from_api(cls, raw: Any) -> CartItemRecord:
        fields = Fields(raw, "item")
        settings = Fields(fields.raw("settings") if fields.has("settings") else {}, "item.settings")
        return cls(
            item_id=fields.integer("itemId"),
            parent_item_id=fields.integer_or_none("parentItemId"),
            product_id=fields.text("productId"),
            duration=fields.text("duration"),
            offer_id=fields.text("offerId"),
            plan_code=settings.text("planCode"),
            pricing_mode=settings.text("pricingMode"),
            quantity=settings.integer_or_none("quantity"),
            domain=settings.text("domain"),
            options=fields.integers("options"),
            configurations=fields.integers("configurations"),
            prices=_by_label(fields),
        )


@dataclass(frozen=True, slots=True)
class ConfigurationRecord:
    """What is filled in for one label. value: may open something (AUTH_INFO)."""

    configuration_id: int
    label: str
    value: str = field(repr=False)

    @classmethod
    def from_api(cls, raw: Any) -> ConfigurationRecord:
        fields = Fields(raw, "configuration")
        return cls(configuration_id=fields.integer("id"), label=fields.word("label"), value=fields.text("value"))


@dataclass(frozen=True, slots=True)
class ReductionRecord:
    """One reduction of a line: price is what it then costs, value what it takes off (or OVHcloud's figure for it)."""

    context: str
    type: str
    description: str
    price: Price
    value: Price

    @classmethod
    def from_api(cls, raw: Any) -> ReductionRecord:
        fields = Fields(raw, "reduction")
        return cls(
            context=fields.text("context"),
            type=fields.text("type"),
            description=fields.text("description") or fields.text("reductionDescription"),
            price=Price.from_api(fields.raw("price")),
            value=Price.from_api(fields.raw("value")),
        )


@dataclass(frozen=True, slots=True)
class QuoteLineRecord:
    """
    A line of an order to be (schema order.OrderDetail), without tax.

    cart_item_id: None for lines of domain names; then domain ("*001", "*001.001") says what belongs together.
    """

    cart_item_id: int | None
    description: str
    detail_type: str
    domain: str
    quantity: int
    unit_price: Price
    total_price: Price
    original_total_price: Price
    reduction_total_price: Price
    reductions: tuple[ReductionRecord, ...]

    @classmethod
    def from_api(cls, raw: Any) -> QuoteLineRecord:
        fields = Fields(raw, "line")
        return cls(
            cart_item_id=fields.integer_or_none("cartItemID"),
            description=fields.text("description"),
            detail_type=fields.text("detailType"),
            domain=fields.text("domain"),
            quantity=fields.integer("quantity"),
            unit_price=Price.from_api(fields.raw("unitPrice")),
            total_price=Price.from_api(fields.raw("totalPrice")),
            original_total_price=Price.from_api(fields.raw("originalTotalPrice")),
            reduction_total_price=Price.from_api(fields.raw("reductionTotalPrice")),
            reductions=fields.records("reductions", ReductionRecord.from_api),
        )


@dataclass(frozen=True, slots=True)
class ContractRecord:
    name: str
    url: str
    content: str = field(repr=False)

    @classmethod
    def from_api(cls, raw: Any) -> ContractRecord:
        fields = Fields(raw, "contract")
        # Names have come with a tab at their end.
        return cls(name=fields.text("name").strip(), url=fields.text("url"), content=fields.text("content"))


@dataclass(frozen=True, slots=True)
class QuoteRecord:
    """
    What a cart comes to (schema order.Order), without the address that opens the order's document.

    order_id: None but for a cart that was checked out.
    """

    order_id: int | None
    lines: tuple[QuoteLineRecord, ...]
    contracts: tuple[ContractRecord, ...]
    with_tax: Price
    without_tax: Price
    tax: Price
    original_without_tax: Price | None
    reduction: Price | None

    @classmethod
    def from_api(cls, raw: Any) -> QuoteRecord:
        fields = Fields(raw, "quote")
        prices = Fields(fields.raw("prices"), "quote.prices")

        def price_or_none(name: str) -> Price | None:
            return Price.from_api(prices.raw(name)) if prices.has(name) else None

        return cls(
            order_id=fields.integer_or_none("orderId"),
            lines=fields.records("details", QuoteLineRecord.from_api),
            contracts=fields.records("contracts", ContractRecord.from_api),
            with_tax=Price.from_api(prices.raw("withTax")),
            without_tax=Price.from_api(prices.raw("withoutTax")),
            tax=Price.from_api(prices.raw("tax")),
            original_without_tax=price_or_none("originalWithoutTax"),
            reduction=price_or_none("reduction"),
        )

    @classmethod
    def placed(cls, raw: Any) -> QuoteRecord:
        """The answer to checking out: with its order's number, or it is none."""
        found = cls.from_api(raw)
        if found.order_id is None:
            raise UnusableAnswer(detail="quote.orderId: missing")
        return found


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """A contact as OVHcloud has it. path: "/me/contact/1234". facts: the API's own fields, names and all."""

    path: str
    facts: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, route: str, raw: Any) -> ContactRecord:
        """route: "/me/contact" or "/domain/contact"."""
        fields = Fields(raw, "contact")
        return cls(path=f"{route}/{fields.integer('id')}", facts=as_facts(raw, "contact"))


@dataclass(frozen=True, slots=True)
class ContactFieldRecord:
    """What may be said of one field of a contact (schema contact.FieldInformation)."""

    field_name: str
    mandatory: bool
    read_only: bool

    @classmethod
    def from_api(cls, raw: Any) -> ContactFieldRecord:
        fields = Fields(raw, "contact field")
        return cls(
            field_name=fields.word("fieldName"),
            mandatory=fields.flag("mandatory"),
            read_only=fields.flag("readOnly"),
        )


def rule_of(raw: Any) -> Mapping[str, Any]:
    """Return what a registry asks (schema domain.configuration.rules.Rule), a tree of the API's own fields."""
    Fields(raw, "rule")
    found: Mapping[str, Any] = as_facts(raw, "rule", RULE_DEPTH)
    return found


def _by_label(fields: Fields) -> Mapping[str, Price]:
    def labelled(raw: Any) -> tuple[str, Price]:
        one = Fields(raw, "price")
        return one.word("label"), Price.from_api(one.raw("price"))

    return dict(fields.records("prices", labelled))
