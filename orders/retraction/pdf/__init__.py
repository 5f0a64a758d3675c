"""
The receipt as a file that outlives us: PDF/A-3b with the declaration inside, tagged as PDF/UA-1 asks, by Typst.

One front door: `typeset`. Words are handed in as data; the template is the only thing that Typst reads as source, and
it reads from an empty directory.
"""

import json
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import typst

from orders.retraction.pdf.glyphs import FONTS, printable

STANDARDS: list[Literal["a-3b", "ua-1"]] = ["a-3b", "ua-1"]
_TEMPLATE = Path(__file__).with_name("receipt.typ")
# What is octets or an address and not words on paper: it passes as it is.
_AS_THEY_ARE = frozenset({"declaration", "language", "region", "verify_url"})


class PdfFailed(Exception):
    """The engine made no document; its own words. Worth another try later."""


def typeset(data: dict[str, Any], made_at: datetime) -> bytes:
    """
    Return the receipt of these words as PDF; the same words at the same moment give the same octets.

    data: what receipt.typ names. `declaration` is the JSON that is attached, octet by octet.
    made_at: the moment the document says it was made at.
    Raises: PdfFailed.
    """
    try:
        try:
            return _compile(data, made_at, strict=False)
        except typst.TypstError:
            # A mixture that no font can shape after all: spell what is beyond Latin, Greek and Cyrillic.
            return _compile(data, made_at, strict=True)
    except (RuntimeError, ValueError, OSError) as error:
        raise PdfFailed(f"{type(error).__name__}: {error}"[:300]) from error
    except BaseException as error:
        # The engine is Rust: where it panics, what comes over is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise PdfFailed(f"PanicException: {error}"[:300]) from error


def _compile(data: dict[str, Any], made_at: datetime, *, strict: bool) -> bytes:
    words = {key: value if key in _AS_THEY_ARE else _printable(value, strict) for key, value in data.items()}
    with tempfile.TemporaryDirectory(prefix="order-panel-typst-") as empty:
        # Its stubs take source in octets only with directories in octets.
        made = typst.compile(  # type: ignore[call-overload]
            _TEMPLATE.read_bytes(),
            root=empty,
            package_path=empty,
            package_cache_path=empty,
            font_paths=[str(FONTS)],
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": json.dumps(words)},
            pdf_standards=STANDARDS,
            timestamp=made_at.replace(microsecond=0),
        )
    assert isinstance(made, bytes)  # noqa: S101  (for the type checker: one document, no path to write to)
    return made


def _printable(value: Any, strict: bool) -> Any:
    if isinstance(value, str):
        return printable(value, strict=strict)
    if isinstance(value, list | tuple):
        return [_printable(part, strict) for part in value]
    return value
