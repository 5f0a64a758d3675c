"""Answers as our rows keep them; carts/models names the shapes."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from carts.prices import keep
from gateway import (
    ContractRecord,
    DomainOfferRecord,
    Price,
    PricingRecord,
    ProductRecord,
    QuoteLineRecord,
    QuoteRecord,
    RequirementRecord,
)

Json = dict[str, Any]


def prices(by_label: Mapping[str, Price]) -> Json:
    return {label: keep(price) for label, price in by_label.items()}


def offer(record: DomainOfferRecord) -> Json:
    return {
        "action": record.action,
        "pricing_mode": record.pricing_mode,
        "offer_id": record.offer_id,
        "orderable": record.orderable,
        "phase": record.phase,
        "durations": list(record.durations),
        "recommended_duration": record.recommended_duration or None,
        "delivery_time": record.delivery_time,
        "prices": prices(record.prices),
        "is_transfer_locked": record.is_transfer_locked,
        "nameservers": None if record.nameservers is None else list(record.nameservers),
        "quantity_max": 1 if record.quantity_max is None else record.quantity_max,
    }


def pricings(records: Iterable[PricingRecord]) -> list[Json]:
    """Those that an order can be placed with."""
    return [
        {
            "pricing_mode": record.pricing_mode,
            "duration": record.duration,
            "price": keep(record.price),
            "description": record.description,
            "interval": record.interval or 0,
            "pricing_type": record.pricing_type,
            "minimum_quantity": record.minimum_quantity,
            "maximum_quantity": record.maximum_quantity,
        }
        for record in records
        if "installation" in record.capacities
    ]


def option(record: ProductRecord) -> Json:
    return {
        "plan_code": record.plan_code,
        "name": record.product_name or record.plan_code,
        "family": record.family,
        "exclusive": record.exclusive,
        "mandatory": record.mandatory,
        "prices": pricings(record.prices),
    }


def requirements(records: Iterable[RequirementRecord]) -> list[Json]:
    return [
        {
            "label": record.label,
            "type": record.type,
            "required": record.required,
            "fields": None if record.fields is None else list(record.fields),
            "allowed_values": None if record.allowed_values is None else list(record.allowed_values),
        }
        for record in records
    ]


def quote(record: QuoteRecord, keys: Mapping[int, str], places: Mapping[str, str], *, is_dry_run: bool) -> Json:
    """keys: our item by OVHcloud's id of it. places: our item by the `domain` of lines that name no item."""
    return {
        "lines": [_line(line, keys, places) for line in record.lines],
        "prices": {
            "with_tax": keep(record.with_tax),
            "without_tax": keep(record.without_tax),
            "tax": keep(record.tax),
            "original_without_tax": _keep_or_none(record.original_without_tax),
            "reduction": _keep_or_none(record.reduction),
        },
        "contracts": [_contract(contract) for contract in record.contracts],
        "is_dry_run": is_dry_run,
    }


def _line(line: QuoteLineRecord, keys: Mapping[int, str], places: Mapping[str, str]) -> Json:
    named = keys.get(line.cart_item_id) if line.cart_item_id is not None else None
    return {
        "item": named or places.get(line.domain),
        "description": line.description,
        "detail_type": line.detail_type,
        "domain": line.domain,
        "quantity": line.quantity,
        "unit_price": keep(line.unit_price),
        "total_price": keep(line.total_price),
        "original_total_price": keep(line.original_total_price),
        "reduction_total_price": keep(line.reduction_total_price),
        "reductions": [
            {"description": one.description, "type": one.type, "price": keep(one.value)} for one in line.reductions
        ],
    }


def _contract(contract: ContractRecord) -> Json:
    digest = hashlib.sha256(contract.content.encode()).hexdigest()
    return {"name": contract.name, "url": contract.url, "content": contract.content, "sha256": digest}


def _keep_or_none(price: Price | None) -> Json | None:
    return None if price is None else dict(keep(price))
