"""docs/security.md names the test of each attack and each claim: those tests are there."""

import re
from pathlib import Path

import pytest

from panel import settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs/security.md").read_text()
FILE = re.compile(r"(?:`([\w/]+\.py)`|\[[^\]]+\]\(\.\./tests/([\w/]+\.py)\))([^`\[;|]*)")


def rows(title: str) -> list[list[str]]:
    """The rows of the table under a heading, as cells."""
    part = TEXT.split(f"\n## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


NAMED = rows("Attacks, each with its test") + rows("Claims and their tests")


def functions(file: str) -> list[str]:
    """Names of what a file of tests holds; one that belongs to a package of tests may be named without it."""
    return re.findall(r"^def (\w+)", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_every_claim_of_the_forty_has_its_row():
    numbers = [number for row in rows("Claims and their tests") for number in re.findall(r"\d+", row[0])]
    assert numbers == [str(number) for number in range(1, 41)]


@pytest.mark.parametrize("row", NAMED, ids=[" ".join(row[:2])[:60] for row in NAMED])
def test_each_row_names_tests_that_are_there(row: list[str]):
    held = row[-1]
    if held.startswith("do not exist yet"):
        return
    found = FILE.findall(held)
    assert found, "no test is named"
    folder = ""
    for bare, linked, after in found:
        name = bare or linked
        name = name if "/" in name else f"{folder}/{name}"
        folder = name.rpartition("/")[0]
        assert (ROOT / "tests" / name).is_file(), name
        for word in re.findall(r"\b[a-z]+(?:_[a-z0-9]+)+\b", after):
            assert any(word in function for function in functions(name)), f"{name} has no test of {word}"


def test_the_cookies_and_times_it_tells_are_those_of_the_settings():
    for name in ("panel_session", "panel_csrf", settings.LANGUAGE_COOKIE_NAME):
        assert f"`{name}`" in TEXT
    told = {row[0]: row[1:3] for row in rows("Sessions")}
    assert told["unused"] == [
        f"{settings.SESSION_IDLE_MINUTES // 60} h (`SESSION_IDLE_MINUTES`)",
        f"{settings.STAFF_SESSION_IDLE_MINUTES} min (`STAFF_SESSION_IDLE_MINUTES`)",
    ]
    assert told["in all"][0] == f"{settings.SESSION_COOKIE_AGE // 3600} h (`SESSION_HOURS`)"
