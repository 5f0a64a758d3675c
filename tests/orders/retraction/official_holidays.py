"""
National holidays as the laws name them, written down by hand from the laws and official calendars named beside them.

They are data to check the library `holidays` against, and so not made with it. Days on a Saturday or Sunday are left
away: no last day falls on them anyway. Easter Sunday is 5 April 2026 and 28 March 2027.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Calendar:
    """
    source: the law, and for days that are fixed year by year the act that fixed them. Days are `MM-DD`, Monday to
    Friday.
    """

    source: str
    in_2026: str
    in_2027: str


OFFICIAL = {
    "FR": Calendar(
        "Code du travail, art. L3133-1",
        "01-01 04-06 05-01 05-08 05-14 05-25 07-14 11-11 12-25",
        "01-01 03-29 05-06 05-17 07-14 11-01 11-11",
    ),
    "DE": Calendar(
        "The nine days that the holiday acts of all sixteen Länder have in common, with 3 October by art. 2(2) of the"
        " Unification Treaty",
        "01-01 04-03 04-06 05-01 05-14 05-25 12-25",
        "01-01 03-26 03-29 05-06 05-17",
    ),
    "ES": Calendar(
        "Real Decreto 2001/1983, art. 45; the list of the Dirección General de Trabajo (BOE, 28 October 2025): days"
        " that every Comunidad keeps",
        "01-01 01-06 04-03 05-01 10-12 12-08 12-25",
        "01-01 01-06 03-26 10-12 11-01 12-06 12-08",
    ),
    "IT": Calendar(
        "Legge 27 maggio 1949 n. 260, art. 1 and 2, with legge 336/2000 (2 June) and legge 8 ottobre 2025 n. 151"
        " (4 October, from 2026); legge 54/1977 and DPR 792/1985 for what was abolished and restored",
        "01-01 01-06 04-06 05-01 06-02 12-08 12-25",
        "01-01 01-06 03-29 06-02 10-04 11-01 12-08",
    ),
    "PL": Calendar(
        "Ustawa z dnia 18 stycznia 1951 r. o dniach wolnych od pracy, art. 1, with 24 December since 2025",
        "01-01 01-06 04-06 05-01 06-04 11-11 12-24 12-25",
        "01-01 01-06 03-29 05-03 05-27 11-01 11-11 12-24",
    ),
    "PT": Calendar(
        "Código do Trabalho, art. 234.º n.º 1",
        "01-01 04-03 05-01 06-04 06-10 10-05 12-01 12-08 12-25",
        "01-01 03-26 05-27 06-10 10-05 11-01 12-01 12-08",
    ),
    "IE": Calendar(
        "Organisation of Working Time Act 1997, second schedule, with S.I. 50/2022 (first Monday of February)",
        "01-01 02-02 03-17 04-06 05-04 06-01 08-03 10-26 12-25",
        "01-01 02-01 03-17 03-29 05-03 06-07 08-02 10-25",
    ),
    "BE": Calendar(
        "Loi du 4 janvier 1974 and arrêté royal du 18 avril 1974, art. 1",
        "01-01 04-06 05-01 05-14 05-25 07-21 11-11 12-25",
        "01-01 03-29 05-06 05-17 07-21 11-01 11-11",
    ),
    "NL": Calendar(
        "Algemene termijnenwet, art. 3(1), and 3(2) for Good Friday; days equated by royal decree, 3(3), left out",
        "01-01 04-03 04-06 04-27 05-05 05-14 05-25 12-25",
        "01-01 03-26 03-29 04-27 05-05 05-06 05-17",
    ),
    "AT": Calendar(
        "Arbeitsruhegesetz, § 7(2); Good Friday by BGBl. 37/1961, § 1, on time limits",
        "01-01 01-06 04-03 04-06 05-01 05-14 05-25 06-04 10-26 12-08 12-25",
        "01-01 01-06 03-26 03-29 05-06 05-17 05-27 10-26 11-01 12-08",
    ),
    "LU": Calendar(
        "Code du travail, art. L.232-2",
        "01-01 04-06 05-01 05-14 05-25 06-23 12-25",
        "01-01 03-29 05-06 05-17 06-23 11-01",
    ),
    "FI": Calendar(
        "Kirkkolaki on church holidays; itsenäisyyspäivä and vappu by their acts; Midsummer Eve and Christmas Eve by"
        " laki säädettyjen määräaikain laskemisesta 150/1930, § 5",
        "01-01 01-06 04-03 04-06 05-01 05-14 06-19 12-24 12-25",
        "01-01 01-06 03-26 03-29 05-06 06-25 12-06 12-24",
    ),
    "CZ": Calendar(
        "Zákon č. 245/2000 Sb., § 1 and § 2",
        "01-01 04-03 04-06 05-01 05-08 07-06 09-28 10-28 11-17 12-24 12-25",
        "01-01 03-26 03-29 07-05 07-06 09-28 10-28 11-17 12-24",
    ),
    "LT": Calendar(
        "Darbo kodeksas, 123 str.",
        "01-01 02-16 03-11 04-06 05-01 06-24 07-06 11-02 12-24 12-25",
        "01-01 02-16 03-11 03-29 06-24 07-06 11-01 11-02 12-24",
    ),
    "GB": Calendar(
        "Banking and Financial Dealings Act 1971, schedule 1, and proclamations: days kept in England, Wales, Scotland"
        " and Northern Ireland alike, with substitutes",
        "01-01 04-03 05-04 05-25 12-25 12-28",
        "01-01 03-26 05-03 05-31 12-27 12-28",
    ),
}
