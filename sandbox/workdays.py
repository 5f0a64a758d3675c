"""Days on which somebody looks at orders by hand: not at weekends, nor on the holidays of the customer's country."""

from datetime import date, datetime
from functools import lru_cache

import holidays

from .world import PARIS

# Where the country alone does not say which days are free.
_PART = {"GB": "ENG", "CA": "QC"}
_HOME = "FR"


def is_working_time(moment: datetime, country: str) -> bool:
    """Tell whether it is a working day at this moment, by the calendar of OVHcloud's own time zone."""
    day = moment.astimezone(PARIS).date()
    return day.weekday() < 5 and not _is_holiday(day, country)


@lru_cache(1024)
def _is_holiday(day: date, country: str) -> bool:
    known = country if country in holidays.list_supported_countries() else _HOME
    return day in holidays.country_holidays(known, subdiv=_PART.get(known), years=day.year)
