"""Durations, actions, tax: what the pages of ordering say."""

from decimal import Decimal

import pytest
from django.utils import translation

from carts import tax, words


@pytest.mark.parametrize(
    ("duration", "said"),
    [
        ("P1Y", "1 year"),
        ("P10Y", "10 years"),
        ("P1M", "1 month"),
        ("P12M", "12 months"),
        ("P1Y6M", "1 year 6 months"),
        ("P5D", "5 days"),
        ("P2W", "2 weeks"),
        ("PT24H", "24 hours"),
        ("PT10M", "10 minutes"),
        ("P0D", "at once"),
        ("", ""),
        ("P", "P"),
        ("soon", "soon"),
        ("P" + "9" * 60 + "Y", "P" + "9" * 60 + "Y"),
    ],
)
def test_durations_in_words(duration, said):
    assert words.duration_words(duration) == said


def test_months_of_a_duration():
    assert [words.months_of(one) for one in ("P1M", "P1Y", "P2Y6M", "P5D", "what")] == [1, 12, 30, 0, 0]


@pytest.mark.parametrize(
    ("mode", "said", "explained"),
    [
        ("create-default", "Register", "free"),
        ("create-premium", "Register a premium name", "special price"),
        ("transfer-default", "Transfer to OVHcloud", "If it is yours"),
        ("transfer-premium", "Transfer a premium name", "If it is yours"),
        ("transfer-aftermarket1", "Buy it from its owner", "market place 1"),
        ("transfer-aftermarket2", "Buy it from its owner", "market place 2"),
    ],
)
def test_every_offer_of_the_guide_has_its_words(mode, said, explained):
    assert words.action_words(mode) == said
    assert explained in words.action_explained(mode)


def test_an_older_pricing_mode_is_told_by_its_action():
    assert words.action_words("default", "create") == "Register"
    assert words.action_words("premium", "transfer") == "Transfer to OVHcloud"


def test_why_an_offer_cannot_be_ordered():
    assert words.why_not({"orderable": True, "is_transfer_locked": None, "phase": "ga"}) == ""
    assert "locked" in words.why_not({"orderable": False, "is_transfer_locked": True, "phase": "ga"})
    assert "sunrise" in words.why_not({"orderable": False, "is_transfer_locked": None, "phase": "sunrise"})
    assert "does not sell" in words.why_not({"orderable": False, "is_transfer_locked": None, "phase": "ga"})


def test_rates_are_of_every_member_state_and_of_where_ovhcloud_sells():
    members = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()
    assert set(members) <= set(tax.STANDARD_RATES)
    assert all(Decimal(15) <= tax.STANDARD_RATES[code] <= Decimal(27) for code in members)
    assert tax.AS_OF.isoformat() == "2026-01-01"
    assert tax.rate_for("fr") == 20
    assert tax.rate_for("CA") is None


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "total"),
    [
        ("4.99", "EUR", "20", "5.99"),
        ("0.125", "EUR", "20", "0.15"),
        ("100", "JPY", "10.5", "111"),
        ("7", "points", "20", "7"),
        ("4.99", "EUR", None, "4.99"),
        ("4.99", "N/A", "20", "4.99"),
    ],
)
def test_a_price_with_tax_is_rounded_to_the_smallest_coin(amount, currency, rate, total):
    assert tax.with_tax(Decimal(amount), currency, Decimal(rate) if rate else None) == Decimal(total)


def test_a_number_in_words_follows_the_language():
    with translation.override("en"):
        assert words.per_words("P2Y") == "for 2 years"
        assert words.delivery_words("") == "usually within minutes"
        assert words.delivery_words("P5D") == "about 5 days"
        assert words.family_words("some-new_family") == "Some new family"
