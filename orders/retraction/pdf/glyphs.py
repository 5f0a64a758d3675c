"""Which characters the receipt's fonts can show. PDF/A forbids a missing glyph, so the others are spelled: U+1F9FE."""

import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FONTS = Path(__file__).parent / "fonts"

# Joiners have no look of their own but decide how Persian and Arabic letters join.
_JOINERS = "\u200c\u200d"
_BEYOND_CYRILLIC = 0x0530


def printable(text: str, *, strict: bool = False) -> str:
    """
    Return the text with every character that has no glyph, or would act instead of show, as U+XXXX.

    strict: keep plain letters of Latin, Greek and Cyrillic alone, should Typst see a gap where we see none.
    """
    told: list[str] = []
    shown = ""  # the letter, with its marks so far, that a further mark would stand on
    for character in text.replace("\r\n", "\n").replace("\t", " "):
        cluster = shown + character if _is_mark(character) else character
        if _shows(character, strict) and _in_one_font(cluster):
            told.append(character)
            shown = cluster
        else:
            told.append(f"U+{ord(character):04X}")
    return "".join(told)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or character in _JOINERS


def _shows(character: str, strict: bool) -> bool:
    if strict and (ord(character) >= _BEYOND_CYRILLIC or _is_mark(character)):
        return False
    # Cc and Cf control, Co and Cn mean nothing to a reader. A bidi override would make a receipt read otherwise.
    return unicodedata.category(character)[0] != "C" or character in _JOINERS + "\n"


def _in_one_font(cluster: str) -> bool:
    """A letter and its marks are shaped together, so one font must have them all."""
    codes = {ord(character) for character in cluster if character != "\n"}
    return any(codes <= font for font in fonts().values())


@cache
def fonts() -> dict[str, frozenset[int]]:
    """The code points that each font has a glyph for, by its file's name."""
    return {font.stem: frozenset(code_points(font.read_bytes())) for font in sorted(FONTS.glob("*.ttf"))}


def code_points(font: bytes) -> set[int]:
    """Read a TrueType font's `cmap`: formats 4 and 12, of which every current font has one."""
    (tables,) = struct.unpack_from(">H", font, 4)
    records = (struct.unpack_from(">4sLLL", font, 12 + 16 * number) for number in range(tables))
    start = next(offset for tag, _, offset, _ in records if tag == b"cmap")
    (subtables,) = struct.unpack_from(">H", font, start + 2)
    found: set[int] = set()
    for number in range(subtables):
        platform, encoding, offset = struct.unpack_from(">HHL", font, start + 4 + 8 * number)
        if (platform, encoding) not in {(3, 1), (3, 10), (0, 3), (0, 4)}:
            continue
        (layout,) = struct.unpack_from(">H", font, start + offset)
        if layout == 4:
            found |= set(_format_4(font, start + offset))
        elif layout == 12:
            found |= set(_format_12(font, start + offset))
    return found


def _format_4(font: bytes, at: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", font, at + 6)
    count = twice // 2
    ends, starts, deltas, offsets = (at + 14, at + 16 + twice, at + 16 + 2 * twice, at + 16 + 3 * twice)
    for segment in range(count):
        (end,) = struct.unpack_from(">H", font, ends + 2 * segment)
        (start,) = struct.unpack_from(">H", font, starts + 2 * segment)
        (delta,) = struct.unpack_from(">h", font, deltas + 2 * segment)
        (offset,) = struct.unpack_from(">H", font, offsets + 2 * segment)
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", font, offsets + 2 * segment + offset + 2 * (code - start))
                if glyph == 0:
                    continue
            if (glyph + delta) % 0x10000:
                yield code


def _format_12(font: bytes, at: int) -> Iterator[int]:
    (groups,) = struct.unpack_from(">L", font, at + 12)
    for number in range(groups):
        first, last, glyph = struct.unpack_from(">LLL", font, at + 16 + 12 * number)
        yield from range(first + (glyph == 0), last + 1)
