"""The refund estimate: paid, less the days used."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from orders.models import Order, OrderDetail, Status
from orders.retraction.eligibility import verdict_of
from orders.retraction.estimate import estimate, pro_rata

CONCLUDED = date(2026, 11, 1)


def order(with_tax: str = "24.00", without_tax: str = "20.00", status: str = Status.DELIVERED) -> Order:
    return Order(
        price_with_tax=Decimal(with_tax), price_without_tax=Decimal(without_tax), currency_code="EUR", status=status
    )


def detail(total: str = "20.00", **fields: Any) -> OrderDetail:
    values = {"description": "VPS", "detail_type": "DURATION", "domain": "vps-1", "extension": {"duration": "P30D"}}
    return OrderDetail(total_price=Decimal(total), **(values | fields))


def total(of: Order, *details: OrderDetail, today: date) -> Decimal:
    return estimate(of, [verdict_of(one) for one in details], CONCLUDED, today).total


@pytest.mark.parametrize(
    ("amount", "days", "used", "left"),
    [
        ("24.00", 30, 3, "21.60"),
        ("24.00", 30, 0, "24.00"),
        ("24.00", 30, 30, "0.00"),
        ("24.00", 30, 99, "0.00"),
        ("24.00", 30, -2, "24.00"),
        ("71.86", 365, 7, "70.48"),
        ("0.00", 30, 3, "0.00"),
        ("-5.00", 10, 5, "-2.50"),
        ("0.01", 3, 1, "0.01"),
    ],
)
def test_pro_rata(amount, days, used, left):
    assert pro_rata(Decimal(amount), days, used) == Decimal(left)


def test_the_example_of_the_specification_with_tax():
    assert total(order(), detail(), today=date(2026, 11, 4)) == Decimal("21.60")


def test_what_is_not_yet_provided_is_not_used():
    assert total(order(status=Status.DELIVERING), detail(), today=date(2026, 11, 9)) == Decimal("24.00")


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"extension": {"duration": "P1M"}}, 30),
        ({"extension": {"duration": "P12M"}}, 365),
        ({"extension": {"duration": "P1Y"}}, 365),
        ({"extension": {"duration": "P2W"}}, 14),
        ({"extension": {}, "description": "Web hosting Pro - 12 months"}, 365),
        ({"extension": {}, "description": "Hébergement Pro, 12 mois"}, 365),
        ({"extension": {}, "description": "Hébergement Pro, 1 an"}, 365),
        ({"extension": {}, "description": "VPS 2 vCore 4 GB"}, None),
        ({"extension": {"duration": "PT1H"}, "description": "VPS"}, None),
        ({"extension": {"duration": "P0M"}, "description": "VPS"}, None),
        ({"extension": {"duration": "P999Y"}, "description": "VPS"}, None),
        ({"extension": {"duration": "nonsense"}, "description": "9999 years"}, None),
    ],
)
def test_duration(fields, days):
    found = estimate(order(), [verdict_of(detail(**fields))], CONCLUDED, date(2026, 11, 4))
    assert found.shares[0].days == days


def test_months_end_on_the_last_day_of_a_shorter_one():
    found = estimate(order(), [verdict_of(detail(extension={"duration": "P1M"}))], date(2026, 1, 31), date(2026, 2, 1))
    assert found.shares[0].days == 28


def test_a_reduction_lasts_as_long_as_what_it_reduces():
    gift = detail("-10.00", detail_type="GIFT", extension={}, description="Welcome")
    assert total(order("12.00", "10.00"), detail("20.00"), gift, today=date(2026, 11, 16)) == Decimal("6.00")


def test_what_is_not_covered_brings_nothing():
    domain = detail("10.00", description="example.com - .com registration - 12 months", domain="example.com")
    assert total(order("36.00", "30.00"), detail(), domain, today=date(2026, 11, 4)) == Decimal("21.60")


def test_set_up_counts_in_full():
    set_up = detail("5.00", detail_type="INSTALLATION", extension={"duration": "P30D"})
    assert total(order("30.00", "25.00"), detail(), set_up, today=date(2026, 11, 4)) == Decimal("27.60")


@pytest.mark.parametrize(("with_tax", "without_tax"), [("0.00", "0.00"), ("-3.00", "-2.50")])
def test_orders_of_nothing_or_less(with_tax, without_tax):
    assert total(order(with_tax, without_tax), detail(without_tax), today=date(2026, 11, 4)) == 0


def test_never_more_than_was_paid():
    assert total(order("6.00", "5.00"), detail("20.00"), today=date(2026, 11, 1)) == Decimal("6.00")


def test_no_details_no_estimate():
    found = estimate(order(), [], CONCLUDED, date(2026, 11, 4))
    assert (found.shares, found.total) == ((), 0)
