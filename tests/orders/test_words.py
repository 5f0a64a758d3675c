"""Every word of OVHcloud's has one of ours, and what is new stays readable."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from orders import formats, words
from orders.models import EXPIRED, Status

# billing.order.FollowUp's labels, as the API's schema lists them.
LABELS = [
    *("ORDER_STARTED", "ORDER_ACCEPTED", "DELIVERY"),
    *("PAYMENT_INITIATED", "PAYMENT_RECEIVED", "PAYMENT_CONFIRMED", "REGISTERED_PAYMENT_INITIATED"),
    *("FRAUD_CHECK", "FRAUD_DOCS_REQUESTED", "FRAUD_MANUAL_REVIEW", "FRAUD_REFUSED"),
    *("INVOICE_IN_PROGRESS", "INVOICE_SENT"),
]
PARIS = ZoneInfo("Europe/Paris")
NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize("status", [*Status.values, EXPIRED])
def test_every_status_has_label_sentence_tone_and_icon(status):
    said = words.STATUSES[status]
    assert all((str(said.label), str(said.explanation), said.tone, said.icon))


def test_a_status_we_never_heard_of_is_unknown():
    assert words.pill("aNewWord")["label"] == "Unknown"


@pytest.mark.parametrize("label", LABELS)
def test_every_history_label_of_the_api_has_words(label):
    assert words.history_label(label) == str(words.HISTORY[label])
    assert "_" not in words.history_label(label)


@pytest.mark.parametrize(
    ("label", "description", "text"),
    [
        ("PARCEL_HANDED_OVER", "", "Parcel handed over"),
        ("PARCEL_HANDED_OVER", "parcel handed over", "Parcel handed over"),
        ("PARCEL_HANDED_OVER", "At the door", "Parcel handed over (At the door)"),
        ("", "Only this", "Only this"),
        ("", "", "Something happened"),
    ],
)
def test_an_unknown_history_label_is_shown_readable(label, description, text):
    assert words.history_label(label, description) == text


@pytest.mark.parametrize(
    ("value", "currency", "english", "french"),
    [
        ("1143.87", "EUR", "€1,143.87", "1\u202f143,87\xa0€"),
        ("-11.99", "EUR", "\u2212€11.99", "\u221211,99\xa0€"),
        ("0", "EUR", "€0.00", "0,00\xa0€"),
        ("0.0042", "EUR", "€0.0042", "0,0042\xa0€"),
        ("1.50000000", "EUR", "€1.50", "1,50\xa0€"),
        ("1200", "points", "1,200\xa0points", "1\u202f200\xa0points"),
        ("12", "N/A", "12.00\xa0N/A", "12,00\xa0N/A"),
        ("1234", "XOF", "F\u202fCFA1,234", "1\u202f234\xa0F\u202fCFA"),
    ],
)
def test_amounts_as_their_reader_writes_them(value, currency, english, french):
    with translation.override("en"):
        assert formats.money(Decimal(value), currency).replace("F\xa0CFA", "F\u202fCFA") == english
    with translation.override("fr"):
        assert formats.money(Decimal(value), currency) == french


def test_dates_as_people_write_them():
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    with translation.override("en"):
        assert formats.day(late, PARIS) == "21\xa0Nov\xa02026"
        assert formats.weekday(date(2026, 11, 30), PARIS, NOW) == "Mon\xa030\xa0Nov"
        assert formats.weekday(date(2027, 1, 4), PARIS, NOW) == "Mon\xa04\xa0Jan\xa02027"
        assert formats.since(late, PARIS, NOW) == "00:30"
        assert formats.since(late - timedelta(days=1), PARIS, NOW) == "20 Nov, 00:30"
        assert formats.zone_words(PARIS) == "Paris time"
    with translation.override("fr"):
        assert formats.day(late, PARIS) == "21\xa0nov.\xa02026"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0\xa0s"), (59, "59\xa0s"), (3599, "59\xa0min"), (3600 * 47, "47\xa0h"), (86400 * 6 + 5, "6\xa0days")],
)
def test_spans_are_rounded_down(seconds, text):
    assert formats.length(timedelta(seconds=seconds)) == text
