"""The look: published tokens repeated truly, enough contrast in both schemes, nothing inline."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import find

ROOT = Path(settings.BASE_DIR)
CSS = (ROOT / "static/css/panel.css").read_text()
TOKENS = (ROOT / "static/vendor/ods-themes/tokens.css").read_text()
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


def declared(css):
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", css))


def scheme(name):
    """The custom properties as one colour scheme has them, references resolved."""
    root, dark = re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)[:2]
    values = declared(root) | (declared(dark) if name == "dark" else {})

    def resolve(value):
        found = re.fullmatch(r"var\((--[\w-]+)\)", value)
        return resolve(values[found[1]]) if found else value

    return {key.removeprefix("--"): resolve(value) for key, value in values.items()}


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_tokens_are_those_of_the_theme():
    ours = {name: value for name, value in declared(CSS).items() if name.startswith("--ods-")}
    theirs = declared(TOKENS)
    assert ours
    assert {name: theirs.get(name) for name in ours} == ours


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize(
    ("ink", "ground", "least"),
    [
        *[(ink, ground, 4.5) for ink in ("ink", "soft", "accent") for ground in ("ground", "sheet")],
        *[(tone, f"{tone}-ground", 4.5) for tone in ("info", "success", "warning", "critical", "neutral")],
        *[(tone, "sheet", 4.5) for tone in ("critical", "success", "warning")],
        ("accent-ink", "accent", 4.5),
        ("accent-ink", "accent-over", 4.5),
        ("edge", "sheet", 3),
        ("ring", "ground", 3),
        ("ring", "sheet", 3),
    ],
)
def test_contrast_is_enough(name, ink, ground, least):
    values = scheme(name)
    assert contrast(values[ink], values[ground]) >= least


def test_the_style_sheet_stays_small_and_loads_nothing():
    assert len(gzip.compress(CSS.encode())) < 8_500
    assert "@import" not in CSS
    assert "url(" not in CSS


def test_a_cold_first_page_is_small(client, db):
    page = client.get("/").content
    text = page.decode()
    files = re.findall(r'(?:src|href)="/static/([^"]+)"', text)
    sizes = {name: len(gzip.compress(Path(find(name)).read_bytes())) for name in files}
    assert sum(sizes.values()) + len(gzip.compress(page)) < 50_000, sizes
    # Before text shows: the page and its one style sheet; scripts are deferred.
    assert len(re.findall(r'rel="stylesheet"', text)) == 1
    assert re.findall(r"<script (?![^>]*defer)", text) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_inline(template):
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|hx-on", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "|safe" not in text
