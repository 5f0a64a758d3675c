"""
The last moment to withdraw. The cases stand in `deadlines.txt`, for a lawyer to read; the calendars they were counted
on, in `official_holidays.py`.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.retraction import words
from orders.retraction.deadline import DAYS, deadline, deadline_after, holiday_name, national_holidays
from tests.orders.retraction.official_holidays import OFFICIAL, Calendar

PARIS = ZoneInfo("Europe/Paris")

TABLE = Path(__file__).with_name("deadlines.txt").read_text(encoding="utf-8")


def rows() -> list[tuple[str, str, str, str, str]]:
    """country ("" for none), zone, concluded, last moment, why."""
    lines = [line for line in TABLE.splitlines() if line and not line.startswith("#")]
    cells = [tuple(cell.strip() for cell in line.split("|")) for line in lines]
    return [(country.replace("-", ""), zone, concluded, last, why) for country, zone, concluded, last, why in cells]


def moment(text: str) -> datetime:
    """Of `Tue 2026-06-30 09:12 +02:00`; the day of the week is the reader's, and is checked."""
    day, rest = text.split(" ", 1)
    found = datetime.fromisoformat(rest.replace(" ", "T", 1).replace(" ", ""))
    assert f"{found:%a}" == day, f"{text} is a {found:%A}"
    return found


@pytest.mark.parametrize(
    ("country", "zone", "concluded", "last", "why"), rows(), ids=[f"{r[0]} {r[2]}" for r in rows()]
)
def test_last_moment(country, zone, concluded, last, why):
    found = deadline_after(moment(concluded), country, ZoneInfo(zone))
    assert found.ends_at == moment(last), why
    assert found.ends_at.isoformat() == moment(last).isoformat(), "told in the customer's own time"
    assert found.last_day == moment(last).date()


def test_the_table_holds_sixty_cases_over_ten_countries():
    table = rows()
    assert len(table) >= 60
    assert len(set(table)) == len(table)
    assert len({country for country, *_ in table if country in OFFICIAL}) >= 10


# --- The calendars ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("year", [2026, 2027])
@pytest.mark.parametrize(("country", "official"), OFFICIAL.items(), ids=OFFICIAL)
def test_the_library_knows_what_the_laws_say(country: str, official: Calendar, year: int):
    written = {2026: official.in_2026, 2027: official.in_2027}[year]
    expected = [date.fromisoformat(f"{year}-{day}") for day in written.split()]
    assert all(day.weekday() < 5 for day in expected), "days at a weekend are left away"
    assert sorted(day for day in national_holidays(country, year) or () if day.weekday() < 5) == expected, (
        official.source
    )


@pytest.mark.parametrize("year", [2026, 2027])
@pytest.mark.parametrize("country", OFFICIAL)
def test_every_holiday_has_a_name_in_the_readers_language(country: str, year: int):
    for day in national_holidays(country, year) or ():
        assert holiday_name(country, day, "en_US")
        assert holiday_name(country, day, "fr")


def test_days_that_only_a_law_on_time_limits_names():
    assert holiday_name("NL", date(2026, 5, 5), "en_US") == "Liberation Day"
    assert holiday_name("AT", date(2026, 4, 3), "en_US") == "Good Friday"
    assert date(2026, 12, 24) not in (national_holidays("AT", 2026) or ()), "a bank holiday is no holiday"


# --- The last second --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "concluded", "utc"),
    [
        ("Europe/Paris", "2026-07-01", "2026-07-15T21:59:59"),
        ("Europe/Paris", "2026-11-16", "2026-11-30T22:59:59"),
        # At midnight after Thursday 29 October Cairo's clock goes back to 23:00: the last hour comes twice.
        ("Africa/Cairo", "2026-10-15", "2026-10-29T21:59:59"),
    ],
)
def test_the_last_second_is_that_of_the_customers_zone(zone, concluded, utc):
    found = deadline(date.fromisoformat(concluded), "", ZoneInfo(zone))
    assert found.ends_at.astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


# --- Whatever the day, wherever ---------------------------------------------------------------------------------------
COUNTRIES = st.sampled_from([*OFFICIAL, "SN", "TN", "MA", "GR", "SE", "US", "XX", ""])
ZONES = st.sampled_from(
    "Europe/Paris Europe/Lisbon Europe/Athens Atlantic/Azores America/Guadeloupe Indian/Reunion Pacific/Noumea"
    " Africa/Cairo Africa/Casablanca America/Santiago Asia/Beirut Australia/Lord_Howe America/Nuuk UTC".split()
)
SOME_DAY = datetime(2021, 1, 1, tzinfo=UTC)
DAYS_OF_FIFTEEN_YEARS = st.dates(date(2021, 1, 1), date(2035, 12, 1))


@given(DAYS_OF_FIFTEEN_YEARS, COUNTRIES, ZONES)
@settings(max_examples=400, derandomize=True, deadline=None)
def test_never_before_the_fourteenth_day_is_over(concluded, country, zone):
    found = deadline(concluded, country, ZoneInfo(zone))
    assert found.last_day >= concluded + timedelta(days=DAYS)
    over = datetime.combine(concluded + timedelta(days=DAYS + 1), datetime.min.time(), tzinfo=ZoneInfo(zone))
    assert found.ends_at.astimezone(UTC) >= over.astimezone(UTC) - timedelta(seconds=1)


@given(DAYS_OF_FIFTEEN_YEARS, COUNTRIES)
@settings(max_examples=400, derandomize=True, deadline=None)
def test_the_last_day_is_a_working_day_and_the_first_one(concluded, country):
    found = deadline(concluded, country, PARIS)
    assert found.last_day.weekday() < 5
    assert found.last_day not in (national_holidays(country, found.last_day.year) or ())
    # Every day that was passed over was no working day, and the working names each of them.
    passed = [step.day for step in found.steps if step.code in ("weekend", "holiday")]
    assert passed == [
        concluded + timedelta(days=DAYS + number) for number in range((found.last_day - concluded).days - DAYS)
    ]


@given(DAYS_OF_FIFTEEN_YEARS, COUNTRIES, ZONES)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_who_concludes_later_never_has_to_hurry_more(concluded, country, zone):
    ends = [deadline(concluded + timedelta(days=number), country, ZoneInfo(zone)).ends_at for number in range(10)]
    assert all(first.astimezone(UTC) <= second.astimezone(UTC) for first, second in pairwise(ends))


@given(DAYS_OF_FIFTEEN_YEARS, COUNTRIES, ZONES)
@settings(max_examples=400, derandomize=True, deadline=None)
def test_no_clock_takes_an_hour_away(concluded, country, zone):
    """The second after the last one belongs to the next day, whichever way clocks are put in between."""
    found = deadline(concluded, country, ZoneInfo(zone))
    second_after = (found.ends_at.astimezone(UTC) + timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    assert second_after.date() == found.last_day + timedelta(days=1)
    assert (found.ends_at.hour, found.ends_at.minute, found.ends_at.second) == (23, 59, 59)


@given(st.integers(0, 15 * 366 * 86_400).map(lambda seconds: SOME_DAY + timedelta(seconds=seconds)), COUNTRIES, ZONES)
@settings(max_examples=200, derandomize=True, deadline=None)
def test_a_moment_counts_by_its_day_in_the_customers_zone(concluded, country, zone):
    local = concluded.astimezone(ZoneInfo(zone))
    assert deadline_after(concluded, country, ZoneInfo(zone)) == deadline(local.date(), country, ZoneInfo(zone))


# --- In words ---------------------------------------------------------------------------------------------------------
def test_the_working_in_words():
    with override("en"):
        lines = words.working(deadline(date(2026, 6, 30), "FR", PARIS))
    assert lines == [
        "Concluded on Tuesday, 30 June 2026; that day does not count.",
        "14 days end on Tuesday, 14 July 2026.",
        "Tuesday, 14 July 2026 is a national holiday (National Day), so the time does not end then.",
        "It moves to the next working day: Wednesday, 15 July 2026, to its last second.",
    ]


def test_the_working_in_french_names_the_holiday():
    with override("fr"):
        lines = words.working(deadline(date(2026, 4, 21), "NL", ZoneInfo("Europe/Amsterdam")))
    assert any("5 mai 2026" in line and "(" in line for line in lines)


def test_a_country_without_calendar_is_said():
    with override("en"):
        lines = words.working(deadline(date(2026, 6, 30), "XX", PARIS))
    assert lines[-1].startswith("We have no calendar of holidays")
