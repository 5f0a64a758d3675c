"""docs/withdrawal.md names a test beside each rule: the test is there, and there is no rule without one."""

import re
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]
PAGE = (CHECKOUT / "docs" / "withdrawal.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`((?:[a-z_]+/)+test_[a-z_]+\.py)`((?: [a-z_]+(?: \([^)]*\))?,?)+)")


def rules() -> list[list[str]]:
    """The cells of each rule: what, where, shown by."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| rule ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_each_rule_names_tests_that_are_there():
    assert len(rules()) > 25
    for what, _where, shown in rules():
        named = NAMED.findall(shown)
        assert named, what
        for path, parts in named:
            tests = re.findall(r"^def test_(\w+)", (CHECKOUT / "tests" / path).read_text(), re.MULTILINE)
            for part in re.findall(r"[a-z_]+", re.sub(r"\([^)]*\)", "", parts)):
                assert any(part in test for test in tests), f"{path}: no test named …{part}…"


def test_each_file_that_is_named_is_there():
    for _what, where, _shown in rules():
        for path in re.findall(r"`((?:[a-z_]+/)+[a-z_.]*)`", where):
            assert (CHECKOUT / path).exists(), path
