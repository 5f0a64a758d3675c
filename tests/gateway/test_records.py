"""Answers become records once; an answer of another shape is an UnusableAnswer and nothing else."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import (
    AssociatedObjectRecord,
    BillRecord,
    CredentialRecord,
    ExtensionRecord,
    FollowUpRecord,
    NichandleRecord,
    OrderDetailRecord,
    OrderLinks,
    OrderRecord,
    PaymentMethodRecord,
    PaymentOptions,
    PaymentRecord,
    Price,
    RefundRecord,
    UnusableAnswer,
)

EUROS = {"currencyCode": "EUR", "priceInUcents": 548000000, "text": "5.48 €", "value": 5.48}
ORDER = {
    "orderId": 201000002,
    "date": "2026-08-16T02:17:31+02:00",
    "expirationDate": "2026-08-23T02:17:31+02:00",
    "retractionDate": None,
    "metadatas": [],
    "password": "aBcD",
    "priceWithoutTax": EUROS,
    "tax": EUROS,
    "priceWithTax": EUROS,
    "url": "https://www.ovh.com/cgi-bin/order/display-order.cgi?orderId=201000002&orderPassword=aBcD",
    "pdfUrl": "https://www.ovh.com/cgi-bin/order/display-order.cgi?orderId=201000002&orderPassword=aBcD",
}
DETAIL = {
    "orderDetailId": 501234567,
    "description": "example.com - .com registration - 12 months",
    "domain": "example.com",
    "detailType": "DURATION",
    "quantity": "1",
    "cancelled": False,
    "unitPrice": EUROS,
    "totalPrice": EUROS,
}
METHOD = {
    "paymentMethodId": 7001,
    "paymentType": "CREDIT_CARD",
    "paymentSubType": "VISA",
    "status": "VALID",
    "default": True,
    "label": "4970 10XX XXXX XX00",
    "description": None,
    "expirationDate": "2028-01-31T23:59:59+01:00",
}
STEP = {
    "step": "VALIDATING",
    "status": "DONE",
    "history": [
        {"date": "2026-08-16T02:18:05+02:00", "label": "PAYMENT_RECEIVED", "description": "Payment received"},
        {"date": "2026-08-16T00:17:31+00:00", "label": "ORDER_STARTED", "description": "Order started"},
    ],
}
BILL = {"billId": "FR1", "orderId": 1, "date": ORDER["date"], "category": "purchase-web"} | dict.fromkeys(
    ("priceWithTax", "priceWithoutTax", "tax"), EUROS
)
CREDENTIAL = {
    "credentialId": 470000001,
    "applicationId": 80001,
    "status": "validated",
    "creation": "2026-08-01T10:00:00+02:00",
    "expiration": None,
    "lastUse": "2026-08-20T18:22:49+02:00",
    "allowedIPs": None,
    "rules": [{"method": "GET", "path": "/me/order"}],
}
EXTENSION = {
    "order": {
        "action": "installation",
        "type": "plan",
        "configurations": [{"label": "dedicated_datacenter", "value": "gra"}],
        "plan": {
            "code": "26skle01",
            "duration": "P1M",
            "pricingMode": "default",
            "product": {"name": "26skle01"},
            "quantity": 1,
        },
    }
}
SAMPLES: list[tuple[Any, dict[str, Any]]] = [
    (OrderRecord, ORDER),
    (OrderLinks, ORDER),
    (OrderDetailRecord, DETAIL),
    (PaymentMethodRecord, METHOD),
    (FollowUpRecord, STEP),
    (BillRecord, BILL),
    (RefundRecord, BILL | {"refundId": "R1", "originalBillId": None}),
    (CredentialRecord, CREDENTIAL),
    (ExtensionRecord, EXTENSION),
    (NichandleRecord, {"nichandle": "xx11111-ovh", "currency": {"code": "EUR", "symbol": "€"}}),
    (AssociatedObjectRecord, {"type": "Bill", "id": "FR1"}),
    (PaymentRecord, {"paymentDate": ORDER["date"], "paymentType": "creditCard", "paymentIdentifier": None}),
    (PaymentOptions, {"available": [{"paymentType": "PAYPAL", "oneshot": True}], "registered": [7001]}),
    (Price, EUROS),
]


def test_an_order() -> None:
    order = OrderRecord.from_api(ORDER)
    assert order.order_id == 201000002
    assert order.date == datetime(2026, 8, 16, 0, 17, 31, tzinfo=UTC)
    assert order.retraction_date is None
    assert order.price_with_tax == Price(Decimal("5.48"), "EUR", "5.48 €")
    assert "aBcD" not in repr(order)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"priceInUcents": 699000000, "value": 7.0}, Decimal("6.99")),
        ({"priceInUcents": 0, "value": None}, Decimal(0)),
        ({"priceInUcents": -200000000}, Decimal(-2)),
        ({"priceInUcents": 1}, Decimal("0.00000001")),
        ({"priceInUcents": None, "value": 6.99}, Decimal("6.99")),
        ({"value": 0.1}, Decimal("0.1")),
        ({"value": 3}, Decimal(3)),
        ({"priceInUcents": 2**63 - 1}, Decimal("92233720368.54775807")),
        # Twelve digits, which a long cannot hold.
        ({"priceInUcents": 20000000000000000000 - 1}, Decimal("199999999999.99999999")),
    ],
)
def test_an_amount_is_exact(raw: dict[str, Any], value: Decimal) -> None:
    assert Price.from_api(raw | {"currencyCode": "points", "text": "0 PTS"}).value == value


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"value": None},
        {"value": "6.99"},
        {"value": True},
        {"value": 1e300},
        {"value": float("nan")},
        {"value": float("inf")},
        {"priceInUcents": "1"},
        {"priceInUcents": 1.5},
        {"priceInUcents": 10**20},
    ],
)
def test_no_amount_is_made_up(raw: dict[str, Any]) -> None:
    with pytest.raises(UnusableAnswer):
        Price.from_api(raw | {"currencyCode": "EUR", "text": ""})


@pytest.mark.parametrize(
    "date",
    [
        "2026-08-16T02:17:31",
        "2026-08-16",
        "",
        "yesterday",
        1755303451,
        True,
        [],
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-02-31T00:00:00+00:00",
        "2026-08-16T25:17:31+02:00",
    ],
)
def test_a_datetime_without_zone_or_sense_is_unusable(date: Any) -> None:
    with pytest.raises(UnusableAnswer, match="order.date"):
        OrderRecord.from_api(ORDER | {"date": date})


@pytest.mark.parametrize("date", ["2026-08-16T02:17:31+02:00", "2026-08-16T00:17:31Z", "2026-08-16T00:17:31.000+00:00"])
def test_datetimes_are_aware(date: str) -> None:
    moment = OrderRecord.from_api(ORDER | {"date": date}).date
    assert moment == datetime(2026, 8, 16, 2, 17, 31, tzinfo=timezone(timedelta(hours=2)))
    assert moment.tzinfo is UTC


@pytest.mark.parametrize("order_id", [None, "201000002", 1.0, True, 2**63, -(2**63) - 1])
def test_an_id_is_a_whole_number(order_id: Any) -> None:
    with pytest.raises(UnusableAnswer, match="order.orderId"):
        OrderRecord.from_api(ORDER | {"orderId": order_id})


@pytest.mark.parametrize(("quantity", "text"), [("1", "1"), ("2.5 GB", "2.5 GB"), (3, "3"), (None, "")])
def test_a_quantity_stays_text(quantity: Any, text: str) -> None:
    assert OrderDetailRecord.from_api(DETAIL | {"quantity": quantity}).quantity == text


def test_enum_values_nobody_knows_are_kept() -> None:
    detail = OrderDetailRecord.from_api(DETAIL | {"detailType": "BRAND_NEW"})
    assert detail.detail_type == "BRAND_NEW"
    assert OrderDetailRecord.from_api(DETAIL | {"detailType": None}).detail_type == ""


def test_what_a_database_cannot_store_is_replaced() -> None:
    description = json.loads(r'"a\ud800b\u0000c\ud83d\ude00"')
    assert OrderDetailRecord.from_api(DETAIL | {"description": description}).description == "a\ufffdb\ufffdc😀"


def test_history_is_sorted_by_date() -> None:
    assert [entry.label for entry in FollowUpRecord.from_api(STEP).history] == ["ORDER_STARTED", "PAYMENT_RECEIVED"]


def test_an_extension_and_one_that_tells_nothing() -> None:
    extension = ExtensionRecord.from_api(EXTENSION)
    assert (extension.plan_code, extension.duration, extension.quantity) == ("26skle01", "P1M", 1)
    assert extension.configurations == (("dedicated_datacenter", "gra"),)
    nothing = {"order": {"action": None, "type": None, "configurations": [], "plan": {"code": None, "product": None}}}
    for raw in ({}, {"order": None}, nothing):
        assert ExtensionRecord.from_api(raw) == ExtensionRecord("", "", "", "", "", "", None, ())


def test_empty_and_null_are_one() -> None:
    raw = {"nichandle": "xx11111-ovh", "organisation": "", "vat": None, "currency": None}
    me = NichandleRecord.from_api(raw)
    assert (me.organisation, me.vat, me.currency_code, me.city) == ("", "", "", "")


def test_an_order_that_became_nothing() -> None:
    assert AssociatedObjectRecord.from_api({"type": None, "id": None}) is None


@pytest.mark.parametrize(("record", "sample"), SAMPLES, ids=lambda value: getattr(value, "__name__", ""))
def test_fields_nobody_asked_for_are_ignored(record: Any, sample: dict[str, Any]) -> None:
    assert record.from_api(sample | {"brandNew": {"a": [1]}}) == record.from_api(sample)


@pytest.mark.parametrize(("record", "sample"), SAMPLES, ids=lambda value: getattr(value, "__name__", ""))
@pytest.mark.parametrize("instead", [None, [], "text", 5, True, {}, [[]], {"a": 1}, 1.5], ids=repr)
def test_wrong_types_never_crash(record: Any, sample: dict[str, Any], instead: Any) -> None:
    for raw in [instead, *({**sample, name: instead} for name in sample), *({**sample, n: [instead]} for n in sample)]:
        with suppress(UnusableAnswer):
            record.from_api(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(SAMPLES).flatmap(lambda pair: st.tuples(st.just(pair), st.sampled_from(sorted(pair[1])), JSON)))
def test_any_json_in_any_field_is_read_or_refused(case: Any) -> None:
    (record, sample), name, value = case
    with suppress(UnusableAnswer):
        record.from_api({**sample, name: value})
