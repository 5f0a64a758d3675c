"""
The last day to withdraw, as a table that a lawyer can read: where, concluded when, last day when, and why.

Expected days were counted by hand on printed calendars, not computed.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.retraction import words
from orders.retraction.deadline import DAYS, deadline, national_holidays

PARIS = ZoneInfo("Europe/Paris")

TABLE = [
    # The three of the specification.
    ("FR", "2026-06-30", "2026-07-15", "Tue 14 July is the national holiday"),
    ("FR", "2026-07-01", "2026-07-15", "Wednesday, an ordinary one"),
    ("FR", "2026-07-04", "2026-07-20", "Sat 18 July moves over Sunday to Monday"),
    # France
    ("FR", "2026-11-14", "2026-11-30", "Sat 28 November moves to Monday"),
    ("FR", "2026-11-15", "2026-11-30", "Sun 29 November moves to Monday"),
    ("FR", "2026-03-23", "2026-04-07", "Easter Monday, 6 April"),
    ("FR", "2026-03-21", "2026-04-07", "Sat 4 April, Easter Sunday, Easter Monday"),
    ("FR", "2026-03-20", "2026-04-03", "Good Friday is no holiday in France as a whole"),
    ("FR", "2026-04-17", "2026-05-04", "Fri 1 May, then a weekend"),
    ("FR", "2026-04-24", "2026-05-11", "Fri 8 May, then a weekend"),
    ("FR", "2026-04-30", "2026-05-15", "Ascension, Thu 14 May"),
    ("FR", "2026-05-11", "2026-05-26", "Whit Monday, 25 May"),
    ("FR", "2026-10-28", "2026-11-12", "Armistice, Wed 11 November"),
    ("FR", "2026-12-11", "2026-12-28", "Christmas on Friday, then a weekend"),
    ("FR", "2026-12-18", "2027-01-04", "New Year on Friday, then a weekend"),
    ("FR", "2024-02-15", "2024-02-29", "a leap day"),
    ("FR", "2024-02-16", "2024-03-01", "over a leap day"),
    ("FR", "2025-02-15", "2025-03-03", "Sat 1 March, no leap year"),
    # Germany
    ("DE", "2026-06-30", "2026-07-14", "14 July is an ordinary day there"),
    ("DE", "2026-03-20", "2026-04-07", "Good Friday, weekend, Easter Monday"),
    ("DE", "2026-09-19", "2026-10-05", "Sat 3 October is also German Unity"),
    ("DE", "2026-12-11", "2026-12-28", "Christmas, Boxing Day on Saturday, Sunday"),
    ("DE", "2026-05-21", "2026-06-04", "Corpus Christi is a holiday of some Länder only"),
    # Spain
    ("ES", "2025-12-23", "2026-01-07", "Epiphany, Tue 6 January"),
    ("ES", "2026-09-28", "2026-10-13", "National day, Mon 12 October"),
    ("ES", "2026-11-24", "2026-12-09", "Immaculate Conception, Tue 8 December"),
    ("ES", "2026-03-23", "2026-04-06", "Easter Monday is a holiday of some regions only"),
    ("ES", "2026-03-20", "2026-04-06", "Good Friday, then a weekend"),
    # Italy
    ("IT", "2026-05-19", "2026-06-03", "Republic Day, Tue 2 June"),
    ("IT", "2026-03-23", "2026-04-07", "Easter Monday"),
    ("IT", "2025-12-23", "2026-01-07", "Epiphany"),
    ("IT", "2026-11-24", "2026-12-09", "Immaculate Conception"),
    ("IT", "2026-08-01", "2026-08-17", "Ferragosto on Saturday, Sunday"),
    # Poland
    ("PL", "2026-04-17", "2026-05-04", "Fri 1 May, weekend with 3 May"),
    ("PL", "2026-05-21", "2026-06-05", "Corpus Christi, Thu 4 June"),
    ("PL", "2026-10-28", "2026-11-12", "Independence, 11 November"),
    ("PL", "2026-12-10", "2026-12-28", "Christmas Eve, Christmas, weekend"),
    ("PL", "2025-12-23", "2026-01-07", "Epiphany"),
    # Portugal
    ("PT", "2026-04-11", "2026-04-27", "25 April on Saturday"),
    ("PT", "2026-05-27", "2026-06-11", "Portugal Day, Wed 10 June"),
    ("PT", "2026-05-21", "2026-06-05", "Corpus Christi"),
    ("PT", "2026-09-21", "2026-10-06", "Republic, Mon 5 October"),
    ("PT", "2026-11-17", "2026-12-02", "Restoration, Tue 1 December"),
    # Ireland
    ("IE", "2026-03-03", "2026-03-18", "Saint Patrick, Tue 17 March"),
    ("IE", "2026-01-19", "2026-02-03", "Saint Brigid, Mon 2 February"),
    ("IE", "2026-10-12", "2026-10-27", "October bank holiday, Mon 26"),
    ("IE", "2026-07-20", "2026-08-04", "August bank holiday, Mon 3"),
    # Belgium
    ("BE", "2026-07-07", "2026-07-22", "National day, Tue 21 July"),
    ("BE", "2026-06-30", "2026-07-14", "14 July is an ordinary day there"),
    ("BE", "2026-05-11", "2026-05-26", "Whit Monday"),
    ("BE", "2026-10-28", "2026-11-12", "Armistice"),
    # Netherlands
    ("NL", "2026-04-13", "2026-04-28", "King's Day, Mon 27 April"),
    ("NL", "2026-03-23", "2026-04-07", "Easter Monday"),
    ("NL", "2026-04-30", "2026-05-15", "Ascension"),
    ("NL", "2026-10-28", "2026-11-11", "11 November is an ordinary day there"),
    # Great Britain
    ("GB", "2026-04-20", "2026-05-05", "Early May bank holiday, Mon 4"),
    ("GB", "2026-12-11", "2026-12-29", "Christmas, Boxing Day on Saturday and its Monday"),
    ("GB", "2026-03-20", "2026-04-06", "Good Friday; Easter Monday is not kept in Scotland"),
    # Finland, Czechia, Lithuania
    ("FI", "2026-06-05", "2026-06-22", "Fri 19 June is Midsummer Eve, Sat 20 Midsummer"),
    ("CZ", "2026-09-14", "2026-09-29", "Statehood, Mon 28 September"),
    ("LT", "2026-06-22", "2026-07-07", "Mon 6 July, King Mindaugas"),
    # Elsewhere
    ("SN", "2026-03-21", "2026-04-07", "Independence on Saturday, Easter Sunday, Easter Monday"),
    ("", "2026-06-30", "2026-07-14", "no country known: weekends alone"),
    ("XX", "2026-07-04", "2026-07-20", "no such country: weekends alone"),
    ("fr", "2026-06-30", "2026-07-15", "small letters are the same country"),
]


@pytest.mark.parametrize(("country", "concluded", "last", "why"), TABLE, ids=[f"{c}-{d}" for c, d, _, _ in TABLE])
def test_last_day(country, concluded, last, why):
    found = deadline(date.fromisoformat(concluded), country, PARIS)
    assert found.last_day == date.fromisoformat(last), why
    assert found.ends_at.isoformat().startswith(f"{last}T23:59:59")


def test_the_table_holds_sixty_cases_over_ten_countries():
    assert len(TABLE) >= 60
    assert len({country.upper() for country, *_ in TABLE if national_holidays(country.upper(), 2026)}) >= 10


@pytest.mark.parametrize(
    ("zone", "concluded", "utc"),
    [
        ("Europe/Paris", "2026-07-01", "2026-07-15T21:59:59"),
        ("Europe/Paris", "2026-11-16", "2026-11-30T22:59:59"),
        # The clock changes between conclusion and last day: on 29 March to summer, on 25 October back.
        ("Europe/Paris", "2026-03-17", "2026-03-31T21:59:59"),
        ("Europe/Paris", "2026-10-13", "2026-10-27T22:59:59"),
        ("America/Guadeloupe", "2026-07-01", "2026-07-16T03:59:59"),
        ("Indian/Reunion", "2026-07-01", "2026-07-15T19:59:59"),
        # At midnight after Thursday 29 October Cairo's clock goes back to 23:00: the last hour comes twice.
        ("Africa/Cairo", "2026-10-15", "2026-10-29T21:59:59"),
    ],
)
def test_the_last_second_is_that_of_the_customers_zone(zone, concluded, utc):
    found = deadline(date.fromisoformat(concluded), "", ZoneInfo(zone))
    assert found.ends_at.astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.sampled_from(["FR", "DE", "ES", "IT", "PL", "GB", "XX", ""]))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_whatever_the_day(concluded, country):
    found = deadline(concluded, country, PARIS)
    assert found.last_day >= concluded + timedelta(days=DAYS)
    assert found.last_day.weekday() < 5
    assert found.last_day not in (national_holidays(country, found.last_day.year) or ())
    # Every day that was passed over was no working day, and the working names each of them.
    passed = [step.day for step in found.steps if step.code in ("weekend", "holiday")]
    assert passed == [
        concluded + timedelta(days=DAYS + number) for number in range((found.last_day - concluded).days - DAYS)
    ]


def test_the_working_in_words():
    with override("en"):
        lines = words.working(deadline(date(2026, 6, 30), "FR", PARIS))
    assert lines == [
        "Concluded on Tuesday, 30 June 2026; that day does not count.",
        "14 days end on Tuesday, 14 July 2026.",
        "Tuesday, 14 July 2026 is a national holiday (National Day), so the time does not end then.",
        "It moves to the next working day: Wednesday, 15 July 2026, to its last second.",
    ]


def test_a_country_without_calendar_is_said():
    with override("en"):
        lines = words.working(deadline(date(2026, 6, 30), "XX", PARIS))
    assert lines[-1].startswith("We have no calendar of holidays")
