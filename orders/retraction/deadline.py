"""
The last moment to withdraw, computed by the law's own arithmetic. Pure: no clock, no database, no words.

Directive 2011/83/EU art. 9 gives 14 days from the conclusion of a contract for services; regulation (EEC) 1182/71
art. 3 says how to count them: the day of the conclusion is not counted, the last day counts to its last hour, and a
last day that is a Saturday, a Sunday or a public holiday moves to the next working day (in France, code de la
consommation L.221-19).
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

import holidays

DAYS = 14
LAST_SECOND = time(23, 59, 59)

# Days that a law on time limits equates with holidays, and that the library keeps in another category than the public
# ones: category, and the library's English name. The Netherlands: Algemene termijnenwet art. 3. Austria: federal act
# BGBl. 37/1961, section 1.
MINDED_TOO = {"NL": ("optional", "Liberation Day"), "AT": ("bank", "Good Friday")}


@dataclass(frozen=True, slots=True)
class Step:
    """
    One line of the working.

    code: `concluded` (not counted), `counted` (the fourteenth day), `weekend` or `holiday` (a day that cannot be the
    last), `moved` (the working day it moved to), `no_calendar` (we know no holidays of this country).
    """

    code: str
    day: date


@dataclass(frozen=True, slots=True)
class Deadline:
    """
    last_day: in the customer's zone. ends_at: its last second, 23:59:59, in that zone.

    country: two letters, "" when unknown; then, and where we have no calendar, weekends alone were minded.
    """

    last_day: date
    ends_at: datetime
    steps: tuple[Step, ...]
    country: str


def deadline_after(concluded: datetime, country: str, zone: tzinfo) -> Deadline:
    """The same from a moment: its day is that of the customer's zone, which may be the day after OVHcloud's."""
    return deadline(concluded.astimezone(zone).date(), country, zone)


def deadline(concluded: date, country: str, zone: tzinfo) -> Deadline:
    """
    Return until when a contract concluded on that day can be withdrawn from.

    concluded: the day in the customer's zone. country: the account's, ISO 3166, whose national holidays count; those of
    its regions do not.
    """
    country = country.upper()
    day = concluded + timedelta(days=DAYS)
    steps = [Step("concluded", concluded), Step("counted", day)]
    while why := _not_working(day, country):
        steps.append(Step(why, day))
        day += timedelta(days=1)
    if len(steps) > 2:
        steps.append(Step("moved", day))
    if national_holidays(country, day.year) is None:
        steps.append(Step("no_calendar", day))
    # fold=1: where a clock is put back over midnight the last hour comes twice, and the customer has both.
    ends_at = datetime.combine(day, LAST_SECOND, tzinfo=zone).replace(fold=1)
    return Deadline(day, ends_at, tuple(steps), country)


@lru_cache(maxsize=2048)
def national_holidays(country: str, year: int) -> frozenset[date] | None:
    """
    Return the days of a year that count as holidays in the whole country, None where the library knows no such country.
    """
    try:
        public = frozenset(holidays.country_holidays(country, years=year))
    except (NotImplementedError, KeyError, ValueError):
        return None
    if country not in MINDED_TOO:
        return public
    category, name = MINDED_TOO[country]
    others = holidays.country_holidays(country, years=year, categories=(category,), language="en_US")
    return public | frozenset(day for day, named in others.items() if named == name)


@lru_cache(maxsize=512)
def holiday_name(country: str, day: date, language: str) -> str:
    """Return what the day is called, in the reader's language where the library has it; "" for no holiday."""
    categories = ("public", MINDED_TOO[country][0]) if country in MINDED_TOO else None
    try:
        named = holidays.country_holidays(country, years=day.year, language=language, categories=categories)
    except (NotImplementedError, KeyError, ValueError):
        return ""
    return str(named.get(day) or "")


def _not_working(day: date, country: str) -> str:
    if day.weekday() >= 5:
        return "weekend"
    if day in (national_holidays(country, day.year) or ()):
        return "holiday"
    return ""
