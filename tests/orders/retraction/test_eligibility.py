"""
Who may withdraw from what, and until when: status × kind of account × product × OVHcloud's date.

Every row is an order of 2 November 2026, a Monday, in France; our own deadline is Monday 16 November. "now" is the
date in the row, at noon.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Nichandle
from orders.models import Order, OrderDetail, Status
from orders.retraction import words
from orders.retraction.eligibility import Eligibility, Reason, eligibility, last_day
from orders.retraction.parts import Part, part_of

PARIS = ZoneInfo("Europe/Paris")
PLACED = datetime(2026, 11, 2, 10, 0, tzinfo=PARIS)
THEIRS = PLACED + timedelta(days=14)

VPS = {"description": "VPS Comfort, 12 months", "detail_type": "DURATION"}
DOMAIN = {"description": "example.com - .com registration - 12 months", "detail_type": "DURATION"}
SECTIGO = {"description": "Sectigo SSL DV", "detail_type": "DURATION"}
OFFICE = {"description": "Office 365 Business", "detail_type": "DURATION"}
RENEWAL = {"description": "VPS Comfort, 12 months", "detail_type": "RENEW"}
GIFT = {"description": "Welcome", "detail_type": "GIFT", "price": "-5.00"}


def nichandle(**fields: Any) -> Nichandle:
    values = {"endpoint": "ovh-eu", "legalform": "individual", "country": "FR", "time_zone": "Europe/Paris"}
    return Nichandle(**(values | fields))


def order(**fields: Any) -> Order:
    values = {
        "order_id": 1,
        "date": PLACED,
        "payment_date": PLACED,
        "retraction_date": THEIRS,
        "status": Status.DELIVERED,
        "was_paid": True,
        "status_checked_at": PLACED,
        "next_poll_at": None,
        "price_with_tax": Decimal("24.00"),
        "currency_code": "EUR",
    }
    return Order(**(values | fields))


def detail(description: str, detail_type: str, price: str = "10.00", **fields: Any) -> OrderDetail:
    values = {"domain": "*001", "extension": {}, "total_price": Decimal(price)} | fields
    return OrderDetail(description=description, detail_type=detail_type, **values)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, 0, tzinfo=PARIS)


def decide(order_: Order, parts: list[dict[str, Any]], who: Nichandle, now: datetime) -> Eligibility:
    return eligibility(order_, [detail(**part) for part in parts], who, now)


NULL = {"retraction_date": None}

TABLE = [
    # what,                                            the order,                             parts, account, day, says
    ("delivered, in time", {}, [VPS], {}, 5, "open"),
    ("being delivered, in time", {"status": "delivering"}, [VPS], {}, 5, "open"),
    ("being checked, in time", {"status": "checking"}, [VPS], {}, 5, "open"),
    ("papers asked for, in time", {"status": "documentsRequested"}, [VPS], {}, 5, "open"),
    ("status unknown, in time", {"status": "unknown"}, [VPS], {}, 5, "open"),
    ("a status we never heard of", {"status": "paused"}, [VPS], {}, 5, "open"),
    ("with a domain besides", {}, [VPS, DOMAIN], {}, 5, "open"),
    ("parts not read yet", {}, [], {}, 5, "open"),
    ("a company to which OVHcloud grants it", {}, [VPS], {"legalform": "corporation"}, 5, "open"),
    ("the last day, after OVHcloud's hour, before ours", {}, [VPS], {}, 16, "open"),
    ("the day after both", {}, [VPS], {}, 17, "over"),
    ("OVHcloud's date later than ours", {"retraction_date": at(25)}, [VPS], {}, 20, "open"),
    ("OVHcloud's date earlier than ours", {"retraction_date": at(9)}, [VPS], {}, 12, "open"),
    ("paid on the 9th, so concluded then", {"payment_date": at(9), "retraction_date": at(16)}, [VPS], {}, 20, "open"),
    ("unpaid, though it has a date", {"status": "notPaid", "was_paid": False}, [VPS], {}, 5, "unpaid"),
    ("unpaid", {"status": "notPaid", "was_paid": False} | NULL, [VPS], {}, 5, "unpaid"),
    (
        "unpaid and expired",
        {"status": "notPaid", "was_paid": False, "expiration_date": at(9)} | NULL,
        [VPS],
        {},
        12,
        "expired",
    ),
    ("being cancelled", {"status": "cancelling"}, [VPS], {}, 5, "cancelling"),
    ("cancelled", {"status": "cancelled"}, [VPS], {}, 5, "cancelled"),
    ("cancelled, without a date", {"status": "cancelled"} | NULL, [VPS], {}, 5, "cancelled"),
    ("no longer listed", {"gone_at": at(4)}, [VPS], {}, 5, "gone"),
    ("in the United States", {}, [VPS], {"endpoint": "ovh-us"}, 5, "region"),
    ("in Canada", {}, [VPS], {"endpoint": "ovh-ca"}, 5, "open"),
    ("a company", NULL, [VPS], {"legalform": "corporation"}, 5, "not-individual"),
    ("an association, long ago", NULL, [VPS], {"legalform": "association"}, 30, "not-individual"),
    ("a renewal", NULL, [RENEWAL], {}, 5, "renewal"),
    ("a renewal with a gift", NULL, [RENEWAL, GIFT], {}, 5, "renewal"),
    ("a domain name", NULL, [DOMAIN], {}, 5, "domain"),
    ("a Sectigo certificate", NULL, [SECTIGO], {}, 5, "certificate"),
    ("licences", NULL, [OFFICE], {}, 5, "licence"),
    ("a domain and a certificate", NULL, [DOMAIN, SECTIGO], {}, 5, "waived"),
    ("no date, and our time is over", NULL, [VPS], {}, 17, "over"),
    ("no date yet, being delivered", NULL | {"status": "delivering"}, [VPS], {}, 5, "pending"),
    ("no date, and it could not be checked", NULL | {"poll_failures": 2}, [VPS], {}, 5, "unchecked"),
    ("no date, and never checked", NULL | {"status_checked_at": None}, [VPS], {}, 5, "unchecked"),
    ("no date, and the check is days late", NULL | {"next_poll_at": at(3)}, [VPS], {}, 5, "unchecked"),
    ("no date, status unknown", NULL | {"status": "unknown"}, [VPS], {}, 5, "unchecked"),
    ("no date, kind of account unknown", NULL, [VPS], {"legalform": ""}, 5, "unchecked"),
    ("no date, and no reason to be seen", NULL, [VPS], {}, 5, "no-right"),
]


@pytest.mark.parametrize(("what", "fields", "parts", "account", "day", "says"), TABLE, ids=[row[0] for row in TABLE])
def test_verdict(what, fields, parts, account, day, says):
    who = nichandle(**account)
    of = order(**fields)
    found = decide(of, parts, who, at(day))
    assert found.reason == says, what
    assert found.open == (says == "open")
    # Every verdict that is not "open" says something a customer can read, and nothing that is not so.
    said = words.reason(found, of, who)
    assert bool(said) != found.open
    # The list's quick question has the same answer as the page's.
    day_in_list = last_day(of, who, at(day))
    assert day_in_list == (found.last_day if found.open else None)


def test_every_reason_has_its_row():
    assert {row[5] for row in TABLE} == set(Reason.values)


# --- Status × date: a private individual's VPS ------------------------------------------------------------------------
BY_STATUS = """
                    both dates   both        no date,     no date,
                    to come      passed      in 14 days   after them
notPaid             unpaid       unpaid      unpaid       unpaid
checking            open         over        pending      over
documentsRequested  open         over        pending      over
delivering          open         over        pending      over
delivered           open         over        no-right     over
cancelling          cancelling   cancelling  cancelling   cancelling
cancelled           cancelled    cancelled   cancelled    cancelled
unknown             open         over        unchecked    unchecked
unheard-of          open         over        pending      over
"""
DATES: list[tuple[dict[str, Any], int]] = [({}, 5), ({}, 17), (NULL, 5), (NULL, 17)]


@pytest.mark.parametrize("row", BY_STATUS.strip("\n").splitlines()[2:], ids=lambda row: row.split()[0])
def test_each_status_on_each_date(row: str):
    status, *expected = row.split()
    found = []
    for fields, day in DATES:
        of = order(status=status, was_paid=status != "notPaid", expiration_date=at(25), **fields)
        found.append(str(decide(of, [VPS], nichandle(), at(day)).reason))
    assert found == expected


# --- Kind of account × product: delivered, OVHcloud names no date -----------------------------------------------------
BY_ACCOUNT = """
                     VPS             renewal         domain          certificate     licence         VPS+domain
individual           no-right        renewal         domain          certificate     licence         no-right
corporation          not-individual  not-individual  not-individual  not-individual  not-individual  not-individual
personalcorporation  not-individual  not-individual  not-individual  not-individual  not-individual  not-individual
administration       not-individual  not-individual  not-individual  not-individual  not-individual  not-individual
association          not-individual  not-individual  not-individual  not-individual  not-individual  not-individual
other                not-individual  not-individual  not-individual  not-individual  not-individual  not-individual
-                    unchecked       renewal         domain          certificate     licence         unchecked
"""
PRODUCTS = [[VPS], [RENEWAL], [DOMAIN], [SECTIGO], [OFFICE], [VPS, DOMAIN]]


@pytest.mark.parametrize("row", BY_ACCOUNT.strip("\n").splitlines()[1:], ids=lambda row: row.split()[0])
def test_each_account_with_each_product(row: str):
    legalform, *expected = row.split()
    who = nichandle(legalform=legalform.replace("-", ""))
    assert [str(decide(order(**NULL), parts, who, at(5)).reason) for parts in PRODUCTS] == expected
    # Where OVHcloud names a date it sees a right, whatever we would have thought of account and product.
    assert {str(decide(order(), parts, who, at(5)).reason) for parts in PRODUCTS} == {"open"}


@given(st.integers(-40 * 86_400, 40 * 86_400), st.integers(0, 60 * 86_400))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_the_later_of_ours_and_ovhclouds_governs(theirs: int, asked: int):
    of = order(retraction_date=THEIRS + timedelta(seconds=theirs))
    now = PLACED + timedelta(seconds=asked)
    found = eligibility(of, [], nichandle(), now)
    ours = datetime(2026, 11, 16, 23, 59, 59, tzinfo=PARIS)
    assert found.until == max(ours, of.retraction_date)
    assert found.open == (now < found.until + timedelta(seconds=1))
    assert found.open or found.reason == Reason.OVER


@pytest.mark.parametrize("days", [17, 60])
def test_a_late_no_is_said_only_of_what_could_be_asked(days: int):
    of = order(retraction_date=None, poll_failures=3, status="delivering")
    assert decide(of, [VPS], nichandle(), PLACED + timedelta(days=days)).reason == Reason.UNCHECKED
    assert decide(of, [VPS], nichandle(), PLACED + timedelta(days=80)).reason == Reason.OVER, "so old is over anyway"


def test_a_check_that_failed_is_never_called_not_eligible():
    of, who = order(retraction_date=None, poll_failures=1), nichandle()
    said = words.reason(decide(of, [VPS], who, at(5)), of, who)
    assert "could not check" in said
    assert "does not mean that you cannot" in said


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        (datetime(2026, 11, 16, 23, 59, 59, 999_999, PARIS), True),
        (datetime(2026, 11, 17, 0, 0, 0, 0, PARIS), False),
    ],
)
def test_the_last_second_counts_to_its_end(moment, open_):
    assert eligibility(order(), [], nichandle(), moment).open is open_


def test_late_is_after_both_dates():
    found = eligibility(order(), [], nichandle(), at(5))
    assert not found.is_late(at(16, 23))
    assert found.is_late(at(17, 0))


def test_where_ovhcloud_names_no_date_nothing_is_late():
    assert not eligibility(order(retraction_date=None), [], nichandle(), at(5)).is_late(at(30))


def test_the_account_s_zone_decides_the_day_of_conclusion():
    # 1 November 23:30 in Paris is the second of November in Réunion.
    placed = datetime(2026, 11, 1, 23, 30, tzinfo=PARIS)
    of = order(date=placed, payment_date=None)
    assert eligibility(of, [], nichandle(), at(5)).deadline.steps[0].day.day == 1
    assert eligibility(of, [], nichandle(time_zone="Indian/Reunion"), at(5)).deadline.steps[0].day.day == 2


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        (VPS, Part.PRODUCT),
        ({"description": "Web hosting Pro on example.com", "detail_type": "DURATION"}, Part.PRODUCT),
        ({"description": "Installation", "detail_type": "INSTALLATION"}, Part.SET_UP),
        (GIFT, Part.REDUCTION),
        ({"description": "Anything", "detail_type": "DURATION", "price": "-1.00"}, Part.REDUCTION),
        (RENEWAL, Part.RENEWAL),
        (VPS | {"extension": {"action": "renew"}}, Part.RENEWAL),
        (DOMAIN, Part.DOMAIN),
        ({"description": "exemple.fr - Enregistrement .fr - 12 mois", "detail_type": "DURATION"}, Part.DOMAIN),
        ({"description": "DNS zone for example.com", "detail_type": "DURATION"}, Part.PRODUCT),
        (SECTIGO, Part.CERTIFICATE),
        (OFFICE, Part.LICENCE),
        ({"description": "Windows Server 2025", "detail_type": "LICENSE"}, Part.LICENCE),
        (VPS | {"cancelled": True}, Part.CANCELLED),
    ],
)
def test_what_a_part_is(fields, part):
    assert part_of(detail(**fields)) == part
