"""
Amounts, dates and spans of time as a reader of this language writes them (Babel), with its own spaces.

Formatting an amount or a day costs more than reading its row, and pages show the same ones again: they are kept.
"""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, get_timezone_location
from babel.numbers import format_currency, format_decimal, get_currency_precision
from django.conf import settings
from django.utils.translation import get_language, ngettext, pgettext
from django.utils.translation import gettext as _

# Where a language's readers of this installation live; decides the order of a date's parts.
_TERRITORIES = {
    "ovh-us": {"en": "US", "fr": "CA", "es": "US"},
    "ovh-ca": {"en": "CA", "fr": "CA"},
}
_EUROPE = {"en": "GB"}
_NBSP = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_THE_FIRST = re.compile(r"\b1(?=[ \N{NO-BREAK SPACE}][a-zéû])")
_VOWELS = "AÂÀÅÄEÉÈÊËIÎÏÍOÔÓÖØUÙÛÜÚ"


def locale() -> Locale:
    """The reader's: the page's language as it is written where this installation's endpoint is."""
    return _locale(get_language() or "en", settings.OVH_ENDPOINT)


@lru_cache
def _locale(language: str, endpoint: str) -> Locale:
    code = language.split("-")[0]
    territory = _TERRITORIES.get(endpoint, _EUROPE).get(code)
    return Locale.parse(f"{code}_{territory}" if territory else code)


def money(value: Decimal, currency_code: str) -> str:
    """An amount with its currency, never wrapped; `points` and `N/A` are currencies, too."""
    return _money(value, currency_code, locale())


@lru_cache(maxsize=8192)
def _money(value: Decimal, currency_code: str, reader: Locale) -> str:
    if currency_code == "points":
        number = format_decimal(value, locale=reader)
        text = ngettext("%(n)s point", "%(n)s points", 1 if abs(value) == 1 else 2) % {"n": number}
    elif len(currency_code) != 3 or not currency_code.isalpha():
        text = f"{format_decimal(value, '#,##0.00######', locale=reader)} {currency_code}".strip()
    else:
        # Unit prices may be fractions of a cent; nothing is rounded away that the customer pays.
        digits = get_currency_precision(currency_code)
        exact = value == round(value, digits)
        text = format_currency(value, currency_code, locale=reader, decimal_quantization=exact)
    return text.replace(" ", _NBSP).replace("-", _MINUS)


def day(moment: datetime | date, zone: ZoneInfo) -> str:
    """“20 Nov 2026”."""
    return _day(_local_date(moment, zone), locale())


@lru_cache(maxsize=4096)
def _day(when: date, reader: Locale) -> str:
    return written(format_date(when, "medium", locale=reader), reader).replace(" ", _NBSP)


def long_day(moment: datetime | date, zone: ZoneInfo) -> str:
    """“20 November 2026”."""
    return written(format_date(_local_date(moment, zone), "long", locale=locale()), locale())


def weekday(moment: datetime | date, zone: ZoneInfo, now: datetime) -> str:
    """“Mon 30 Nov”, with the year when it is another one."""
    when = _local_date(moment, zone)
    return _weekday(when, when.year != now.astimezone(zone).year, locale())


@lru_cache(maxsize=1024)
def _weekday(when: date, with_year: bool, reader: Locale) -> str:
    text = written(format_skeleton("yMMMEd" if with_year else "MMMEd", when, locale=reader), reader)
    return text.replace(", ", " ").replace(" ", _NBSP)


def written(text: str, reader: Locale) -> str:
    """A date as people write it: French has “1er” for the first of a month, which Babel's data lacks."""
    return _THE_FIRST.sub("1er", text) if reader.language == "fr" else text


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """“14:02”."""
    return format_time(moment.astimezone(zone), "short", locale=locale())


def short_moment(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """“19 Nov, 10:12”, with the year when it is another one."""
    return _("%(day)s, %(time)s") % {"day": _short_day(moment, zone, now), "time": clock(moment, zone)}


def _short_day(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    local = moment.astimezone(zone)
    skeleton = "MMMd" if local.year == now.astimezone(zone).year else "yMMMd"
    return written(format_skeleton(skeleton, local.date(), locale=locale()), locale())


def long_moment(moment: datetime, zone: ZoneInfo) -> str:
    """“20 November 2026, 14:02”; say the zone beside it where it matters."""
    return _("%(day)s, %(time)s") % {"day": long_day(moment, zone), "time": clock(moment, zone)}


def since(moment: datetime, zone: ZoneInfo, now: datetime) -> str:
    """“14:02” when that was today, else “19 Nov, 14:02”, as it stands after “since”."""
    if moment.astimezone(zone).date() == now.astimezone(zone).date():
        return clock(moment, zone)
    said = {"day": _short_day(moment, zone, now), "time": clock(moment, zone)}
    return pgettext("after “since”", "%(day)s, %(time)s") % said


def zone_words(zone: ZoneInfo) -> str:
    """“Paris time”."""
    city = {"city": get_timezone_location(zone, locale=locale(), return_city=True)}
    if city["city"][:1] in _VOWELS:
        return pgettext("a city that begins with a vowel", "%(city)s time") % city
    return _("%(city)s time") % city


def ago(span: timedelta) -> str:
    """“40 s ago”; a moment that lies ahead by a clock's error is “just now”."""
    seconds = int(span.total_seconds())
    if seconds < 1:
        return _("just now")
    return _("%(span)s ago") % {"span": length(span)}


def ahead(span: timedelta) -> str:
    """“in 6 days”, rounded down: never promise more time than there is."""
    return _("in %(span)s") % {"span": length(span)}


def in_days(days: int) -> str:
    """“in 6 days”: calendar days, for a deadline that is a day. At least 2; nearer ones have words of their own."""
    return _("in %(span)s") % {"span": length(timedelta(days=days))}


def length(span: timedelta) -> str:
    """“40 s”, “25 min”, “5 h”, “6 days”, rounded down."""
    seconds = max(0, int(span.total_seconds()))
    if seconds < 60:
        text = _("%(n)d s") % {"n": seconds}
    elif seconds < 3600:
        text = _("%(n)d min") % {"n": seconds // 60}
    elif seconds < 48 * 3600:
        text = _("%(n)d h") % {"n": seconds // 3600}
    else:
        days = seconds // 86400
        text = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    return text.replace(" ", _NBSP)


def _local_date(moment: datetime | date, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date() if isinstance(moment, datetime) else moment
